"""What accounts may try in a data clean room of Snowflake, past the gateway: runs of templates with values of all kinds, by whoever is there,
texts and rooms of their own, what others offer. Each attempt says why the agreement refuses it, or that it doesn't.

Must not know how a room is held, nor the gateway.
"""

import json

import canaries
from canaries import DATASETS, KEY, TEMPLATES, literal
from prying import NOTHING, REFUSED, RUN, TOLD, Question
from values import HOSTILE, fitting, within

HOME = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"
NOT_THERE = "PANTRY.PUBLIC.X"  # what only an asker says: its own history tells it again
KINDS = {"int64": "integer", "float64": "number", "boolean": "boolean", "utf8": "string"}


def text(value):
    """A text constant."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def call(procedure, *words):
    """A CALL, its words as literals and lists of literals."""
    def said(word):
        if isinstance(word, list):
            return "[" + ", ".join(map(said, word)) + "]"
        if isinstance(word, dict):
            return "{" + ", ".join(f"{text(k)}: {said(v)}" for k, v in word.items()) + "}"
        return str(word) if isinstance(word, (int, float)) and not isinstance(word, bool) else text(word)
    return f"CALL {HOME}.{procedure}({', '.join(map(said, words))})"


class Room:
    """One runner's room, as it is seen there."""

    def __init__(self, name, runner, templates, offerings):
        self.name, self.runner = name, runner
        self.templates, self.offerings = templates, offerings  # ids that are listed; views as a run may name them

    def of(self, template):
        """The ids that are listed for a template of the agreement."""
        return [i for i in self.templates if i.startswith(f"{template}_")]


def seen(client, members):
    """The room of each runner, from the views of its own account."""
    found = {}
    for runner in ("brand", "press"):
        for room in client.rows(members[runner], call("COLLABORATION.VIEW_COLLABORATIONS")):
            if room["OWNER_ACCOUNT"] == members[runner]:
                name = room["COLLABORATION_NAME"] or room["SOURCE_NAME"]
                listed = [r["TEMPLATE_ID"] for r in client.rows(members[runner], call("COLLABORATION.VIEW_TEMPLATES", name)) if runner in r["SHARED_WITH"]]
                offered = [r["TEMPLATE_VIEW_NAME"] for r in client.rows(members[runner], call("COLLABORATION.VIEW_DATA_OFFERINGS", name))]
                found[runner] = Room(name, runner, listed, offered)
    return found


class Calls:
    """Attempts in the rooms of one agreement."""

    def __init__(self, rng, ground, rooms):
        self.rng, self.ground, self.rooms = rng, ground, rooms
        self.serial = 0

    def room(self):
        return self.rooms[self.rng.choice(sorted(self.rooms))]

    def template(self, room, where=lambda _: True):
        """A template of the agreement that is listed in a room, and its id."""
        names = [t for t in TEMPLATES if room.of(t) and where(t)]
        return self.rng.choice(names) if names else None

    def listed(self, room, template):
        """One of a template's ids; nothing where none is listed."""
        found = room.of(template)
        return self.rng.choice(found) if found else None

    def parameters(self, template):
        return TEMPLATES[template][2]

    def typed(self, template, values):
        """Values as their declared types, where they can be."""
        made = {}
        for name, value in values.items():
            kind = self.parameters(template).get(name, {"type": "utf8"})["type"]
            try:
                made[name] = int(value) if kind == "int64" else value
            except ValueError:
                made[name] = value
        return made

    def analysis(self, identity, values, **more):
        """The spec of a run."""
        return json.dumps({"api_version": "2.0.0", "spec_type": "analysis", "template": identity, "template_configuration": {"arguments": values, **more}}, ensure_ascii=False)

    def against(self, template, by, values):
        """Why the agreement refuses a run."""
        runner, _, declared = TEMPLATES[template]
        found = [] if by == runner else [f"{by} may not run {template}"]
        found += [f"{o} has not approved it" for t, o in (canaries.WITHHELD,) if t == template]
        found += [f"{n} is no parameter" for n in values if n not in declared]
        found += [f"{n} is outside of what was declared" for n, p in declared.items() if n not in values or not within(p, str(values[n]))]
        return "; ".join(found)

    def run(self, kind, room, template, values, by=None, identity=None, spec=None, **more):
        """A run, however it is spelled."""
        by = by or room.runner
        statement = spec or call("COLLABORATION.RUN", room.name, self.analysis(identity or self.listed(room, template) or f"{template}_v1", values))
        return Question(kind, [statement], RUN, template=template, values=values, by=by, why=self.against(template, by, values), **more)

    def fitting(self, template):
        return self.typed(template, {n: fitting(self.rng, p) for n, p in self.parameters(template).items()})

    # Ways

    def agreed(self):
        """As agreed; where a template has few values, spelled by position."""
        room = self.room()
        template = self.template(room)
        values = self.fitting(template)
        if self.rng.random() < 0.3:
            sources = self.rng.sample(room.offerings, self.rng.randint(0, len(room.offerings)))
            spec = call("COLLABORATION.RUN", room.name, self.listed(room, template), sources, [], values)
            return self.run("runs", room, template, values, spec=spec)
        return self.run("runs", room, template, values)

    def values(self):
        """A value that was not declared, none, or one too many."""
        rng, room = self.rng, self.rooms["brand"]
        template = self.template(room, self.parameters)
        values = self.fitting(template)
        victim = rng.choice(sorted(values))
        spec = self.parameters(template)[victim]
        near = [spec[b] + d for b, d in (("min", -1), ("max", 1), ("min", -rng.randint(2, 999)), ("max", rng.randint(2, 999))) if isinstance(spec.get(b), int)]
        hostile = [*HOSTILE, "north'; SELECT 1; --", "{{ 1 }}", "{% raw %}", "north') OR ('1' = '1", "\\' OR 1=1 --", "south", "40-64", str(rng.randrange(10**6))]
        values[victim] = rng.choice(near * 3 + hostile)
        if spec["type"] == "int64" and rng.random() < 0.5:
            values = self.typed(template, values)
        turn = rng.random()
        if turn < 0.07:
            del values[victim]
        elif turn < 0.12:
            values[rng.choice(("another", "source_table", "preset_tables", "my_table"))] = rng.choice((1, "x", str(rng.randrange(10**6))))
        elif turn < 0.2:
            values[victim] = rng.choice(([1, 2], {"a": 1}, None, True, 1.5, -0.5 + rng.randrange(100)))
        elif turn < 0.4 and "from_week" in values and "to_week" in values:
            values |= {"from_week": rng.randint(-999, 9), "to_week": rng.randint(41, 999)}
        return self.run("values", room, template, values)

    def unknown(self):
        """A template that is not listed for the one who runs: made up, another runner's, one that its owner withholds."""
        rng, room = self.rng, self.room()
        template = rng.choice(sorted(TEMPLATES))
        others = [i for r in self.rooms.values() for i in r.templates if i not in room.templates]
        known = rng.choice(room.templates)
        identity = rng.choice((f"{template}_v{rng.randrange(10**5)}", f"tiers_{rng.randrange(16**8):08x}_h{rng.randrange(16**8):016x}", known + "x", known[:-1], f"{known};{rng.randrange(10**4)}", *others, f"{known}' OR '1'='1{rng.randrange(99)}", f"../{known}{rng.randrange(99)}"))
        made = self.run("unknown templates", room, template, {}, identity=identity)
        made.why = made.why or "no such template is agreed"
        made.why += "; it is not listed"
        return made

    def own_text(self):
        """A text of the runner's own: registered, asked for, approved by itself, run."""
        rng, room = self.rng, self.room()
        self.serial += 1
        name = f"own_{room.runner}_{self.serial}_{rng.randrange(10**6)}"
        offered = rng.choice(room.offerings)
        columns = rng.choice(("*", f'"{KEY}"', "COUNT(*)", "MIN(1)"))
        sql = rng.choice((f"SELECT {columns} FROM IDENTIFIER({{{{ preset_tables['x'] }}}})", f"SELECT {columns} FROM {{{{ source_table[0] | sqlsafe }}}}", f"SELECT {columns} FROM IDENTIFIER({{{{ source_table[0] }}}}) LIMIT {rng.randint(1, 99)}", "{{ sql | sqlsafe }}"))
        spec = {"api_version": "2.0.0", "spec_type": "template", "name": name, "version": "v1", "type": "sql_analysis", "template": sql}
        spec |= {"preset_tables": [{"alias": "x", "template_view_name": offered}]} if "preset" in sql else {"parameters": [{"name": "sql", "type": "string"}]} if "sql |" in sql else {}
        identity, values = f"{name}_v1", {"sql": f"SELECT {columns} FROM {offered}"} if "sql |" in sql else {}
        steps = [call("REGISTRY.REGISTER_TEMPLATE", json.dumps(spec))]
        if rng.random() < 0.25:  # each request waits for the others, for ever
            steps.append(call("COLLABORATION.ADD_TEMPLATE_REQUEST", room.name, identity, [room.runner]))
        steps.append(call("COLLABORATION.RUN", room.name, identity, [offered], [], values))
        return Question("texts", steps, NOTHING, by=room.runner, why="nobody agreed to this text")

    def directly(self):
        """What is offered, asked for without the room."""
        rng, room = self.rng, self.room()
        dataset, n = rng.choice(list(DATASETS)), rng.randrange(10**6)
        prefix = f"AIRLOCK${self.ground.name.upper().replace('-', '_')}$"
        offered = rng.choice(room.offerings)
        own = DATASETS[dataset][0] == room.runner
        dataset = "sales" if own else dataset
        table = '"' + self.ground.tables[dataset] + '"'
        sql = rng.choice((f'SELECT {n}, * FROM AIRLOCK."{prefix}REGISTERED"."{dataset.upper()}$H{n}"', f"SELECT * FROM {offered} LIMIT {n}", f"SELECT COUNT(*) + {n} FROM PANTRY.PUBLIC.{table}", f'SELECT {n}, COUNT(*) FROM "{room.name.upper()}".PUBLIC.{dataset.upper()}',
                          f"SELECT {n}, COUNT(*) FROM {HOME}.REGISTRY.{dataset.upper()}", f'SELECT COUNT(*) + {n} FROM IDENTIFIER({literal(offered)})', f"SELECT {n}, * FROM {room.name}.COLLABORATION.SHARED_VIEWS", f"CREATE DATABASE TAKEN{n} FROM SHARE ACME.PROVIDER.{dataset.upper()}"))
        return Question("directly", [sql], NOTHING if sql.startswith("SELECT") else REFUSED, by=room.runner, why="data is reached by templates alone")

    def others(self):
        """A run, or a look, by somebody whom the room is not for."""
        rng, room = self.rng, self.room()
        by = rng.choice([m for m in ("brand", "press", "grocer", "stranger") if m != room.runner])
        template = self.template(room)
        if by == "stranger" and rng.random() < 0.4:
            procedure = rng.choice((("COLLABORATION.REVIEW", room.name, "ACME.CONSUMER"), ("COLLABORATION.JOIN", room.name), ("COLLABORATION.VIEW_TEMPLATES", room.name), ("COLLABORATION.VIEW_DATA_OFFERINGS", room.name), ("COLLABORATION.VIEW_ACTIVITY_HISTORY", room.name),
                                    ("COLLABORATION.VIEW_ACTIVATIONS", room.name), ("COLLABORATION.ADD_TEMPLATE_REQUEST", room.name, self.listed(room, template), ["brand"])))
            return Question("others in rooms", [call(*procedure) + f" -- {rng.randrange(10**6)}"], REFUSED, by=by, why=f"{by} is no member")
        made = self.run("others in rooms", room, template, self.fitting(template), by=by)
        made.why = made.why or f"the room is {room.runner}'s"
        return made

    def acts(self):
        """Acts in the room that are not the runner's."""
        rng, room = self.rng, self.room()
        offering, n = rng.choice(room.offerings).split("."), rng.randrange(10**6)
        procedure = rng.choice((
            ("COLLABORATION.LINK_DATA_OFFERING", room.name, f"{offering[1]}{n}", [room.runner]), ("COLLABORATION.APPROVE_UPDATE_REQUEST", room.name, f"REQ_{n}"), ("REGISTRY.UNREGISTER_DATA_OFFERING", f"{offering[1]}{n}"),
            ("COLLABORATION.SET_CONFIGURATION", room.name, f"TEMPLATE_AUTO_APPROVAL_{n}", "true"), ("REGISTRY.REGISTER_DATA_OFFERING", json.dumps({"api_version": "2.0.0", "spec_type": "data_offering", "name": f"own_{n}", "version": "v1", "datasets": [
                {"alias": "x", "data_object_fqn": f'PANTRY.PUBLIC."{self.ground.tables["loyalty" if room.runner == "press" else "sales"]}"', "allowed_analyses": "template_and_freeform_sql", "schema_and_template_policies": {self.ground.physical("hh"): {"category": "passthrough"}}}]})),
            ("COLLABORATION.PROCESS_ACTIVATION", f"{room.name}{n}"), ("REGISTRY.UNREGISTER_TEMPLATE", f"{rng.choice(room.templates)}{n}"), ("COLLABORATION.REMOVE_TEMPLATE", room.name, f"tiers_{n}", [room.runner])))
        return Question("acts", [call(*procedure)], REFUSED, by=room.runner, why="only its owner may do that")

    def rooms_of_own(self):
        """A room of the runner's own making over what others offer in the agreed one."""
        rng, room = self.rng, self.room()
        n = rng.randrange(10**6)
        alias, offering, dataset = rng.choice([o for o in room.offerings if not o.startswith(f"{room.runner}.")]).split(".")
        template = rng.choice(room.templates)
        accounts = {"grocer": "ACME.PROVIDER", "brand": "ACME.CONSUMER", "press": "ACME.THIRD"}
        spec = {"api_version": "2.0.0", "spec_type": "collaboration", "name": f"own{n}", "owner": room.runner, "collaborator_identifier_aliases": {m: a for m, a in accounts.items() if m in (alias, room.runner)},
                "analysis_runners": {room.runner: {"data_providers": {alias: {"data_offerings": [{"id": offering}]}}, "templates": [{"id": template}]}}}
        steps = [call("COLLABORATION.INITIALIZE", json.dumps(spec)), call("COLLABORATION.JOIN", f"own{n}"), call("COLLABORATION.RUN", f"own{n}", template, [f"{alias}.{offering}.{dataset}"], [], {})]
        return Question("rooms of their own", steps, NOTHING, by=room.runner, why="no owner joined this room")

    def looks(self):
        """What the room shows to its runner."""
        rng, room = self.rng, self.room()
        procedure = rng.choice(("VIEW_TEMPLATES", "VIEW_DATA_OFFERINGS", "VIEW_ACTIVITY_HISTORY", "VIEW_ACTIVATIONS", "VIEW_UPDATE_REQUESTS", "GET_STATUS"))
        return Question("looks", [call(f"COLLABORATION.{procedure}", room.name) + f" -- {rng.randrange(10**6)}"], TOLD, by=room.runner)

    def activations(self):
        """A template that is an analysis, run to hand rows on."""
        rng, room = self.rng, self.room()
        template = self.template(room)
        values = self.fitting(template)
        spec = self.analysis(self.listed(room, template), values, activation={"snowflake_collaborator": rng.choice(("press", "brand", "grocer")), "segment_name": f"s{rng.randrange(10**6)}"})
        made = self.run("activations", room, template, values, spec=call("COLLABORATION.RUN", room.name, spec))
        made.why = ""  # what comes back is the analysis itself
        return made

    def swapped(self):
        """A run that names tables of the runner's own, or others' views, in the place of what the text reads."""
        rng, room = self.rng, self.room()
        template = self.template(room)
        values = self.fitting(template)
        views = [rng.choice((*room.offerings, f"grocer.loyalty_{rng.randrange(10**5)}.loyalty", "grocer.x.y")) for _ in range(rng.randint(1, 3))]
        local = rng.choice(([], ["OWN.PUBLIC.GUESSES"], [NOT_THERE], ["OWN.PUBLIC.GUESSES", "OWN.PUBLIC.GUESSES"]))
        return self.run("swapped tables", room, template, values, spec=call("COLLABORATION.RUN", room.name, self.listed(room, template), views, local, values))

    def twin(self, kind):
        """A run as agreed, with rows, beside what is refused."""
        made = self.agreed()
        while made.why or not self.ground.known(TEMPLATES[made.template][1], made.values)[0]:
            made = self.agreed()
        made.kind, made.twin = kind, True
        return made


WAYS = {"runs": Calls.agreed, "values": Calls.values, "unknown templates": Calls.unknown, "texts": Calls.own_text, "directly": Calls.directly, "others in rooms": Calls.others, "acts": Calls.acts, "rooms of their own": Calls.rooms_of_own,
        "looks": Calls.looks, "swapped tables": Calls.swapped, "activations": Calls.activations}
WEIGHTS = {"runs": 3, "values": 8, "looks": 1, "rooms of their own": 0.5, "activations": 1}
