"""A query's text to a tree for the engine: names resolved with somebody's rights, policies put in, everything unknown refused.

Must not know statements, nor run anything but policies' constraints.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from ..catalog.objects import Policy, Relation, Share, View
from ..catalog.session import Session
from ..errors import (
    AGGREGATION,
    NO_JOIN,
    PROJECTION,
    SqlError,
    invalid_identifier,
    syntax,
    unsupported,
    violates,
)
from ..protocol.encode import Result
from ..sql import lexer
from ..sql.names import folded
from . import functions, information, relations
from .analysis import Analysis
from .guards import Out, hidden
from .relations import Reference, owner_session

DIALECT = "snowflake"
DEPTH_MAX = 20
REFUSED = (exp.Lateral, exp.Unnest, exp.Pivot, exp.TableSample, exp.MatchRecognize, exp.Into, exp.Lock, exp.Command, exp.Parameter, exp.Hint, exp.Prior, exp.Connect)
TABLE_PARTS = ("this", "db", "catalog", "alias")


def numbered(text: str) -> str:
    """A text whose bind variables are numbered as they stand: the tree has them in another order."""
    parts, at, serial = [], 0, 0
    for token in lexer.tokens(text):
        if token.kind == lexer.SIGN and token.text == "?":
            serial += 1
            parts += [text[at:token.start], f":{serial}"]
            at = token.end
    return "".join([*parts, text[at:]])


def parse(text: str) -> exp.Query:
    """The one query of a text."""
    text = numbered(text)
    try:
        trees = [t for t in sqlglot.parse(text, read=DIALECT) if t is not None]
    except SqlglotError as error:
        found = getattr(error, "errors", None) or [{}]
        raise syntax(str(found[0].get("highlight") or text[:40]), int(found[0].get("line") or 1), int(found[0].get("col") or 0)) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise syntax(text[:40])
    return trees[0]


@dataclass
class Compiler:
    """Who asks, with whose rights names are resolved, and through which share a foreign object was reached."""

    asker: Session
    holder: Session
    through: Share | None = None
    depth: int = 0
    temporary: list[str] = field(default_factory=list)
    extra: dict[str, Relation] = field(default_factory=dict)

    @property
    def share(self) -> str | None:
        """What INVOKER_SHARE() says."""
        return self.through.name if self.through else None

    def within(self, view: View) -> Compiler:
        """The compiler of a view's query."""
        if self.depth > DEPTH_MAX:
            raise unsupported("views nested so deeply")
        return Compiler(self.asker, owner_session(self.asker, view), self.through, self.depth + 1, self.temporary)

    def check_place(self, policy: Policy) -> None:
        """A policy of a database that the share does not refer to cannot be evaluated: the query fails."""
        share = self.through
        if share is None or policy.schema is None or share.account is None or policy.schema.database is share.database:
            return
        granted = share.account.granted_to("SHARE", share.name)
        if not any(g.thing is policy.schema.database and g.privilege == "REFERENCE_USAGE" for g in granted):
            raise SqlError("003028", "42501", "SQL compilation error:\nA shared object refers to a policy of a database on which the share has no REFERENCE_USAGE.")

    # Queries

    def outermost(self, text: str) -> tuple[exp.Query, Out]:
        """A query whose rows somebody will see: nothing protected may be left in it."""
        tree, out = self.compile(text)
        if out.taints:
            raise violates(AGGREGATION, f"Query on '{out.taints[0].name}', which an aggregation policy protects, must aggregate.")
        if out.joins:
            raise violates(NO_JOIN, f"Query on '{out.joins[0].name}', which a join policy protects, must join it.")
        for name, marks in out.shown.items():
            for mark in marks:
                if not mark.nullify:
                    raise violates(PROJECTION, f"Column '{mark.name}' is protected by a projection policy and cannot be in the result, here as '{name}'.")
        if any(out.shown.values()):
            void = {n for n, marks in out.shown.items() if marks}
            chosen = [relations.aliased(exp.Null() if c in void else relations.column(c, "\x01o"), c) for c in out.columns]
            tree = exp.Select(expressions=chosen).from_(exp.Subquery(this=tree, alias=exp.TableAlias(this=relations.identifier("\x01o"))))
        return tree, out

    def compile(self, source: str | exp.Query) -> tuple[exp.Query, Out]:
        """A query as a tree for the engine, and what flows out of it."""
        tree = parse(source) if isinstance(source, str) else source
        while isinstance(tree, exp.Subquery) and isinstance(tree.this, exp.Query) and not any(v for k, v in tree.args.items() if k != "this"):
            tree = tree.this
        _check_shape(tree)
        _name_values(tree)
        _name_columns(tree)
        self._bind(tree)
        functions.settle(tree, functions.Context(self.asker, self.holder, self.share), lambda call: information.system(self.holder, call))
        found = self._place(tree)
        tree = qualified(tree, found)
        out = Analysis(found).whole(tree)
        substitute(tree, found)
        functions.for_engine(tree)
        return tree, out

    def expression(self, policy: Policy, body: exp.Expr, relation: Relation) -> exp.Expr:
        """A policy's expression over the base of a relation, resolved with the policy owner's rights."""
        self.check_place(policy)
        inner = Compiler(self.asker, owner_session(self.asker, policy), self.through, self.depth + 1, self.temporary)
        columns = [c.name for c in relation.columns]
        tree: exp.Query = exp.Select(expressions=[relations.aliased(body, "C")])
        _check_shape(tree)
        functions.settle(tree, functions.Context(self.asker, inner.holder, self.share))
        found = inner._place(tree)
        base = Reference(exp.Select(), Out(columns))
        name = hidden()
        found[name] = base
        assert isinstance(tree, exp.Select)
        tree = tree.from_(exp.alias_(exp.Table(this=relations.identifier(name)), relations.BASE, table=True, quoted=True))
        tree = qualified(tree, found)
        Analysis(found).whole(tree)
        substitute(tree.expressions[0].this, {n: r for n, r in found.items() if n != name})
        functions.for_engine(tree)
        node: exp.Expr = tree.expressions[0].this
        return node

    # Tables

    def _place(self, tree: exp.Query) -> dict[str, Reference]:
        """Puts a placeholder in the place of every table that is no CTE."""
        found: dict[str, Reference] = {}
        for node in list(tree.find_all(exp.Table, exp.TableFromRows)):
            if isinstance(node, exp.Table) and is_cte(node):
                continue
            reference, alias = self._reference(node)
            name = hidden()
            found[name] = reference
            given = node.args.get("alias")
            if given is not None and given.args.get("columns"):
                raise unsupported("column aliases of a table")
            wanted = given.this if given is not None else relations.identifier(alias)
            placed = exp.Table(this=relations.identifier(name), alias=exp.TableAlias(this=wanted))
            if node.args.get("joins"):
                placed.set("joins", node.args["joins"])
            node.replace(placed)
        return found

    def _reference(self, node: exp.Expr) -> tuple[Reference, str]:
        """The reference that a table node is, and the alias that it has without one."""
        if isinstance(node, exp.TableFromRows):
            result, name = information.function(self.holder, node)
            return self._stored(result), name
        if extra := [k for k, v in node.args.items() if v and k not in (*TABLE_PARTS, "joins")]:
            raise unsupported(f"{extra[0]} of a table")
        names = names_of(node)
        if len(names) >= 2 and names[-2] == "INFORMATION_SCHEMA":
            result = information.view(self.holder, names)
            return self._stored(result), names[-1]
        if len(names) == 1 and names[0] in self.extra:
            return relations.refer(Compiler(self.asker, self.holder, self.through, self.depth, self.temporary), self.extra[names[0]]), names[0]
        item = self.holder.find("RELATION", names, "SELECT")
        assert isinstance(item, Relation)
        database = self.holder.account.databases[self.holder.qualified(names)[0]]
        share = self.holder.source(database) or self.through
        return relations.refer(Compiler(self.asker, self.holder, share, self.depth, self.temporary), item), names[-1]

    def _stored(self, result: Result) -> Reference:
        """Rows that the twin made itself, as a table for the time of one statement."""
        engine = self.asker.twin.engine
        physical = engine.make([(n, k.engine()) for n, k in result.columns])
        self.temporary.append(physical)
        engine.fill(physical, [tuple(datetime.fromtimestamp(v, UTC) if k.name == "TIMESTAMP_LTZ" and isinstance(v, float) else v
                                     for v, (_, k) in zip(r, result.columns, strict=True)) for r in result.rows])
        names = [n for n, _ in result.columns]
        tree = exp.Select(expressions=[exp.Star()]).from_(exp.Table(this=relations.identifier(physical)))
        return Reference(tree, Out(names))

    def _bind(self, tree: exp.Expr) -> None:
        """Bind variables become typed literals."""
        for node in list(tree.find_all(exp.Placeholder)):
            position = str(node.this)
            if self.holder is not self.asker or position not in self.asker.bindings:
                raise SqlError("002049", "42601", f"SQL compilation error:\nBind variable {position} not set.")
            node.replace(functions.literal(self.asker.bindings[position]))

    def release(self) -> None:
        """Tables of one statement go."""
        for name in self.temporary:
            self.asker.twin.engine.drop(name)
        self.temporary.clear()


def names_of(node: exp.Expr) -> list[str]:
    if isinstance(node.this, exp.DynamicIdentifier):
        from ..sql.reader import Reader

        inner = node.this.this
        if not isinstance(inner, exp.Literal):
            raise unsupported("IDENTIFIER of anything but a string")
        reader = Reader(inner.name)
        names = reader.path(3)
        reader.end()
        return names
    parts = [p for p in (node.args.get("catalog"), node.args.get("db"), node.this) if p is not None]
    if not all(isinstance(p, exp.Identifier) for p in parts):
        raise unsupported("a table function")
    return [folded(p.name, bool(p.args.get("quoted"))) for p in parts]


def is_cte(node: exp.Table) -> bool:
    """Whether a table node names a common table expression that is in scope there."""
    if node.args.get("db") is not None or not isinstance(node.this, exp.Identifier):
        return False
    name = folded(node.name, bool(node.this.args.get("quoted")))
    inside: exp.Expr = node
    above = node.parent
    while above is not None:
        held = above.args.get("with_") if not isinstance(above, exp.With) else None
        if held is not None:
            for cte in held.expressions:
                if cte is inside or inside is held and _within(cte, node):
                    break
                alias = cte.args["alias"].this
                if folded(alias.name, bool(alias.args.get("quoted"))) == name:
                    return True
        inside, above = above, above.parent
    return False


def _within(holder: exp.Expr, node: exp.Expr) -> bool:
    above: exp.Expr | None = node
    while above is not None and above is not holder:
        above = above.parent
    return above is holder


def _check_shape(tree: exp.Expr) -> None:
    for node in tree.walk():
        if isinstance(node, REFUSED):
            raise unsupported(type(node).__name__.upper())
        if isinstance(node, exp.Select) and not node.expressions:
            raise syntax("<EOF>")
        if isinstance(node, exp.With) and node.args.get("recursive"):
            raise unsupported("RECURSIVE")
        if isinstance(node, exp.Join) and (node.args.get("method") or "").upper() in ("NATURAL", "ASOF"):
            raise unsupported(f"{node.args['method']} JOIN")
        if isinstance(node, exp.Placeholder) and isinstance(node.parent, (exp.Table, exp.Alias, exp.TableAlias)) and node.arg_key != "this":
            raise syntax("?")
        if isinstance(node, (exp.DML, exp.DDL)) and not isinstance(node, exp.Query):
            raise syntax(type(node).__name__)


def _name_columns(tree: exp.Expr) -> None:
    """IDENTIFIER('…') in the place of a column."""
    for node in list(tree.find_all(exp.DynamicIdentifier)):
        if not isinstance(node.parent, exp.Table):
            parts = names_of(exp.Table(this=node))[-2:]
            place = exp.Column(this=relations.identifier(parts[-1]), table=relations.identifier(parts[0]) if len(parts) == 2 else None)
            (node.parent if isinstance(node.parent, exp.Column) else node).replace(place)


def _name_values(tree: exp.Expr) -> None:
    """VALUES in FROM has columns COLUMN1, COLUMN2, …."""
    for node in tree.find_all(exp.Values):
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier("VALUES"))
        if not alias.args.get("columns") and node.expressions:
            first = node.expressions[0]
            width = len(first.expressions) if isinstance(first, exp.Tuple) else 1
            alias.set("columns", [exp.to_identifier(f"COLUMN{n + 1}") for n in range(width)])
        node.set("alias", alias)


def qualified(tree: exp.Query, found: dict[str, Reference]) -> exp.Query:
    """Names resolved, stars spelt out, every identifier quoted."""
    for node in tree.find_all(exp.Column):
        for part in ("db", "catalog"):
            node.set(part, None)
    schema = MappingSchema({n: dict.fromkeys(r.out.columns, "VARCHAR") for n, r in found.items()}, dialect=DIALECT, normalize=False)
    try:
        done = qualify(tree, schema=schema, dialect=DIALECT, quote_identifiers=True, identify=True, validate_qualify_columns=True)
    except SqlglotError as error:
        text = str(error).splitlines()[0]
        name = text.partition("'")[2].partition("'")[0] or text
        raise invalid_identifier(name.replace('"', "")) from error
    assert isinstance(done, exp.Query)
    return done


def substitute(tree: exp.Expr, found: dict[str, Reference]) -> None:
    """References in the place of placeholders."""
    for node in list(tree.find_all(exp.Table)):
        reference = found.get(node.name)
        if reference is not None:
            made = exp.Subquery(this=reference.tree.copy(), alias=node.args["alias"])
            node.replace(made)
