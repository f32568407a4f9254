"""Weakens what was provisioned in both rooms of Snowflake, in the owners' own accounts, one thing at a time, and sees that the attempts
of `weaker_snowflake.py` are judged to be admitted against the agreement. Must not know how Airlock provisions more than what an owner
is shown of its own account.
"""

import json
import random
import re
import time

import canaries
import weaker_snowflake
from accounts import OTHER, PROVIDER
from canaries import KEY
from clean_room import call, seen
from weaker_snowflake import MEMBERS

TRIES = 150
ROUNDS_MAX = 4


class Hand:
    """The owner's own hand."""

    def __init__(self, trial):
        self.trial, self.ground, self.snow = trial, trial.ground, trial.snow
        self.prefix = trial.pries[0].prefix

    def sql(self, *statements):
        return self.snow.sql(PROVIDER, *statements)

    def offers(self, dataset, runner="BRAND"):
        return f'AIRLOCK."{self.prefix}OFFERS"."{dataset.upper()}${runner}"'

    def views(self, schema):
        """{name: text} of a schema."""
        return {row["name"]: row["text"] for row in self.sql(f'SHOW VIEWS IN SCHEMA AIRLOCK."{self.prefix}{schema}"')}

    def edit(self, schema, begins, shape, instead):
        """A view whose text is another; gives its first text."""
        text = next(t for n, t in self.views(schema).items() if n.startswith(begins))
        text = re.sub(r"^CREATE (OR REPLACE )?", "CREATE OR REPLACE ", text)
        changed = re.sub(shape, instead, text, flags=re.DOTALL)
        assert changed != text, f"nothing to weaken in\n{text}"
        self.sql(changed)
        return text

    def room(self):
        return self.trial.calls.rooms["brand"]

    def text(self, template, change):
        """Another text listed beside an agreed one, approved by everybody; its id."""
        room = self.room()
        listed = {r["TEMPLATE_ID"]: json.loads(r["TEMPLATE_SPEC"]) for r in self.trial.client.rows(MEMBERS["brand"], call("COLLABORATION.VIEW_TEMPLATES", room.name))}
        identity, spec = next((i, s) for i, s in listed.items() if i.startswith(f"{template}_"))
        changed = change(spec["template"])
        assert changed != spec["template"], f"nothing to weaken in\n{spec['template']}"
        spec |= {"template": changed, "version": f"w{random.randrange(10**6)}"}
        made = f"{spec['name']}_{spec['version']}"
        self.sql(call("REGISTRY.REGISTER_TEMPLATE", json.dumps(spec)), call("COLLABORATION.ADD_TEMPLATE_REQUEST", room.name, made, ["brand"]))
        for member in ("brand", "press", "grocer"):
            for row in self.snow.sql(MEMBERS[member], call("COLLABORATION.VIEW_UPDATE_REQUESTS", room.name)):
                request = next(v for k, v in row.items() if k.endswith("REQUEST_ID") or k == "ID")
                if made in json.dumps(row):
                    self.snow.refuses(MEMBERS[member], call("COLLABORATION.APPROVE_UPDATE_REQUEST", room.name, request))
        before, room.templates = room.templates, [*(i for i in room.templates if i != identity), made]
        assert made in seen(self.trial.client, MEMBERS)["brand"].templates, f"{made} is not listed"

        def back():
            self.sql(call("COLLABORATION.REMOVE_TEMPLATE", room.name, made, ["brand"]))
            room.templates = before
        return back


def without_policy(hand):
    text = hand.edit("OFFERS", "SALES$BRAND", r" WITH AGGREGATION POLICY .*?ENTITY KEY \([^)]*\)", "")
    return lambda: hand.sql(text)


def lower(hand):
    least = hand.ground.least("sales")
    policy = f'AIRLOCK."{hand.prefix}OFFERS"."MIN${least}"'
    hand.sql(f"ALTER AGGREGATION POLICY {policy} SET BODY -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 1)")
    return lambda: hand.sql(f"ALTER AGGREGATION POLICY {policy} SET BODY -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => {least})")


def rows_counted(hand):
    text = hand.edit("OFFERS", "SALES$BRAND", r"(WITH AGGREGATION POLICY .*?) ENTITY KEY \([^)]*\)", r"\1")
    return lambda: hand.sql(text)


def hidden_column(hand):
    secret = '"' + hand.ground.physical("secret") + '"'
    text = hand.edit("OFFERS", "SALES$BRAND", r" AS SELECT (.*?)\sFROM ", rf' AS SELECT \1, {secret} AS {secret} FROM ')
    return lambda: hand.sql(text)


def secret_as_dimension(hand):
    """A dimension shows the hidden column in the place of its own."""
    secret = '"' + hand.ground.physical("secret") + '"'
    text = hand.edit("OFFERS", "SALES$BRAND", rf'CAST\("{re.escape(hand.ground.physical("channel"))}" AS VARCHAR\)', rf"SUBSTR({secret}, 1, 13)")
    return lambda: hand.sql(text)


def without(column, schema="OFFERS", begins="SALES$BRAND"):
    """A view without its condition on a column."""
    def plant(hand):
        name = re.escape('"' + hand.ground.physical(column) + '"')
        text = hand.edit(schema, begins, rf"([( ]){name} (?:= '[^']*'|IN \([^)]*\))|CAST\({name} AS VARCHAR\) (?:= '[^']*'|IN \([^)]*\))", lambda m: f"{m[1] or ''}TRUE")
        return lambda: hand.sql(text)
    return plant


def more_accounts(hand):
    share = f'"{hand.prefix}SALES$BRAND"'
    hand.sql(f"ALTER SHARE {share} ADD ACCOUNTS = {OTHER}")
    return lambda: hand.sql(f"ALTER SHARE {share} REMOVE ACCOUNTS = {OTHER}")


def more_data(hand):
    """A dataset whose template its owner did not approve: its share is there, and gives nothing to anybody."""
    share, view = f'"{hand.prefix}LOYALTY$BRAND"', hand.offers("loyalty")
    hand.sql(f"GRANT SELECT ON VIEW {view} TO SHARE {share}", f"ALTER SHARE {share} ADD ACCOUNTS = {MEMBERS['brand']}")
    return lambda: hand.sql(f"ALTER SHARE {share} REMOVE ACCOUNTS = {MEMBERS['brand']}", f"REVOKE SELECT ON VIEW {view} FROM SHARE {share}")


def no_least(hand):
    return hand.text("channels", lambda text: re.sub(r"HAVING .*", "", text, flags=re.DOTALL))


def no_bounds(hand):
    return hand.text("total", lambda text: re.sub(r"(<=|>=) (10|40)\b", lambda m: f"{m[1]} {'999999' if m[1] == '<=' else '-999999'}", text))


def any_column(hand):
    """A text that shows keys where it showed ages, of however few."""
    return hand.text("ages", lambda text: re.sub(r"HAVING .*", "", re.sub(r'"a"\."age"', f'"a"."{KEY}"', text), flags=re.DOTALL))


# What is planted, the ways that must see it, and whether these are of the clean room
PLANTS = {
    "a view without its policy": (without_policy, ("rows", "match keys", "functions"), False),
    "a policy with a lower minimum": (lower, ("thin groups", "groups", "match keys"), False),
    "a policy that counts rows": (rows_counted, ("thin groups", "groups"), False),
    "a hidden column in the view": (hidden_column, ("hidden columns",), False),
    "a hidden column in the place of another": (secret_as_dimension, ("groups", "thin groups"), False),
    "rows without consent": (without("consent"), ("groups", "figures"), False),
    "rows outside of the filter": (without("country"), ("groups", "figures"), False),
    "an account more in a share": (more_accounts, ("others",), False),
    "a dataset that nobody approved": (more_data, ("elsewhere",), False),
    "rows without consent in a clean room": (without("consent", "REGISTERED", "SALES$"), ("runs", "swapped tables"), True),
    "rows outside of the filter in a clean room": (without("country", "REGISTERED", "SALES$"), ("runs", "swapped tables"), True),
    "a template without its minimum": (no_least, ("runs",), True),
    "a template without its bounds": (no_bounds, ("values",), True),
    "a template that shows keys": (any_column, ("runs",), True),
}


def prove(arguments, folder):
    """Every weakening is seen, and nothing before and after it; 0 then."""
    began = time.monotonic()
    trial = weaker_snowflake.Trial(random.Random(f"weakened {arguments.seed}"), 0, folder, arguments)
    hand, wrong = Hand(trial), []
    for name, (plant, ways, inside) in PLANTS.items():
        trial.besiege(TRIES // 3, only=ways, rooms_only=inside)
        if trial.failures:
            wrong.append(f"{name}: before it: {trial.failures[0]}")
        trial.failures.clear()
        back = plant(hand)
        for _ in range(ROUNDS_MAX):
            trial.besiege(TRIES, only=ways, rooms_only=inside)
            if trial.failures:
                break
        told = trial.failures[0].splitlines()[0][:170] if trial.failures else "NOT SEEN"
        wrong += [] if trial.failures else [f"{name} is not seen"]
        trial.failures.clear()
        trial.pairs.clear()
        back()
        print(f"{name}: {told}", flush=True)
    for one in wrong:
        print(one)
    print(f"seed {arguments.seed}: {len(PLANTS)} weakenings, {len(wrong)} wrong, {time.monotonic() - began:.0f} s; canaries in {len(canaries.DATASETS)} datasets")
    return 1 if wrong else 0
