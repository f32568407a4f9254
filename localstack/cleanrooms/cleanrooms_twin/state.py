"""What the twin remembers: flat collections of entities, each with its owner, one world per Region.

A world can be seen through an account's eyes: its own entities as they are, those of others as they were a while ago, when
a propagation delay is set. Must not know any rule of the service.
"""

import copy

COLLECTIONS = ("collaborations", "members", "memberships", "change_requests", "tables", "table_rules", "associations",
               "collaboration_rules", "templates", "budget_templates", "queries")


class View:
    """The collections, by attribute. An entity is a dict in wire names, with private keys that start with `_`."""

    def __init__(self, held=None):
        self.held = held or {name: {} for name in COLLECTIONS}

    def __getattr__(self, name):
        try:
            return self.__dict__["held"][name]
        except KeyError as error:
            raise AttributeError(name) from error


class World(View):
    """One Region's entities, with the past that a propagation delay needs."""

    def __init__(self):
        super().__init__()
        self.tags = {}
        self.past = []

    def remember(self, now):
        """Keeps the present, to be shown to other accounts later."""
        self.past.append((now, copy.deepcopy(self.held)))

    def drop_older(self, at):
        """Forgets what nobody can see any more: all but the newest of the states that old."""
        while len(self.past) > 1 and self.past[1][0] <= at:
            self.past.pop(0)

    def forget(self):
        """No delay any more: the past is not needed."""
        self.past.clear()

    def seen_by(self, account, now, delay_s):
        """The world through an account's eyes."""
        if not delay_s:
            return self
        self.drop_older(now - delay_s)
        known = [held for at, held in self.past if at <= now - delay_s]
        shown = known[-1] if known else View().held
        mixed = {}
        for name, entities in self.held.items():
            own = {k: e for k, e in entities.items() if e["_owner"] == account}
            foreign = {k: e for k, e in shown[name].items() if entities.get(k, e)["_owner"] != account}
            mixed[name] = foreign | own
        return View(mixed)


class Worlds:
    """A world per Region."""

    def __init__(self):
        self.regions = {}

    def __getitem__(self, region):
        return self.regions.setdefault(region, World())

    def all(self):
        """Every world there is."""
        return list(self.regions.values())

    def reset(self):
        """Forgets everything."""
        self.regions.clear()
