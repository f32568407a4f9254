"""Analysis rules of configured tables: one per table, in force in every collaboration the table is associated to.

Must not know queries: what a rule means for one is said under `sql`.
"""

import json

from ..errors import conflict, invalid, misconfigured, not_found
from ..operations import operation
from . import configured_tables

UNIONS = {"AGGREGATION": "aggregation", "LIST": "list", "CUSTOM": "custom"}
TEXT_TYPES = ("string", "varchar", "char")
WILDCARDS = ("ANY_QUERY", "ANY_JOB")


def body_of(policy, kind):
    """The rule inside its unions."""
    return policy["v1"][UNIONS[kind]]


def check(call, table, kind, policy):
    """What the shapes cannot say of a rule."""
    if UNIONS[kind] not in policy["v1"]:
        raise invalid("analysisRulePolicy", f"does not hold a rule of type {kind}")
    call.twin.quotas.check("analysis rule size in bytes", len(json.dumps(policy)))
    if kind != "CUSTOM" and "glue" not in table["tableReference"]:
        raise misconfigured(f"A table of this source takes CUSTOM rules only, not {kind}")
    rule = body_of(policy, kind)
    CHECKS[kind](call, table, rule)


def _known(table, field, columns):
    if unknown := [c for c in columns if c not in table["allowedColumns"]]:
        raise invalid(field, f"not among the allowed columns of the table: {', '.join(unknown)}")


def _apart(field, first, second, what):
    if both := sorted(set(first) & set(second)):
        raise invalid(field, f"{what}: {', '.join(both)}")


def _aggregation(call, table, rule):
    for field in ("joinColumns", "dimensionColumns"):
        _known(table, field, rule[field])
    aggregated = [c for pair in rule["aggregateColumns"] for c in pair["columnNames"]]
    _known(table, "aggregateColumns", aggregated)
    _known(table, "outputConstraints", [c["columnName"] for c in rule["outputConstraints"]])
    _apart("dimensionColumns", rule["joinColumns"], rule["dimensionColumns"], "a column is either for joins or a dimension")
    _apart("dimensionColumns", aggregated, rule["dimensionColumns"], "a dimension cannot be aggregated")


def _list(call, table, rule):
    for field in ("joinColumns", "listColumns"):
        _known(table, field, rule[field])
    _apart("listColumns", rule["joinColumns"], rule["listColumns"], "a column is either for joins or listed")


def _custom(call, table, rule):
    _allowed(rule)
    _known(table, "disallowedOutputColumns", rule.get("disallowedOutputColumns", []))
    thresholds, comparisons, private = rule.get("aggregationThresholds"), rule.get("comparisonControls"), rule.get("differentialPrivacy")
    if private:
        if thresholds or comparisons:
            raise misconfigured("Differential privacy excludes aggregation thresholds and comparison controls")
        if "glue" not in table["tableReference"]:
            raise misconfigured("Differential privacy needs a table of AWS Glue")
        _known(table, "differentialPrivacy.columns", [c["name"] for c in private["columns"]])
    if (thresholds or comparisons) and _jobs_only(call, rule["allowedAnalyses"]):
        raise misconfigured("Aggregation thresholds and comparison controls are for queries; this rule allows jobs only")
    for threshold in thresholds or []:
        _threshold(call, table, threshold)
    if comparisons:
        for field in ("allowedLiteralComparisonColumns", "allowedColumnComparisonColumns"):
            _known(table, f"comparisonControls.{field}", comparisons[field])


def _allowed(rule):
    """Templates by ARN, or any query of named accounts: never both."""
    wildcards = [a for a in rule["allowedAnalyses"] if a in WILDCARDS]
    arns = [a for a in rule["allowedAnalyses"] if a not in WILDCARDS]
    providers = rule.get("allowedAnalysisProviders")
    if wildcards and arns:
        raise misconfigured("allowedAnalyses lists either templates or ANY_QUERY and ANY_JOB")
    if wildcards and providers is None:
        raise misconfigured("allowedAnalysisProviders is required with ANY_QUERY and ANY_JOB")
    if arns and providers:
        raise misconfigured("allowedAnalysisProviders is left out where templates are listed")


def _jobs_only(call, allowed):
    def is_job(entry):
        found = [t for t in call.seen.templates.values() if t["arn"] == entry]
        return entry == "ANY_JOB" or bool(found and found[0]["format"] != "SQL")
    return bool(allowed) and all(is_job(a) for a in allowed)


def _threshold(call, table, threshold):
    _known(table, "aggregationThresholds.identityColumns", threshold["identityColumns"])
    types = configured_tables.column_types(call, table)
    for column in threshold["identityColumns"]:
        if types.get(column, "string").split("(")[0].lower() not in TEXT_TYPES:
            raise invalid("aggregationThresholds.identityColumns", f"{column} is not of type string, varchar or char")
    for override in threshold.get("outputColumnThresholds", []):
        _known(table, "aggregationThresholds.outputColumnThresholds", [override["outputColumnName"]])
        if override["minimumIdentityCount"] == 1:
            raise invalid("aggregationThresholds.outputColumnThresholds.minimumIdentityCount", "is 0, or 2 and more")


CHECKS = {"AGGREGATION": _aggregation, "LIST": _list, "CUSTOM": _custom}


def _find(call, params):
    """(table, rule) of the caller; another type than the rule's is not there."""
    table = configured_tables.find(call, params["configuredTableIdentifier"])
    rule = configured_tables.rule_of(call.world, table["id"])
    if not rule or rule["type"] != params["analysisRuleType"]:
        raise not_found("CONFIGURED_TABLE", table["id"], f"{params['analysisRuleType']} analysis rule of the configured table")
    return table, rule


def _shown(call, rule):
    return {"analysisRule": call.project("ConfiguredTableAnalysisRule", rule)}


@operation("CreateConfiguredTableAnalysisRule")
def create(call, params):
    """One rule per table, of whatever type."""
    table = configured_tables.find(call, params["configuredTableIdentifier"])
    if configured_tables.rule_of(call.world, table["id"]):
        raise conflict("ALREADY_EXISTS", "The configured table has an analysis rule", "CONFIGURED_TABLE", table["id"])
    check(call, table, params["analysisRuleType"], params["analysisRulePolicy"])
    rule = call.new(configuredTableId=table["id"], configuredTableArn=table["arn"], policy=params["analysisRulePolicy"], type=params["analysisRuleType"])
    call.world.table_rules[table["id"]] = rule
    return _shown(call, rule)


@operation("GetConfiguredTableAnalysisRule")
def get(call, params):
    """The owner's own."""
    return _shown(call, _find(call, params)[1])


@operation("UpdateConfiguredTableAnalysisRule")
def update(call, params):
    """Replaces the whole policy; the type stays."""
    table, rule = _find(call, params)
    check(call, table, rule["type"], params["analysisRulePolicy"])
    rule |= {"policy": params["analysisRulePolicy"], "updateTime": call.now}
    return _shown(call, rule)


@operation("DeleteConfiguredTableAnalysisRule")
def delete(call, params):
    """Stops all querying of the table, everywhere."""
    table, _ = _find(call, params)
    ids = {a["id"] for a in call.world.associations.values() if a["configuredTableId"] == table["id"]}
    if call.settings.rule_delete_conflicts and ids & call.world.collaboration_rules.keys():
        raise conflict("SUBRESOURCES_EXIST", "An association of the table has a collaboration analysis rule", "CONFIGURED_TABLE", table["id"])
    del call.world.table_rules[table["id"]]
