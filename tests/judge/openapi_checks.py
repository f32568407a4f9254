"""What schemathesis is told beyond the document: values that are there, and checks of what holds of every answer. It is loaded by schemathesis,
which `openapi.py` starts; JUDGE_CONTEXT names a file with what these checks know.

A value that is there is offered beside whatever the document allows, so that the document's meaning stays what it is.
"""

import base64
import binascii
import json
import os
import re
import threading
import uuid
from pathlib import Path

import hypothesis
import schemathesis

import receipts

CONTEXT = json.loads(Path(os.environ["JUDGE_CONTEXT"]).read_text(encoding="utf-8"))
POOL, KEY, DEEP, NAMED, COUNTS = (CONTEXT[name] for name in ("pool", "key", "deep", "named", "counts"))
CODE = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
ENCODED = re.compile(r"^[A-Za-z0-9+/_-]{16,}={0,2}$")
MEMBERS = {"type", "title", "status", "code", "detail", "help", "problems", "request_id"}
LOCK = threading.Lock()
# Otherwise it climbs towards what is accepted, over and over the same few values, and takes minutes for it.
hypothesis.target = lambda observation, *, label="": observation
# What a header must be like to be read at all, where the document says less.
HEADERS = {"Idempotency-Key": {"type": "string", "pattern": "^[!-~]{16,40}$"}, "If-Match": {"enum": ["*"]}}


def weighted(name, schema):
    """A schema of the same meaning that has the values that are there in it by name."""
    values = POOL.get(name)
    kinds = schema.get("type") if isinstance(schema, dict) else None
    kinds = [kinds] if isinstance(kinds, str) else kinds or []
    fitting = [one for one in values or [] if isinstance(one, str) and "string" in kinds or isinstance(one, int) and "integer" in kinds]
    if not fitting or "enum" in schema or "anyOf" in schema:
        return schema
    return {"anyOf": [{"enum": fitting}, schema]}


def inlined(schema, document, depth=0):
    """A request's schema without references, each of its members weighted; answers keep theirs."""
    if not isinstance(schema, dict) or depth > 8:
        return schema
    if "$ref" in schema:
        found = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return inlined(found, document, depth + 1)
    changed = dict(schema)
    for name in ("oneOf", "anyOf", "allOf"):
        if name in changed:
            changed[name] = [inlined(one, document, depth + 1) for one in changed[name]]
    if "properties" in changed:
        changed["properties"] = {name: weighted(name, inlined(one, document, depth + 1)) for name, one in changed["properties"].items()}
    if isinstance(changed.get("items"), dict):
        changed["items"] = inlined(changed["items"], document, depth + 1)
    return changed


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Offers what is there."""
    for item in raw_schema["paths"].values():
        for operation in item.values():
            if not isinstance(operation, dict):
                continue
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "header" and parameter["name"] in HEADERS:
                    parameter["schema"] = {"anyOf": [HEADERS[parameter["name"]], parameter["schema"]]}
                elif "schema" in parameter:
                    parameter["schema"] = weighted(parameter["name"], parameter["schema"])
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if "schema" in content:
                    content["schema"] = inlined(content["schema"], raw_schema)
                    if content["schema"].get("type") == "object" and "properties" not in content["schema"]:
                        content["schema"] = {"anyOf": [{"enum": POOL["*"]}, content["schema"]]}


@schemathesis.hook
def map_case(context, case):
    """A document that is there goes where it says that it belongs, a digest to a collaboration where it waits, or to its own template."""
    if not isinstance(case.body, dict) or "collaboration" not in (case.path_parameters or {}):
        return case
    name, agreement = case.body.get("collaboration"), case.body.get("agreement")
    if isinstance(name, str) and name in POOL["collaboration"]:
        case.path_parameters["collaboration"] = name
    elif isinstance(agreement, str):
        place = next((place for place, digest in POOL["+"].items() if digest and digest == agreement), None)
        case.path_parameters["collaboration"] = place or case.path_parameters["collaboration"]
    elif case.body.get("digest") in POOL.get("digest", []):
        template = case.body.get("template", case.path_parameters.get("template"))
        case.body["digest"] = POOL["="].get(f"{case.path_parameters['collaboration']}/{template}", case.body["digest"])
    return case


@schemathesis.hook
def after_call(context, case, response):
    """Counts what was answered, operation by operation."""
    with LOCK, Path(COUNTS).open("a", encoding="utf-8") as file:
        file.write(f"{case.operation.definition.raw.get('operationId', '?')} {case.method} {response.status_code}\n")


def first(response, name):
    """The first header of that name."""
    return next(iter(response.headers.get(name.lower(), [])), "")


def documented(case, status):
    """The types that the document names for an answer of this status."""
    answers = case.operation.definition.raw.get("responses", {})
    return (answers.get(str(status)) or {}).get("content", {})


@schemathesis.check
def problem_document(ctx, response, case):
    """What is not done is a problem document with a stable code and the request's name."""
    status = response.status_code
    if status < 300 or status == 304 or "application/json" in documented(case, status):
        return
    assert first(response, "content-type") == "application/problem+json", f"a {status} of type {first(response, 'content-type')!r}"
    if response.request.method == "HEAD":
        return
    said = json.loads(response.content)
    assert set(said) <= MEMBERS and MEMBERS - set(said) <= {"help", "problems"}, f"a problem of {sorted(said)}"
    assert CODE.match(said["code"]) and said["type"] == f"/problems/{said['code']}", f"a code {said['code']!r} of type {said['type']!r}"
    assert said["status"] == status and said["detail"] and said["title"], f"a {status} says {said['status']}"
    assert said["request_id"] == first(response, "airlock-request-id"), "the request has two names"
    if status == 401:
        assert first(response, "www-authenticate").startswith("Bearer"), "a 401 does not say how to come in"
    if status in (429, 503):
        assert first(response, "retry-after").isdigit(), f"a {status} does not say when to ask again"


@schemathesis.check
def always_there(ctx, response, case):
    """A name of the request, and nothing that a cache or a browser would make more of than it is."""
    assert str(uuid.UUID(first(response, "airlock-request-id"))), "no request id"
    assert first(response, "x-content-type-options") == "nosniff"
    assert "no-store" in first(response, "cache-control") or "/v1/" not in response.request.url, "an answer that may be kept"


def layers(value):
    """Every text in a JSON value, and what is written in base64 in it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from layers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from layers(inner)
    elif isinstance(value, str):
        yield value
        if ENCODED.match(value):
            try:
                yield base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_" if "-" in value or "_" in value else None).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                pass


def seen(response):
    """All that an answer says, in lower case."""
    whole = [f"{name}: {value}" for name, values in response.headers.items() for value in values]
    whole.append(response.content.decode("utf-8", "replace"))
    try:
        whole += layers(json.loads(response.content))
    except ValueError:
        pass
    return "\n".join(whole).lower()


@schemathesis.check
def no_canary(ctx, response, case):
    """Nothing of the other tenant in any body or header; a name of its own is not told unless it was said."""
    whole = seen(response)
    assert DEEP not in whole, "something that only the other tenant may read"
    request = response.request
    said = f"{request.url} {dict(request.headers)} {request.body if not isinstance(request.body, bytes) else request.body.decode('utf-8', 'replace')}".lower()
    assert NAMED not in whole or NAMED in said, "a name of the other tenant's"


@schemathesis.check
def receipt_holds(ctx, response, case):
    """Every 201 has a receipt, and every receipt holds."""
    wrong = receipts.judged(response.status_code, response.content, KEY)
    assert wrong is None, wrong
