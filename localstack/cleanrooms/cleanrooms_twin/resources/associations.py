"""Configured table associations: a table placed in one collaboration under a name. Must not know rules' contents."""

from .. import visibility
from ..errors import ValidationException, conflict, denied, invalid, not_found
from ..operations import oldest_first, operation
from ..paging import page
from . import configured_tables


def find(call, params):
    """An association of the caller's own membership."""
    membership = visibility.membership(call, params["membershipIdentifier"])
    found = call.world.associations.get(params["configuredTableAssociationIdentifier"])
    if not found or found["membershipId"] != membership["id"]:
        raise not_found("CONFIGURED_TABLE_ASSOCIATION", params["configuredTableAssociationIdentifier"], "configured table association")
    return found


def shown(call, entity, shape="ConfiguredTableAssociation"):
    """With the type of its collaboration rule."""
    rule = call.world.collaboration_rules.get(entity["id"])
    return call.project(shape, entity | {"analysisRuleTypes": [rule["type"]] if rule else []})


def in_collaboration(view, collaboration_id):
    """Associations that are part of a collaboration: those of members who are active in it."""
    active = {m["id"] for m in view.memberships.values() if m["collaborationId"] == collaboration_id and m["status"] == "ACTIVE" and not m.get("_left")}
    return oldest_first([a for a in view.associations.values() if a["membershipId"] in active])


def check_role(call, arn, field):
    """A role of the caller's own; a brand-new one is not known to the service yet."""
    if arn.split(":")[4] != call.account:
        raise invalid(field, "is a role of another account")
    role = call.twin.catalogue.roles.get(arn)
    if role and call.now - role.created_at < call.settings.iam_synchronization_s:
        raise ValidationException(f"The service cannot assume the role {arn} yet", reason="IAM_SYNCHRONIZATION_DELAY")


@operation("CreateConfiguredTableAssociation")
def create(call, params):
    """The name is the table's name in SQL: lower case, one of a kind in the collaboration."""
    membership = visibility.active_membership(call, params["membershipIdentifier"])
    table = configured_tables.find(call, params["configuredTableIdentifier"])
    name = params["name"].lower()
    if not name:
        raise invalid("name", "must not be empty")
    if any(a["name"] == name for a in in_collaboration(call.world, membership["collaborationId"])):
        raise conflict("ALREADY_EXISTS", f"The collaboration has a table {name}", "CONFIGURED_TABLE_ASSOCIATION", name)
    check_role(call, params["roleArn"], "roleArn")
    entity = call.new(name=name, description=params.get("description"), roleArn=params["roleArn"], configuredTableId=table["id"],
                      configuredTableArn=table["arn"], membershipId=membership["id"], membershipArn=membership["arn"])
    entity["arn"] = call.arn(f"configuredtableassociation/{membership['id']}/{entity['id']}")
    entity["_serial"] = call.twin.next_serial()
    call.world.associations[entity["id"]] = entity
    call.tag(entity["arn"], params.get("tags"))
    return {"configuredTableAssociation": shown(call, entity)}


@operation("GetConfiguredTableAssociation")
def get(call, params):
    """The owner's own."""
    return {"configuredTableAssociation": shown(call, find(call, params))}


@operation("ListConfiguredTableAssociations")
def list_all(call, params):
    """Those of one membership."""
    membership = visibility.membership(call, params["membershipIdentifier"])
    mine = [a for a in oldest_first(call.world.associations.values()) if a["membershipId"] == membership["id"]]
    chosen, token = page(mine, params, call.settings.page_size_max)
    return {"configuredTableAssociationSummaries": [shown(call, a, "ConfiguredTableAssociationSummary") for a in chosen]} | ({"nextToken": token} if token else {})


@operation("UpdateConfiguredTableAssociation")
def update(call, params):
    """Description and role; never the name or the table."""
    entity = find(call, params)
    if "roleArn" in params:
        check_role(call, params["roleArn"], "roleArn")
    entity |= {k: params[k] for k in ("description", "roleArn") if k in params} | {"updateTime": call.now}
    return {"configuredTableAssociation": shown(call, entity)}


@operation("DeleteConfiguredTableAssociation")
def delete(call, params):
    """Takes the table out of the collaboration, with its collaboration rule and its budgets."""
    entity = find(call, params)
    if entity["_owner"] != call.account:
        raise denied()
    call.world.collaboration_rules.pop(entity["id"], None)
    for template in [t for t in call.world.budget_templates.values() if t.get("_association") == entity["id"]]:
        del call.world.budget_templates[template["id"]]
        call.world.tags.pop(template["arn"], None)
    del call.world.associations[entity["id"]]
    call.world.tags.pop(entity["arn"], None)
