"""Column types: Snowflake's spelling in, the engine's and the wire's out. Must not know any table."""

import re
from dataclasses import dataclass

from ..errors import invalid

TEXT_MAX = 16_777_216
BINARY_MAX = 8_388_608
INTEGERS = ("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT")
REALS = ("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL")
TEXTS = {"VARCHAR": TEXT_MAX, "STRING": TEXT_MAX, "TEXT": TEXT_MAX, "CHAR": 1, "CHARACTER": 1, "NVARCHAR": TEXT_MAX}
TIMES = {"TIMESTAMP": "TIMESTAMP_NTZ", "DATETIME": "TIMESTAMP_NTZ", "TIMESTAMP_NTZ": "TIMESTAMP_NTZ", "TIMESTAMP_LTZ": "TIMESTAMP_LTZ", "TIMESTAMP_TZ": "TIMESTAMP_TZ"}
SHAPE = re.compile(r"([A-Z][A-Z0-9_]*(?: PRECISION)?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?")


@dataclass(frozen=True)
class Type:
    """A type on the wire: FIXED, REAL, TEXT, BOOLEAN, DATE, TIME, TIMESTAMP_*, BINARY, VARIANT, with its sizes."""

    name: str
    precision: int | None = None
    scale: int | None = None
    length: int | None = None

    def spelled(self) -> str:
        """As DESC TABLE spells it."""
        if self.name == "FIXED":
            return f"NUMBER({self.precision},{self.scale})"
        if self.name in ("TEXT", "BINARY"):
            return f"{'VARCHAR' if self.name == 'TEXT' else 'BINARY'}({self.length})"
        if self.name == "TIME" or self.name.startswith("TIMESTAMP"):
            return f"{self.name}({self.scale})"
        return "FLOAT" if self.name == "REAL" else self.name

    def engine(self) -> str:
        """As the engine keeps it."""
        if self.name == "FIXED":
            return f"DECIMAL({self.precision},{self.scale})"
        return {"REAL": "DOUBLE", "TEXT": "VARCHAR", "BINARY": "BLOB", "TIMESTAMP_NTZ": "TIMESTAMP", "TIMESTAMP_LTZ": "TIMESTAMPTZ",
                "TIMESTAMP_TZ": "TIMESTAMPTZ", "VARIANT": "JSON", "OBJECT": "JSON", "ARRAY": "JSON"}.get(self.name, self.name)


TEXT = Type("TEXT", length=TEXT_MAX)
BOOLEAN = Type("BOOLEAN")
NUMBER = Type("FIXED", 38, 0)
LTZ = Type("TIMESTAMP_LTZ", 0, 9)


def parse(text: str) -> Type:
    """A type as SQL spells it."""
    match = SHAPE.fullmatch(" ".join(text.upper().split()))
    if match is None:
        raise invalid(f"Unsupported data type '{text[:60]}'.", "002040", "42601")
    word, first, second = match.group(1), match.group(2), match.group(3)
    size = None if first is None else int(first)
    if word in ("NUMBER", "DECIMAL", "NUMERIC"):
        precision, scale = 38 if size is None else size, int(second or 0)
        if not (1 <= precision <= 38 and 0 <= scale <= min(37, precision)):
            raise invalid(f"Invalid precision or scale: {precision}, {scale}", "002040", "42601")
        return Type("FIXED", precision, scale)
    if word in INTEGERS and size is None:
        return NUMBER
    if word in REALS and size is None:
        return Type("REAL")
    if word in TEXTS and second is None:
        return Type("TEXT", length=TEXTS[word] if size is None else size)
    if word in ("BINARY", "VARBINARY") and second is None:
        return Type("BINARY", length=BINARY_MAX if size is None else size)
    if word in TIMES and second is None:
        return Type(TIMES[word], 0, 9 if size is None else size)
    if word == "TIME" and second is None:
        return Type("TIME", 0, 9 if size is None else size)
    if word in ("BOOLEAN", "DATE", "VARIANT", "OBJECT", "ARRAY") and size is None:
        return Type(word)
    raise invalid(f"Unsupported data type '{text[:60]}'.", "002040", "42601")


def of_engine(text: str) -> Type:
    """The wire's type of an engine's column."""
    word = text.upper()
    if match := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", word):
        return Type("FIXED", int(match.group(1)), int(match.group(2)))
    whole = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 18, "UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10, "UBIGINT": 20, "HUGEINT": 38, "UHUGEINT": 38}
    if word in whole:
        return Type("FIXED", whole[word], 0)
    known = {"DOUBLE": Type("REAL"), "FLOAT": Type("REAL"), "VARCHAR": TEXT, "BLOB": Type("BINARY", length=BINARY_MAX), "BOOLEAN": BOOLEAN, "DATE": Type("DATE"),
             "TIME": Type("TIME", 0, 9), "TIMESTAMP": Type("TIMESTAMP_NTZ", 0, 9), "TIMESTAMP WITH TIME ZONE": LTZ, "JSON": Type("VARIANT"), '"NULL"': TEXT, "NULL": TEXT}
    return known.get(word, Type("VARIANT"))
