"""Switches of the twin: where the real service is undocumented, both outcomes can be had. Must not know who reads them."""

from dataclasses import asdict, dataclass, fields


@dataclass
class Settings:
    """Every switch with its default; the README says which are guesses."""

    propagation_delay_s: float = 0.0
    page_size_max: int = 100
    refusals: str = "async"  # or sync: where a query that breaks a rule is refused
    in_flight: str = "finish"  # or fail: what a revocation does to a running query
    absent_collaboration_rule: str = "any_receiver"  # or not_ready
    readd_removed: str = "accept"  # or refuse
    rule_delete_conflicts: bool = False
    iam_synchronization_s: float = 0.0
    query_start_s: float = 0.2
    query_run_s: float = 0.2
    query_cancel_s: float = 0.2
    execution_s_max: float = 60.0
    result_parts: int = 2
    throttle_per_s: float = 0.0  # requests per second, account and operation; 0 is off

    CHOICES = {"refusals": ("async", "sync"), "in_flight": ("finish", "fail"),
               "absent_collaboration_rule": ("any_receiver", "not_ready"), "readd_removed": ("accept", "refuse")}

    def change(self, given):
        """Sets what is given, all or nothing."""
        known = {f.name: f.type for f in fields(self)}
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"no setting {name}; there are {', '.join(known)}")
            if name in self.CHOICES and value not in self.CHOICES[name]:
                raise ValueError(f"{name} is one of {', '.join(self.CHOICES[name])}")
            present = getattr(self, name)
            if isinstance(present, bool) != isinstance(value, bool) or isinstance(present, str) != isinstance(value, str):
                raise ValueError(f"{name} cannot be {value!r}")
            if not isinstance(value, (bool, str)) and value < 0:
                raise ValueError(f"{name} cannot be negative")
        for name, value in given.items():
            setattr(self, name, value)

    def shown(self):
        """All of them."""
        return asdict(self)

