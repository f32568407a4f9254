"""Collaboration analysis rules: what an association adds to its table's rule, in one collaboration only.

Must not know how a query is judged.
"""

from ..errors import conflict, invalid, misconfigured, not_found
from ..operations import operation
from . import associations, configured_tables
from .analysis_rules import UNIONS


def check(call, association, kind, policy):
    """The type is the table rule's type."""
    if UNIONS[kind] not in policy["v1"]:
        raise invalid("analysisRulePolicy", f"does not hold a rule of type {kind}")
    rule = configured_tables.rule_of(call.world, association["configuredTableId"])
    if not rule:
        raise misconfigured("The configured table has no analysis rule")
    if rule["type"] != kind:
        raise misconfigured(f"The configured table's rule is of type {rule['type']}, not {kind}")


def _find(call, params):
    """(association, rule) of the caller."""
    association = associations.find(call, params)
    rule = call.world.collaboration_rules.get(association["id"])
    if not rule or rule["type"] != params["analysisRuleType"]:
        raise not_found("CONFIGURED_TABLE_ASSOCIATION", association["id"], f"{params['analysisRuleType']} analysis rule of the association")
    return association, rule


def _shown(call, rule):
    return {"analysisRule": call.project("ConfiguredTableAssociationAnalysisRule", rule)}


@operation("CreateConfiguredTableAssociationAnalysisRule")
def create(call, params):
    """One per association."""
    association = associations.find(call, params)
    if association["id"] in call.world.collaboration_rules:
        raise conflict("ALREADY_EXISTS", "The association has an analysis rule", "CONFIGURED_TABLE_ASSOCIATION", association["id"])
    check(call, association, params["analysisRuleType"], params["analysisRulePolicy"])
    rule = call.new(membershipIdentifier=association["membershipId"], configuredTableAssociationId=association["id"],
                    configuredTableAssociationArn=association["arn"], policy=params["analysisRulePolicy"], type=params["analysisRuleType"])
    call.world.collaboration_rules[association["id"]] = rule
    return _shown(call, rule)


@operation("GetConfiguredTableAssociationAnalysisRule")
def get(call, params):
    """The owner's own."""
    return _shown(call, _find(call, params)[1])


@operation("UpdateConfiguredTableAssociationAnalysisRule")
def update(call, params):
    """Replaces the whole policy."""
    association, rule = _find(call, params)
    check(call, association, rule["type"], params["analysisRulePolicy"])
    rule |= {"policy": params["analysisRulePolicy"], "updateTime": call.now}
    return _shown(call, rule)


@operation("DeleteConfiguredTableAssociationAnalysisRule")
def delete(call, params):
    """Back to the table's rule alone."""
    association, _ = _find(call, params)
    del call.world.collaboration_rules[association["id"]]
