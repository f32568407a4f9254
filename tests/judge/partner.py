"""What a partner does in its own console, by raw calls of its account. Must not know gateways' homes, nor what has to come out."""

import scene as scenery


class Partner:
    """The owner of a table in a collaboration."""

    def __init__(self, world, check, name, member="shop", table="customers"):
        self.name, self.member, self.world, self.client = name, member, world, world.stage.client(member)
        self.room = check.room(name, member)
        self.own = self.room["membershipId"]
        tables = [t for page in self.client.get_paginator("list_configured_tables").paginate() for t in page["configuredTableSummaries"]]
        self.table = next(t["id"] for t in tables if t["name"] == f"airlock.{name}.{table}")

    def _rule(self):
        found = self.client.get_configured_table_analysis_rule(configuredTableIdentifier=self.table, analysisRuleType="CUSTOM")
        return found["analysisRule"]["policy"]["v1"]["custom"]

    def _set(self, custom):
        self.client.update_configured_table_analysis_rule(configuredTableIdentifier=self.table, analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": custom}})

    def analyses(self):
        """The ARNs that the table's rule allows."""
        return self._rule()["allowedAnalyses"]

    def drop_analysis(self, template):
        """Takes a template out of the rule; its ARN."""
        found = self.client.list_collaboration_analysis_templates(collaborationIdentifier=self.room["id"])["collaborationAnalysisTemplateSummaries"]
        arn = next(t["arn"] for t in found if t["name"].rsplit("-", 1)[0] == template)
        rule = self._rule()
        self._set(rule | {"allowedAnalyses": [one for one in rule["allowedAnalyses"] if one != arn]})
        return arn

    def widen(self):
        """Allows any query of the runner's."""
        custom = {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [scenery.ACCOUNTS["media"]]}
        self._set(custom)

    def is_wider(self):
        """Whether any query is allowed still."""
        return "ANY_QUERY" in self.analyses()

    def drop_association(self):
        """Takes the table out of the collaboration."""
        for one in self.client.list_privacy_budget_templates(membershipIdentifier=self.own)["privacyBudgetTemplateSummaries"]:
            self.client.delete_privacy_budget_template(membershipIdentifier=self.own, privacyBudgetTemplateIdentifier=one["id"])
        for one in self.client.list_configured_table_associations(membershipIdentifier=self.own)["configuredTableAssociationSummaries"]:
            which = {"membershipIdentifier": self.own, "configuredTableAssociationIdentifier": one["id"]}
            self.client.delete_configured_table_association_analysis_rule(**which, analysisRuleType="CUSTOM")
            self.client.delete_configured_table_association(**which)

    def leave(self):
        """Takes its part down, and leaves."""
        self.drop_association()
        self.client.delete_membership(membershipIdentifier=self.own)
