"""The database itself, looked at without a server: whether it is there, at which revision, and never written to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bot.domain.errors import Unavailable

if TYPE_CHECKING:
    from bot.clock import Clock
    from bot.config.installation import Installation
    from bot.store import Store


def configured(config: Path) -> Installation:
    """The whole installation. Raises Invalid with every problem of its files."""
    import os

    from bot import openings
    from bot.config.load import load

    return load(config, environ=os.environ, models=openings.models)


def recorded(config: Path) -> str:
    """The address of the log, whatever else of the configuration is missing here. Raises Invalid."""
    import os

    from bot.config.load import record

    return record(config, environ=os.environ)


def absent(url: str) -> str:
    """The SQLite file that is not there, "" where it is or where it is no file. Raises Invalid (the URL)."""
    from bot.store.database import parse

    parsed = parse(url)
    missing = parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file()
    return str(parsed.database) if missing else ""


def read_only(url: str) -> str:
    """The same database in a form that SQLite itself keeps from being written, or made where it is not."""
    from bot.store.database import parse

    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        file = f"file:{quote(str(Path(str(parsed.database)).absolute()))}"
        parsed = parsed.set(database=file, query={**parsed.query, "mode": "ro", "uri": "true"})
    return parsed.render_as_string(hide_password=False)


async def revision(url: str) -> str:
    """The revision its tables are at, "" where there are none. Raises Invalid, Unavailable."""
    from bot.store.database import Database
    from bot.store.migrations import version

    if missing := absent(url):
        raise Unavailable("the database", f"there is no file {missing}; `tocsin migrate` or `tocsin run` makes it")
    database = Database(read_only(url)).as_it_is()
    try:
        return await database.read(lambda connection: connection.run_sync(version), within=10) or ""
    finally:
        await database.close()


async def standing(url: str) -> str:
    """What is wrong with its tables, "" where they are as this version needs them. Raises Invalid, Unavailable."""
    from bot.store.migrations import HEAD

    at = await revision(url)
    if at == HEAD:
        return ""
    if not at:
        return "it holds no tables of Tocsin; `tocsin migrate` makes them"
    return f"it is at revision {at}, this version needs {HEAD}; `tocsin migrate` brings an older one up to date"


@asynccontextmanager
async def looked_at(url: str, clock: Clock) -> AsyncIterator[Store]:
    """The store, read-only. Raises Unavailable where it is not there or not as this version needs it."""
    from bot.store import Store

    if trouble := await standing(url):
        raise Unavailable("the database", trouble)
    async with await Store.open(read_only(url), clock, migrate=False) as store:
        store.database.as_it_is()
        store.aside.as_it_is()
        yield store
