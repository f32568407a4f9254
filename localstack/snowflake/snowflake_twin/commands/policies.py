"""Policies of five kinds: CREATE, ALTER, DROP, DESC. Must not know where they are set, nor what they do to queries."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ..catalog import types
from ..catalog.objects import POLICY_KINDS, Policy
from ..catalog.session import Session
from ..errors import SqlError, invalid, unsupported
from ..protocol.encode import Result, status, table
from ..query import functions
from ..sql.lexer import WORD
from ..sql.reader import Reader
from .databases import users_of
from .making import created, dropped, found_or_none, gone, if_absent, put
from .registry import How, command

CALLS = {"AGGREGATION": ("AGGREGATION_CONSTRAINT", "NO_AGGREGATION_CONSTRAINT"), "PROJECTION": ("PROJECTION_CONSTRAINT",), "JOIN": ("JOIN_CONSTRAINT",)}
ARGUMENTS = {"AGGREGATION_CONSTRAINT": ("MIN_GROUP_SIZE", "MIN_ROW_COUNT", "MIN_ENTITY_COUNT"), "NO_AGGREGATION_CONSTRAINT": (), "PROJECTION_CONSTRAINT": ("ALLOW", "ENFORCEMENT"),
             "JOIN_CONSTRAINT": ("JOIN_REQUIRED",)}
DONE = "Statement executed successfully."
STARTS = tuple(f"{k} POLICY" for k in POLICY_KINDS)


def _kind(reader: Reader) -> str:
    """The kind whose words were just read."""
    words = [t.text.upper() for t in reader.tokens[:reader.at]]
    return next(k for k in POLICY_KINDS if " ".join(words).endswith(f"{k} POLICY"))


def _type(reader: Reader) -> str:
    text = reader.next(WORD).text
    if reader.sees("("):
        text += f"({reader.skip_braced()})"
    return types.parse(text).spelled()


def check_body(kind: str, signature: list[tuple[str, str]], body: str) -> None:
    """Whether a body can be what its kind asks for: known constraints with known arguments, CASE with an ELSE, no table where none may be."""
    try:
        trees = sqlglot.parse(body, read="snowflake")
    except SqlglotError as error:
        raise invalid("Policy body cannot be read.", "001003", "42000") from error
    tree = trees[0] if len(trees) == 1 else None
    if tree is None or isinstance(tree, (exp.Query, exp.DDL, exp.DML, exp.Command)):
        raise invalid("Policy body is no expression.", "001003", "42000")
    for node in tree.find_all(exp.Func):
        name = functions.name_of(node)
        if name in functions.CONSTRAINTS:
            if name not in CALLS.get(kind, ()):
                raise invalid(f"{name} cannot be used in a {kind} policy.")
            if bad := [a for a in node.expressions if not isinstance(a, exp.Kwarg) or str(a.this.name).upper() not in ARGUMENTS[name]]:
                raise invalid(f"Unknown argument {bad[0].sql()[:60]} of {name}.")
    if kind in CALLS:
        if not any(functions.name_of(n) in CALLS[kind] for n in tree.find_all(exp.Func)):
            raise invalid(f"Policy body must call {' or '.join(CALLS[kind])}.")
        if tree.find(exp.Select) is not None or tree.find(exp.Column) is not None:
            raise invalid("Policy body cannot name a table or a column.")
        if any(c.args.get("default") is None for c in tree.find_all(exp.Case)):
            raise invalid("Policy body: CASE needs an ELSE.")


@command(*(f"CREATE {s}" for s in STARTS))
def create_policy(session: Session, reader: Reader, how: How) -> Result:
    """CREATE kind POLICY p AS (args) RETURNS type -> body [COMMENT = '…']."""
    kind = _kind(reader)
    absent = if_absent(reader, how)
    names = reader.path(3)
    reader.expect("AS")
    signature = reader.braced(lambda: (reader.name(), _type(reader)))
    reader.expect("RETURNS")
    returns = f"{kind}_CONSTRAINT" if kind in CALLS else ""
    if returns:
        reader.expect(returns)
    else:
        returns = _type(reader)
    reader.expect("->")
    body, comment = reader.until("COMMENT ="), reader.comment()
    reader.end()
    if kind in CALLS and signature or kind not in CALLS and not signature:
        raise invalid(f"A {kind} policy has {'no' if kind in CALLS else 'at least one'} argument.")
    if kind == "ROW ACCESS" and returns != "BOOLEAN" or kind == "MASKING" and returns != signature[0][1]:
        raise invalid(f"Return type {returns} does not fit the policy's kind or its first argument.")
    check_body(kind, signature, body)
    if session.account.edition == "STANDARD":
        raise unsupported(f"{kind} POLICY")
    schema, name = session.place(names)
    made = Policy(name, comment=comment or "", kind=f"{kind} POLICY", signature=signature, returns=returns, body=body)
    old = schema.items.get((made.space, name))
    if how.replace and isinstance(old, Policy) and users_of(session, old):
        raise SqlError("003551", "23001", f"SQL compilation error:\nPolicy {old.fqn()} cannot be dropped/replaced as it is associated with one or more entities.")
    return put(session, schema, made, how, absent, f"CREATE {kind} POLICY") or created("Policy", name)


def find_policy(session: Session, kind: str, names: list[str]) -> Policy:
    """A policy of a kind by name."""
    found = session.find(f"{kind} POLICY", names)
    assert isinstance(found, Policy)
    return found


@command(*(f"ALTER {s}" for s in STARTS))
def alter_policy(session: Session, reader: Reader, how: How) -> Result:
    """ALTER kind POLICY p SET BODY -> body | SET COMMENT | UNSET COMMENT | RENAME TO."""
    kind = _kind(reader)
    exists = reader.take("IF", "EXISTS")
    names = reader.path(3)
    act = reader.one_of("SET BODY", "SET", "UNSET COMMENT", "RENAME TO")
    body = comment = None
    new: list[str] = []
    if act == "SET BODY":
        reader.expect("->")
        body = reader.until()
    elif act == "SET":
        comment = reader.comment()
        if comment is None:
            raise reader.fail()
    elif act == "RENAME TO":
        new = reader.path(1)
    reader.end()
    found = found_or_none(lambda: find_policy(session, kind, names), exists)
    if not isinstance(found, Policy):
        return status(DONE)
    session.need_ownership(found)
    assert found.schema is not None
    if body is not None:
        check_body(kind, found.signature, body)
        found.body = body
    elif new:
        if (found.space, new[0]) in found.schema.items:
            raise SqlError("002002", "42710", f"SQL compilation error:\nObject '{new[0]}' already exists.")
        found.schema.items.pop((found.space, found.name))
        found.name = new[0]
        found.schema.items[found.space, found.name] = found
    else:
        found.comment = comment or ""
    return status(DONE)


@command(*(f"DROP {s}" for s in STARTS))
def drop_policy(session: Session, reader: Reader, how: How) -> Result:
    """DROP kind POLICY [IF EXISTS] p: refused while it is set anywhere."""
    kind = _kind(reader)
    exists = reader.take("IF", "EXISTS")
    names = reader.path(3)
    reader.end()
    found = found_or_none(lambda: find_policy(session, kind, names), exists)
    if not isinstance(found, Policy):
        return gone(names[-1])
    session.need_ownership(found)
    if users_of(session, found):
        raise SqlError("003551", "23001", f"SQL compilation error:\nPolicy {found.fqn()} cannot be dropped/replaced as it is associated with one or more entities.")
    assert found.schema is not None
    found.schema.items.pop((found.space, found.name))
    session.account.forget(found)
    return dropped(found.name)


@command(*(f"{d} {s}" for s in STARTS for d in ("DESC", "DESCRIBE")))
def describe_policy(session: Session, reader: Reader, how: How) -> Result:
    """DESC kind POLICY p: name, signature, return_type, body."""
    kind = _kind(reader)
    names = reader.path(3)
    reader.end()
    found = find_policy(session, kind, names)
    if not (session.owns(found) or session.globally(f"APPLY {kind} POLICY") or session.holds("APPLY", found)):
        raise SqlError("003001", "42501", f"SQL access control error:\nInsufficient privileges to operate on policy '{found.name}'")
    signature = "(" + ", ".join(f"{n} {t}" for n, t in found.signature) + ")"
    return table(["name", "signature", "return_type", "body"], [(found.name, signature, found.returns, found.body)])
