"""One query against the rules of all its tables: accepted and rewritten, or refused. Must not know resources or data."""

from . import aggregation, custom, list_rule, statement
from .facts import Verdict
from .refusal import Refused, refuse_unless

TABLES_MAX = 15


def judge(query, cached, tables, run):
    """A verdict on a bound query; `tables` holds every table of the collaboration by name."""
    names = statement.table_names(query)
    refuse_unless(names, "The query references no table")
    refuse_unless(len(names) <= TABLES_MAX, f"A query references at most {TABLES_MAX} tables")
    used = {}
    for name in names:
        if name not in tables:
            raise Refused(f"The table {name} is not part of the collaboration", "RESOURCE_NOT_FOUND")
        used[name] = tables[name]
    kind = _one_kind(used)
    _ready(used)
    _receivers(used, run)
    if run.template and kind != "CUSTOM":
        raise Refused(f"Analysis templates run on tables with a CUSTOM rule, not {kind}")

    def resolve(tree):
        return statement.resolved(tree, list(used.values()))

    if kind == "AGGREGATION":
        tree = aggregation.judge(query, resolve, used, run.runner)
    elif kind == "LIST":
        tree = list_rule.judge(query, resolve, used, run.runner)
    else:
        tree = custom.judge(query, resolve, used, run, cached)
    outputs = [s.alias_or_name for s in resolve(query).selects]
    return Verdict(statement.engine_text(tree), outputs, list(used.values()))


def _one_kind(used):
    for table in used.values():
        refuse_unless(table.rule_type, f"The table {table.name} has no analysis rule")
    kinds = {t.rule_type for t in used.values()}
    refuse_unless(len(kinds) == 1, f"All tables of a query need the same type of analysis rule; these have {', '.join(sorted(kinds))}")
    return kinds.pop()


def _ready(used):
    for table in used.values():
        refuse_unless(not table.not_ready, f"The table {table.name} is not ready: {', '.join(table.not_ready)}")


def _receivers(used, run):
    for table in used.values():
        if table.receivers is not None:
            outside = [r for r in run.receivers if r not in table.receivers]
            refuse_unless(not outside, f"Results that involve table {table.name} cannot go to {', '.join(outside)}")
