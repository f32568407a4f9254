"""The organisations and their accounts: made, found by any of their spellings, and seeded. Must not know SQL."""

from .objects import Account, Database, Grant, Role, Schema, Thing, User

SYSTEM_ROLES = ("ACCOUNTADMIN", "ORGADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC")
HIERARCHY = (("SYSADMIN", "ACCOUNTADMIN"), ("SECURITYADMIN", "ACCOUNTADMIN"), ("USERADMIN", "SECURITYADMIN"))
APPLY = tuple(f"APPLY {k} POLICY" for k in ("AGGREGATION", "PROJECTION", "JOIN", "ROW ACCESS", "MASKING"))
GLOBAL = {
    "ACCOUNTADMIN": ("CREATE SHARE", "IMPORT SHARE", "MANAGE SHARE TARGET", "CREATE INTEGRATION", "APPLY TAG", "EXECUTE TASK", "MONITOR USAGE", *APPLY),
    "SECURITYADMIN": ("MANAGE GRANTS",),
    "USERADMIN": ("CREATE ROLE", "CREATE USER"),
    "SYSADMIN": ("CREATE DATABASE", "CREATE WAREHOUSE"),
}
EDITIONS = ("STANDARD", "ENTERPRISE", "BUSINESS_CRITICAL")
WAREHOUSE = "COMPUTE_WH"
# Five accounts of one organisation: one in another region, one of a lower edition, one of a higher.
SEED = (("PROVIDER", "aws_us_east_1", "ENTERPRISE"), ("CONSUMER", "aws_us_east_1", "ENTERPRISE"), ("SMALL", "aws_us_east_1", "STANDARD"),
        ("SECURED", "aws_us_east_1", "BUSINESS_CRITICAL"), ("FAR", "aws_eu_central_1", "ENTERPRISE"))
SEED_ORGANIZATION = "ACME"
SEED_USER = "GATEWAY"


def new_database(account: Account, name: str, owner: str, now: float) -> Database:
    """A database with its PUBLIC schema."""
    made = Database(name, owner, now, account=account)
    made.schemas["PUBLIC"] = Schema("PUBLIC", owner, now, database=made)
    account.databases[name] = made
    return made


class Organizations:
    """Every account there is."""

    def __init__(self, now: float) -> None:
        self.accounts: dict[tuple[str, str], Account] = {}
        self.serial = 0
        for name, region, edition in SEED:
            account = self.add(SEED_ORGANIZATION, name, now, region=region, edition=edition)
            self.add_user(account, SEED_USER, now, "ACCOUNTADMIN")

    def add(self, organization: str, name: str, now: float, region: str = "aws_us_east_1", edition: str = "ENTERPRISE") -> Account:
        """A new account with its system roles and one warehouse."""
        if edition not in EDITIONS:
            raise ValueError(f"edition is one of {', '.join(EDITIONS)}")
        self.serial += 1
        account = Account(name.upper(), "", now, organization=organization.upper(), locator=f"TW{self.serial:05}", region=region, edition=edition)
        for role in SYSTEM_ROLES:
            account.roles[role] = Role(role, "", now)
        for child, parent in HIERARCHY:
            account.grants.append(Grant("USAGE", account.roles[child], "ROLE", parent, False, "", now))
        for role, privileges in GLOBAL.items():
            account.grants += [Grant(p, account, "ROLE", role, True, "", now) for p in privileges]
        account.warehouses[WAREHOUSE] = Thing(WAREHOUSE, "ACCOUNTADMIN", now, kind="WAREHOUSE")
        account.grants.append(Grant("USAGE", account.warehouses[WAREHOUSE], "ROLE", "PUBLIC", False, "", now))
        self.accounts[account.organization, account.name] = account
        return account

    @staticmethod
    def add_user(account: Account, name: str, now: float, *roles: str) -> User:
        """A user with roles, the first of them its default."""
        user = account.users.setdefault(name.upper(), User(name.upper(), "USERADMIN", now))
        for role in roles:
            if role not in account.roles:
                account.roles[role] = Role(role, "USERADMIN", now)
            if not any(g.thing is account.roles[role] for g in account.granted_to("USER", user.name)):
                account.grants.append(Grant("USAGE", account.roles[role], "USER", user.name, False, "", now))
        if roles:
            user.default_role = roles[0]
        return user

    def named(self, organization: str, name: str) -> Account | None:
        """By organisation and name, as share statements spell it."""
        return self.accounts.get((organization, name))

    def spelled(self, text: str) -> Account | None:
        """By ORG.ACCOUNT, ORG-ACCOUNT or locator, in any case: what hosts, tokens and the control say."""
        wanted = text.upper().replace(".", "-")
        return next((a for a in self.accounts.values() if wanted in (f"{a.organization}-{a.name}", a.locator)), None)

    def by_locator(self, locator: str) -> Account | None:
        """By locator alone."""
        return next((a for a in self.accounts.values() if a.locator == locator), None)
