"""What somebody with an owner's or the runner's permissions does by hand in the console of AWS Clean Rooms: what lets out more than was
agreed, what takes away, what changes nothing. Must not know what has to come of it.
"""

from scene import ACCOUNTS, DATASETS, NAME

EDITS = {}


def edit(effect, call, exposed=None):
    """An edit that lets out more than was agreed, what the plan begins with then, and a query that shows it."""
    def keep(act):
        EDITS[act.__name__.replace("_", " ")] = (act, effect, call, exposed)
        return act
    return keep


class Console:
    """What somebody with the owner's or the runner's permissions does by hand."""

    def __init__(self, scene, dataset="customers"):
        owner = DATASETS[dataset][0]
        self.scene, self.dataset, self.owner, self.media = scene, dataset, scene.stage.client(owner), scene.stage.client("media")
        self.own, self.runs = scene.rooms(owner)["media"]["membershipId"], scene.rooms("media")["media"]["membershipId"]

    @property
    def table(self):
        """The owner's configured table."""
        return next(t for t in self.owner.list_configured_tables()["configuredTableSummaries"] if t["name"] == f"airlock.{NAME}.{self.dataset}")

    @property
    def association(self):
        """The table's place in the collaboration."""
        found = self.owner.list_configured_table_associations(membershipIdentifier=self.own)["configuredTableAssociationSummaries"][0]
        return {"membershipIdentifier": self.own, "configuredTableAssociationIdentifier": found["id"]}

    @property
    def budget(self):
        """The table's cap."""
        found = self.owner.list_privacy_budget_templates(membershipIdentifier=self.own)["privacyBudgetTemplateSummaries"][0]
        return {"membershipIdentifier": self.own, "privacyBudgetTemplateIdentifier": found["id"]}

    def rule(self):
        """The table's rule as it is."""
        found = self.owner.get_configured_table_analysis_rule(configuredTableIdentifier=self.table["id"], analysisRuleType="CUSTOM")
        return found["analysisRule"]["policy"]["v1"]["custom"]

    def set_rule(self, **changes):
        """The rule with other parts; None takes a part out."""
        custom = {name: value for name, value in (self.rule() | changes).items() if value is not None}
        self.owner.update_configured_table_analysis_rule(configuredTableIdentifier=self.table["id"], analysisRuleType="CUSTOM", analysisRulePolicy={"v1": {"custom": custom}})

    def whole(self):
        """All that the owner and the runner have, without what the platform makes up anew."""
        room = self.scene.rooms("media")["media"]["id"]
        arns = {t["arn"]: t["name"] for t in self.media.list_collaboration_analysis_templates(collaborationIdentifier=room)["collaborationAnalysisTemplateSummaries"]}
        table = self.owner.get_configured_table(configuredTableIdentifier=self.table["id"])["configuredTable"]
        rule = self.rule()
        placed = self.owner.get_configured_table_association_analysis_rule(**self.association, analysisRuleType="CUSTOM")["analysisRule"]
        receivers = placed["policy"]["v1"]["custom"]["allowedResultReceivers"]
        cap = self.owner.get_privacy_budget_template(**self.budget)["privacyBudgetTemplate"]["parameters"]["accessBudget"]["budgetParameters"]
        for name in ("allowedLiteralComparisonColumns", "allowedColumnComparisonColumns"):
            rule["comparisonControls"][name].sort()
        rule["allowedAnalyses"] = sorted(arns.get(arn, arn) for arn in rule["allowedAnalyses"])
        source = (table["tableReference"]["glue"]["tableName"], sorted(table["allowedColumns"]))
        return {"table": source, "rule": rule, "receivers": receivers, "cap": cap, "templates": sorted(arns.values())}

    @edit("restrict", "UpdateConfiguredTableAnalysisRule", {"queryString": "SELECT c.region, COUNT(DISTINCT c.mail) FROM customers c JOIN seen e ON c.mail = e.mail GROUP BY c.region"})
    def any_query(self):
        for client, dataset in ((self.owner, "customers"), (self.media, "seen")):
            table = next(t["id"] for t in client.list_configured_tables()["configuredTableSummaries"] if t["name"] == f"airlock.{NAME}.{dataset}")
            policy = {"v1": {"custom": {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [ACCOUNTS["media"]]}}}
            client.update_configured_table_analysis_rule(configuredTableIdentifier=table, analysisRuleType="CUSTOM", analysisRulePolicy=policy)

    @edit("revoke", "DeleteAnalysisTemplate", "by-hand")
    def foreign_template(self):
        text = "SELECT c.segment, COUNT(DISTINCT c.mail) AS n FROM customers c GROUP BY c.segment"
        made = self.media.create_analysis_template(membershipIdentifier=self.runs, name="by-hand-00000000", format="SQL", source={"text": text})["analysisTemplate"]["arn"]
        self.set_rule(allowedAnalyses=[*self.rule()["allowedAnalyses"], made])

    @edit("restrict", "UpdateConfiguredTableAnalysisRule")
    def dangling_arn(self):
        own = self.rule()["allowedAnalyses"]
        self.set_rule(allowedAnalyses=[*own, own[0][:-12] + "000000000000"])

    @edit("restrict", "UpdateConfiguredTableAnalysisRule")
    def threshold_lowered(self):
        self.set_rule(aggregationThresholds=[self.rule()["aggregationThresholds"][0] | {"minimumIdentityCount": 2}])

    @edit("restrict", "UpdateConfiguredTableAnalysisRule")
    def comparisons_allowed(self):
        self.set_rule(comparisonControls=None)

    @edit("revoke", "DeleteConfiguredTableAnalysisRule")
    def columns_widened(self):
        self.owner.update_configured_table(configuredTableIdentifier=self.table["id"], allowedColumns=["mail", "notes", "points", "region", "segment"])

    @edit("revoke", "DeleteConfiguredTableAnalysisRule")
    def another_table(self):
        self.owner.update_configured_table(configuredTableIdentifier=self.table["id"], tableReference={"glue": {"databaseName": "scenes", "tableName": "more_customers"}})

    @edit("restrict", "UpdateConfiguredTableAssociationAnalysisRule")
    def receiver_added(self):
        policy = {"v1": {"custom": {"allowedResultReceivers": [ACCOUNTS["media"], ACCOUNTS["shop"]]}}}
        self.owner.update_configured_table_association_analysis_rule(**self.association, analysisRuleType="CUSTOM", analysisRulePolicy=policy)

    @edit("restrict", "UpdateConfiguredTableAnalysisRule")
    def receivers_deleted(self):
        self.owner.delete_configured_table_association_analysis_rule(**self.association, analysisRuleType="CUSTOM")

    @edit("restrict", "UpdatePrivacyBudgetTemplate")
    def cap_raised(self):
        self.cap_set(5000)

    @edit("restrict", "CreatePrivacyBudgetTemplate")
    def cap_deleted(self):
        self.owner.delete_privacy_budget_template(**self.budget)

    # What takes away.

    def rule_deleted(self):
        """The owner's whole part is gone; the table stays."""
        self.owner.delete_configured_table_analysis_rule(configuredTableIdentifier=self.table["id"], analysisRuleType="CUSTOM")

    def allowed_no_more(self, arn):
        """The rule without one template."""
        self.set_rule(allowedAnalyses=[one for one in self.rule()["allowedAnalyses"] if one != arn])

    def template_deleted(self, name):
        """The runner deletes its text."""
        found = self.media.list_analysis_templates(membershipIdentifier=self.runs)["analysisTemplateSummaries"]
        self.media.delete_analysis_template(membershipIdentifier=self.runs, analysisTemplateIdentifier=next(t["id"] for t in found if t["name"].startswith(f"{name}-")))

    def association_deleted(self):
        """The table is taken out of the collaboration."""
        which = self.association
        self.owner.delete_privacy_budget_template(**self.budget)
        self.owner.delete_configured_table_association_analysis_rule(**which, analysisRuleType="CUSTOM")
        self.owner.delete_configured_table_association(**which)

    def cap_set(self, uses):
        """Another cap."""
        parameters = {"accessBudget": {"budgetParameters": [{"type": "CALENDAR_DAY", "budget": uses, "autoRefresh": "ENABLED"}]}}
        self.owner.update_privacy_budget_template(**self.budget, privacyBudgetType="ACCESS_BUDGET", parameters=parameters)

    # What changes nothing for anybody.

    def harmless(self):
        """Descriptions, a tag, another order."""
        room = self.scene.rooms("media")["media"]["id"]
        self.media.update_collaboration(collaborationIdentifier=room, description="spring, as media calls it")
        self.owner.update_configured_table(configuredTableIdentifier=self.table["id"], description="by hand")
        self.owner.update_configured_table_association(**self.association, description="by hand")
        self.owner.tag_resource(resourceArn=self.table["arn"], tags={"cost-centre": "7"})
        self.owner.update_membership(membershipIdentifier=self.own, queryLogStatus="DISABLED")
        template = self.media.list_analysis_templates(membershipIdentifier=self.runs)["analysisTemplateSummaries"][0]["id"]
        self.media.update_analysis_template(membershipIdentifier=self.runs, analysisTemplateIdentifier=template, description="by hand")
        controls = {name: columns[::-1] for name, columns in self.rule()["comparisonControls"].items()}
        self.set_rule(allowedAnalyses=self.rule()["allowedAnalyses"][::-1], comparisonControls=controls)
