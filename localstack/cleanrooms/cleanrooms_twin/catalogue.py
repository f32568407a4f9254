"""Tables of data catalogues and roles, given by tests: LocalStack has no Glue, and its IAM refuses nobody.

A table is `{"columns": [{"name", "type"}], "partitionKeys": [...], "location": "s3://bucket/prefix/ or file:///folder/"}`.
Must not know any Clean Rooms resource.
"""

import re
from dataclasses import dataclass, field

LOCATION = re.compile(r"(s3://[^/]+(/.*)?|file://(/.*))")
NAME = re.compile(r"[a-z0-9_][a-z0-9_ -]{0,127}")


@dataclass
class Table:
    """Columns and where the Parquet objects lie."""

    columns: list
    location: str
    partition_keys: list = field(default_factory=list)

    def types(self):
        """Every column's type, partition keys included."""
        return {c["name"]: c["type"] for c in self.columns + self.partition_keys}


@dataclass
class Role:
    """A role that a test speaks about: when it was made, and whether it still gives access."""

    created_at: float
    allows: bool = True


class Catalogue:
    """Tables by account, database and name; roles by ARN. A role nobody spoke of is old and gives access."""

    def __init__(self):
        self.tables = {}
        self.roles = {}

    def put_table(self, account, database, name, document):
        """Takes a table's description."""
        columns, keys = document.get("columns"), document.get("partitionKeys", [])
        if not isinstance(columns, list) or not columns or not isinstance(keys, list):
            raise ValueError("a table has columns, a list of {name, type}")
        for column in columns + keys:
            if set(column) != {"name", "type"} or not NAME.fullmatch(column["name"]):
                raise ValueError(f"a column is {{name, type}}, the name in lower case: {column}")
        if not LOCATION.fullmatch(str(document.get("location"))):
            raise ValueError("location is s3://bucket/prefix/ or file:///folder/")
        if unknown := set(document) - {"columns", "partitionKeys", "location"}:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        self.tables[account, database, name] = Table(columns, document["location"], keys)

    def find(self, account, reference):
        """The table behind a configured table's reference, None when nobody gave it."""
        kind, at = next(iter(reference.items()))
        if kind in ("glue", "athena"):
            return self.tables.get((account, at["databaseName"], at["tableName"]))
        database = f"{at['databaseName']}.{at['schemaName']}" if kind == "snowflake" else at["schemaName"]
        return self.tables.get((account, database, at["tableName"]))
