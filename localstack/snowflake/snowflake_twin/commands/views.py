"""Views: CREATE. Their columns are those of the query when they are made. Must not know how they are altered or queried."""

from __future__ import annotations

from dataclasses import replace

from ..catalog.objects import Column, Relation, View
from ..catalog.session import Session
from ..errors import SqlError, invalid, unsupported
from ..protocol.encode import Result
from ..query.compile import Compiler
from ..sql.reader import Reader
from .attach import Inline, inline, inline_column
from .making import created, if_absent, put
from .registry import How, command
from .tables import check_columns


@command("CREATE VIEW")
def create_view(session: Session, reader: Reader, how: How) -> Result:
    """CREATE [SECURE] VIEW v [(column [policies], …)] [policies] [COPY GRANTS] [COMMENT = '…'] AS SELECT …."""
    if how.modifiers - {"SECURE"}:
        raise unsupported(f"{', '.join(sorted(how.modifiers - {'SECURE'}))} VIEW")
    absent = if_absent(reader, how)
    names, acts = reader.path(3), Inline()

    def column() -> tuple[str, str]:
        name, comment = reader.name(), ""
        while not reader.sees(",") and not reader.sees(")"):
            if reader.take("COMMENT"):
                comment = reader.string()
            elif not inline_column(session, reader, name, acts):
                raise reader.fail()
        return name, comment

    named = reader.braced(column) if reader.sees("(") else []
    comment, copied, query = "", False, ""
    while not query:
        if reader.take("AS"):
            query = reader.rest().rstrip().removesuffix(";")
        elif reader.take("COPY", "GRANTS"):
            copied = True
        elif (said := reader.comment()) is not None:
            comment = said
        elif not inline(session, reader, acts):
            raise reader.fail()
    schema, name = session.place(names)
    assert schema.database is not None
    columns = _columns(session, schema.database.name, schema.name, query)
    if named:
        if len(named) != len(columns):
            raise invalid(f"View definition for '{name}' declared {len(named)} column(s), but view query produces {len(columns)} column(s).", "002057", "42601")
        columns = [replace(c, name=n, comment=said) for c, (n, said) in zip(columns, named, strict=True)]
    check_columns([c.name for c in columns])
    made = View(name, comment=comment, columns=columns, query=query, text=reader.source.strip(), secure="SECURE" in how.modifiers)
    old = schema.items.get((made.space, name))
    if isinstance(old, Relation) and old.kind != "VIEW" and not absent:
        raise SqlError("002002", "42710", f"SQL compilation error:\nObject '{name}' already exists as {old.kind}")
    made.schema, made.owner = schema, session.primary()
    if old is None or how.replace:
        acts.do(made)
    _check_shares(session, old, made, copied)
    return put(session, schema, made, how, absent, "CREATE VIEW", copied) or created("View", name)


def _columns(session: Session, database: str, schema: str, query: str) -> list[Column]:
    """What the query gives, resolved at the view's place with the creating role's rights."""
    holder = replace(session, database=database, schema=schema, bindings={})
    compiler = Compiler(session, holder)
    try:
        tree, out = compiler.compile(query)
        described = session.twin.engine.describe(tree.sql("duckdb", identify=True))
    finally:
        compiler.release()
    return [Column(n, kind) for n, (_, kind) in zip(out.columns, described, strict=False)]


def _check_shares(session: Session, old: object, made: View, copied: bool) -> None:
    """A view that keeps its grants to shares must still be one that they may hold."""
    from .share_grants import check_references

    if not copied or not isinstance(old, View):
        return
    for grant in session.account.granted_on(old):
        if grant.grantee_kind == "SHARE":
            share = session.account.shares[grant.grantee]
            if share.secure_only and not made.secure:
                raise SqlError("003027", "42601", 'SQL compilation error:\nNon-secure object can only be granted to shares with "secure_objects_only" property set to false.')
            check_references(session, share, made)
