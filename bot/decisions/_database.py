"""A prediction log in a table of PostgreSQL or SQLite: read in pieces, as it is asked for, with no right to write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.clients.duckdb_session import Job
from bot.decisions._files import Relation, quoted
from bot.domain.errors import Refused, Unavailable
from bot.domain.service import PredictionLog
from bot.engine.decisions import Asked

PIECE = 20_000
WIDER = timedelta(days=2)
"""A stretch is asked for with so much around it, since a column may tell any zone's time; what is too much is left out
where times are read."""
TABLE = "copied"


def copied(connection: Any, told: PredictionLog, asked: Asked, job: Job) -> Relation:
    """The rows that may be asked for, and the first and last of the table, as texts in DuckDB's memory.

    Raises Unavailable; Refused where table or columns are not there.
    """
    import sqlalchemy as sa

    engine = sa.create_engine(_address(told.place), poolclass=sa.pool.NullPool, **_read_only(told))
    try:
        with engine.connect() as opened:
            table = _table(opened, told)
            connection.execute(
                f"CREATE TEMP TABLE {TABLE} ({', '.join(f'{quoted(each)} VARCHAR' for each in told.columns)})"
            )
            for rows in _pieces(opened.execution_options(stream_results=True, yield_per=PIECE), table, told, asked):
                if job.stop.is_set():
                    raise Unavailable("the database", "was not read to its end")
                _insert(connection, told.columns, rows)
    except sa.exc.SQLAlchemyError as error:
        # its words may repeat a row, or the address with its password
        raise Unavailable("the database", f"could not be read ({type(error).__name__})") from None
    finally:
        engine.dispose()
    return Relation(TABLE)


def _address(place: str) -> str:
    scheme, _, rest = place.partition("://")
    if scheme.startswith("sqlite"):
        path = rest.removeprefix("/")
        if not Path(path).is_file():
            raise Unavailable("the database", "the file is not there")
        return f"sqlite:///file:{path}?mode=ro&uri=true"
    return f"postgresql+psycopg://{rest}"


def _read_only(told: PredictionLog) -> dict[str, Any]:
    if told.place.startswith("sqlite"):
        return {}
    limit = int(told.seconds * 1000)
    options = f"-c default_transaction_read_only=on -c statement_timeout={limit:d} -c TimeZone=UTC"
    return {"connect_args": {"options": options, "connect_timeout": 5}}


def _table(opened: Any, told: PredictionLog) -> Any:
    """The table with those of its columns that are read, each found by its exact name."""
    import sqlalchemy as sa

    schema, _, name = told.table.rpartition(".")
    inspector = sa.inspect(opened)
    if not (
        inspector.has_table(name, schema=schema or None) or name in inspector.get_view_names(schema=schema or None)
    ):
        raise Refused(f"has no table {told.table}")
    there_is = {each["name"]: each["type"] for each in inspector.get_columns(name, schema=schema or None)}
    if missing := [each for each in told.columns if each not in there_is]:
        plural = "columns" if len(missing) > 1 else "column"
        raise Refused(f"has no {plural} {', '.join(missing)}; there is {', '.join(there_is)}")
    return sa.table(name, *(sa.column(each, there_is[each]) for each in told.columns), schema=schema or None)


def _pieces(opened: Any, table: Any, told: PredictionLog, asked: Asked) -> Iterator[list[tuple[str | None, ...]]]:
    """First the ends of the table, without anything but their time; then what may be asked for."""
    import sqlalchemy as sa

    text = opened.dialect.name == "sqlite"  # there a column holds anything
    columns = {name: sa.cast(table.c[name], sa.Text) if text else table.c[name] for name in told.columns}
    at = columns[told.at]
    ends = opened.execute(sa.select(sa.func.min(at), sa.func.max(at))).one()
    place = told.columns.index(told.at)
    yield [tuple(_text(end) if index == place else None for index in range(len(told.columns))) for end in ends if end]
    begin, end = asked.since - WIDER, asked.until + WIDER
    if text:
        near: Any = sa.and_(at >= begin.date().isoformat(), at < (end + timedelta(days=1)).date().isoformat())
    elif getattr(table.c[told.at].type, "timezone", False):
        near = sa.and_(at >= begin, at <= end)
    elif isinstance(table.c[told.at].type, sa.DateTime):
        near = sa.and_(at >= begin.replace(tzinfo=None), at <= end.replace(tzinfo=None))
    else:
        near = sa.true()
    query = sa.select(*columns.values()).where(sa.or_(near, at.is_(None)))
    if asked.versions:
        version = sa.cast(table.c[told.version], sa.Text)
        query = query.where(sa.or_(version.in_(asked.versions), version.is_(None), version == ""))
    for rows in opened.execute(query).partitions(PIECE):
        yield [tuple(map(_text, row)) for row in rows]


def _text(value: object) -> str | None:
    """As the counting reads it: times with their zone where they have one."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _insert(connection: Any, names: tuple[str, ...], rows: list[tuple[str | None, ...]]) -> None:
    import pyarrow as pa

    if not rows:
        return
    arrays = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    connection.register("piece", pa.table(arrays, names=list(names)))
    connection.execute(f"INSERT INTO {TABLE} SELECT * FROM piece")  # noqa: S608 - both names are ours
    connection.unregister("piece")
