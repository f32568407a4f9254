"""The service model as botocore ships it: operations, shapes, routes. Must not know any behaviour.

The model is found in $CLEANROOMS_MODEL_PATH (a folder holding a botocore `data` tree or an unpacked botocore), else in the
installed botocore. An age check refuses a model that lacks operations of the current API.
"""

import gzip
import json
import os
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

OPERATIONS_MIN = 103
API_VERSION = "2022-02-17"


class ModelMissing(RuntimeError):
    """No service model, or one too old."""


def _folders():
    """Where a model may lie, the named place first."""
    named = os.environ.get("CLEANROOMS_MODEL_PATH")
    if named:
        yield from (Path(named), Path(named) / "data", Path(named) / "botocore" / "data")
        return
    import botocore

    yield Path(botocore.__file__).parent / "data"


def _read():
    """The raw model document."""
    for folder in _folders():
        place = folder / "cleanrooms" / API_VERSION
        for name, opener in (("service-2.json.gz", gzip.open), ("service-2.json", open)):
            if (place / name).exists():
                with opener(place / name, "rt", encoding="utf-8") as file:
                    return json.load(file)
    raise ModelMissing("no Clean Rooms service model: install botocore>=1.44.5, or point CLEANROOMS_MODEL_PATH at one")


class Operation:
    """One operation: its route, shapes and modelled errors."""

    def __init__(self, name, described):
        self.name = name
        self.method = described["http"]["method"]
        self.status = described["http"].get("responseCode", 200)
        self.input = described["input"]["shape"]
        self.output = described["output"]["shape"]
        self.errors = frozenset(e["shape"] for e in described.get("errors", []))
        self.segments = described["http"]["requestUri"].strip("/").split("/")

    def labels(self, method, parts):
        """The path's labels when this is the operation's route, None otherwise. Parts are still percent-encoded."""
        if method != self.method or len(parts) != len(self.segments):
            return None
        found = {}
        for segment, part in zip(self.segments, parts, strict=True):
            if segment.startswith("{"):
                found[segment[1:-1]] = unquote(part)
            elif segment != unquote(part):
                return None
        return found


class Model:
    """Operations and shapes by name."""

    def __init__(self, document):
        self.shapes = document["shapes"]
        self.operations = {n: Operation(n, d) for n, d in document["operations"].items()}
        if len(self.operations) < OPERATIONS_MIN:
            raise ModelMissing(f"the service model has {len(self.operations)} operations, {OPERATIONS_MIN} are needed: "
                               "install botocore>=1.44.5, or point CLEANROOMS_MODEL_PATH at one")

    def route(self, method, path):
        """The operation behind a raw path, with its labels; literal segments win over labels."""
        parts = [p for p in path.strip("/").split("/")]
        best = None
        for operation in self.operations.values():
            labels = operation.labels(method, parts)
            if labels is not None and (best is None or len(labels) < len(best[1])):
                best = operation, labels
        return best

    def shape(self, name):
        """A shape by name."""
        return self.shapes[name]

    def error_status(self, code):
        """The HTTP status of a modelled error, None when the model does not have it."""
        return self.shapes.get(code, {}).get("error", {}).get("httpStatusCode")

    def project(self, name, entity):
        """Those fields of an entity that the structure has: a summary is its resource with fewer fields."""
        return {k: entity[k] for k in self.shapes[name]["members"] if entity.get(k) is not None}


@lru_cache(maxsize=1)
def load():
    """The one model of this process."""
    return Model(_read())


@lru_cache(maxsize=256)
def pattern(text):
    """A model pattern as Python understands it: whole-string, with Unicode classes spelt out."""
    for theirs, ours in (("\\uD800\\uDBFF-\\uDC00\\uDFFF", "\\U00010000-\\U0010FFFF"), ("\\p{L}", "\\w"), ("\\p{M}", "\\u0300-\\u036f"),
                         ("\\p{N}", "\\d"), ("\\p{Pc}", "_"), ("\\p{Pd}", "\\-"), ("\\p{Zs}", " "),
                         ("([a-zA-Z0-9_]+)*([a-zA-Z0-9_]+)", "[a-zA-Z0-9_]+")):
        text = text.replace(theirs, ours)
    return re.compile(text)
