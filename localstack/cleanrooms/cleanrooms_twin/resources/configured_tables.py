"""Configured tables: an account's own, referenced from a catalogue, with the columns it allows. Must not know collaborations."""

from .. import visibility
from ..errors import conflict, invalid, misconfigured
from ..operations import oldest_first, operation
from ..paging import page

FIELDS = ("name", "description", "tableReference", "allowedColumns", "analysisMethod", "selectedAnalysisMethods")


def find(call, identifier):
    """The caller's own table."""
    return visibility.own(call, call.world.tables, identifier, "CONFIGURED_TABLE", "configured table")


def rule_of(view, table_id):
    """The table's one analysis rule, or None."""
    return view.table_rules.get(table_id)


def shown(call, entity, shape="ConfiguredTable"):
    """A table with the type of its rule."""
    rule = rule_of(call.world, entity["id"])
    kind = next(iter(entity["tableReference"])).upper()
    return call.project(shape, entity | {"tableType": kind, "analysisRuleTypes": [rule["type"]] if rule else []})


def column_types(call, entity):
    """Types of the source's columns."""
    found = call.twin.catalogue.find(entity["_owner"], entity["tableReference"])
    return found.types() if found else {}


def check(call, fields):
    """What must fit: source, columns, methods."""
    source = call.twin.catalogue.find(call.account, fields["tableReference"])
    if not source:
        raise misconfigured("The referenced table is not in the catalogue of this account")
    columns = fields["allowedColumns"]
    if len(set(columns)) != len(columns):
        raise invalid("allowedColumns", "a column appears twice")
    call.twin.quotas.check("allow-listed columns per table", len(columns))
    if unknown := [c for c in columns if c not in source.types()]:
        raise invalid("allowedColumns", f"the source has no column {', '.join(unknown)}")
    selected = fields.get("selectedAnalysisMethods")
    if fields["analysisMethod"] == "MULTIPLE":
        if not selected or len(set(selected)) < 2:
            raise invalid("selectedAnalysisMethods", "two methods are selected with MULTIPLE")
    elif selected:
        raise invalid("selectedAnalysisMethods", "goes with MULTIPLE only")


@operation("CreateConfiguredTable")
def create(call, params):
    """The source must be in the catalogue."""
    fields = {k: params[k] for k in FIELDS if k in params}
    check(call, fields)
    mine = [t for t in call.world.tables.values() if t["_owner"] == call.account]
    call.twin.quotas.check("configured tables per account", len(mine) + 1)
    entity = call.new(**fields)
    entity["arn"] = call.arn(f"configuredtable/{entity['id']}")
    entity["_serial"] = call.twin.next_serial()
    call.world.tables[entity["id"]] = entity
    call.tag(entity["arn"], params.get("tags"))
    return {"configuredTable": shown(call, entity)}


@operation("GetConfiguredTable")
def get(call, params):
    """The owner's own."""
    return {"configuredTable": shown(call, find(call, params["configuredTableIdentifier"]))}


@operation("ListConfiguredTables")
def list_all(call, params):
    """The caller's own."""
    mine = [t for t in oldest_first(call.world.tables.values()) if t["_owner"] == call.account]
    chosen, token = page(mine, params, call.settings.page_size_max)
    return {"configuredTableSummaries": [shown(call, t, "ConfiguredTableSummary") for t in chosen]} | ({"nextToken": token} if token else {})


@operation("UpdateConfiguredTable")
def update(call, params):
    """Takes every field but its rule must still hold afterwards."""
    from .analysis_rules import check as check_rule

    entity = find(call, params["configuredTableIdentifier"])
    after = {k: entity[k] for k in FIELDS if k in entity} | {k: params[k] for k in FIELDS if k in params}
    if params.get("analysisMethod") in ("DIRECT_QUERY", "DIRECT_JOB") and "selectedAnalysisMethods" not in params:
        after.pop("selectedAnalysisMethods", None)
    check(call, after)
    rule = rule_of(call.world, entity["id"])
    if rule:
        check_rule(call, entity | after, rule["type"], rule["policy"])
    entity.pop("selectedAnalysisMethods", None)
    entity |= after | {"updateTime": call.now}
    return {"configuredTable": shown(call, entity)}


@operation("DeleteConfiguredTable")
def delete(call, params):
    """Not while it is associated; its rule goes with it."""
    entity = find(call, params["configuredTableIdentifier"])
    if any(a["configuredTableId"] == entity["id"] for a in call.world.associations.values()):
        raise conflict("SUBRESOURCES_EXIST", "The configured table is associated to a collaboration", "CONFIGURED_TABLE", entity["id"])
    call.world.table_rules.pop(entity["id"], None)
    del call.world.tables[entity["id"]]
    call.world.tags.pop(entity["arn"], None)
