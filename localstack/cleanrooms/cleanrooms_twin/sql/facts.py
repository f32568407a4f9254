"""What a judge is told of a table and of the run. Must not know where it was stored."""

from dataclasses import dataclass, field


@dataclass
class TableFacts:
    """A table of the collaboration as the runner's query meets it."""

    name: str
    owner: str
    columns: dict
    rule_type: str | None
    rule: dict
    location: str = ""
    partition_keys: list = field(default_factory=list)
    role: str = ""
    association: str = ""
    receivers: list | None = None
    not_ready: list = field(default_factory=list)


@dataclass
class RunFacts:
    """Who runs what, and who receives it. The template is an ARN or None for raw text."""

    runner: str
    receivers: list
    template: str | None = None
    author: str | None = None


@dataclass
class Verdict:
    """An accepted query: its text in the engine's dialect, its output columns and its tables."""

    sql: str
    outputs: list
    tables: list
