"""Default quotas of the service, and the one way to run into them. Must not know how things are stored."""

from .errors import over_quota

QUOTAS = {
    "analysis rule size in bytes": 100 * 1024,
    "analysis templates per membership": 25,
    "collaborations created per account": 10,
    "allow-listed columns per table": 100,
    "configured tables per account": 250,
    "configured tables per query": 15,
    "members invited per collaboration": 5,
    "memberships per account": 100,
    "ongoing queries per membership": 5,
}
CONCURRENT_QUERIES = {"us-east-1": 5}
CONCURRENT_QUERIES_ELSEWHERE = 2


class Quotas:
    """The quotas in force; the control API may change them, as support would."""

    def __init__(self):
        self.values = dict(QUOTAS)

    def check(self, name, count):
        """Raises the 402 when a count is over its quota."""
        if count > self.values[name]:
            raise over_quota(name, self.values[name])

    def check_concurrent(self, region, count):
        """Live queries of one account in a Region."""
        most = self.values.get("concurrent queries per account", CONCURRENT_QUERIES.get(region, CONCURRENT_QUERIES_ELSEWHERE))
        if count > most:
            raise over_quota("concurrent queries per account", most)
