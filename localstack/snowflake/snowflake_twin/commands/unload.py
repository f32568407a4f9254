"""COPY INTO a location: a query's rows as Parquet objects at a stage or under an integration. Must not know how queries are protected."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlparse

from ..catalog.objects import Stage
from ..catalog.session import Session
from ..catalog.types import NUMBER, TEXT
from ..errors import SqlError, invalid, unsupported
from ..faults import Where
from ..protocol.encode import Result
from ..query.compile import Compiler
from ..query.engine import text
from ..sql.lexer import NAME, SIGN, STRING, WORD
from ..sql.lexer import NUMBER as DIGITS
from ..sql.names import folded
from ..sql.reader import Reader
from ..storage import StorageError
from .registry import How, command
from .stages import find_integration, need_allowed

OPTIONS = ("FILE_FORMAT", "HEADER", "OVERWRITE", "SINGLE", "MAX_FILE_SIZE", "INCLUDE_QUERY_ID", "DETAILED_OUTPUT", "STORAGE_INTEGRATION")
NOT_PARQUET = ("VARIANT", "OBJECT", "ARRAY", "TIMESTAMP_TZ", "TIMESTAMP_LTZ")


@dataclass
class Options:
    """What a COPY INTO says after its query."""

    header: bool = False
    overwrite: bool = False
    single: bool = False
    query_id: bool = False
    detailed: bool = False
    integration: str | None = None
    format: str = ""


def _location(session: Session, reader: Reader) -> tuple[str, str | None]:
    """A URL, and the stage's integration if it is a stage."""
    if reader.peek() and reader.peek().kind == STRING:  # type: ignore[union-attr]
        return reader.string(), None
    reader.expect("@")
    names, rest = [], ""
    while True:
        token = reader.next(WORD, NAME)
        names.append(folded(token.text, token.kind == NAME))
        if not reader.take("."):
            break
    if len(names) > 3 or reader.sees("~"):
        raise reader.fail()
    at = reader.peek()
    if at is not None and at.text == "/":
        # The path runs on to the next space, whatever it is made of.
        start = end = at.start
        while (token_ := reader.peek()) is not None and token_.start == end and token_.kind in (WORD, NAME, DIGITS, SIGN):
            end, reader.at = token_.end, reader.at + 1
        rest = reader.source[start:end]
    found = session.find("STAGE", names)
    assert isinstance(found, Stage)
    if not session.holds("USAGE", found) and not session.holds("WRITE", found):
        raise SqlError("003001", "42501", f"SQL access control error:\nInsufficient privileges to operate on stage '{found.name}'")
    return found.url.rstrip("/") + (rest or "/"), found.integration.name if found.integration else None


def _options(reader: Reader) -> Options:
    given = Options()
    while reader.peek() is not None and not reader.sees(";"):
        word = reader.one_of(*OPTIONS)
        reader.expect("=")
        if word == "FILE_FORMAT":
            inner = Reader(reader.skip_braced())
            inner.expect("TYPE", "=")
            given.format = inner.string().upper() if inner.peek() and inner.peek().kind == STRING else inner.name()  # type: ignore[union-attr]
            if inner.take("COMPRESSION", "="):
                inner.one_of("SNAPPY", "AUTO")
            inner.end()
        elif word == "MAX_FILE_SIZE":
            reader.number()
        elif word == "STORAGE_INTEGRATION":
            given.integration = reader.name()
        else:
            field = {"HEADER": "header", "OVERWRITE": "overwrite", "SINGLE": "single", "INCLUDE_QUERY_ID": "query_id", "DETAILED_OUTPUT": "detailed"}[word]
            setattr(given, field, reader.boolean())
    reader.end()
    return given


@command("COPY INTO")
def copy_into(session: Session, reader: Reader, how: How) -> Result:
    """COPY INTO @stage/path | 's3://…' [STORAGE_INTEGRATION = i] FROM (SELECT …) | t FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE [options]."""
    if not (reader.sees("@") or reader.peek() and reader.peek().kind == STRING):  # type: ignore[union-attr]
        raise unsupported("COPY INTO a table")
    url, integration = _location(session, reader)
    early = None
    if reader.take("STORAGE_INTEGRATION"):
        reader.expect("=")
        early = reader.name()
    reader.expect("FROM")
    query = reader.skip_braced() if reader.sees("(") else f"SELECT * FROM {reader.until(*OPTIONS, 'PARTITION')}"
    if reader.sees("PARTITION"):
        raise unsupported("PARTITION BY")
    given = _options(reader)
    if given.format != "PARQUET":
        raise unsupported("unloading to anything but PARQUET")
    if given.query_id and (given.single or given.overwrite):
        raise invalid("INCLUDE_QUERY_ID does not go with SINGLE or OVERWRITE.")
    name = integration or early or given.integration
    if name is None or urlparse(url).scheme != "s3":
        raise invalid("An external location needs s3:// and a storage integration.")
    need_allowed(session, find_integration(session, name), url)
    return _unload(session, query, url, given)


def _unload(session: Session, query: str, url: str, given: Options) -> Result:
    """Runs the query into Parquet files in the spool, and puts them where they belong."""
    engine, twin = session.twin.engine, session.twin
    compiler = Compiler(session, session)
    try:
        tree, out = compiler.outermost(query)
        sql = tree.sql("duckdb", identify=True)
        described = engine.describe(sql)
        if bad := [k.name for _, k in described if k.name in NOT_PARQUET]:
            raise SqlError("002126", "0A000", f"SQL compilation error:\nUnloading {bad[0]} to PARQUET is not supported; cast it first.")
        names = out.columns if given.header else [f"_COL_{n}" for n in range(len(out.columns))]
        result = engine.make([(n, k.engine()) for n, (_, k) in zip(names, described, strict=True)])
        engine.run(f"INSERT INTO {result} {sql}")
    finally:
        compiler.release()
    try:
        return _written(session, result, url, given)
    except StorageError as error:
        raise SqlError("003142", "0A000", f"Failed to write to '{url[:200]}': {error}") from error
    finally:
        engine.drop(result)
        for path in twin.spool.glob("*.parquet"):
            path.unlink()


def _written(session: Session, result: str, url: str, given: Options) -> Result:
    engine, twin = session.twin.engine, session.twin
    where = urlparse(url)
    bucket, prefix = where.netloc, where.path.lstrip("/")
    total = engine.run(f"SELECT count(*) FROM {result}").fetchall()[0][0]
    most = total or 1
    if not given.single:
        most = twin.settings.unload_row_max
    starts = list(range(0, total, max(most, 1))) or ([0] if twin.settings.empty_unload == "file" or given.single else [])
    there = set(twin.storage.keys(bucket, prefix, session.account.locator))
    mark = session.handle if given.query_id else ""
    rows, size = [], 0
    for number, start in enumerate(starts):
        key = prefix if given.single else f"{prefix}data_{mark + '_' if mark else ''}0_{number}_0.snappy.parquet"
        if key in there and not given.overwrite:
            raise invalid(f"Files already existing at the unload destination: {url[:200]}. Use overwrite option to force unloading.", "001030", "22000")
        path = twin.spool / f"u{number}.parquet"
        engine.run(f"COPY (SELECT * FROM {result} WHERE rowid >= {start} AND rowid < {start + most} ORDER BY rowid) TO {text(str(path))} (FORMAT parquet, COMPRESSION snappy)")
        data = path.read_bytes()
        twin.storage.put(bucket, key, data, session.account.locator)
        size += len(data)
        rows.append((key.removeprefix(prefix) or key, len(data), min(most, total - start)))
        if twin.faults.take("unload", Where(session.account.identifier, session.user.name, "submit", url)):
            raise SqlError("100016", "22000", "Unloading stopped after a file (an injected fault)")
    if given.detailed:
        return Result([("FILE_NAME", TEXT), ("FILE_SIZE", NUMBER), ("ROW_COUNT", NUMBER)], [*rows])
    return Result([("rows_unloaded", NUMBER), ("input_bytes", NUMBER), ("output_bytes", NUMBER)], [(total, size, size)])

