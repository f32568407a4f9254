"""Checks a value against a shape of the model: required, unknown, type, enum, length, range, pattern, union.

Used for requests (a breach becomes a ValidationException) and for responses (a breach is a fault of the twin).
Must not know which operation the value belongs to.
"""

from . import model

# The model caps these ARNs at 100 characters, though two UUIDs and a Region alone make an association's ARN longer, and
# an analysis template's is longer still and is tagged in practice.
LENGTH_NOT_ENFORCED = frozenset({"CleanroomsArn", "ConfiguredTableAssociationArn", "PrivacyBudgetTemplateArn"})
NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float), "timestamp": (int, float)}


def breaches(api, name, value, path=""):
    """Every breach of the shape as (field, message), in the model's order of members."""
    shape = api.shape(name)
    kind = shape["type"]
    if kind == "structure":
        return _structure(api, shape, value, path)
    if kind == "list":
        return _list(api, shape, value, path)
    if kind == "map":
        return _map(api, shape, value, path)
    if kind == "string":
        return _string(name, shape, value, path)
    if kind == "boolean":
        return [] if isinstance(value, bool) else [(path, "must be a boolean")]
    if kind in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, NUMBERS[kind]):
            return [(path, f"must be of type {kind}")]
        return _bounds(shape, value, path, "value")
    raise AssertionError(f"the model has a kind of shape that is not understood: {kind}")


def _structure(api, shape, value, path):
    if not isinstance(value, dict):
        return [(path, "must be a structure")]
    found = []
    for field in shape.get("required", []):
        if value.get(field) is None:
            found.append((_join(path, field), "must not be null"))
    given = [k for k, v in value.items() if v is not None]
    for field in given:
        if field not in shape["members"]:
            found.append((_join(path, field), "is not a member of the structure"))
    if shape.get("union") and len(given) != 1:
        found.append((path, f"must set exactly one of {', '.join(shape['members'])}"))
    for field, member in shape["members"].items():
        if value.get(field) is not None:
            found += breaches(api, member["shape"], value[field], _join(path, field))
    return found


def _list(api, shape, value, path):
    if not isinstance(value, list):
        return [(path, "must be a list")]
    found = _bounds(shape, len(value), path, "number of entries")
    for index, entry in enumerate(value):
        if entry is None:
            found.append((f"{path}[{index}]", "must not be null"))
        else:
            found += breaches(api, shape["member"]["shape"], entry, f"{path}[{index}]")
    return found


def _map(api, shape, value, path):
    if not isinstance(value, dict):
        return [(path, "must be a map")]
    found = _bounds(shape, len(value), path, "number of entries")
    for key, entry in value.items():
        found += breaches(api, shape["key"]["shape"], key, f"{path}.{key}")
        if entry is None:
            found.append((f"{path}.{key}", "must not be null"))
        else:
            found += breaches(api, shape["value"]["shape"], entry, f"{path}.{key}")
    return found


def _string(name, shape, value, path):
    if not isinstance(value, str):
        return [(path, "must be a string")]
    if "enum" in shape:
        return [] if value in shape["enum"] else [(path, f"must be one of {', '.join(shape['enum'])}")]
    found = [] if name in LENGTH_NOT_ENFORCED else _bounds(shape, len(value), path, "length")
    if "pattern" in shape and not found and not model.pattern(shape["pattern"]).fullmatch(value):
        found.append((path, f"must match the pattern {shape['pattern']}"))
    return found


def _bounds(shape, size, path, what):
    if "min" in shape and size < shape["min"]:
        return [(path, f"{what} must be at least {shape['min']}")]
    if "max" in shape and size > shape["max"]:
        return [(path, f"{what} must be at most {shape['max']}")]
    return []


def _join(path, field):
    return f"{path}.{field}" if path else field
