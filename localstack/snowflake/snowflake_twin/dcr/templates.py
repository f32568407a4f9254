"""JinjaSQL templates: checked when registered, rendered with values bound as literals when run. Must not know rooms or accounts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .specs import Spec, failed

FILTERS = ("join_policy", "column_policy", "activation_policy", "join_and_column_policy")
COLUMN = re.compile(r'(?:([a-z][0-9]*)\.)?("(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_$]*)')


class Raw(str):
    """Text that goes into the statement as it is."""

    __slots__ = ()


def literal(value: Any) -> str:
    """A value as JinjaSQL binds it: a quoted literal, unless it was made raw."""
    if isinstance(value, Raw):
        return value
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    raise failed("a list or an object cannot be bound; use inclause")


def _inclause(values: Any) -> Raw:
    if not isinstance(values, list) or not values:
        raise failed("inclause takes a list with at least one value")
    return Raw("(" + ", ".join(literal(v) for v in values) + ")")


def environment(policy: Callable[[str, Any], Raw]) -> ImmutableSandboxedEnvironment:
    """Jinja without reach: values are bound, unknown names fail, policy filters ask."""
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, finalize=literal, keep_trailing_newline=True)
    made.globals.clear()
    made.filters = {"sqlsafe": lambda v: Raw(str(v)), "inclause": _inclause, "lower": lambda v: str(v).lower(), "upper": lambda v: str(v).upper(), "length": len, "default": lambda v, d: d if v is None else v}
    for name in FILTERS:
        made.filters[name] = lambda v, name=name: policy(name, v)
    return made


def check(spec: Spec, filters: bool) -> None:
    """Whether a template can be read, and uses no filter that is not to be had."""
    try:
        tree = environment(lambda _, __: Raw("")).parse(spec.body["template"])
    except TemplateError as error:
        raise failed(f"the template cannot be read: {error.message}") from error
    for node in tree.find_all(nodes.Filter):
        if node.name in (*FILTERS, "sqlsafe") and not filters:
            raise failed(f"filter {node.name} cannot be used in a collaboration template")
        if node.name == "sqlsafe" and isinstance(node.node, nodes.Filter) and node.node.name in FILTERS:
            raise failed("a policy filter comes last, never before sqlsafe")


def render(spec: Spec, values: dict[str, Any], policy: Callable[[str, Any], Raw]) -> str:
    """The statement."""
    try:
        return environment(policy).from_string(spec.body["template"]).render(values)
    except TemplateError as error:
        raise failed(f"the template cannot be rendered: {error.message}") from error
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise failed(f"the template cannot be rendered: {type(error).__name__}") from error


def column_of(value: Any) -> tuple[str | None, str]:
    """alias.COLUMN as a policy filter reads it."""
    match = COLUMN.fullmatch(str(value).strip())
    if match is None:
        raise failed("a policy filter takes a column")
    name = match.group(2)
    return match.group(1), name[1:-1].replace('""', '"') if name.startswith('"') else name.upper()
