"""The door to SQLite or PostgreSQL: every transaction answers within a click's patience, or says it cannot."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, Delete, Executable, Table, literal_column, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.domain.errors import Conflict, Invalid, Problem, TocsinError, Unavailable
from bot.store.sqlite import Fate, File, Work, private_file

T = TypeVar("T")

PATIENCE = 1.5
_HELD_UP, _GRACE = 0.25, 0.75  # seconds by which this process overslept, and what the database then gets on top
"""Seconds a person's click may wait for the database; a chat's own limit for an answer is 3."""

_STARTS = 30  # how often a locked file is tried at the start: about ten seconds
_LOST_RACES = frozenset({"40001", "40P01"})  # PostgreSQL: serialization failure, deadlock
_PROGRAMMING = (IntegrityError, ProgrammingError, DataError, NotSupportedError)  # our mistakes: not to be retried


class Unsure(Unavailable):
    """The database fell silent while committing: it may have happened. Read before reporting."""


def parse(url: str) -> URL:
    """A database URL as a person writes it: a file path, `sqlite:///path` or `postgresql://…`. Raises Invalid."""
    text = url if "://" in url else f"sqlite:///{url}"
    text = text.replace("postgres://", "postgresql://", 1) if text.startswith("postgres://") else text
    try:
        parsed = make_url(text)
    except ArgumentError:
        raise Invalid(
            [Problem("the database's URL", 1, 1, "cannot be read", "sqlite:///file or postgresql://…")]
        ) from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and ":memory:" not in parsed.database:
            return parsed.set(drivername="sqlite+aiosqlite")
        case "sqlite":
            raise Invalid([Problem("the database's URL", 1, 1, "names no file", "sqlite:///path/to/file")])
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise Invalid([Problem("the database's URL", 1, 1, f"{other} is not supported", "sqlite or postgresql")])


class Database:
    """One database. SQLite: one writer at a time in this process, readers never wait for it."""

    def __init__(self, url: str) -> None:
        """`url` as in `parse`. Nothing is opened before it is used."""
        self.url, self.patience = parse(url), PATIENCE
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._left: set[asyncio.Task[Any]] = set()
        self._file = File(self.url) if self.is_sqlite else None
        self._server = None if self.is_sqlite else _server(self.url)

    def as_it_is(self) -> Database:
        """Without the settings a writer wants: a copy made by VACUUM is not in WAL mode and stays so."""
        if self._file is not None:
            self._file.close()
            self._file = File(self.url, settled=False)
        return self

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Database]:
        """Open, bring the tables up to date, and close at the end."""
        database = cls(url)
        try:
            await database.migrate()
            yield database
        finally:
            await database.close()

    async def migrate(self) -> None:
        """Bring the tables up to date, one process at a time. Raises Unavailable, Refused (a newer one's)."""
        from bot.store import migrations

        if self.is_sqlite:
            await asyncio.to_thread(private_file, self.url)
        for left in reversed(range(_STARTS)):
            try:
                await asyncio.to_thread(migrations.upgrade, self.url)
            except (DBAPIError, OSError) as error:
                # several first starts at once: SQLite does not wait for the lock that turning WAL on needs
                if not (self.is_sqlite and left and "locked" in str(error)):
                    raise translate(error) or error from None
                await asyncio.sleep(0.2)
            else:
                return

    async def read(self, work: Work[T], *, within: float | None = PATIENCE) -> T:
        """Run `work` on one consistent look at the data. Raises Unavailable after `within` seconds."""

        async def go() -> T:
            if self._file is not None:
                return await asyncio.wrap_future(self._file.read(work))
            async with self._engine.connect() as connection:
                return await work(connection)

        return await self._bounded(go(), within, Fate())

    async def write(self, work: Work[T], *, within: float | None = PATIENCE, pressing: bool = False) -> T:
        """Run `work` in one transaction: all or nothing. It may wait for its statements only, and may be run again.

        What is `pressing` goes before whatever waits for SQLite's one writer.
        Raises Unavailable (nothing was written), Unsure (it may have been), Conflict (lost a race for a lock).
        """
        fate = Fate()

        async def go() -> T:
            if self._file is not None:
                return await asyncio.wrap_future(self._file.write(work, fate, alone=within is None, pressing=pressing))
            async with self._engine.connect() as connection, connection.begin() as transaction:
                answer = await work(connection)
                fate.commit()
                await transaction.commit()
                return answer

        return await self._bounded(go(), within, fate)

    async def _bounded(self, doing: Coroutine[Any, Any, T], within: float | None, fate: Fate) -> T:
        """The answer in time, or an error in time: a driver that is slow to give up is not waited for."""
        within = self.patience if within == PATIENCE else within
        task, loop = asyncio.create_task(doing), asyncio.get_running_loop()
        asked = loop.time()
        try:
            done, _ = await asyncio.wait({task}, timeout=within)
            if not done and within is not None and loop.time() - asked > within + _HELD_UP:
                # it is this process that was held up, not the database: its answer may be here already
                done, _ = await asyncio.wait({task}, timeout=_GRACE)
        except asyncio.CancelledError:
            self._leave(task, fate)
            raise
        if not done:
            doubt = self._leave(task, fate)
            raise (Unsure if doubt else Unavailable)("the database", f"no answer within {within:g} s")
        try:
            return task.result()
        except (DBAPIError, PoolTimeout, OSError) as error:
            known = translate(error, unsure=fate.committing)
            if known is None:
                raise
            raise known from None  # the cause would carry the statement

    def _leave(self, task: asyncio.Task[Any], fate: Fate) -> bool:
        """Wait no longer; what is left behind rolls back, unless it is being committed: true then.

        SQLite's own thread cannot be interrupted: what it is at ends by itself, and soon: a lock is waited for 1.2 s.
        """
        self._left.add(task)
        task.add_done_callback(self._left.discard)
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        doubt = fate.leave()
        if not self.is_sqlite:
            task.cancel()
        return doubt

    async def empty_journal(self) -> bool:
        """Have SQLite write its journal back and cut it: what was erased must not linger there.

        False where another process still reads from it; the journal is then cut at a later checkpoint.
        """
        return self._file is None or await asyncio.wrap_future(self._file.empty_journal())

    async def close(self) -> None:
        """Let go of every connection."""
        if self._left:
            await asyncio.wait(set(self._left), timeout=5)
        if self._file is not None:
            self._file.close()
        else:
            await self._engine.dispose()

    @property
    def _engine(self) -> AsyncEngine:
        assert self._server is not None  # noqa: S101 - SQLite has its own door
        return self._server


def _server(url: URL) -> AsyncEngine:
    return create_async_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 5})


def translate(error: BaseException, *, unsure: bool = False) -> TocsinError | None:
    """A driver's error in our words, without statement, parameters or URL; None where it is our own mistake."""
    if isinstance(error, _PROGRAMMING):
        return None
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if getattr(cause, "sqlstate", None) in _LOST_RACES:
        return Conflict("another transaction came first; load again")
    because = (str(cause).strip().splitlines() or [""])[0][:200] or type(cause).__name__
    return (Unsure if unsure else Unavailable)("the database", because)


def insert(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say ON CONFLICT, in this database's words."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


@functools.cache
def _anew(dialect: str, table: Table) -> Executable:
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return made.on_conflict_do_nothing().returning(literal_column("1"))


async def placed(connection: AsyncConnection, table: Table, row: Mapping[str, Any]) -> bool:
    """Whether the row was written, none being there that it would clash with.

    The statement is made once: in a storm, making it anew for each row costs three times what SQLite does with it.
    """
    return (await connection.execute(_anew(connection.dialect.name, table), row)).first() is not None


async def took(connection: AsyncConnection, statement: postgresql.Insert | sqlite.Insert | Delete) -> bool:
    """Whether the statement wrote its row, by what it returns (drivers count conflicts differently)."""
    return (await connection.execute(statement.returning(literal_column("1")))).first() is not None
