"""Which base columns an expression comes from, through aliases, subqueries, CTEs and unions. Must not know any rule.

What cannot be followed is refused: a column nobody can trace might be the one that must not leave.
"""

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from .refusal import Refused


TOTALS = (exp.Count, exp.Sum, exp.Avg)


class Lineage:
    """Traces columns of one resolved query."""

    def __init__(self, query, behind_totals=True):
        self.query, self.behind_totals = query, behind_totals
        self.scopes = {id(s.expression): s for s in traverse_scope(query)}
        self._known = {}

    def of(self, expression):
        """{(table, column)} behind an expression, nested queries included."""
        found = set()
        for column in expression.find_all(exp.Column):
            if self.behind_totals or not self._is_below(column, expression):
                found |= self._column(column)
        return found

    @staticmethod
    def _is_below(column, expression):
        """Whether a total stands between a column and the expression that is looked at, or is it."""
        node = column
        while node is not None:
            if isinstance(node, TOTALS):
                return True
            if node is expression:
                return False
            node = node.parent
        return False

    def outputs(self):
        """[(name, {(table, column)})] of the whole query's output, in order."""
        return self.outputs_of(self.query)

    def bare(self, column):
        """What a column is in the end: a base column's name pair, or the expression some inner query made."""
        source, name = self._source(column)
        if source is None:
            return self._alias_of(column)
        if isinstance(source, exp.Table):
            return (source.name.lower(), name)
        inner = source.expression
        if isinstance(inner, exp.Select):
            made = self._projection(inner, name).unalias()
            return self.bare(made) if isinstance(made, exp.Column) else made
        return inner

    def base_tables(self):
        """[(alias scope, table)] of every base table's appearance."""
        return [s for scope in self.scopes.values() for s in scope.sources.values() if isinstance(s, exp.Table)]

    def _scope_of(self, column):
        node = column.parent
        while node is not None:
            scope = self.scopes.get(id(node))
            if scope is not None:
                return scope
            node = node.parent
        raise Refused(f"The column {column.sql()} cannot be traced")

    def _source(self, column):
        scope, name = self._scope_of(column), column.table
        if not name:
            return None, column.name
        while scope is not None:
            if name in scope.sources:
                return scope.sources[name], column.name.lower()
            scope = scope.parent
        raise Refused(f"The column {column.sql()} cannot be traced")

    def _alias_of(self, column):
        """An unqualified column is an output's alias, as in ORDER BY."""
        node = self._scope_of(column).expression
        while isinstance(node, exp.SetOperation):
            node = node.left
        for projection in node.selects:
            if projection.alias_or_name == column.name:
                return projection.unalias()
        raise Refused(f"The column {column.sql()} cannot be traced")

    def _column(self, column):
        key = id(column)
        if key in self._known:
            return self._known[key]
        self._known[key] = set()  # an alias that names itself adds nothing
        source, name = self._source(column)
        if source is None:
            node = self._scope_of(column).expression
            if isinstance(node, exp.SetOperation):
                found = dict(self.outputs_of(node)).get(column.name, set())
            else:
                found = self.of(self._alias_of(column)) if not self._within(column) else set()
        elif isinstance(source, exp.Table):
            found = {(source.name.lower(), name)}
        elif isinstance(source, Scope):
            found = self._inner(source.expression, name)
        else:
            raise Refused(f"The column {column.sql()} cannot be traced")
        self._known[key] = found
        return found

    def _within(self, column):
        """Whether an alias reference stands inside the very output it names."""
        projection = column.find_ancestor(exp.Alias)
        return projection is not None and projection.alias == column.name

    def _inner(self, query, name):
        if isinstance(query, exp.Subquery):
            return self._inner(query.this, name)
        if isinstance(query, exp.Query):
            outputs = self.outputs_of(query)
            for output, columns in outputs:
                if output.lower() == name:
                    return columns
            raise Refused(f"The column {name} cannot be traced")
        if isinstance(query, exp.Values):
            return set()
        return self.of(query)

    def outputs_of(self, query):
        """[(name, {(table, column)})] of a query inside this one."""
        if isinstance(query, exp.Subquery):
            return self.outputs_of(query.this)
        if isinstance(query, exp.SetOperation):
            left, right = self.outputs_of(query.left), self.outputs_of(query.right)
            if len(left) != len(right):
                raise Refused("The sides of a set operation have different numbers of columns")
            return [(name, mine | theirs) for (name, mine), (_, theirs) in zip(left, right, strict=True)]
        return [(p.alias_or_name, self.of(p)) for p in query.selects]

    def _projection(self, query, name):
        for projection in query.selects:
            if projection.alias_or_name.lower() == name:
                return projection
        raise Refused(f"The column {name} cannot be traced")
