"""Judges raw calls of AWS Clean Rooms by botocore's model of the service: what was sent and answered, not what an SDK made of it.

A call is what the twin's log keeps as `raw`: method, path, query, headers and body as they came, and the answer as it went out.
Each request is also written anew by botocore's own serialiser, and must be the same request. Shares nothing with the twin's
validation. Must not know what a call is for.
"""

import collections
import json
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

import botocore.serialize
import botocore.session
import regex

OPERATIONS_MIN = 103
ADAPTER = "aws-sdk-rust/"
NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float), "timestamp": (int, float)}
# The model contradicts the service's own identifiers: at most 100 characters, where two UUIDs and a Region already make an ARN longer.
LONGER_THAN_MODELLED = frozenset({"CleanroomsArn", "ConfiguredTableAssociationArn", "PrivacyBudgetTemplateArn"})
SURROGATES = r"\uD800\uDBFF-\uDC00\uDFFF"  # how the model's dialect writes the characters beyond the first plane


class Broken(AssertionError):
    """Calls that break the model."""


class Judge:
    """The model, ready to be asked."""

    def __init__(self):
        self.service = botocore.session.Session().get_service_model("cleanrooms")
        self.operations = [self.service.operation_model(name) for name in self.service.operation_names]
        assert len(self.operations) >= OPERATIONS_MIN, f"botocore is too old: {len(self.operations)} operations"
        self.serialiser = botocore.serialize.create_serializer(self.service.protocol, include_validation=False)

    def call(self, raw):
        """(operation's name or None, breaches of the request and of its answer)."""
        operation, labels = self.route(raw)
        if operation is None:
            return None, [f"no operation has the route {raw['method']} {raw['path']}"]
        found = [f"request: {b}" for b in self.request(operation, labels, raw)]
        if raw.get("answer") is not None:
            found += [f"answer: {b}" for b in self.answer(operation, raw["answer"])]
        return operation.name, found

    def route(self, raw):
        """The operation behind a method and raw path with its labels; the one with most literal segments wins."""
        best, parts = (None, {}), raw["path"].strip("/").split("/")
        for operation in self.operations:
            wanted = operation.http["requestUri"].strip("/").split("/")
            if operation.http["method"] != raw["method"] or len(wanted) != len(parts):
                continue
            labels = {w[1:-1]: unquote(p) for w, p in zip(wanted, parts, strict=True) if w.startswith("{")}
            fits = all(p if w.startswith("{") else w == p for w, p in zip(wanted, parts, strict=True))
            if fits and (best[0] is None or len(labels) < len(best[1])):
                best = operation, labels
        return best

    def request(self, operation, labels, raw):
        """Breaches of a request."""
        shape, found = operation.input_shape, []
        places = {name: member.serialization.get("location", "body") for name, member in shape.members.items()}
        assert set(places.values()) <= {"uri", "querystring", "body"}, "the model has a place that is not understood"
        given = dict(labels)
        given |= self._query(shape, raw["query"], places, found)
        if raw["body"].strip():
            body = _document(raw["body"], found)
            for name in [n for n in body if places.get(n, "body") != "body"]:
                found.append(f"{name} is in the body and belongs to the {'query' if places[name] == 'querystring' else 'path'}")
                del body[name]
            given |= body
            if raw["headers"].get("content-type") != "application/json":
                found.append(f"the body is of type {raw['headers'].get('content-type')}")
        elif any(places[n] == "body" for n in shape.required_members):
            found.append("has no body")
        found += breaches(shape, given)
        return found or list(self._written_anew(operation, given, raw))

    @staticmethod
    def _query(shape, text, places, found):
        """Parameters of the query; what does not belong there is a breach."""
        values, given = collections.defaultdict(list), {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            values[name].append(value)
        wire_names = {m.serialization.get("name", n): n for n, m in shape.members.items() if places[n] == "querystring"}
        for name, some in values.items():
            if name not in wire_names:
                found.append(f"{name} is in the query and " + (f"belongs to the {places[name]}" if name in places else "is no member"))
                continue
            kind = shape.members[wire_names[name]].type_name
            if kind != "list" and len(some) > 1:
                found.append(f"{name} is in the query more than once")
            number = kind in NUMBERS and some[0].lstrip("-").isdigit()
            given[wire_names[name]] = some if kind == "list" else int(some[0]) if number else some[0]
        return given

    def _written_anew(self, operation, given, raw):
        """Where botocore would have sent something else for the same parameters."""
        ours = self.serialiser.serialize_to_request(given, operation)
        if ours["method"] != raw["method"] or _segments(ours["url_path"]) != _segments(raw["path"]):
            yield f"botocore sends {ours['method']} {ours['url_path']}"
        pairs = [(k, str(v)) for k, some in ours["query_string"].items() for v in (some if isinstance(some, list) else [some])]
        if sorted(pairs) != sorted(parse_qsl(raw["query"], keep_blank_values=True)):
            yield f"botocore sends the query {pairs}"
        if (json.loads(ours["body"]) if ours["body"] else {}) != (json.loads(raw["body"]) if raw["body"].strip() else {}):
            yield f"botocore sends the body {ours['body']}"

    def answer(self, operation, answer):
        """Breaches of an answer: by the operation's output, or by one of the errors it models."""
        status, headers, body = answer["status"], answer["headers"], answer["body"]
        if status >= 300:
            return self._error(operation, status, headers, body)
        found, wanted = [], operation.http.get("responseCode", 200)
        if status != wanted:
            found.append(f"has status {status}, not {wanted}")
        if wanted == 204:
            return found + (["has a body"] if body else [])
        return found + _typed(headers) + breaches(operation.output_shape, _document(body, found))

    @staticmethod
    def _error(operation, status, headers, body):
        code = headers.get("x-amzn-errortype", "").partition(":")[0].rpartition("#")[2]
        shape = next((s for s in operation.error_shapes if s.name == code), None)
        if shape is None:
            return [f"is the error {code or 'without a name'}, which {operation.name} does not have: {body[:200]}"]
        found, wanted = _typed(headers), shape.metadata["error"]["httpStatusCode"]
        if status != wanted:
            found.append(f"{code} has status {status}, not {wanted}")
        return found + breaches(shape, _document(body, found))


def _typed(headers):
    return [] if headers.get("content-type") == "application/json" else [f"is of type {headers.get('content-type')}"]


def _segments(path):
    return [unquote(part) for part in path.strip("/").split("/")]


def _document(text, found):
    """A JSON object; what readers would disagree about is a breach."""
    def pairs(some):
        if len({k for k, _ in some}) != len(some):
            found.append(f"a name stands twice in an object: {', '.join(k for k, _ in some)}")
        return dict(some)
    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=lambda word: found.append(f"{word} is no JSON"))
    except ValueError as error:
        found.append(f"is no JSON: {error}")
        return {}
    if not isinstance(value, dict):
        found.append("is no JSON object")
        return {}
    return value


def breaches(shape, value, at=""):
    """Every way in which a value is not of its shape."""
    kind = shape.type_name
    if value is None:
        return [f"{at} is null"]
    if kind == "structure":
        return _structure(shape, value, at)
    if kind == "list":
        return _sized(shape, value, list, at) or [b for n, one in enumerate(value) for b in breaches(shape.member, one, f"{at}[{n}]")]
    if kind == "map":
        inner = value.items() if isinstance(value, dict) else ()
        return _sized(shape, value, dict, at) or [b for k, v in inner for b in breaches(shape.key, k, f"{at}.{k}") + breaches(shape.value, v, f"{at}.{k}")]
    if kind == "string":
        return _string(shape, value, at)
    if kind == "boolean":
        return [] if isinstance(value, bool) else [f"{at} is no boolean"]
    assert kind in NUMBERS, f"the model has a kind of shape that is not understood: {kind}"
    if isinstance(value, bool) or not isinstance(value, NUMBERS[kind]):
        return [f"{at} is no {kind}"]
    return _within(shape, value, at)


def _structure(shape, value, at):
    if not isinstance(value, dict):
        return [f"{at} is no structure"]
    inside = f"{at}." if at else ""
    found = [f"{inside}{name} is missing" for name in shape.required_members if name not in value]
    found += [f"{inside}{name} is no member of {shape.name}" for name in value if name not in shape.members]
    if shape.is_tagged_union and len(value) != 1:
        found.append(f"{at} has {len(value)} members of a union")
    return found + [b for name, one in value.items() if name in shape.members for b in breaches(shape.members[name], one, f"{inside}{name}")]


def _string(shape, value, at):
    if not isinstance(value, str):
        return [f"{at} is no string"]
    if shape.enum:
        return [] if value in shape.enum else [f"{at} is {value}, which is none of {', '.join(shape.enum)}"]
    found = [] if shape.name in LONGER_THAN_MODELLED else _within(shape, len(value), at)
    if not found and "pattern" in shape.metadata and not pattern(shape.metadata["pattern"]).fullmatch(value):
        found = [f"{at} is {value[:80]!r}, which does not match {shape.metadata['pattern']}"]
    return found


def _sized(shape, value, kind, at):
    return _within(shape, len(value), at) if isinstance(value, kind) else [f"{at} is no {shape.type_name}"]


def _within(shape, size, at):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        return [f"{at} is {size} of {least} to {most}"]
    return []


@lru_cache(maxsize=None)
def pattern(text):
    """A pattern of the model, understood as written but for characters beyond the first plane."""
    return regex.compile(text.replace(SURROGATES, r"\U00010000-\U0010FFFF"))


def omissions(shape, value):
    """Every copy of a value that lacks one required member, however deep."""
    if shape.type_name == "structure":
        for name, one in value.items():
            if name in shape.required_members:
                yield {k: v for k, v in value.items() if k != name}
            yield from (value | {name: less} for less in omissions(shape.members[name], one))
    elif shape.type_name == "list":
        for n, one in enumerate(value):
            yield from ([*value[:n], less, *value[n + 1:]] for less in omissions(shape.member, one))
    elif shape.type_name == "map":
        for key, one in value.items():
            yield from (value | {key: less} for less in omissions(shape.value, one))


class Tally:
    """Calls judged so far. The first good call of each operation is judged again with each required member left out."""

    def __init__(self):
        self.judge, self.calls, self.by_adapter = Judge(), collections.Counter(), collections.Counter()
        self.planted = collections.Counter()

    def take(self, log, lost=0):
        """Judges the calls of a log; raises when one breaks the model, or when the log is not whole."""
        broken = collections.Counter({f"the log lost {lost} calls": lost} if lost else {})
        for one in log:
            name, found = self.judge.call(one["raw"])
            self.calls[name] += 1
            self.by_adapter[name] += one["raw"]["headers"].get("user-agent", "").startswith(ADAPTER)
            broken.update(f"{name}: {b}" for b in found)
            if not found and name not in self.planted and (one["raw"]["answer"] or {}).get("status") == 200:
                self.plant(name, one["raw"])
        if broken:
            raise Broken("calls break the service's model:\n" + "\n".join(f"  {times} times {what}" for what, times in broken.most_common(40)))

    def plant(self, name, raw):
        """Leaves out what must be noticed."""
        operation = self.judge.service.operation_model(name)
        request, answer = (json.loads(body) if body else {} for body in (raw["body"], raw["answer"]["body"]))
        less = [raw | {"body": json.dumps(one)} for one in omissions(operation.input_shape, request)]
        less += [raw | {"answer": raw["answer"] | {"body": json.dumps(one)}} for one in omissions(operation.output_shape, answer)]
        unseen = [one for one in less if not self.judge.call(one)[1]]
        if unseen:
            raise Broken(f"{name} with a required member left out passes: {unseen[0]}")
        self.planted[name] = len(less)

    def said(self):
        """What was judged, in a sentence; nothing of the adapter is a failure."""
        mine = +self.by_adapter
        assert mine, "no call of the adapter was judged"
        return (f"{mine.total()} raw calls of the adapter, {len(mine)} operations, and {self.calls.total() - mine.total()} of others hold to the service's model; "
                f"{self.planted.total()} planted omissions were found")
