#!/usr/bin/env python3
"""The API of `airlock serve` against its own document, asked by schemathesis in the name of two tenants of one gateway.

    openapi.py [--airlock PATH] [--examples N] [--seed N] [--keep DIR] [--allow-not-run]
    openapi.py --self-test      the same checks against a proxy that lies; each lie must be found

Reads first, then changes, then reads of what is left. Beside what schemathesis checks: problem documents with a stable code, nothing of the
other tenant in any answer, receipts that hold, absent and forbidden alike. Operations are the document's: one that is added is asked too.
"""

import collections
import concurrent.futures
import json
import re
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import airlock  # noqa: E402
import command  # noqa: E402

try:
    import liar  # noqa: E402
    import openapi_known  # noqa: E402
    import parties  # noqa: E402
    import proofs  # noqa: E402
    import served  # noqa: E402
    from openapi_spec_validator import OpenAPIV31SpecValidator  # noqa: E402
    from schemathesis.core.version import SCHEMATHESIS_VERSION  # noqa: E402
    MISSING = None
except ImportError as error:
    MISSING = str(error)

HERE = Path(__file__).resolve().parent
RUN_S = 240
CONFIG = """[checks.missing_required_header]
expected-statuses = [400, 401, 403, 406, 415, 422, 428]
"""
# Only what no API can promise of generated data is not asked: that all of it is accepted.
LEFT_OUT = "positive_data_acceptance"


class Asked:
    """One run of schemathesis: what it found, and what was answered."""

    def __init__(self, folder, name):
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        self.counts, self.report, self.output = self.folder / "counts", self.folder / "report.json", ""

    def run(self, url, token, context, words, seed):
        """Runs it to its end."""
        (self.folder / "context.json").write_text(json.dumps(context | {"counts": str(self.counts)}), encoding="utf-8")
        (self.folder / "schemathesis.toml").write_text(CONFIG, encoding="utf-8")
        environment = served.environment_free_of_proxies() | {
            "SCHEMATHESIS_HOOKS": "openapi_checks", "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1",
            "JUDGE_CONTEXT": str(self.folder / "context.json")}
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "-H", f"Authorization: Bearer {token}", "--seed", str(seed),
                   "--exclude-checks", LEFT_OUT, "--continue-on-failure", "--generation-database", "none",
                   "--suppress-health-check", "all", "--no-color", "--warnings", "off", "--request-timeout", "20", "--report", "json",
                   "--report-json-path", str(self.report), *words]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=RUN_S, check=False)
        self.output = done.stdout + done.stderr
        if not self.report.exists():
            raise AssertionError(f"schemathesis ended with {done.returncode} and no report: {self.output[-1500:]}")
        return self

    def found(self):
        """What failed: kind, title and operations."""
        report = json.loads(self.report.read_text(encoding="utf-8"))
        failures = [(one["type"], one["title"], one["operations"]) for one in report["failures"]]
        return failures + [("error", one["title"], []) for one in report["errors"]] + ([] if report["complete"] else [("error", "it did not come to its end", [])])

    def answers(self):
        """How often each (operation, method, status) was answered."""
        if not self.counts.exists():
            return collections.Counter()
        return collections.Counter(tuple(line.split()) for line in self.counts.read_text(encoding="utf-8").splitlines())

    def failures(self):
        """What schemathesis printed of them."""
        _, _, rest = self.output.partition("= FAILURES =")
        said = rest or self.output.partition("= ERRORS =")[2]
        return said.partition("= SUMMARY =")[0].strip("= \n")


def wanted(document):
    """The names under which a value may be asked for: of parameters, and of what is in a request's body."""
    names = set()

    def inner(schema, depth=0):
        if not isinstance(schema, dict) or depth > 8:
            return
        if "$ref" in schema:
            found = document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            inner(found, depth + 1)
        names.update(schema.get("properties", {}))
        for one in [*schema.get("properties", {}).values(), *(s for key in ("oneOf", "anyOf", "allOf") for s in schema.get(key, [])), schema.get("items")]:
            inner(one, depth + 1)

    for methods in document["paths"].values():
        for operation in methods.values():
            names.update(one["name"] for one in operation.get("parameters", []) if one["in"] in ("path", "query"))
            for content in operation.get("requestBody", {}).get("content", {}).values():
                inner(content.get("schema"))
    return names


class Values:
    """Values that are there, by the names under which the document asks for them."""

    def __init__(self, gateway, filled, document):
        self.gateway, self.filled, self.document, self.names = gateway, filled, document, wanted(document)
        self.look()

    def look(self):
        """Reads all that there is now."""
        self.of = {member: parties.harvest(self.gateway, token, self.document, self.names) for member, token in self.filled.tokens.items()}

    def around(self, base):
        """Those of one collaboration, as each of the two may read them."""
        names, known = self.names - {"collaboration"}, {"collaboration": [base]}
        return [parties.harvest(self.gateway, token, self.document, names, known) for token in self.filled.tokens.values()]

    def pool(self, member, other, base):
        """What a member asks with: what is around this collaboration first, then all that it may read, then names of the other's that it could guess."""
        whole = {}
        for one in [*self.around(base), self.of[member], {name: values[:6] for name, values in self.of[other].items()}]:
            for name, values in one.items():
                known = whole.setdefault(name, [])
                known += [value for value in values if value not in known and parties.deep(other) not in str(value)]
        fresh = [self.filled.document(f"{member}-fresh-{n}", [member, other][: 1 + n % 2]) for n in range(4)]
        whole["collaboration"] += [one["collaboration"] for one in fresh]
        waits, versions = {}, {}
        for name in [base, *self.filled.standing[member]]:
            waits[name] = self.told(member, f"/v1/collaborations/{name}").get("waiting")
            templates = self.told(member, f"/v1/collaborations/{name}/templates").get("templates", [])
            versions |= {f"{name}/{one['template']}": one["digest"] for one in templates}
        whole["agreement"] = [*(one for one in waits.values() if one), *whole.get("agreement", [])]
        return whole | {"*": fresh, "+": waits, "=": versions}

    def told(self, member, path):
        """What a member is told, or nothing."""
        told = self.gateway.ask("GET", path, self.filled.tokens[member])
        return told.json() if told.status == 200 else {}

    def context(self, member, other, base):
        """What the checks know when this member asks."""
        return {"pool": self.pool(member, other, base), "key": self.filled.key, "deep": parties.deep(other), "named": parties.named(other)}


def alike(gateway, filled, document, values):
    """Whether what is the other's is answered as what is not there, operation by operation; how many were asked."""
    asked, wrong = 0, []
    for member, other in ((filled.alfa, filled.bravo), (filled.bravo, filled.alfa)):
        theirs = f"{other}-{parties.named(other)}-first"
        for path, methods in document["paths"].items():
            if "{collaboration}" not in path:
                continue
            pool = {name: known for name, known in values.of[other].items() if name != "collaboration"}
            for form in parties.filled(path.replace("{collaboration}", "COLLABORATION"), pool | {"index": [0, 1], "run": pool.get("run", ["run-1"])}, 3):
                for method in methods:
                    said = []
                    for name in (theirs, f"{other}-nowhere-at-all"):
                        place = form.replace("COLLABORATION", name)
                        told = gateway.ask(method.upper(), place, filled.tokens[member]) if method == "get" else gateway.change(place, filled.tokens[member], {"kind": "room"})
                        body = json.loads(told.body)
                        headers = sorted((n.lower(), v) for n, v in told.headers if n.lower() not in ("date", "airlock-request-id"))
                        said.append((told.status, {n: v for n, v in body.items() if n != "request_id"}, headers))
                    asked += 1
                    if said[0] != said[1] or said[0][0] < 400:
                        wrong.append(f"{method} {form} of {other} is answered {said[0][:2]} to {member}, and what is nowhere {said[1][:2]}")
    return asked, wrong


def hidden(gateway, filled):
    """Whether a tenant that is only asked, or has left, is told of names that it does not see, by what it may not withdraw; how many were tried."""
    asked, lengths, names = 0, [], []
    for member, other in ((filled.alfa, filled.bravo), (filled.bravo, filled.alfa)):
        dataset, template = f"{parties.named(other)}_sales", f"{parties.named(other)}-sums"
        things = [({"kind": "dataset", "dataset": dataset}, dataset), ({"kind": "column", "dataset": dataset, "column": "label"}, dataset),
                  ({"kind": "template", "template": template}, template), ({"kind": "approval", "template": template}, template)]
        for place in (f"{other}-asks/revocations", f"{other}-asks/reoffers", f"{other}-left/revocations", f"{other}-left/reoffers"):
            for thing, name in things:
                said = []
                for real in (True, False):
                    other_name = name if real else "zqnobody" + name[len("zqnobody"):]
                    body = json.loads(json.dumps(thing).replace(name, other_name))
                    told = gateway.change(f"/v1/collaborations/{place}", filled.tokens[member], body)
                    problem = {key: value for key, value in json.loads(told.body).items() if key != "request_id"}
                    said.append((told.status, json.dumps(problem).replace(other_name, "NAME")))
                    if re.search(r"leaf [0-9]+", said[-1][1]):
                        lengths.append(f"{member}: {place} {thing['kind']}: {said[-1]}")
                asked += 1
                if said[0] != said[1]:
                    names.append(f"{member}: {place} {thing['kind']}: {said[0]} where it is, {said[1]} where it is not")
    told = (("how long a log is that it does not see", lengths), ("whether a name is there that it does not see", names))
    return asked, [f"{len(found)} times a tenant is told {what}, as {found[0]}" for what, found in told if found]


def sound(gateway, filled, folder):
    """Whether the logs that were decided on still verify, and the gateway still answers and did not fail in itself; how many leaves there are."""
    wrong, leaves = [], 0
    if not gateway.alive() or gateway.ask("GET", "/readyz").json()["status"] != "ready":
        wrong.append("the gateway is not ready afterwards")
    for name in sorted({name for standing in filled.standing.values() for name in standing}):
        exported = gateway.cli.call("audit", "export", name, "--to", str(folder / "exported" / name))
        if exported["key"] != filled.key:
            wrong.append(f"{name} is signed under another key than /v1/me says")
        leaves += proofs.verify(folder / "exported" / name, filled.key)
    said = gateway.stderr.read_text(encoding="utf-8", errors="replace")
    if "panicked" in said:
        wrong.append(f"the gateway panicked: {said[said.index('panicked') - 200:][:600]}")
    if any(token in said for token in filled.tokens.values()):
        wrong.append("the gateway's own log has a token in it")
    return leaves, wrong


def plan(filled, operations):
    """What is asked, by whom, in which order, and from which collaborations on: where a tenant is a member, alone, asked, and has left."""
    alfa, bravo = filled.alfa, filled.bravo
    reads, changes = ["--include-method", "GET"], ["--exclude-method", "GET"]
    every, both, own = "examples,coverage,fuzzing", f"{alfa}-both", [f"{one}-{parties.named(one)}-first" for one in (alfa, bravo)]
    # What would make a member of who is asked, or nobody, is asked where it may.
    answers = [word for name in ("join", "decline") if name in operations for word in ("--exclude-operation-id", name)]
    singles = [("join", bravo, f"{alfa}-asking-0"), ("approve", alfa, f"{alfa}-spare-1"), ("request-run", alfa, both)]
    # What is of one step is asked at once, since reads do not disturb one another; changes come one after the other, so that a seed says what happens.
    return [
        [("reads", reads, every, alfa, both), ("reads", reads, "fuzzing", bravo, own[1])],
        [(name, ["--include-operation-id", name], "coverage,fuzzing", member, base) for name, member, base in singles if name in operations],
        [("asked", changes + answers, "coverage", alfa, f"{bravo}-asks")],
        [("gone", changes, "coverage", bravo, f"{alfa}-left")],
        [("changes", changes, every, alfa, own[0])],
        [("changes", changes, "fuzzing", bravo, both)],
        [("left", reads, "fuzzing", alfa, f"{bravo}-asks"), ("left", reads, "fuzzing", bravo, f"{alfa}-left")],
    ]


def judge(arguments, folder):
    """All of it; 0 when nothing is wrong."""
    since, wrong, answers = time.monotonic(), [], collections.Counter()
    with served.Served(airlock.binary(arguments.airlock), folder) as gateway:
        filled = parties.Parties(gateway)
        filled.fill()
        document = gateway.ask("GET", "/openapi.json").json()
        wrong += [f"the document: {error.message}" for error in OpenAPIV31SpecValidator(document).iter_errors()]
        values = Values(gateway, filled, document)
        asked, unlike = alike(gateway, filled, document, values)
        tried, told = hidden(gateway, filled)
        wrong += unlike + told
        others = {filled.alfa: filled.bravo, filled.bravo: filled.alfa}

        def asks(one):
            name, words, phases, member, base = one
            return Asked(folder, f"{name}-{member}").run(
                gateway.url(), gateway.token(member), values.context(member, others[member], base),
                [*words, "--phases", phases, "-n", str(arguments.examples // 2 if name == "left" else arguments.examples)], arguments.seed)

        operations = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
        for step in plan(filled, operations):
            values.look()
            with concurrent.futures.ThreadPoolExecutor(len(step)) as pool:
                for (name, _, _, member, base), run in zip(step, pool.map(asks, step), strict=True):
                    answers += run.answers()
                    if run.found():
                        wrong.append(f"{name} as {member}, from {base} on: {run.found()}\n{run.failures()}")
        by_hand = openapi_known.Known(gateway, filled).ask(time.time_ns() // 1_000_000)
        leaves, unsound = sound(gateway, filled, folder)
        wrong += unsound
    well = by_hand | {name for name, method, status in answers if status[0] == "2"}
    wrong += openapi_known.unseen(operations, well)
    wrong += [f"{name} was not asked" for name in sorted(operations - {name for name, _, _ in answers})]
    made = sum(count for (_, _, status), count in answers.items() if status == "201")
    if made < 20:
        wrong.append(f"only {made} decisions were taken on generated requests")
    for one in wrong:
        print(f"FAILED: {one}\n", file=sys.stderr)
    print(f"schemathesis {SCHEMATHESIS_VERSION}, seed {arguments.seed}: {sum(answers.values())} requests to {len(operations)} operations as two tenants, {made + filled.decided} "
          f"receipts verified, {asked + tried} times absent and forbidden compared, {leaves} leaves verified; {len(wrong)} wrong; {time.monotonic() - since:.0f} s")
    if operations - well:
        print(f"never answered with success, as listed with a reason each: {', '.join(sorted(operations - well))}")
    return 1 if wrong else 0


# How it lies, of what, and under which name it must be found.
def lies(canary):
    """Every lie."""
    return [
        ("a receipt over another root", liar.with_body(liar.forged_root), "leaf", "the inclusion path leads to another root"),
        ("a receipt of a longer log", liar.with_body(liar.forged_size), "leaf", "a receipt does not hold"),
        ("a receipt of another leaf", liar.with_body(liar.other_leaf), "leaf", "the leaf's hash is not that of its bytes"),
        ("the other tenant's text in a header", liar.leaking_header(canary), "me", "something that only the other tenant may read"),
        ("the other tenant's text in base64", liar.leaking_encoded(canary), "leaves", "something that only the other tenant may read"),
        ("500 where all was well", liar.failing, "me", "Server error"),
        ("an answer that lacks something", liar.with_body(liar.lacking), "me", "Response violates schema"),
        ("a status that is not documented", liar.undocumented, "me", "Undocumented status code"),
        ("JSON that is called a page", liar.other_type, "me", "Undocumented Content-Type"),
        ("a code that is no code", liar.with_body(liar.renamed), "collaborations", "a code "),
        ("a problem that says too much", liar.with_body(liar.strange), "collaborations", "a problem of "),
        ("an answer without a name", liar.nameless, "me", "no request id"),
        ("a bad query that is taken", liar.taking({400}, 200, b'{"collaborations":[]}'), "collaborations", "Schema-violating request accepted"),
        ("a method that is not there, taken", liar.taking({405}, 200, b"{}"), "me", "Unsupported"),
        ("a caller without a token, taken", liar.taking({401}, 200, b'{"collaborations":[]}'), "collaborations", "API accepts requests without authentication"),
        ("a change without what it was decided on", liar.taking({428}, 202, b"{}"), "join", "Missing required header accepted"),
        ("a decision without its receipt", liar.with_body(liar.without_receipt), "revoke", "a 201 has no receipt"),
    ]


def self_test(arguments, folder):
    """Each lie is found under its name, and nothing where nobody lies; 0 when so."""
    wrong = []
    with served.Served(airlock.binary(arguments.airlock), folder) as gateway:
        filled = parties.Parties(gateway)
        filled.fill()
        values = Values(gateway, filled, gateway.ask("GET", "/openapi.json").json())
        known = values.context(filled.alfa, filled.bravo, f"{filled.alfa}-both")

        def lied(number, lie, operation):
            with liar.Liar(gateway.at, liar.about_the_api(lie)) as url:
                run = Asked(folder, f"lie-{number}")
                return run.run(url, gateway.token(filled.alfa), known, ["--include-operation-id", operation, "--phases", "coverage"], arguments.seed)

        def honest(request, status, headers, body):
            return status, headers, body

        # What takes something away comes last: nothing would be left to lie about.
        told = [("nothing", honest, "me", None), *lies(parties.deep(filled.bravo))]
        with concurrent.futures.ThreadPoolExecutor(3) as lanes:
            runs = list(lanes.map(lambda one: lied(one[0], one[1][1], one[1][2]), enumerate(told[:-1])))
        runs.append(lied(len(runs), *told[-1][1:3]))
    for (what, _, _, name), run in zip(told, runs, strict=True):
        if name is None and run.found():
            wrong.append(f"something was found where nobody lied: {run.found()}\n{run.failures()}")
        if name is not None and name not in run.failures():
            wrong.append(f"{what} was not found as {name!r}: {run.found()}\n{run.failures()[:1500]}")
    for one in wrong:
        print(f"FAILED: {one}", file=sys.stderr)
    print(f"{len(told) - 1 - len(wrong)} of {len(told) - 1} lies were found")
    return 1 if wrong else 0


def chosen(arguments, folder):
    """What the words ask for."""
    if MISSING or not SCHEMATHESIS_VERSION.startswith("4."):
        raise airlock.NotRun(f"schemathesis 4 is not there: {MISSING or SCHEMATHESIS_VERSION}; requirements-http.txt names all of it")
    return (self_test if arguments.self_test else judge)(arguments, folder)


if __name__ == "__main__":
    sys.exit(command.main("openapi", __doc__, chosen, {
        "--examples": {"type": int, "default": 20},
        "--seed": {"type": int, "default": 20261127},
        "--self-test": command.FLAG,
    }, wrong=[AssertionError, ValueError, OSError, subprocess.TimeoutExpired]))
