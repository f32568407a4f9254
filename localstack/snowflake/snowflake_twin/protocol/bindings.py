"""Bind variables: typed strings of a request to values, by position. Must not know the statement they are for."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from ..errors import SqlError

EPOCH = datetime(1970, 1, 1)
TYPES = ("FIXED", "REAL", "DECFLOAT", "TEXT", "BINARY", "BOOLEAN", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ")


def _bad(position: str, kind: str) -> SqlError:
    return SqlError("100037", "22018", f"Invalid bind value for parameter {position} of type {kind}")


def _nanos(text: str) -> timedelta:
    if not re.fullmatch(r"-?\d+", text):
        raise ValueError("no whole number")
    return timedelta(microseconds=int(text) // 1000)


def value(kind: str, text: str) -> Any:
    """One bind value; ValueError when the text is none of its type."""
    if kind == "FIXED":
        if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
            raise ValueError("no number")
        return int(text) if "." not in text else Decimal(text)
    if kind in ("REAL", "DECFLOAT"):
        return float(text)
    if kind == "BOOLEAN":
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError("no boolean")
        return text.lower() in ("true", "1")
    if kind == "BINARY":
        return bytes.fromhex(text)
    if kind == "DATE":
        return (EPOCH + timedelta(milliseconds=int(text))).date()
    if kind == "TIME":
        return (EPOCH + _nanos(text)).time()
    if kind == "TIMESTAMP_NTZ":
        return EPOCH + _nanos(text)
    if kind == "TIMESTAMP_LTZ":
        return (EPOCH + _nanos(text)).replace(tzinfo=UTC)
    if kind == "TIMESTAMP_TZ":
        number, _, offset = text.partition(" ")
        int(offset)
        return (EPOCH + _nanos(number)).replace(tzinfo=UTC)
    return text


def read(given: Any) -> dict[str, Any]:
    """All bind values of a request."""
    found: dict[str, Any] = {}
    if not isinstance(given, dict):
        raise SqlError("100037", "22018", "bindings is an object of positions")
    for position, bound in given.items():
        kind = str(bound.get("type", "")).upper() if isinstance(bound, dict) else ""
        if not position.isdigit() or kind not in TYPES:
            raise _bad(position, kind)
        text = bound.get("value")
        if text is None:
            found[position] = None
            continue
        try:
            if not isinstance(text, str):
                raise ValueError("values are strings")
            found[position] = value(kind, text)
        except (ValueError, InvalidOperation, OverflowError) as error:
            raise _bad(position, kind) from error
    return found
