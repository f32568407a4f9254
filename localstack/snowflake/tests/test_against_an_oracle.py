"""Aggregation policies against a second reading of the documentation, in plain Python over plain lists: generated rows, groups, filters and sizes."""

import random

import pytest
import stage

COLUMNS = [("ID", "VARCHAR"), ("A", "VARCHAR"), ("B", "VARCHAR"), ("N", "NUMBER(10,0)")]


def oracle(rows, keys, least, by_entity):
    """Groups as the policy leaves them: keys, rows, sum, entities; small ones merged, a remainder that is too small all NULLs."""
    def size(part):
        return len({r[0] for r in part if r[0] is not None}) if by_entity else len(part)

    def shown(key, part):
        return (*key, len(part), sum(r[3] for r in part), len({r[0] for r in part if r[0] is not None})) if size(part) >= least else (None,) * (len(keys) + 3)
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[k] for k in keys), []).append(row)
    if not keys:
        return [shown((), rows)]
    large = [shown(k, p) for k, p in groups.items() if size(p) >= least]
    rest = [r for p in groups.values() if size(p) < least for r in p]
    return large + ([shown((None,) * len(keys), rest)] if rest else [])


@pytest.mark.parametrize("seed", range(24))
def test_it_agrees(people, share, consumer, twin, seed):
    chance = random.Random(seed)
    by_entity = seed % 3 != 0
    people.do("CREATE AGGREGATION POLICY D.S.P AS () RETURNS AGGREGATION_CONSTRAINT -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 1)")
    share(consumer)
    rows = [[chance.choice([None, *(f"p{n}" for n in range(12))]), chance.choice([None, "x", "y", "z"]), chance.choice(["u", "v"]), chance.randrange(100)] for _ in range(chance.randrange(1, 60))]
    twin.table(stage.PROVIDER, "D.S.ROWS", COLUMNS, rows)
    people.do(f"CREATE SECURE VIEW D.S.R WITH AGGREGATION POLICY D.S.P {'ENTITY KEY (ID)' if by_entity else ''} AS SELECT * FROM D.S.ROWS", "GRANT SELECT ON VIEW D.S.R TO SHARE OUT")
    for _ in range(6):
        least, keys, limit = chance.randrange(1, 9), chance.choice([(), (1,), (2,), (1, 2)]), chance.randrange(101)
        people.do(f"ALTER AGGREGATION POLICY D.S.P SET BODY -> AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => {least})")
        names = [COLUMNS[k][0] for k in keys]
        tail = f" GROUP BY {', '.join(names)}" if names else ""
        found = consumer.rows(f"SELECT {', '.join([*names, 'COUNT(*) AS R', 'SUM(N) AS S', 'COUNT(DISTINCT ID) AS E'])} FROM M.S.R WHERE N < {limit}{tail}")
        wanted = [[None if v is None else str(v) for v in r] for r in oracle([r for r in rows if r[3] < limit], keys, least, by_entity)]
        assert sorted(found, key=str) == sorted(wanted, key=str), (seed, least, names, limit)
