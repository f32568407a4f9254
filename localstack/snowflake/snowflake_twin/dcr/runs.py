"""COLLABORATION.RUN and what follows from it: analyses answered as rows, activations on their way to receivers, the history of both.

Must not know how a room came to be what it is.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..catalog.objects import Column, Database, Relation, Schema, Table, View
from ..catalog.organization import new_database
from ..catalog.session import Session
from ..catalog.types import LTZ, NUMBER, TEXT, Type
from ..errors import SqlError
from ..protocol.encode import Result
from ..query.compile import Compiler
from ..sql.names import shown
from ..sql.reader import Reader
from . import specs, templates
from .desk import Desk, fresh, listed, said
from .registry import columns
from .rooms import JOINED
from .specs import Spec, failed
from .state import Activation, Member, Registered, Room
from .templates import Raw

SOURCE, LOCAL, PRESET = "source_table", "my_table", "preset_tables"
SEGMENTS = [("BATCH_ID", TEXT), ("SEGMENT_NAME", TEXT), ("TEMPLATE_ID", TEXT), ("SHARED_BY", TEXT), ("UPDATED_ON", LTZ), ("RECORDS", Type("VARIANT"))]


class Sources:
    """The tables of one run: names that only this run knows, and what stands behind them."""

    def __init__(self) -> None:
        self.relations: dict[str, Relation] = {}
        self.policies: dict[str, dict[str, dict[str, Any]]] = {}

    def add(self, relation: Relation, policies: dict[str, dict[str, Any]] | None = None) -> str:
        """A relation under a name of its own, quoted: it is bound as text, for IDENTIFIER to read, or made raw by sqlsafe."""
        name = f"\x02table{len(self.relations)}"
        self.relations[name] = relation
        self.policies[name] = policies or {}
        return '"' + name + '"'


def run(desk: Desk, name: str, *words: Any) -> Result:
    """RUN(name, analysis yaml), or RUN(name, template id, [source views], [local views], {arguments})."""
    room, member = desk.mine(name, JOINED)
    runner = room.runners.get(member.alias)
    if runner is None or not (member.role in desk.session.active() or desk.may("RUN", room.name.upper())):
        raise failed(f"{member.alias} is no analysis runner of the collaboration")
    identity, views, local, given, activation, named = _wish(desk, words)
    started = desk.session.now
    entry = {"id": fresh("ACT"), "runner": member.alias, "start": started, "status": "COMPLETED", "failure": None, "template": identity, "arguments": given, "sources": views}
    room.history.append(entry)
    try:
        if identity.upper() not in [t.upper() for t in runner.templates]:
            raise failed(f"template {identity[:120]} is not listed for {member.alias}")
        found = desk.template(room, identity)
        sources = Sources()
        values = _values(desk, room, member, found.spec, sources, views, local, named) | specs.arguments(found.spec.body, given)
        text = templates.render(found.spec, values, lambda word, value: _policy(desk, sources, values, word, value))
        if found.spec.body["type"] == "sql_analysis":
            if desk.session.twin.settings.dcr_results == "refuse":
                raise SqlError("391916", "0A000", "Results of this procedure cannot be returned through the SQL API.")
            return _rows(desk.session, text, sources)
        return _activate(desk, room, member, found, text, sources, activation)
    except SqlError as error:
        entry |= {"status": "FAILED", "failure": str(error)}
        raise


def _wish(desk: Desk, words: tuple[Any, ...]) -> tuple[str, list[str], list[str], dict[str, Any], dict[str, str], str]:
    """A template, source views, local views, arguments, an activation, and what is named in the place of the preset tables, where that goes."""
    if len(words) == 1:
        body = specs.load(str(words[0]), "analysis").body
        held = body.get("template_configuration") or {}
        views, local = dict(held.get("view_mappings") or {}), held.get("local_view_mappings") or {}
        named = str(views.pop(PRESET, "")) if desk.session.twin.settings.dcr_presets == "named" else ""
        if set(views) - {"source_tables"} or set(local) - {"my_tables"}:
            raise failed("view mappings other than source_tables and my_tables are not part of this stand-in (TWIN)")
        return str(body["template"]), list(views.get("source_tables") or []), list(local.get("my_tables") or []), held.get("arguments") or {}, held.get("activation") or {}, named
    if len(words) == 4 and isinstance(words[1], list) and isinstance(words[2], list) and isinstance(words[3], dict):
        return str(words[0]), words[1], words[2], words[3], {}, ""
    raise failed("RUN takes an analysis, or a template, source views, local views and arguments")


def _values(desk: Desk, room: Room, member: Member, spec: Spec, sources: Sources, views: list[str], local: list[str], named: str) -> dict[str, Any]:
    """The reserved names of a template."""
    presets = {p["alias"]: sources.add(*_offered(desk, room, member, named or str(p["template_view_name"]))) for p in spec.body.get("preset_tables") or []}
    return {SOURCE: [sources.add(*_offered(desk, room, member, str(v))) for v in views], LOCAL: [sources.add(_own(desk, str(v))) for v in local], PRESET: presets}


def _own(desk: Desk, text: str) -> Relation:
    """A table of the runner's own account."""
    reader = Reader(text)
    names = reader.path(3)
    reader.end()
    found = desk.session.find("RELATION", names, "SELECT")
    assert isinstance(found, Relation)
    return found


def _offered(desk: Desk, room: Room, member: Member, text: str) -> tuple[Relation, dict[str, dict[str, Any]]]:
    """alias.offering.dataset, if it is linked for this runner and its provider has joined: a view with its provider's rights."""
    parts = text.split(".")
    alias, identity, dataset_alias = parts if len(parts) == 3 else ("", "", "")
    linked = room.runners[member.alias].providers.get(alias, [])
    provider = room.members.get(alias)
    found = desk.offering(alias, room, identity) if provider is not None and identity.upper() in [i.upper() for i in linked] else None
    dataset = next((d for d in found.spec.body["datasets"] if d["alias"].upper() == dataset_alias.upper()), None) if found else None
    if found is None or dataset is None or provider is None or provider.status != JOINED:
        raise failed(f"view {text[:200]} is not shared with {member.alias}")
    return _view(found, dataset), {e: h for (_, e), h in zip(columns(dataset), dataset["schema_and_template_policies"].values(), strict=True)}


def _view(found: Registered, dataset: dict[str, Any]) -> View:
    """A dataset as a secure view that only this run knows."""
    reader = Reader(str(dataset["data_object_fqn"]))
    names = reader.path(3)
    pairs = columns(dataset)
    query = f"SELECT {', '.join(f'{shown(c)} AS {shown(e)}' for c, e in pairs)} FROM {'.'.join(shown(n) for n in names)}"
    database = Database(names[0], found.role, account=found.account)
    made = View(f"{found.identity}.{dataset['alias']}", found.role, found.created_on, query=query, secure=True, columns=[Column(e, TEXT) for _, e in pairs])
    made.schema = Schema(names[1], found.role, database=database)
    return made


def _policy(desk: Desk, sources: Sources, values: dict[str, Any], word: str, value: Any) -> Raw:
    """A policy filter: the column of the table that its alias stands for must be of the filter's kind."""
    if not desk.session.twin.settings.dcr_filters:
        raise failed(f"filter {word} cannot be used in a collaboration template")
    alias, name = templates.column_of(value)
    tables = values[SOURCE] if alias is None or alias[0] == "p" else []
    place = int(alias[1:]) - 1 if alias and alias[1:] else 0
    held = sources.policies[tables[place][1:-1]].get(name) if place < len(tables) else None
    if alias is not None and alias[0] == "c" and place < len(values[LOCAL]):
        return Raw(str(value))
    joins = held is not None and held["category"].startswith("join")
    fits = held is not None and {"join_policy": joins, "column_policy": not joins, "activation_policy": bool(held.get("activation_allowed")), "join_and_column_policy": True}[word]
    if not fits:
        raise failed(f"column {name[:80]} does not satisfy {word}")
    return Raw(str(value))


def _rows(session: Session, text: str, sources: Sources) -> Result:
    """The rows of a rendered query, with every provider's policies."""
    compiler = Compiler(session, replace(session, bindings={}), extra=sources.relations)
    try:
        tree, out = compiler.outermost(text.strip().removesuffix(";"))
        result = session.twin.engine.result(tree.sql("duckdb", identify=True))
    finally:
        compiler.release()
    result.columns = [(n, k) for n, (_, k) in zip(out.columns, result.columns, strict=True)]
    return result


def _activate(desk: Desk, room: Room, member: Member, found: Registered, text: str, sources: Sources, wish: dict[str, str]) -> Result:
    """An activation block: BEGIN CREATE [OR REPLACE] TABLE cleanroom.activation_data_x AS query; RETURN 'x'; END."""
    receiver = wish.get("snowflake_collaborator", "")
    if receiver not in room.runners[member.alias].receivers or not wish.get("segment_name"):
        raise failed(f"{receiver[:80] or 'nobody'} is no activation destination of {member.alias}, or there is no segment_name")
    reader = Reader(text)
    reader.expect("BEGIN")
    reader.expect("CREATE")
    reader.take("OR", "REPLACE")
    reader.expect("TABLE")
    place = reader.path(2)
    reader.expect("AS")
    first = reader.peek()
    depth = 0
    while (token := reader.peek()) is not None and not (depth == 0 and reader.sees(";")):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
        reader.at += 1
    last = reader.tokens[reader.at - 1]
    reader.expect(";")
    reader.expect("RETURN")
    returned = reader.string()
    reader.take(";")
    reader.expect("END")
    reader.end()
    if first is None or place[0] != "CLEANROOM" or len(place) != 2 or place[1] != f"ACTIVATION_DATA_{returned.upper()}":
        raise failed("an activation template creates cleanroom.activation_data_<name> and returns <name>")
    result = _rows(desk.session, text[first.start:last.end], sources)
    rows = [dict(zip([n for n, _ in result.columns], r, strict=True)) for r in result.rows]
    now = desk.session.now
    room.activations.append(Activation(fresh("BATCH"), wish["segment_name"], found.identity, member.alias, receiver, rows, now, now + desk.step_s))
    desk.settle()
    return said("Activation is under way.")


def view_activations(desk: Desk, name: str) -> Result:
    """VIEW_ACTIVATIONS(name): sent or received by this member."""
    room, member = desk.mine(name, JOINED)
    rows = [(a.batch, a.segment, a.template, a.sender, a.receiver, a.status, a.at) for a in room.activations if member.alias in (a.sender, a.receiver)]
    return listed(["BATCH_ID", "SEGMENT_NAME", "TEMPLATE_ID", "SHARED_BY", "SHARED_WITH", "STATUS", "UPDATED_ON"], [*rows], {"UPDATED_ON": LTZ})


def process(desk: Desk, name: str, chosen: Any = None) -> Result:
    """PROCESS_ACTIVATION(name [, segment | [batches]]), by the receiver: rows go to <name>.ACTIVATION.SEGMENT_RECORDS."""
    room, member = desk.mine(name, JOINED)
    ready = [a for a in room.activations if a.receiver == member.alias and a.status == "SHARED" and (chosen is None or chosen == a.segment or isinstance(chosen, list) and a.batch in chosen)]
    account, twin = desk.session.account, desk.session.twin
    home = (member.local_name or room.name).upper()
    database = account.databases.get(home) or new_database(account, home, member.role, desk.session.now)
    schema = database.schemas.setdefault("ACTIVATION", Schema("ACTIVATION", member.role, desk.session.now, database=database))
    table = schema.items.get(("RELATION", "SEGMENT_RECORDS"))
    if not isinstance(table, Table):
        table = Table("SEGMENT_RECORDS", member.role, desk.session.now, columns=[Column(n, k) for n, k in SEGMENTS], physical=twin.engine.make([(n, k.engine()) for n, k in SEGMENTS]))
        table.schema = schema
        schema.items["RELATION", "SEGMENT_RECORDS"] = table
    for activation in ready:
        at = datetime.fromtimestamp(desk.session.now, UTC)
        twin.engine.fill(table.physical, [(activation.batch, activation.segment, activation.template, activation.sender, at, json.dumps(r, default=str)) for r in activation.rows])
        activation.status = "PROCESSED"
    return listed(["BATCHES_PROCESSED", "RECORDS"], [(len(ready), sum(len(a.rows) for a in ready))], {"BATCHES_PROCESSED": NUMBER, "RECORDS": NUMBER})


def history(desk: Desk, name: str) -> Result:
    """VIEW_ACTIVITY_HISTORY(name): arguments and reasons are for the runner alone."""
    room, member = desk.mine(name, JOINED)
    rows = []
    for entry in room.history:
        own = entry["runner"] == member.alias
        info = {"template": entry["template"], "source_tables": entry["sources"]} | ({"arguments": entry["arguments"]} if own else {})
        reason = entry["failure"] if own or entry["failure"] is None else "REDACTED"
        rows.append((entry["id"], entry["runner"], entry["start"], 0, entry["status"], reason, json.dumps(info, default=str)))
    return listed(["ACTIVITY_ID", "ANALYSIS_RUNNER_ALIAS", "START_TS", "TOTAL_DURATION", "STATUS", "FAILURE_REASON", "ACTIVITY_INFO"], [*rows], {"START_TS": LTZ, "TOTAL_DURATION": NUMBER})
