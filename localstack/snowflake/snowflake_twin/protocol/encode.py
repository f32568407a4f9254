"""Values to the strings of jsonv2, and a result to the documents of the SQL API. Must not know how a result came about."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from ..catalog.types import TEXT, Type

EPOCH_DAY = date(1970, 1, 1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Rows = list[tuple[Any, ...]]


@dataclass
class Result:
    """Columns by name and type, rows of plain values; `stats` for statements that change rows."""

    columns: list[tuple[str, Type]]
    rows: Rows
    stats: dict[str, int] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)


def status(text: str) -> Result:
    """What a statement says that returns no rows of its own."""
    return Result([("status", TEXT)], [(text,)])


def table(names: list[str], rows: Rows, types: dict[str, Type] | None = None) -> Result:
    """Rows of text columns, but for those whose type is given."""
    return Result([(n, (types or {}).get(n, TEXT)) for n in names], rows)


def _seconds(moment: datetime) -> str:
    """Seconds since the epoch with nine decimals."""
    whole = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
    micros = whole // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    return f"{sign}{micros // 1_000_000}.{micros % 1_000_000:06}000"


def _number(value: Any, scale: int) -> str:
    return f"{Decimal(value):.{scale}f}" if scale else str(int(value))


def cell(value: Any, kind: Type) -> str | None:
    """One value as jsonv2 spells it."""
    if value is None:
        return None
    if kind.name == "FIXED":
        return _number(value, kind.scale or 0)
    if kind.name == "BOOLEAN":
        return "true" if value else "false"
    if kind.name == "DATE":
        return str((value - EPOCH_DAY).days)
    if kind.name == "TIME" and isinstance(value, time):
        micros = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
        return f"{micros // 1_000_000}.{micros % 1_000_000:06}000"
    if kind.name.startswith("TIMESTAMP"):
        moment = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
        return _seconds(moment) + (" 1440" if kind.name == "TIMESTAMP_TZ" else "")
    if kind.name == "BINARY":
        return bytes(value).hex().upper()
    if kind.name == "REAL":
        return repr(float(value)).removesuffix(".0") if abs(float(value)) < 1e15 else repr(float(value))
    if kind.name in ("VARIANT", "OBJECT", "ARRAY") and not isinstance(value, str):
        return json.dumps(value, default=str)
    return str(value)


def row_type(name: str, kind: Type, upper: bool) -> dict[str, Any]:
    """A column of resultSetMetaData."""
    return {"name": name, "database": "", "schema": "", "table": "", "nullable": True, "scale": kind.scale, "precision": kind.precision, "byteLength": kind.length,
            "collation": None, "length": kind.length, "type": kind.name if upper else kind.name.lower()}


def partitions(result: Result, rows_max: int, nullable: bool) -> list[list[list[str | None]]]:
    """All rows as strings, in parts of at most so many."""
    kinds = [k for _, k in result.columns]
    void = None if nullable else "null"
    rows = [[cell(v, k) if v is not None else void for v, k in zip(r, kinds, strict=True)] for r in result.rows]
    return [rows[n:n + rows_max] for n in range(0, len(rows), rows_max)] or [[]]


def metadata(result: Result, parts: list[list[list[str | None]]], upper: bool) -> dict[str, Any]:
    """resultSetMetaData."""
    info = []
    for number, part in enumerate(parts):
        size = len(json.dumps(part).encode())
        info.append({"rowCount": len(part), "uncompressedSize": size} | ({"compressedSize": size // 2 + 1} if number else {}))
    return {"numRows": len(result.rows), "format": "jsonv2", "partitionInfo": info, "rowType": [row_type(n, k, upper) for n, k in result.columns]}
