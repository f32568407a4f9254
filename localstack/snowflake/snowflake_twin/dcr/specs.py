"""The YAML specs of the collaboration API: read strictly, field by field. Must not know accounts, rooms or procedures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from ..errors import SqlError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,74}")
VERSION = re.compile(r"[A-Za-z0-9_]{1,20}")
ACCOUNT = re.compile(r"[A-Za-z0-9_]+\.[A-Za-z0-9_]+")
API = "2.0.0"
CATEGORIES = ("join_standard", "join_custom", "timestamp", "passthrough", "event_type")
WORDS = ("email", "phone", "device_id", "ip_address", "first_name", "last_name")
COLUMN_TYPES = (*WORDS, *(f"hashed_{w}_sha256" for w in WORDS), *(f"hashed_{w}_b64_encoded" for w in ("email", "phone", "device", "ip_address", "first_name", "last_name")))
PARAMETER_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,), "object": (dict,)}
TEXT_MAX = 1000
ALLOWED = ("template_only", "template_and_freeform_sql")


def failed(message: str) -> SqlError:
    """What a procedure says when it refuses; the code is a guess."""
    return SqlError("100357", "P0000", f"Uncaught exception of type 'STATEMENT_ERROR': {message}")


class Loader(yaml.SafeLoader):
    """YAML in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping; the parser itself would let the last of two win."""
        keys = [self.construct_object(k, deep=True) for k, _ in node.value]
        if len({str(k) for k in keys}) != len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


@dataclass
class Spec:
    """One spec: its kind, its text and what it says."""

    kind: str
    text: str
    body: dict[str, Any]

    @property
    def identity(self) -> str:
        """{name}_{version}."""
        return f"{self.body['name']}_{self.body['version']}"


def load(text: str, kind: str) -> Spec:
    """A spec of a kind out of YAML."""
    try:
        body = yaml.load(text, Loader)  # noqa: S506  it is a safe loader
    except yaml.YAMLError as error:
        raise failed("the specification is no YAML") from error
    if not isinstance(body, dict):
        raise failed("the specification is no mapping")
    body = dict(body)
    if str(body.pop("api_version", None)) != API:
        raise failed(f"api_version is {API}")
    if body.pop("spec_type", None) != kind:
        raise failed(f"spec_type is {kind}")
    {"collaboration": _collaboration, "data_offering": _offering, "template": _template, "analysis": _analysis}[kind](body)
    return Spec(kind, text, body)


def _fields(body: Any, where: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    if not isinstance(body, dict):
        raise failed(f"{where} is no mapping")
    if unknown := [str(k) for k in body if k not in needed and k not in optional]:
        raise failed(f"{where}: unknown field {unknown[0][:60]}")
    if absent := [k for k in needed if k not in body]:
        raise failed(f"{where}: {absent[0]} is missing")


def _named(body: dict[str, Any], where: str, versioned: bool) -> None:
    if not isinstance(body["name"], str) or not NAME.fullmatch(body["name"]):
        raise failed(f"{where}: the name is an identifier of at most 75 characters")
    if "version" in body or versioned:
        body["version"] = str(body.get("version", ""))
        if not VERSION.fullmatch(body["version"]):
            raise failed(f"{where}: the version has at most 20 letters, digits and underscores")
    for field in ("description", "methodology"):
        if not isinstance(body.get(field, ""), str) or len(body.get(field, "")) > TEXT_MAX:
            raise failed(f"{where}: the {field} has at most {TEXT_MAX} characters")


def _ids(items: Any, where: str) -> list[str]:
    if not isinstance(items, list):
        raise failed(f"{where} is a list")
    for item in items:
        _fields(item, where, ("id",))
    return [str(i["id"]) for i in items]


def _collaboration(body: dict[str, Any]) -> None:
    _fields(body, "collaboration", ("name", "collaborator_identifier_aliases", "analysis_runners"), ("version", "description", "owner"))
    _named(body, "collaboration", versioned=False)
    aliases = body["collaborator_identifier_aliases"]
    if not isinstance(aliases, dict) or not aliases:
        raise failed("collaborator_identifier_aliases is a mapping")
    for alias, account in aliases.items():
        if not isinstance(alias, str) or not NAME.fullmatch(alias) or not isinstance(account, str) or not ACCOUNT.fullmatch(account):
            raise failed("collaborator_identifier_aliases maps aliases to ORG.ACCOUNT")
    if len({a.upper() for a in aliases.values()}) != len(aliases):
        raise failed("two aliases are the same account")
    if not isinstance(body["analysis_runners"], dict) or not body["analysis_runners"]:
        raise failed("analysis_runners is a mapping")
    for runner, held in body["analysis_runners"].items():
        where = f"analysis_runners.{runner}"
        _fields(held, where, ("data_providers",), ("templates", "activation_destinations"))
        providers = held["data_providers"]
        if not isinstance(providers, dict):
            raise failed(f"{where}.data_providers is a mapping")
        for provider, offered in providers.items():
            _fields(offered, f"{where}.data_providers.{provider}", ("data_offerings",))
            _ids(offered["data_offerings"], f"{where}.data_providers.{provider}.data_offerings")
        _ids(held.get("templates") or [], f"{where}.templates")
        _fields(held.get("activation_destinations") or {}, f"{where}.activation_destinations", (), ("snowflake_collaborators",))
        named = [runner, *providers, *((held.get("activation_destinations") or {}).get("snowflake_collaborators") or [])]
        if unknown := [str(n) for n in named if n not in aliases]:
            raise failed(f"{where}: {unknown[0]} is no alias")


def _offering(body: dict[str, Any]) -> None:
    _fields(body, "data_offering", ("name", "version", "datasets"), ("description",))
    _named(body, "data_offering", versioned=True)
    if not isinstance(body["datasets"], list) or not body["datasets"]:
        raise failed("datasets is a list")
    for dataset in body["datasets"]:
        _fields(dataset, "dataset", ("alias", "data_object_fqn", "allowed_analyses", "schema_and_template_policies"), ("object_class", "freeform_sql_policies", "require_freeform_sql_policy"))
        if not isinstance(dataset["alias"], str) or not NAME.fullmatch(dataset["alias"]) or dataset["allowed_analyses"] not in ALLOWED:
            raise failed("a dataset has an alias, and allowed_analyses of template_only or template_and_freeform_sql")
        columns = dataset["schema_and_template_policies"]
        if not isinstance(columns, dict) or not columns:
            raise failed("schema_and_template_policies is a mapping")
        for column, held in columns.items():
            _fields(held, f"column {column}", ("category",), ("column_type", "activation_allowed"))
            if held["category"] not in CATEGORIES or (held["category"] == "join_standard") != ("column_type" in held):
                raise failed(f"column {column}: category is one of {', '.join(CATEGORIES)}; column_type goes with join_standard, and only with it")
            if "column_type" in held and held["column_type"] not in COLUMN_TYPES:
                raise failed(f"column {column}: column_type is one of {', '.join(COLUMN_TYPES)}")
        if len({exposed(c, h) for c, h in columns.items()}) != len(columns):
            raise failed("two columns would have the same name: one column per type")


def exposed(column: str, held: dict[str, Any]) -> str:
    """The name under which a column is seen: its type, `timestamp`, or its own."""
    return str(held["column_type"]).upper() if held["category"] == "join_standard" else "TIMESTAMP" if held["category"] == "timestamp" else column


def _template(body: dict[str, Any]) -> None:
    _fields(body, "template", ("name", "version", "type", "template"), ("description", "methodology", "parameters", "code_specs", "preset_tables"))
    _named(body, "template", versioned=True)
    if body["type"] not in ("sql_analysis", "sql_activation") or not isinstance(body["template"], str):
        raise failed("type is sql_analysis or sql_activation, and template is text")
    if body.get("code_specs"):
        raise failed("code_specs are not part of this stand-in (TWIN)")
    for parameter in body.get("parameters") or []:
        _fields(parameter, "parameter", ("name",), ("description", "required", "default", "type"))
        if not isinstance(parameter["name"], str) or not NAME.fullmatch(parameter["name"]) or parameter.get("type", "string") not in PARAMETER_TYPES:
            raise failed(f"a parameter has a name, and a type of {', '.join(PARAMETER_TYPES)}")
    for preset in body.get("preset_tables") or []:
        _fields(preset, "preset_table", ("alias", "template_view_name"))


def _analysis(body: dict[str, Any]) -> None:
    _fields(body, "analysis", ("template",), ("name", "version", "description", "template_configuration"))
    held = body.get("template_configuration") or {}
    _fields(held, "template_configuration", (), ("view_mappings", "local_view_mappings", "arguments", "activation"))
    _fields(held.get("activation") or {}, "activation", (), ("snowflake_collaborator", "segment_name"))


def arguments(template: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Values of a template's parameters: of their types, none unknown, none wanting."""
    declared = {p["name"]: p for p in template.get("parameters") or []}
    if unknown := [str(k) for k in given if k not in declared]:
        raise failed(f"the template has no parameter {unknown[0][:80]}")
    found: dict[str, Any] = {}
    for name, parameter in declared.items():
        if name not in given and "default" not in parameter:
            if parameter.get("required"):
                raise failed(f"the parameter {name} has no value")
            found[name] = None
            continue
        value = given.get(name, parameter.get("default"))
        kinds = PARAMETER_TYPES[parameter.get("type", "string")]
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool) and bool not in kinds):
            raise failed(f"the parameter {name} is no {parameter.get('type', 'string')}")
        found[name] = value
    return found
