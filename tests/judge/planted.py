"""Plants a weakening for every term of the platform's table into what was provisioned, and sees that the attempts of `weaker.py`
are admitted against the agreement. A term that nothing at the platform can weaken is named with its reason.

A weakening of a text is run beside the agreed text as well: it must give other rows, or it would be none. Types and functions
of the table are no terms of an agreement: each is a way to write a text, and every text that is not byte for byte an agreed
one is caught in the same way as those of `templates.sql`. Must not know how Airlock provisions.
"""

import contextlib
import copy
import random
import re
import time
import tomllib
from pathlib import Path

import agreements
import weaker

TABLE = Path(__file__).resolve().parents[2] / "mappings" / "tables" / "aws-clean-rooms.toml"
NONE = {
    "destinations": "a receiver's own account decides where its result lies in it; what it received it keeps, and nobody else is shown it",
    "datasets.columns.match.raw": "what reads such a key has no text there, so nothing of it is provisioned that could be weakened; that it has none is tried",
    "revocation.running": "what runs when a withdrawal comes was admitted before it, and nothing that is provisioned says what becomes of it",
}
AGREED, WIDE = {"from_week": "10", "to_week": "40"}, {"from_week": "-1000", "to_week": "1000"}
# What the normal run of the proof plants: a rule, a text, a column, receivers, an approval.
QUICK = ("datasets.hidden-columns", "any query", "templates.received_by", "datasets.rule.entities_min", "approvals", "revocation.approval")


def fixed(_, ground, gateway, folder, accounts):
    """One agreement with every term in it, not varied: whatever is planted has a place."""
    document = agreements.pinned(ground, accounts)
    document["members"]["press"]["abilities"].append("run")
    document["limits"] = {"runs_max": 14, "within": "24h"}
    document["templates"] = {n: copy.deepcopy(t) for n, t in ground.candidates.items() if not n.startswith("twin")}
    document["templates"]["ages"] |= {"run_by": ["press"], "received_by": ["press"]}
    explained, file = agreements.explain(gateway, folder, document)
    assert len(explained) == 7 and not agreements.looser(gateway, file), sorted(explained)
    made = agreements.Generated(ground, document, file, explained, {("days", "grocer")})
    made.texts = [(agreements.physical(document, ground, sql), class_) for sql, class_ in ground.texts]
    return made


# What an owner, or a gateway gone wrong, can do at the platform

class Hand:
    """The members' own hands at the platform."""

    def __init__(self, trial):
        self.trial, self.made = trial, trial.made
        self.outside, self.clients = trial.outside, trial.outside.clients
        self.serial = 0

    def owner(self, dataset):
        return self.made.document["datasets"][dataset]["owner"]

    def table(self, dataset):
        """The configured table of a dataset, made when there is none."""
        client = self.clients[self.owner(dataset)]
        for one in client.list_configured_tables()["configuredTableSummaries"]:
            if one["name"].endswith(f".{dataset}"):
                return one["id"]
        columns = sorted(self.trial.columns(dataset, self.made.document["datasets"][dataset]))
        return client.create_configured_table(name=f"look.{dataset}", tableReference={"glue": {"databaseName": "weaker", "tableName": dataset}},
                                              allowedColumns=columns, analysisMethod="DIRECT_QUERY")["configuredTable"]["id"]

    def rule(self, dataset, change):
        """A dataset's rule after a change of its CUSTOM body."""
        client, table = self.clients[self.owner(dataset)], self.table(dataset)
        words = {"configuredTableIdentifier": table, "analysisRuleType": "CUSTOM"}
        try:
            body = client.get_configured_table_analysis_rule(**words)["analysisRule"]["policy"]["v1"]["custom"]
            act = client.update_configured_table_analysis_rule
        except client.exceptions.ResourceNotFoundException:
            body, act = {"allowedAnalyses": []}, client.create_configured_table_analysis_rule
        change(body)
        act(**words, analysisRulePolicy={"v1": {"custom": body}})

    def allow(self, datasets, arn, bare=False):
        """An ARN allowed on tables; `bare` takes the controls behind the text away as well."""
        def change(body):
            body["allowedAnalyses"] = [*body["allowedAnalyses"], arn]
            for control in ("aggregationThresholds", "comparisonControls", "disallowedOutputColumns", "allowedAggregateExpressionType") if bare else ():
                body.pop(control, None)
        for dataset in datasets:
            self.rule(dataset, change)

    def room(self, runner):
        """The collaboration of a runner and its membership."""
        room = next(r for r, known in self.trial.rooms.items() if known["runner"] == runner)
        return room, self.trial.rooms[room]["memberships"]

    def declared(self, template):
        return [(p, weaker.TYPES[s["type"]], None) for p, s in self.made.parameters(template).items()]

    def put(self, template, sql=None, runner="brand", bare=True, alias=None):
        """A template with a text in place of an agreed one's, allowed on every table that it reads."""
        self.serial += 1
        _, memberships = self.room(runner)
        made, refused = self.outside.offer(runner, memberships[runner], alias or f"{template}-{self.serial}", sql or self.made.sql(template), self.declared(template))
        assert made, refused
        self.allow(self.made.touched(template), made["arn"], bare)
        return made

    def associate(self, collaboration, memberships, datasets):
        for dataset in datasets:
            owner = self.owner(dataset)
            self.clients[owner].create_configured_table_association(name=dataset, membershipIdentifier=memberships[owner], configuredTableIdentifier=self.table(dataset),
                                                                    roleArn=f"arn:aws:iam::{self.outside.accounts[owner]}:role/read")

    @contextlib.contextmanager
    def lookalike(self, creator, others, template=None, tables=()):
        """Another collaboration over the same tables: its creator can query, the others have these abilities."""
        self.serial += 1
        client = self.clients[creator]
        members = [{"accountId": self.outside.accounts[m], "displayName": m, "memberAbilities": list(a)} for m, a in others.items()]
        made = client.create_collaboration(name=f"look-{self.serial}", description="x", creatorDisplayName=creator, queryLogStatus="DISABLED", members=members,
                                           creatorMemberAbilities=["CAN_QUERY", "CAN_RECEIVE_RESULTS"])["collaboration"]["id"]
        memberships = {}
        for member in [creator, *others]:
            output = {"s3": {"resultFormat": "CSV", "bucket": f"airlock-outside-{member}", "keyPrefix": "default"}}
            default = {"outputConfiguration": output, "roleArn": f"arn:aws:iam::{self.outside.accounts[member]}:role/write"}
            receives = {"defaultResultConfiguration": default} if "CAN_RECEIVE_RESULTS" in others.get(member, ()) else {}
            memberships[member] = self.clients[member].create_membership(collaborationIdentifier=made, queryLogStatus="DISABLED", **receives)["membership"]["id"]
        datasets = tables or (self.made.touched(template) if template else ())
        self.associate(made, memberships, datasets)
        if template:
            offered, refused = self.outside.offer(creator, memberships[creator], f"{template}-{self.serial}", self.made.sql(template), self.declared(template))
            assert offered, refused
            self.allow(datasets, offered["arn"])
        try:
            yield made
        finally:
            for member, membership in memberships.items():
                found = self.clients[member].list_configured_table_associations(membershipIdentifier=membership)["configuredTableAssociationSummaries"]
                for one in found:
                    self.clients[member].delete_configured_table_association(membershipIdentifier=membership, configuredTableAssociationIdentifier=one["id"])
            client.delete_collaboration(collaborationIdentifier=made)


# Edits of agreed texts: the term, the template, what is looked for and what stands there instead

HAVING = r"\nHAVING .*"
EDITS = {
    "datasets.entity": ("reach", r"HAVING COUNT\(DISTINCT `t`.`household`\)", "HAVING COUNT(*)"),
    "datasets.columns.match.hashed": ("reach", r"REGEXP_SUBSTR\((`\w+`), '[^']*'\)", r"\1"),
    "datasets.columns.match.several": ("segments", r"`r`.`person__phone` = `m1`.`k`", "1 = 1"),
    "datasets.columns.match": ("reach", r"ON `t`.`household` = `e`.`household`", "ON 1 = 1"),
    "datasets.columns.dimension": ("reach", r"COUNT\(DISTINCT `t`.`household`\) AS `people`", "MIN(`t`.`week`) AS `people`"),
    "datasets.columns.measure": ("reach", r"THEN SUM\(", "THEN MAX("),
    "datasets.columns.filter": ("reach", r"CAST\(`week` AS BIGINT\) AS `week`(.*)`e`.`campaign` AS `campaign`(.*)GROUP BY `e`.`campaign`",
                                r"CAST(`week` AS BIGINT) AS `week`, CAST(`store` AS BIGINT) AS `store`\1`t`.`store` AS `campaign`\2GROUP BY `t`.`store`"),
    "datasets.rule.entities_min": ("reach", HAVING, ""),
    "datasets.rule.join": ("ages", r"\nJOIN `airlock_exposures` AS `e` ON .*?\n", "\n"),
    "datasets.rule.activation.audience_min": ("audience", r"HAVING COUNT\(DISTINCT `airlock_entity_0`\) >= \d+", "HAVING COUNT(*) > 0"),
    "datasets.consent": ("reach", r"CAST\(`ads_ok` AS STRING\) (?:= 'yes'|IN \('yes'\))", "TRUE"),
    "datasets.rows": ("reach", r"CAST\(`country` AS STRING\) IN \('DE', 'FR'\)", "TRUE"),
    "templates.parameters": ("reach", r":(?:from|to)_week [<>]= (?:10|40)", "TRUE"),
    "templates.class.aggregate": ("reach", r"\nSELECT `e`.*", "\nSELECT `t`.`week`, `t`.`amount` FROM `airlock_sales` AS `t` WHERE `t`.`week` BETWEEN :from_week AND :to_week"),
    "templates.class.activation": ("audience", r"`c`.`segment` AS `segment`,(.*)SELECT DISTINCT `a`.`segment`, ", r"`c`.`person` AS `segment`,\1SELECT DISTINCT `a`.`segment`, "),
}


def edited(made, term):
    """(template, its text with the term weakened)."""
    template, shape, instead = EDITS[term]
    text = re.sub(shape, instead, made.sql(template), flags=re.DOTALL if ".*" in shape and ".*?" not in shape else 0)
    assert text != made.sql(template), f"{term}: nothing to weaken in\n{made.sql(template)}"
    return template, text


def text(term):
    """Plants an edited text, and holds its rows against the agreed one's."""
    @contextlib.contextmanager
    def plant(trial, hand):
        template, sql = edited(trial.made, term)
        runner = trial.made.document["templates"][template]["run_by"][0]
        room, memberships = hand.room(runner)
        values = trial.fitting(template) | ({} if template != "reach" else WIDE if term == "templates.parameters" else AGREED)
        agreed = next(one for r, one in trial.runnable() if r == room and one["source"]["text"] == trial.made.sql(template))
        before = small(trial, term)
        made = hand.put(template, sql, runner)
        rows = []
        for one in (agreed, made):
            receivers = tuple(trial.made.document["templates"][template]["received_by"][:1])
            run = weaker.Attempt("planted", runner, memberships[runner], one["source"]["text"], one["arn"], values, receivers, why="looked at")
            trial.outside.settle([trial.outside.start(run)])
            assert run.answer == "SUCCESS", (term, run.answer, sql)
            rows.append(run.data if run.rows else [])
        assert rows[0] != rows[1], f"{term}: the planted text gives the same rows\n{sql}"
        yield
        before()
        trial.outside.withdraw_offer(runner, memberships[runner], made)
    return plant


def small(trial, term):
    """Fewer rows in a table where only that shows a weakening, and what puts them back."""
    if term not in ("datasets.rule.activation.audience_min", "datasets.entity"):
        return lambda: None
    import pyarrow.parquet as pq
    dataset, rows = ("customers", 20) if term.endswith("audience_min") else ("exposures", None)
    owner, place = trial.made.document["datasets"][dataset]["owner"], trial.made.ground.files[dataset]
    whole = pq.read_table(place)
    few = whole.slice(0, rows) if rows else whole.take(few_households(whole))
    pq.write_table(few, place)
    trial.scene.table(owner, "weaker", dataset, place)

    def back():
        pq.write_table(whole, place)
        trial.scene.table(owner, "weaker", dataset, place)
    return back


def few_households(table):
    """Rows of a few households only: they have many sales, and are still few."""
    keys = table.column("hh_hash").to_pylist()
    few = set(sorted({k for k in keys if k and len(k) == 64})[:12])
    return [n for n, key in enumerate(keys) if key in few]


# Everything else

@contextlib.contextmanager
def a_stranger(_, hand):
    with hand.lookalike("brand", {"grocer": [], "stranger": []}, tables=("sales",)):
        yield


@contextlib.contextmanager
def another_runner(_, hand):
    with hand.lookalike("grocer", {"brand": []}, "reach"):
        yield


@contextlib.contextmanager
def another_receiver(_, hand):
    with hand.lookalike("brand", {"grocer": ["CAN_RECEIVE_RESULTS"]}, "reach"):
        yield


@contextlib.contextmanager
def any_region(_, hand):
    with hand.lookalike("brand", {"grocer": []}, "reach"):
        yield


@contextlib.contextmanager
def no_budget(_, hand):
    _, memberships = hand.room("brand")
    client = hand.clients["brand"]
    for one in client.list_privacy_budget_templates(membershipIdentifier=memberships["brand"])["privacyBudgetTemplateSummaries"]:
        client.delete_privacy_budget_template(membershipIdentifier=memberships["brand"], privacyBudgetTemplateIdentifier=one["id"])
    yield


@contextlib.contextmanager
def other_data(trial, hand):
    trial.scene.table("grocer", "weaker", "sales_raw", trial.made.ground.files["sales"])
    hand.clients["grocer"].update_configured_table(configuredTableIdentifier=hand.table("sales"), tableReference={"glue": {"databaseName": "weaker", "tableName": "sales_raw"}})
    yield


@contextlib.contextmanager
def a_hidden_column(_, hand):
    client, table = hand.clients["grocer"], hand.table("sales")
    columns = client.get_configured_table(configuredTableIdentifier=table)["configuredTable"]["allowedColumns"]
    client.update_configured_table(configuredTableIdentifier=table, allowedColumns=[*columns, "secret_note"])
    yield


def received(datasets, more):
    """One receiver more on tables of the brand's collaboration."""
    @contextlib.contextmanager
    def plant(_, hand):
        _, memberships = hand.room("brand")
        for dataset in datasets:
            owner = hand.owner(dataset)
            client, membership = hand.clients[owner], memberships[owner]
            found = client.list_configured_table_associations(membershipIdentifier=membership)["configuredTableAssociationSummaries"]
            one = next(a for a in found if a["name"] == dataset)
            words = {"membershipIdentifier": membership, "configuredTableAssociationIdentifier": one["id"], "analysisRuleType": "CUSTOM"}
            policy = client.get_configured_table_association_analysis_rule(**words)["analysisRule"]["policy"]
            policy["v1"]["custom"]["allowedResultReceivers"].append(hand.outside.accounts[more])
            client.update_configured_table_association_analysis_rule(**words, analysisRulePolicy=policy)
        yield
    return plant


@contextlib.contextmanager
def any_query(_, hand):
    def change(body):
        body |= {"allowedAnalyses": ["ANY_QUERY"], "allowedAnalysisProviders": [hand.outside.accounts["brand"]]}
        for control in ("aggregationThresholds", "comparisonControls", "disallowedOutputColumns"):
            body.pop(control, None)
    for dataset in ("sales", "exposures", "customers", "readers", "visits"):
        hand.rule(dataset, change)
    yield


@contextlib.contextmanager
def another_text(trial, hand):
    room, memberships = hand.room("brand")
    agreed = next(one for r, one in trial.runnable() if r == room and one["source"]["text"] == trial.made.sql("costs"))
    trial.outside.withdraw_offer("brand", memberships["brand"], agreed)
    made = hand.put("costs", trial.made.sql("costs") + "\n", alias=agreed["name"])
    yield
    trial.outside.withdraw_offer("brand", memberships["brand"], made)


@contextlib.contextmanager
def elsewhere_too(trial, hand):
    _, memberships = hand.room("press")
    made = hand.put("costs", runner="press", bare=False)
    yield
    trial.outside.withdraw_offer("press", memberships["press"], made)


@contextlib.contextmanager
def without_approval(trial, hand):
    room, _ = hand.room("brand")
    agreed = next(one for r, one in trial.runnable() if r == room and one["source"]["text"] == trial.made.sql("days"))
    hand.allow(["sales"], agreed["arn"])
    yield


def withdrawn(kind, what, by, again):
    """A withdrawal through the gateway, and then access given back at the platform."""
    @contextlib.contextmanager
    def plant(trial, hand):
        trial.revoke(kind, what, by)
        weaker.applied(trial)
        trial.look()
        with again(trial, hand):
            yield
    return plant


@contextlib.contextmanager
def allowed_again(trial, hand):
    one = next(one for _, one in trial.runnable() if one["source"]["text"] == trial.made.sql("reach"))
    hand.allow(["sales"], one["arn"])
    yield


def put_again(template):
    @contextlib.contextmanager
    def plant(_, hand):
        hand.put(template, bare=False, alias=hand.made.alias(template))
        yield
    return plant


@contextlib.contextmanager
def column_again(_, hand):
    client, table = hand.clients["brand"], hand.table("visits")
    columns = client.get_configured_table(configuredTableIdentifier=table)["configuredTable"]["allowedColumns"]
    client.update_configured_table(configuredTableIdentifier=table, allowedColumns=sorted({*columns, "page"}))
    room, memberships = hand.room("brand")
    if "visits" not in hand.trial.rooms[room]["schemas"]:
        hand.associate(room, memberships, ["visits"])
    hand.put("pages", alias=hand.made.alias("pages"))
    yield


@contextlib.contextmanager
def dataset_again(_, hand):
    room, memberships = hand.room("brand")
    hand.associate(room, memberships, ["readers"])
    hand.put("segments", alias=hand.made.alias("segments"))
    yield


@contextlib.contextmanager
def member_again(_, hand):
    with hand.lookalike("press", {"brand": [], "grocer": []}, "ages"):
        yield


@contextlib.contextmanager
def room_again(_, hand):
    with hand.lookalike("brand", {"grocer": []}, "days"):
        yield


# Each term: what is planted, the attempts that must see it, and a word of the reason they must give

PLANTS = {
    "members": (a_stranger, "strangers", "no member"),
    "abilities.run": (another_runner, "everything", "grocer may not run"),
    "abilities.receive": (another_receiver, "to_all", "grocer may not receive"),
    "residency": (any_region, "elsewhere", "residency"),
    "limits": (no_budget, "cap", "the collaboration may run"),
    "datasets.at": (other_data, "everything", "sales is over"),
    "datasets.hidden-columns": (a_hidden_column, "shown", "no such column"),
    "datasets.rule.receivers": (received(("sales", "exposures"), "press"), "to_all", "press may not receive"),
    "datasets.rule.activation.to": (received(("customers", "readers"), "brand"), "to_all", "brand may not receive audience"),
    "templates.sql": (another_text, "everything", "no template of the agreement"),
    "any query": (any_query, "hostile", "no template of the agreement"),
    "templates.run_by": (elsewhere_too, "everything", "press may not run costs"),
    "templates.received_by": (received(("visits",), "press"), "to_all", "press may not receive pages"),
    **{term: (text(term), "everything", "no template of the agreement") for term in EDITS},
    "approvals": (without_approval, "unapproved", "grocer has not approved days"),
    "revocation.approval": (withdrawn("approval", "reach", "grocer", allowed_again), "everything", "grocer has not approved reach"),
    "revocation.template": (withdrawn("template", "costs", "brand", put_again("costs")), "everything", "costs was withdrawn"),
    "revocation.column": (withdrawn("column", "visits.page", "brand", column_again), "everything", "visits.page was withdrawn"),
    "revocation.dataset": (withdrawn("dataset", "readers", "press", dataset_again), "everything", "readers was withdrawn"),
    "revocation.member": (withdrawn("membership", "press", "press", member_again), "everything", "press left"),
    "revocation.room": (withdrawn("room", "", "grocer", room_again), "everything", "the room was closed"),
}


class Planted(weaker.Trial):
    """A trial with the attempts that a planted term needs."""

    def to_all(self):
        """Every agreed template for everybody, one by one."""
        for room, one in self.runnable():
            name = self.law.texts[one["source"]["text"]]
            for receiver in self.rooms[room]["memberships"]:
                if receiver not in self.made.document["templates"][name]["received_by"]:
                    self.attempt("receiver", self.rooms[room]["runner"], room, template=one, parameters=self.fitting(name), receivers=(receiver,))

    def hostile(self):
        """A few texts of the corpus, as they are."""
        room = next(r for r, known in self.rooms.items() if known["runner"] == "brand")
        for sql, _ in self.rng.sample(self.made.texts, 25):
            self.attempt("text", "brand", room, sql=sql, receivers=("brand",))

    def cap(self):
        """One table used until it refuses, or far beyond the cap."""
        room, one = next((r, one) for r, one in self.runnable() if one["source"]["text"] == self.made.sql("pages"))
        most, self.sparing, was = self.made.document["limits"]["runs_max"], False, self.sparing
        for number in range(most + 2):
            made = self.attempt("beyond the cap", "brand", room, template=one, receivers=("brand",))
            made.why = f"the collaboration may run {most} times" if number >= most else made.why
        self.sparing = was

    def left(self, *_):
        return weaker.LEFT_MIN + 1

    def afresh(self, whole):
        """As it was agreed again: budgets anew, what was changed by hand taken back. Texts are planted beside each other."""
        self.attempts.clear()
        if not whole:
            return
        for room, known in self.rooms.items():
            for member, membership in known["memberships"].items():
                client = self.outside.clients[member]
                with contextlib.suppress(weaker.ClientError):
                    for one in client.list_privacy_budget_templates(membershipIdentifier=membership)["privacyBudgetTemplateSummaries"]:
                        client.delete_privacy_budget_template(membershipIdentifier=membership, privacyBudgetTemplateIdentifier=one["id"])
        weaker.applied(self)
        self.look()


def terms():
    """Every term of the table."""
    return [row["term"] for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["term"]]


def raw_is_refused(trial, folder):
    """Whether what reads a raw key has no text there, while the rest has."""
    document = copy.deepcopy(trial.made.document)
    document["datasets"]["exposures"]["columns"]["household"].pop("hashed")
    explained, _ = agreements.explain(trial.gateway, folder, document)
    return "pages" in explained and not any("exposures" in trial.made.touched(name) for name in explained)


def prove(arguments, folder, quick=False):
    """Every term planted and seen, or some of each kind; 0 when none is missing."""
    began, unseen = time.monotonic(), []
    place = folder / "planted"
    place.mkdir()
    trial = weaker.provision(random.Random(f"planted {arguments.seed}"), lambda at, rng: agreements.shop(at, rng, ""), place, arguments, False, fixed)
    trial.__class__ = Planted
    hand = Hand(trial)
    missing = [t for t in terms() if t not in PLANTS and t not in NONE]
    clean(trial, unseen)
    trial.sparing = True
    chosen = {term: planted for term, planted in PLANTS.items() if not quick or term in QUICK}
    since = 0
    for term, (plant, probe, word) in chosen.items():
        since = since + 1 if term in EDITS and since < 3 else 0
        trial.afresh(since == 0)
        try:
            with plant(trial, hand):
                trial.look()
                getattr(trial, probe)()
                trial.settle()
                seen = [a for a in trial.attempts if a.failed() and word in a.why]
        except AssertionError as wrong:
            print(f"{term}: not planted: {wrong}", flush=True)
            unseen.append(term)
            continue
        print(f"planted {term}: {f'seen, {seen[0].kind}: {seen[0].why[:90]}' if seen else 'NOT SEEN'}", flush=True)
        if not seen:
            unseen.append(term)
            for one in trial.attempts[:4]:
                print(f"  {str(one)[:500]}")
    for term, reason in NONE.items() if not quick else ():
        print(f"no weakening {term}: {reason}")
    if not raw_is_refused(trial, place):
        unseen.append("datasets.columns.match.raw")
    print(f"{len(chosen) - len(unseen)} of {len(chosen)} weakenings seen in {time.monotonic() - began:.0f} s")
    for what, found in (("terms that nobody planted", missing), ("not seen", unseen)):
        if found:
            print(f"{what}: {', '.join(found)}")
    return 1 if unseen or missing else 0


def clean(trial, unseen):
    """Before anything is planted, the same attempts see nothing."""
    for probe in ("strangers", "everything", "to_all", "elsewhere", "shown", "hostile", "unapproved"):
        getattr(trial, probe)()
    trial.settle()
    failed = [a for a in trial.attempts if a.failed()]
    for one in failed[:5]:
        print(f"ADMITTED before anything was planted: {one}")
    ran = [a for a in trial.attempts if a.admitted() and not a.why]
    if failed or not ran:
        unseen.append("nothing planted")
