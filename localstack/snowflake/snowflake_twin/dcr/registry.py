"""REGISTRY and ADMIN procedures: specs registered, listed, taken back; privileges of the collaboration API granted. Must not know rooms' lives."""

from __future__ import annotations

import re
from typing import Any

from ..catalog.types import LTZ
from ..errors import SqlError
from ..protocol.encode import Result
from ..query.run import select
from ..sql.names import shown
from ..sql.reader import Reader
from . import specs, templates
from .desk import Desk, listed, said
from .specs import failed
from .state import Registered

PRIVILEGES = ("REGISTER TEMPLATE", "REGISTER DATA OFFERING", "CREATE COLLABORATION", "JOIN COLLABORATION", "REVIEW COLLABORATION", "READ", "UPDATE", "RUN")
KINDS = {"TEMPLATE": ("template", "REGISTER TEMPLATE"), "DATA_OFFERING": ("data_offering", "REGISTER DATA OFFERING")}
FORMATS = {"email": re.compile(r"[^@\s]+@[^@\s]+"), "phone": re.compile(r"\+?[0-9]{6,15}"), "sha256": re.compile(r"[0-9a-fA-F]{64}"), "b64": re.compile(r"[A-Za-z0-9+/]+=*")}


def register(desk: Desk, kind: str, *words: Any) -> Result:
    """REGISTER_x([registry,] yaml): gives the id."""
    word, privilege = KINDS[kind]
    desk.need(privilege)
    spec = specs.load(str(words[-1]), word)
    key = (desk.me, word, spec.identity.upper())
    if key in desk.world.registered:
        raise failed(f"{word} {spec.identity} is registered already; register a new version")
    if word == "template":
        templates.check(spec, filters=desk.session.twin.settings.dcr_filters)
    else:
        for dataset in spec.body["datasets"]:
            check_dataset(desk, dataset)
    desk.world.registered[key] = Registered(desk.session.account, desk.session.primary(), spec, desk.session.now)
    return said(spec.identity)


def columns(dataset: dict[str, Any]) -> list[tuple[str, str]]:
    """Columns of a dataset: in the source, and as they are seen. Names are identifiers, upper case unless quoted."""
    found = []
    for column, held in dataset["schema_and_template_policies"].items():
        reader = Reader(str(column))
        name = reader.path(1)[0]
        reader.end()
        found.append((name, specs.exposed(name, held)))
    return found


def check_dataset(desk: Desk, dataset: dict[str, Any]) -> None:
    """The source is there, its columns too, and join columns look as their type says: by a query, which a policy may refuse."""
    reader = Reader(str(dataset["data_object_fqn"]))
    names = reader.path(3)
    reader.end()
    if len(names) != 3:
        raise failed("data_object_fqn is DATABASE.SCHEMA.OBJECT")
    database = desk.session.find_database(names[0])
    if not (desk.session.owns(database) or desk.session.holds("REFERENCE_USAGE", database)):
        raise failed(f"missing reference usage grant on database {shown(names[0])}")
    picked = ", ".join(shown(c) for c, _ in columns(dataset))
    try:
        rows = select(desk.session, f"SELECT {picked} FROM {'.'.join(shown(n) for n in names)}").rows
    except SqlError as error:
        raise failed(f"dataset {dataset['alias']} cannot be checked: {error}") from error
    for place, (column, held) in enumerate(dataset["schema_and_template_policies"].items()):
        kind = str(held.get("column_type", ""))
        shape = FORMATS.get("sha256" if kind.endswith("_sha256") else "b64" if kind.endswith("b64_encoded") else kind)
        if shape is not None and any(r[place] is not None and not shape.fullmatch(str(r[place])) for r in rows):
            raise failed(f"column {column} of dataset {dataset['alias']} does not have the format of {kind}")


def unregister(desk: Desk, kind: str, identity: str) -> Result:
    """UNREGISTER_x(id): refused while it is linked, with where."""
    word, privilege = KINDS[kind]
    desk.need(privilege)
    found = desk.registered(word, identity)
    used = [r.name for r in desk.world.rooms if any(m.account is found.account for m in r.members.values()) and any(
        found.identity in [*x.templates, *(i for o in x.providers.values() for i in o)] for x in r.runners.values())]
    if used:
        raise failed(f"{word} {identity} is linked in {', '.join(used)}")
    desk.world.registered.pop((desk.me, word, identity.upper()))
    return said(f"{identity} unregistered")


def view(desk: Desk, kind: str) -> Result:
    """VIEW_REGISTERED_xS()."""
    word, _ = KINDS[kind]
    rows = [(r.identity, r.spec.body["name"], r.spec.body["version"], r.spec.text, "local", r.created_on) for (a, k, _), r in desk.world.registered.items() if (a, k) == (desk.me, word)]
    return listed([f"{kind}_ID", "NAME", "VERSION", f"{kind}_SPEC", "REGISTRY", "CREATED_ON"], [*rows], {"CREATED_ON": LTZ})


def grant_on_account(desk: Desk, privilege: str, role: str) -> Result:
    """ADMIN.GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE(privilege, role)."""
    return _granted(desk, privilege, "ACCOUNT", role)


def grant_on_object(desk: Desk, privilege: str, kind: str, name: str, role: str) -> Result:
    """ADMIN.GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE(privilege, 'COLLABORATION', name, role)."""
    if kind.upper() != "COLLABORATION":
        raise failed(f"privileges on {kind[:40]} are not part of this stand-in (TWIN)")
    return _granted(desk, privilege, name.upper(), role)


def _granted(desk: Desk, privilege: str, what: str, role: str) -> Result:
    if not any(r in desk.session.active() for r in ("ACCOUNTADMIN", "SAMOOHA_APP_ROLE")):
        raise failed("insufficient privileges")
    if privilege.upper() not in PRIVILEGES or role not in desk.session.account.roles:
        raise failed(f"no privilege {privilege[:60]} or no role {role[:60]}")
    desk.world.privileges.add((desk.me, role, privilege.upper(), what))
    return said("granted")
