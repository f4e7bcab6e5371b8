"""Brings a database's tables up to the shape this version needs, one process at a time, at start."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text

from bot.domain.errors import Refused

HEAD = "0013"
"""The newest revision; named here so that an up-to-date database starts without importing alembic (0.6 s)."""

_LOCK_KEY = 7_028_673  # PostgreSQL advisory lock: "tocsin migrates"
_ONE_AT_A_TIME = threading.Lock()  # alembic keeps its environment in a module


def engine_for(url: URL) -> Engine:
    """A plain engine on the same database, patient with locks."""
    from bot.store.sqlite import settle

    if url.get_backend_name() != "sqlite":
        return create_engine(url, hide_parameters=True)
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), hide_parameters=True)

    @event.listens_for(engine, "connect")
    def connected(dbapi_connection: Any, _record: object) -> None:
        settle(dbapi_connection, busy_ms=30_000)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def version(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def upgrade(url: URL) -> None:
    """Run what is missing, in one transaction. Raises Refused where a newer version of the program was here."""
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            if version(connection) == HEAD:
                return
        with _ONE_AT_A_TIME, engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            _run(connection)
    finally:
        engine.dispose()


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    here = version(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if here is not None and here not in known:
        raise Refused(f"the database is at revision {here}, newer than this version of Tocsin ({HEAD}); upgrade Tocsin")
    command.upgrade(config, "head")
