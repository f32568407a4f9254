"""Schemas: a collaboration's tables as every member sees them, with their readiness, worked out anew on each read.

Must not know queries; `facts` is what a query's judge is told.
"""

from .. import visibility
from ..errors import not_found
from ..operations import operation
from ..paging import page
from ..sql.facts import TableFacts
from . import associations
from .analysis_rules import WILDCARDS, body_of

MESSAGES = {
    "ANALYSIS_RULE_MISSING": "The table has no analysis rule",
    "ANALYSIS_TEMPLATES_NOT_CONFIGURED": "The rule allows no analysis",
    "ANALYSIS_PROVIDERS_NOT_CONFIGURED": "The rule allows any query, of nobody",
    "DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED": "There is no differential privacy budget template",
    "COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED": "The association has no collaboration analysis rule",
    "ADDITIONAL_ANALYSES_NOT_CONFIGURED": "No additional analysis is named",
    "ADDITIONAL_ANALYSES_NOT_ALLOWED": "The rule does not allow additional analyses",
    "RESULT_RECEIVERS_NOT_CONFIGURED": "No result receiver is named",
    "RESULT_RECEIVERS_NOT_ALLOWED": "The rule requires additional analyses: results go to nobody directly",
    "ANALYSIS_RULE_TYPES_NOT_COMPATIBLE": "The collaboration analysis rule is of another type than the table's",
}


class Shared:
    """One association with everything that hangs on it, in one view of the world."""

    def __init__(self, view, twin, association):
        self.view, self.twin, self.association = view, twin, association
        self.table = view.tables[association["configuredTableId"]]
        self.rule = view.table_rules.get(self.table["id"])
        self.extra = view.collaboration_rules.get(association["id"])

    @property
    def body(self):
        """The table's rule inside its unions."""
        return body_of(self.rule["policy"], self.rule["type"]) if self.rule else {}

    @property
    def extra_body(self):
        """The collaboration rule inside its unions, when it fits the table's."""
        fits = self.extra and self.rule and self.extra["type"] == self.rule["type"]
        return body_of(self.extra["policy"], self.extra["type"]) if fits else None

    def columns(self, partitions):
        """Allowed columns with their types, partition keys apart from the rest."""
        source = self.twin.catalogue.find(self.table["_owner"], self.table["tableReference"])
        if not source:
            return []
        chosen = source.partition_keys if partitions else source.columns
        return [dict(c) for c in chosen if c["name"] in self.table["allowedColumns"]]

    def receivers(self):
        """Accounts that may receive results, None when the rules name none."""
        lists = [b["allowedResultReceivers"] for b in (self.body, self.extra_body or {}) if "allowedResultReceivers" in b]
        return None if not lists else [r for r in lists[0] if all(r in other for other in lists)]

    def direct(self):
        """Reason codes why direct analysis is not ready."""
        if not self.rule:
            return ["ANALYSIS_RULE_MISSING"]
        codes = []
        if self.extra and self.extra["type"] != self.rule["type"]:
            codes.append("ANALYSIS_RULE_TYPES_NOT_COMPATIBLE")
        if self.rule["type"] == "CUSTOM":
            codes += self._custom()
        if not self.extra and "allowedResultReceivers" not in self.body and self.twin.settings.absent_collaboration_rule == "not_ready":
            codes.append("COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED")
        if self.receivers() == []:
            codes.append("RESULT_RECEIVERS_NOT_CONFIGURED")
        if self.body.get("additionalAnalyses") == "REQUIRED":
            codes.append("RESULT_RECEIVERS_NOT_ALLOWED")
        return codes

    def _custom(self):
        allowed, codes = self.body["allowedAnalyses"], []
        if not allowed:
            codes.append("ANALYSIS_TEMPLATES_NOT_CONFIGURED")
        if set(allowed) & set(WILDCARDS) and not self.body.get("allowedAnalysisProviders"):
            codes.append("ANALYSIS_PROVIDERS_NOT_CONFIGURED")
        if "differentialPrivacy" in self.body and not self._private():
            codes.append("DIFFERENTIAL_PRIVACY_POLICY_NOT_CONFIGURED")
        return codes

    def _private(self):
        return any(t["privacyBudgetType"] == "DIFFERENTIAL_PRIVACY" and t["membershipId"] == self.association["membershipId"]
                   for t in self.view.budget_templates.values())

    def additional(self):
        """Reason codes why additional analysis is not ready."""
        if not self.rule:
            return ["ANALYSIS_RULE_MISSING"]
        if self.rule["type"] == "AGGREGATION" or self.body.get("additionalAnalyses", "NOT_ALLOWED") == "NOT_ALLOWED":
            return ["ADDITIONAL_ANALYSES_NOT_ALLOWED"]
        named = [b["allowedAdditionalAnalyses"] for b in (self.body, self.extra_body or {}) if "allowedAdditionalAnalyses" in b]
        if not self.extra and not named:
            return ["COLLABORATION_ANALYSIS_RULE_NOT_CONFIGURED"]
        return [] if named and all(named) else ["ADDITIONAL_ANALYSES_NOT_CONFIGURED"]

    def details(self):
        """The readiness of both kinds of analysis."""
        return [self._detail("DIRECT_ANALYSIS", self.direct()), self._detail("ADDITIONAL_ANALYSIS", self.additional())]

    def _detail(self, kind, codes):
        detail = {"analysisType": kind, "status": "NOT_READY" if codes else "READY"}
        if self.rule:
            detail["analysisRuleType"] = self.rule["type"]
        if "differentialPrivacy" in self.body:
            detail["configurations"] = ["DIFFERENTIAL_PRIVACY"]
        if codes:
            detail["reasons"] = [{"code": c, "message": MESSAGES[c]} for c in codes]
        return detail

    def entity(self, collaboration):
        """As Schema and SchemaSummary are cut from."""
        a, arn = self.association, self.association["membershipArn"]
        changed = [a["updateTime"], self.table["updateTime"]] + [r["updateTime"] for r in (self.rule, self.extra) if r]
        return {
            "name": a["name"], "type": "TABLE", "creatorAccountId": a["_owner"], "createTime": a["createTime"], "updateTime": max(changed),
            "collaborationId": collaboration["id"], "collaborationArn": collaboration["arn"], "description": a.get("description", ""),
            "analysisRuleTypes": [self.rule["type"]] if self.rule else [], "analysisMethod": self.table["analysisMethod"],
            "selectedAnalysisMethods": self.table.get("selectedAnalysisMethods"), "columns": self.columns(False), "partitionKeys": self.columns(True),
            "schemaStatusDetails": self.details(), "resourceArn": f"{arn}/configuredtableassociation/{a['id']}",
            "schemaTypeProperties": {"configuredTableAssociation": {"configuredTableAssociationId": a["id"]}},
        }

    def consolidated(self):
        """Table rule and collaboration rule as one: what is in force."""
        merged = dict(self.body)
        for field in ("allowedResultReceivers", "allowedAdditionalAnalyses"):
            lists = [b[field] for b in (self.body, self.extra_body or {}) if field in b]
            if lists:
                merged[field] = [e for e in lists[0] if all(e in other for other in lists)]
        kind = next(iter(self.rule["policy"]["v1"]))
        return {"v1": {kind: merged}}

    def facts(self):
        """What the judge of a query is told."""
        source = self.twin.catalogue.find(self.table["_owner"], self.table["tableReference"])
        columns = {c["name"]: c["type"] for c in self.columns(False) + self.columns(True)}
        direct = [] if self.table["analysisMethod"] != "DIRECT_JOB" else ["ANALYSIS_METHOD_NOT_ALLOWED"]
        return TableFacts(self.association["name"], self.table["_owner"], columns, self.rule["type"] if self.rule else None, self.body,
                          location=source.location if source else "", role=self.association["roleArn"], association=self.association["id"],
                          receivers=self.receivers(), not_ready=direct + (self.direct() if self.rule else []))


def shared(view, twin, collaboration_id):
    """Every table of a collaboration by name."""
    found = associations.in_collaboration(view, collaboration_id)
    return {a["name"]: Shared(view, twin, a) for a in found if a["configuredTableId"] in view.tables}


def _find(call, collaboration, name):
    found = shared(call.seen, call.twin, collaboration["id"]).get(name.lower())
    if not found:
        raise not_found("CONFIGURED_TABLE_ASSOCIATION", name, "schema")
    return found


def _rule(collaboration, found, kind):
    if not found.rule or found.rule["type"] != kind:
        raise not_found("CONFIGURED_TABLE_ASSOCIATION", found.association["name"], f"{kind} analysis rule of the schema")
    shown = {"collaborationId": collaboration["id"], "type": kind, "name": found.association["name"], "createTime": found.rule["createTime"],
             "updateTime": found.rule["updateTime"], "policy": found.rule["policy"], "consolidatedPolicy": found.consolidated()}
    return shown | ({"collaborationPolicy": found.extra["policy"]} if found.extra else {})


@operation("ListSchemas")
def list_all(call, params):
    """Tables only: other kinds of schema are not made by the twin."""
    collaboration = visibility.collaboration(call, params["collaborationIdentifier"])
    wanted = params.get("schemaType", "TABLE") == "TABLE"
    found = [s.entity(collaboration) for s in shared(call.seen, call.twin, collaboration["id"]).values()] if wanted else []
    chosen, token = page(found, params, call.settings.page_size_max, key=lambda e: e["name"])
    return {"schemaSummaries": [call.project("SchemaSummary", e) for e in chosen]} | ({"nextToken": token} if token else {})


@operation("GetSchema")
def get(call, params):
    """By the name the table goes by in SQL."""
    collaboration = visibility.collaboration(call, params["collaborationIdentifier"])
    return {"schema": call.project("Schema", _find(call, collaboration, params["name"]).entity(collaboration))}


@operation("BatchGetSchema")
def batch_get(call, params):
    """What is there, and an error for each that is not."""
    collaboration = visibility.collaboration(call, params["collaborationIdentifier"])
    present, results, errors = shared(call.seen, call.twin, collaboration["id"]), [], []
    for name in params["names"]:
        found = present.get(name.lower())
        if found and not call.twin.faults.take("batch_error", call.operation, call.account):
            results.append(call.project("Schema", found.entity(collaboration)))
        else:
            errors.append({"name": name, "code": "RESOURCE_NOT_FOUND", "message": "No such schema"})
    return {"schemas": results, "errors": errors}


@operation("GetSchemaAnalysisRule")
def get_rule(call, params):
    """The table's rule, the collaboration's, and both as one."""
    collaboration = visibility.collaboration(call, params["collaborationIdentifier"])
    return {"analysisRule": _rule(collaboration, _find(call, collaboration, params["name"]), params["type"])}


@operation("BatchGetSchemaAnalysisRule")
def batch_get_rule(call, params):
    """What is there, and an error for each that is not."""
    collaboration = visibility.collaboration(call, params["collaborationIdentifier"])
    present, results, errors = shared(call.seen, call.twin, collaboration["id"]), [], []
    for wanted in params["schemaAnalysisRuleRequests"]:
        found = present.get(wanted["name"].lower())
        there = found and found.rule and found.rule["type"] == wanted["type"]
        if there and not call.twin.faults.take("batch_error", call.operation, call.account):
            results.append(_rule(collaboration, found, wanted["type"]))
        else:
            errors.append(wanted | {"code": "RESOURCE_NOT_FOUND", "message": "No such analysis rule"})
    return {"analysisRules": results, "errors": errors}
