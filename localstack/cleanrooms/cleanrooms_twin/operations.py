"""The register of implemented operations, and what a handler is given. Must not know HTTP or any one operation."""

import uuid
from dataclasses import dataclass, field
from typing import Any

HANDLERS = {}


def operation(name):
    """Registers a handler under the model's operation name."""
    def register(handler):
        if name in HANDLERS:
            raise AssertionError(f"two handlers for {name}")
        HANDLERS[name] = handler
        return handler
    return register


@dataclass
class Call:
    """One request, understood. `world` is written to; `seen` is the same world through the caller's eyes, for look-ups."""

    operation: str
    account: str
    region: str
    world: Any
    seen: Any
    now: float
    twin: Any
    events: list = field(default_factory=list)

    @property
    def settings(self):
        """The switches."""
        return self.twin.settings

    def project(self, shape, entity):
        """An entity as a structure of the model."""
        return self.twin.api.project(shape, entity)

    def arn(self, tail, account=None):
        """An ARN in this Region."""
        return f"arn:aws:cleanrooms:{self.region}:{account or self.account}:{tail}"

    def new(self, **fields):
        """A new entity of the caller: id, times, owner, and the given fields that are set."""
        entity = {"id": str(uuid.uuid4()), "createTime": self.now, "updateTime": self.now, "_owner": self.account}
        return entity | {k: v for k, v in fields.items() if v is not None}

    def tag(self, arn, tags):
        """A new resource's tags."""
        self.world.tags[arn] = {"_owner": self.account, "tags": dict(tags or {})}

    def event(self, detail_type, detail):
        """Something a watcher of the event bus would hear of."""
        self.events.append({"source": "aws.cleanrooms", "detail-type": detail_type, "account": self.account, "region": self.region,
                            "time": self.now, "detail": detail})


def oldest_first(entities):
    """Entities in the order of their making."""
    return sorted(entities, key=lambda e: (e["createTime"], e.get("_serial", 0)))
