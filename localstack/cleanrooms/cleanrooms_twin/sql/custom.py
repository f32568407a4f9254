"""CUSTOM rules: who may run which text, what may not come out, what may be compared. Must not know other types."""

from sqlglot import exp

from . import comparisons, statement, suppression
from .lineage import Lineage
from .refusal import Refused, refuse_unless

CLAUSES = frozenset({"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "distinct", "hint", "with_", "windows"})
NOT_UNDER_CONTROLS = {exp.Exists: "EXISTS", exp.Cluster: "CLUSTER BY", exp.Distribute: "DISTRIBUTE BY", exp.Sort: "SORT BY", exp.Lateral: "LATERAL",
                      exp.Pivot: "PIVOT and UNPIVOT", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT", exp.Offset: "OFFSET", exp.Unnest: "table functions",
                      exp.Explode: "table functions", exp.Cube: "CUBE", exp.Rollup: "ROLLUP",
                      exp.GroupingSets: "GROUPING SETS"}


def check_permission(tables, run):
    """Every table must allow this template, or any query of the one whose text it is."""
    for table in tables.values():
        allowed = table.rule["allowedAnalyses"]
        provider = run.author if run.template else run.runner
        if run.template and run.template in allowed:
            continue
        if "ANY_QUERY" in allowed and provider in table.rule.get("allowedAnalysisProviders", []):
            continue
        what = f"The analysis template {run.template}" if run.template else f"A query of account {run.runner}"
        raise Refused(f"{what} is not allowed on table {table.name}")


def check_outputs(lineage, cached, tables):
    """No output may come from a disallowed column, in whatever form; bodies of CACHE TABLE are outputs too."""
    found = [columns for _, columns in lineage.outputs()]
    for cte in lineage.query.find_all(exp.CTE):
        if cte.alias.lower() in cached:
            found += [columns for _, columns in lineage.outputs_of(cte.this)]
    for columns in found:
        for table, column in sorted(columns):
            if column in tables[table].rule.get("disallowedOutputColumns", []):
                raise Refused(f"The column {column} of table {table} is not allowed in the output")


def check_surface(query):
    """Thresholds and comparison controls shrink what SQL may be used."""
    for node in query.walk():
        if isinstance(node, exp.Select):
            statement.check_clauses(node, CLAUSES, "on tables with thresholds or comparison controls")
        for banned, name in NOT_UNDER_CONTROLS.items():
            if isinstance(node, banned):
                raise Refused(f"{name} cannot be used on tables with thresholds or comparison controls")
        if isinstance(node, exp.Join) and node.kind in ("SEMI", "ANTI"):
            raise Refused(f"{node.kind} JOIN cannot be used on tables with thresholds or comparison controls")
        if isinstance(node, exp.Group):
            extra = [k for k, v in node.args.items() if v and k != "expressions"]
            refuse_unless(not extra, "GROUP BY takes plain expressions on tables with thresholds or comparison controls")
        if isinstance(node, exp.Select):
            refuse_unless(_in_from(node), "Subqueries can be used in FROM only, on tables with thresholds or comparison controls")


def _in_from(select):
    """Whether a SELECT is the query itself or stands in WITH, FROM or JOIN."""
    node = select
    while isinstance(node.parent, (exp.Subquery, exp.SetOperation)):
        node = node.parent
    holder = node.parent
    return holder is None or isinstance(holder, (exp.CTE, exp.From)) or isinstance(holder, exp.Join) and node.arg_key == "this"


def judge(query, resolve, tables, run, cached):
    """The accepted query, rewritten where thresholds hold."""
    check_permission(tables, run)
    thresholds = {n: t.rule["aggregationThresholds"][0] for n, t in tables.items() if t.rule.get("aggregationThresholds")}
    controlled = any(t.rule.get("comparisonControls") for t in tables.values())
    if thresholds or controlled:
        check_surface(query)
    tree = resolve(query)
    lineage = Lineage(tree)
    check_outputs(lineage, cached, tables)
    comparisons.check(lineage, tables, thresholds)
    if thresholds:
        tree = suppression.apply(lineage, thresholds)
    return tree
