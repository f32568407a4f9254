"""Thresholds of CUSTOM rules: every row carries the identities behind it, and thin rows are dropped, silently.

The query is rewritten: each SELECT hands the identities of its rows on to the one around it; the outermost one keeps
the rows that have enough. Must not know who runs the query or what else a rule says.
"""

from sqlglot import exp

from .refusal import Refused

HIDDEN = "__identities"
COUNTS = (exp.Count, exp.ApproxDistinct)


def apply(lineage, thresholds):
    """The query that keeps rows with enough identities of every table that has a threshold."""
    query = lineage.query
    if _exempt(query, thresholds):
        return query
    minimum = largest_minimum(lineage, thresholds)
    if not minimum:
        return query
    writer = _Writer({name: t["identityColumns"][0] for name, t in thresholds.items()}, minimum)
    for cte in query.args["with_"].expressions if query.args.get("with_") else []:
        writer.hand_on(cte)
    return writer.keep(query)


def largest_minimum(lineage, thresholds):
    """The largest of what applies to any output column: a column's own minimum where it has one, the table's otherwise."""
    applicable = []
    for threshold_table, threshold in thresholds.items():
        own = {o["outputColumnName"]: o["minimumIdentityCount"] for o in threshold.get("outputColumnThresholds", [])}
        for _, columns in lineage.outputs():
            named = [own[c] for t, c in columns if t == threshold_table and c in own]
            applicable.append(max(named) if named else threshold["minimumIdentityCount"])
    return max(applicable)


def _exempt(query, thresholds):
    """Counts over one table, without groups or joins, are not thresholded."""
    if not isinstance(query, exp.Select) or query.args.get("joins") or query.args.get("group") or query.args.get("with_"):
        return False
    source = query.args.get("from_")
    if not source or not isinstance(source.this, exp.Table) or source.this.name.lower() not in thresholds:
        return False
    return all(isinstance(s.unalias(), COUNTS) for s in query.selects)


class _Writer:
    """Rewrites one query. `carried` is every name whose rows bring identities along."""

    def __init__(self, identity, minimum):
        self.identity, self.minimum = identity, minimum
        self.keys = sorted(identity)
        self.carried = set()

    def hidden(self, key):
        return f"{HIDDEN}_{self.keys.index(key)}"

    def hand_on(self, cte):
        """A CTE whose rows bring their identities along."""
        cte.set("this", self.widen(cte.this))
        self.carried.add(cte.alias.lower())

    def widen(self, query):
        """The query with one more output per key: the identities behind each row."""
        if isinstance(query, exp.Subquery):
            query.set("this", self.widen(query.this))
            return query
        for cte in query.args["with_"].expressions if query.args.get("with_") else []:
            self.hand_on(cte)
        if isinstance(query, exp.SetOperation):
            names = [s.alias_or_name for s in query.selects]
            self._widen_sides(query)
            if query.args.get("distinct"):
                query.set("distinct", False)
                return self._merged(query, names)
            return query
        identities = self._identities(query)
        if query.args.get("distinct"):
            identities = self._undistinct(query, identities)
        for key, expression in identities.items():
            query.select(exp.alias_(expression, self.hidden(key)), copy=False)
        return query

    def keep(self, query):
        """The outermost query, with only rows that have enough identities."""
        if isinstance(query, exp.Subquery):
            query.set("this", self.keep(query.this))
            return query
        if isinstance(query, exp.SetOperation):
            if not query.args.get("distinct"):
                query.set("this", self.keep(query.left))
                query.set("expression", self.keep(query.right))
                return query
            names = [s.alias_or_name for s in query.selects]
            order, limit, before = query.args.get("order"), query.args.get("limit"), query.args.get("with_")
            for clause in ("order", "limit", "with_"):
                query.set(clause, None)
            self._widen_sides(query)
            query.set("distinct", False)
            merged = self._merged(query, names, keep=True)
            for clause, held in (("order", order), ("limit", limit), ("with_", before)):
                merged.set(clause, held)
            return merged
        identities = self._identities(query)
        if query.args.get("distinct"):
            identities = self._undistinct(query, identities)
        enough = exp.and_(*[self._enough(e) for e in identities.values()])
        if self._aggregated(query):
            return query.having(enough, copy=False)
        if query.find(exp.Window):
            query.set("qualify", exp.Qualify(this=exp.and_(query.args["qualify"].this, enough) if query.args.get("qualify") else enough))
            return query
        return query.where(enough, copy=False)

    def _widen_sides(self, query):
        query.set("this", self.widen(query.left))
        query.set("expression", self.widen(query.right))

    def _enough(self, identities):
        count = exp.func("LEN", exp.func("LIST_DISTINCT", identities))
        return exp.GTE(this=count, expression=exp.Literal.number(self.minimum))

    def _merged(self, query, names, keep=False):
        """Rows made distinct, each with the identities of all rows it stands for."""
        inner = query.subquery("__rows")
        outer = exp.select(*[exp.alias_(exp.column(n, table="__rows"), n) for n in names]).from_(inner)
        outer = outer.group_by(*[exp.column(n, table="__rows") for n in names])
        for key in self.keys:
            united = self._united(exp.column(self.hidden(key), table="__rows"))
            outer = outer.having(self._enough(united)) if keep else outer.select(exp.alias_(united, self.hidden(key)))
        return outer

    def _undistinct(self, query, identities):
        """SELECT DISTINCT as GROUP BY, so that a row can carry the identities of all it stands for."""
        if self._aggregated(query) or query.find(exp.Window):
            raise Refused("TWIN: DISTINCT together with aggregates or windows is not supported by the twin under thresholds", "INTERNAL_ERROR")
        query.set("distinct", None)
        query.group_by(*[s.unalias().copy() for s in query.selects if not isinstance(s.unalias(), exp.Literal)], copy=False)
        return {key: self._united(e) for key, e in identities.items()}

    @staticmethod
    def _united(identities):
        return exp.func("LIST_DISTINCT", exp.func("FLATTEN", exp.func("LIST", identities)))

    @staticmethod
    def _aggregated(query):
        if query.args.get("group") or query.args.get("having"):
            return True
        plain = [n for s in query.selects for n in s.find_all(exp.AggFunc) if not isinstance(n.parent, exp.Window) and n.find_ancestor(exp.Select) is query]
        return bool(plain)

    def _identities(self, query):
        """{key: the list of identities behind a row}, over the query's sources."""
        sources = [query.args["from_"].this] if query.args.get("from_") else []
        sources += [j.this for j in query.args.get("joins", [])]
        parts = {key: [] for key in self.keys}
        for source in sources:
            self._source(source, parts)
        made = {}
        for key, lists in parts.items():
            combined = exp.cast(exp.Array(expressions=[]), "ARRAY<TEXT>") if not lists else lists[0] if len(lists) == 1 else _concatenated(lists)
            made[key] = self._united(combined) if self._aggregated(query) else combined
        return made

    def _source(self, source, parts):
        name = source.alias_or_name
        if isinstance(source, exp.Table):
            base = source.name.lower()
            if base in self.carried:
                self._carry(name, parts)
            elif base in self.identity:
                parts[base].append(_own(exp.column(self.identity[base], table=name)))
        elif isinstance(source, exp.Subquery):
            source.set("this", self.widen(source.this))
            self._carry(name, parts)
        elif not isinstance(source, exp.Values):
            raise Refused(f"TWIN: {source.sql()} in FROM is not supported by the twin under thresholds", "INTERNAL_ERROR")

    def _carry(self, name, parts):
        for key in self.keys:
            parts[key].append(exp.Coalesce(this=exp.column(self.hidden(key), table=name), expressions=[exp.cast(exp.Array(expressions=[]), "ARRAY<TEXT>")]))


def _own(column):
    """A base row's identities: its own, or none."""
    none = exp.cast(exp.Array(expressions=[]), "ARRAY<TEXT>")
    one = exp.Array(expressions=[exp.cast(column.copy(), "TEXT")])
    return exp.Case(ifs=[exp.If(this=exp.Is(this=column, expression=exp.Null()), true=none)], default=one)


def _concatenated(lists):
    made = lists[0]
    for part in lists[1:]:
        made = exp.func("LIST_CONCAT", made, part)
    return made
