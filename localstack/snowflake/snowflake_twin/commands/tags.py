"""Tags: CREATE, ALTER, DROP, and setting them on things and columns. Must not know what a tag is used for."""

from __future__ import annotations

from ..catalog.objects import Column, Item, Share, Tag, Thing
from ..catalog.session import Session
from ..errors import SqlError, forbidden, invalid
from ..protocol.encode import Result, status
from ..sql.reader import Reader
from .making import created, dropped, found_or_none, gone, if_absent, put
from .registry import How, command

VALUE_MAX, VALUES_MAX, TAGS_MAX = 256, 300, 50
DONE = "Statement executed successfully."


def _values(reader: Reader) -> list[str]:
    values = reader.items(reader.string)
    if len(values) > VALUES_MAX or any(len(v) > VALUE_MAX for v in values):
        raise invalid(f"at most {VALUES_MAX} tag values of at most {VALUE_MAX} characters")
    return values


@command("CREATE TAG")
def create_tag(session: Session, reader: Reader, how: How) -> Result:
    """CREATE TAG t [ALLOWED_VALUES 'a', …] [COMMENT = '…']."""
    absent = if_absent(reader, how)
    names = reader.path(3)
    allowed = _values(reader) if reader.take("ALLOWED_VALUES") else None
    comment = reader.comment()
    reader.end()
    schema, name = session.place(names)
    made = Tag(name, comment=comment or "", allowed=allowed)
    return put(session, schema, made, how, absent, "CREATE TAG") or created("Tag", name)


def find_tag(session: Session, names: list[str]) -> Tag:
    """A tag by name."""
    found = session.find("TAG", names)
    assert isinstance(found, Tag)
    return found


@command("ALTER TAG")
def alter_tag(session: Session, reader: Reader, how: How) -> Result:
    """ALTER TAG t ADD | DROP ALLOWED_VALUES …, UNSET ALLOWED_VALUES, SET COMMENT."""
    exists = reader.take("IF", "EXISTS")
    names = reader.path(3)
    act = reader.one_of("ADD", "DROP", "UNSET", "SET")
    comment = reader.comment() if act == "SET" else None
    if act == "SET" and comment is None:
        raise reader.fail()
    if act != "SET":
        reader.expect("ALLOWED_VALUES")
    values = _values(reader) if act in ("ADD", "DROP") else []
    reader.end()
    found = found_or_none(lambda: find_tag(session, names), exists)
    if isinstance(found, Tag):
        session.need_ownership(found)
        if act == "SET":
            found.comment = comment or ""
        elif act == "UNSET":
            found.allowed = None
        else:
            kept = [v for v in found.allowed or [] if v not in values]
            found.allowed = kept + (values if act == "ADD" else [])
    return status(DONE)


@command("DROP TAG")
def drop_tag(session: Session, reader: Reader, how: How) -> Result:
    """DROP TAG [IF EXISTS] t: it goes from everything it is set on."""
    exists = reader.take("IF", "EXISTS")
    names = reader.path(3)
    reader.end()
    found = found_or_none(lambda: find_tag(session, names), exists)
    if not isinstance(found, Tag):
        return gone(names[-1])
    session.need_ownership(found)
    for holder in holders(session):
        holder.tags.pop(found, None)
    assert found.schema is not None
    found.schema.items.pop((found.space, found.name))
    session.account.forget(found)
    return dropped(found.name)


def holders(session: Session) -> list[Thing | Column]:
    """Everything of the account that tags may be set on."""
    from .databases import items_of

    account = session.account
    found: list[Thing | Column] = [account, *account.databases.values(), *account.shares.values(), *account.roles.values(), *account.users.values(), *account.warehouses.values()]
    for database in account.databases.values():
        found += database.schemas.values()
    for item in items_of(session):
        found += [item, *getattr(item, "columns", [])]
    return found


def read_tags(session: Session, reader: Reader, values: bool) -> dict[Tag, str]:
    """t = 'v', … or, without values, t, …."""
    def one() -> tuple[Tag, str]:
        tag = find_tag(session, reader.path(3))
        if not values:
            return tag, ""
        reader.expect("=")
        return tag, reader.string()
    return dict(reader.items(one))


def set_tags(session: Session, thing: Thing | Column, given: dict[Tag, str]) -> None:
    """Sets tags whose values are allowed, by who may."""
    for tag, value in given.items():
        if not session.globally("APPLY TAG") and not session.holds("APPLY", tag):
            raise forbidden("tag", tag.name)
        if len(value) > VALUE_MAX:
            raise invalid(f"a tag value has at most {VALUE_MAX} characters")
        if tag.allowed is not None and value not in tag.allowed:
            raise SqlError("391907", "22023", f"SQL compilation error:\nTag value '{value[:40]}' is not allowed for tag '{tag.fqn()}'.")
    if len(thing.tags | given) > TAGS_MAX:
        raise invalid(f"at most {TAGS_MAX} tags on one object")
    thing.tags |= given


def unset_tags(session: Session, thing: Thing | Column, given: dict[Tag, str]) -> None:
    """Takes tags off."""
    for tag in given:
        if not session.globally("APPLY TAG") and not session.holds("APPLY", tag):
            raise forbidden("tag", tag.name)
        thing.tags.pop(tag, None)


def value_on(thing: Thing, column: Column | None, tag: Tag) -> tuple[str, str] | None:
    """A tag's value on a thing or column, with the level it comes from: its own, or its schema's, database's, account's."""
    if column is not None and tag in column.tags:
        return column.tags[tag], "COLUMN"
    chain: list[Thing | None] = [thing]
    if isinstance(thing, Item) and thing.schema is not None:
        chain += [thing.schema, thing.schema.database]
    elif thing.kind == "SCHEMA":
        chain.append(getattr(thing, "database", None))
    if not isinstance(thing, Share) and chain[-1] is not None:
        chain.append(getattr(chain[-1], "account", None))
    return next(((t.tags[tag], t.kind) for t in chain if t is not None and tag in t.tags), None)
