"""SQLite in threads of our own: a transaction is one trip there and back, and what waits is committed together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import URL, Connection, Engine, NullPool, Result, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

READERS = 6
TOGETHER = 32
"""So many writes are committed at once at most: the first of them waits for the last."""
_BUSY_MS = 1200  # a lock held elsewhere is reported by SQLite itself before anybody's patience ends


class AbandonedError(Exception):
    """Nobody waits for this write any more: it is rolled back."""


class Fate:
    """What becomes of a write: whoever comes first decides, its commit or the caller who waits no longer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = self._committing = False

    @property
    def left(self) -> bool:
        """Whether the caller was told that nothing is written."""
        return self._left

    @property
    def committing(self) -> bool:
        """Whether it may have been written."""
        return self._committing

    def commit(self) -> None:
        """From now on it may be written. Raises AbandonedError where the caller was told that nothing is."""
        with self._lock:
            if self._left:
                raise AbandonedError
            self._committing = True

    def leave(self) -> bool:
        """The caller waits no longer; true where it may be written all the same."""
        with self._lock:
            self._left = not self._committing
            return self._committing


class _Inline:
    """What work is given for an AsyncConnection: here nothing is waited for, so its coroutines end at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self.dialect = connection, connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> Result[Any]:
        """Run a statement; its rows are read before the transaction ends."""
        result = self._connection.execute(statement, parameters)
        return result.freeze()() if result.returns_rows else result

    async def run_sync(self, asked: Callable[[Connection], T]) -> T:
        """What asks the plain connection."""
        return asked(self._connection)

    async def scalars(self, statement: Any, parameters: Any = None) -> Any:
        """The first column."""
        return (await self.execute(statement, parameters)).scalars()


def _done(work: Work[T], connection: Connection) -> T:
    """The outcome of work that waits for nothing but its statements."""
    doing = work(cast("AsyncConnection", _Inline(connection))).__await__()
    try:
        next(doing)
    except StopIteration as ended:
        return cast("T", ended.value)
    raise RuntimeError("work on a database may wait for nothing else: meanwhile it would hold its lock")


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    work: Work[T]
    fate: Fate
    alone: bool
    pressing: bool = False
    answer: Future[T] = field(default_factory=Future)


def _together(jobs: list[_Job[Any]], another: _Job[Any]) -> bool:
    """Whether these may be committed with another one."""
    if not jobs:
        return True
    return not (jobs[0].alone or another.alone) and (another.pressing or not jobs[0].pressing)


def settle(dbapi_connection: Any, *, busy_ms: int) -> None:
    """Give a new SQLite connection its settings: crash-safe, one writer, erased means erased."""
    dbapi_connection.isolation_level = None  # we say BEGIN ourselves
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={busy_ms:d}")
    cursor.execute("PRAGMA journal_mode")
    if cursor.fetchone()[0] != "wal":  # kept in the file; setting it again would want the lock
        cursor.execute("PRAGMA journal_mode=WAL")
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def private_file(url: URL) -> None:
    """Make the SQLite file readable by its owner alone before SQLite makes it (WAL files follow its mode)."""
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)


class File:
    """One SQLite file: one writer at a time in this process, readers never wait for it."""

    def __init__(self, url: URL, *, settled: bool = True) -> None:
        self._engine = _engine(url, settled=settled)
        self._readers = ThreadPoolExecutor(READERS, "sqlite-reader")
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._waiting: deque[_Job[Any]] = deque()
        self._own = threading.local()
        self._idle: set[Connection] = set()  # of every thread, while it does nothing

    def read(self, work: Work[T]) -> Future[T]:
        """Run `work` on one consistent look at the data."""
        return self._readers.submit(self._look, work)

    def write(self, work: Work[T], fate: Fate, *, alone: bool, pressing: bool = False) -> Future[T]:
        """Run `work` so that all of it is written or nothing, together with others that wait unless it is `alone`.

        What is `pressing` goes before all that waits, and waits for no other work of its transaction.
        It may be run more than once; what it leaves behind in Python must not add up.
        """
        job = _Job(work, fate, alone, pressing)
        (self._waiting.appendleft if pressing else self._waiting.append)(job)
        self._writer.submit(self._next)
        return job.answer

    def empty_journal(self) -> Future[bool]:
        """Have SQLite write its journal back and cut it; false where another process still reads from it."""
        return self._readers.submit(self._cut)

    def close(self) -> None:
        """Begin nothing any more, and let go of every connection that is not at work."""
        for pool in (self._readers, self._writer):
            pool.shutdown(wait=False, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()

    # -- in a thread -------------------------------------------------------------------------------------------------

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """The connection of this thread, and a new one after an error of the driver."""
        own: Connection | None = getattr(self._own, "connection", None)
        if own is None or own.closed:
            own = self._own.connection = self._engine.connect()
        self._idle.discard(own)
        try:
            yield own
        except DBAPIError:
            with suppress(DBAPIError):
                own.close()
            raise
        finally:
            if not own.closed:
                self._idle.add(own)

    def _look(self, work: Work[T]) -> T:
        with self._connection() as connection, connection.begin():
            return _done(work, connection)

    def _cut(self) -> bool:
        with self._connection() as connection:
            raw: Any = connection.connection.driver_connection
            busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def _next(self) -> None:
        """Commit what waits; whoever was committed together with an earlier one has nothing left to do here."""
        jobs: list[_Job[Any]] = []
        while self._waiting and len(jobs) < TOGETHER and _together(jobs, self._waiting[0]):
            job = self._waiting.popleft()
            if job.answer.set_running_or_notify_cancel():
                jobs.append(job)
        while jobs:
            jobs = self._commit(jobs)

    def _commit(self, jobs: list[_Job[Any]]) -> list[_Job[Any]]:
        """Commit them all, or give back those that are to be tried without the others that were left meanwhile."""
        left = [job for job in jobs if job.fate.left]
        for job in left:
            job.answer.set_exception(AbandonedError())
        jobs = [job for job in jobs if job not in left]
        if not jobs:
            return []
        try:
            outcomes = self._transaction(jobs)
        except AbandonedError:  # one of them, after its part was done: the others are done again
            return jobs
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            for job in jobs:
                job.answer.set_exception(error)
            return []
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, _Failed):
                job.answer.set_exception(outcome.error)
            else:
                job.answer.set_result(outcome)
        return []

    def _transaction(self, jobs: list[_Job[Any]]) -> list[Any]:
        with self._connection() as connection:
            connection.execution_options(writes=True)
            with connection.begin() as transaction:
                outcomes = [_part(job.work, connection, alone=len(jobs) == 1) for job in jobs]
                for job, outcome in zip(jobs, outcomes, strict=True):
                    if not isinstance(outcome, _Failed):
                        job.fate.commit()
                transaction.commit()
            return outcomes


@dataclass(frozen=True, slots=True)
class _Failed:
    """One of several writes did not come about; nothing of it is written."""

    error: Exception


def _part(work: Work[T], connection: Connection, *, alone: bool) -> T | _Failed:
    """One of the writes of a transaction: its failure is its own."""
    if alone:
        return _done(work, connection)
    try:
        with connection.begin_nested():
            return _done(work, connection)
    except Exception as error:  # noqa: BLE001 - whoever waits raises it
        return _Failed(error)


def _engine(url: URL, *, settled: bool) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"), hide_parameters=True, poolclass=NullPool,
        connect_args={"check_same_thread": False},  # each is used by one thread, and closed by whoever closes all
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def connected(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None  # BEGIN is said below, so that one look is one state
        if settled:
            settle(dbapi_connection, busy_ms=_BUSY_MS)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
