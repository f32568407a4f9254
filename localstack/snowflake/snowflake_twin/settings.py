"""Switches of the twin: where the real service is undocumented, both outcomes can be had. Must not know who reads them."""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar


@dataclass
class Settings:
    """Every switch with its default; the README says which are guesses."""

    statement_run_s: float = 0.0  # how long each statement takes, by the twin's clock
    sync_s_max: float = 45.0  # after this a synchronous call answers 202
    partition_rows: int = 10_000  # rows in one partition of a result
    partition_gzip: bool = True  # partitions after the first are gzip-packed
    type_case: str = "lower"  # or upper: how rowType spells types; the documentation shows upper case, captures lower case
    clock_skew_s: float = 0.0  # how far the service's clock, as tokens see it, is ahead
    token_life_s_max: float = 3600.0
    result_life_s: float = 86400.0
    throttle_per_s: float = 0.0  # requests per second and user; 0 is off
    dcr_step_s: float = 0.0  # how long each asynchronous step of a collaboration takes, by the twin's clock
    dcr_results: str = "rows"  # or refuse: whether RUN returns rows over the SQL API, which is unknown
    dcr_filters: bool = True  # whether policy filters and sqlsafe work in collaboration templates: sources disagree
    dcr_presets: str = "kept"  # or named: whether a run that names an offered table as preset_tables reads that one, which is unknown
    dcr_removed_approves: bool = True  # whether a member that an EDIT removes is asked too: undocumented
    dcr_history: str = "rows"  # or refuse: whether INFORMATION_SCHEMA of the application's own database lists statements, which is unknown
    unload_row_max: int = 100_000  # rows in one unloaded file
    empty_unload: str = "none"  # or file: what COPY INTO writes for zero rows

    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"type_case": ("lower", "upper"), "dcr_results": ("rows", "refuse"), "dcr_history": ("rows", "refuse"), "dcr_presets": ("kept", "named"), "empty_unload": ("none", "file")}

    def change(self, given: dict[str, Any]) -> None:
        """Sets what is given, all or nothing."""
        known = {f.name for f in fields(self)}
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"no setting {name}; there are {', '.join(sorted(known))}")
            if name in self.CHOICES and value not in self.CHOICES[name]:
                raise ValueError(f"{name} is one of {', '.join(self.CHOICES[name])}")
            present = getattr(self, name)
            if isinstance(present, bool) != isinstance(value, bool) or isinstance(present, str) != isinstance(value, str):
                raise ValueError(f"{name} cannot be {value!r}")
            if not isinstance(value, (bool, str)) and value < 0 and name != "clock_skew_s":
                raise ValueError(f"{name} cannot be negative")
        for name, value in given.items():
            setattr(self, name, value)

    def shown(self) -> dict[str, Any]:
        """All of them."""
        return asdict(self)
