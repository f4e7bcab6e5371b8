"""Durable work on DBOS: a file of its own beside SQLite, or PostgreSQL shared by every replica."""

from __future__ import annotations

import asyncio
import fcntl
import secrets
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from bot.domain.errors import Invalid, Problem, Refused, Unavailable
from bot.durable.keys import attempt_of, doing, waking
from bot.engine.ports import Perform

if TYPE_CHECKING:
    from bot.durable.takeover import Takeover

T = TypeVar("T")

_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_GIVEN_UP = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
_WAKES = "wake"
_BATCH = 500
_REMEMBERED = 20_000  # wake-ups that are not handed over twice; forgetting one costs a transaction
_PATIENCE = 5.0  # seconds to hand work over; DBOS itself would try for ever

_Deed = Callable[[str], Coroutine[Any, Any, None]]


class Dbos:
    """The port Durable on DBOS 3.4. One per process: DBOS knows no second.

    `url` is `sqlite:///file` (its own file, never the log's: work must not be started inside the log's transaction)
    or `postgresql://…` (tables in the schema `dbos`; dead replicas are looked for every `takeover_every` seconds).
    """

    def __init__(
        self,
        url: str,
        *,
        takeover_every: float = 5.0,
        drain: int = 10,
        random_hex: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._url = _parse(url)
        self._sqlite = self._url.get_backend_name() == "sqlite"
        # SQLite: launch recovers its own id only, so the id stays and a lock keeps a second process away
        self._executor = "tocsin" if self._sqlite else f"tocsin-{random_hex(8)}"
        self._every, self._drain = takeover_every, drain
        self._woken: dict[str, None] = {}  # wake-ups handed over by this process, the latest last
        self._engine: sa.Engine | None = None
        self._lock: IO[str] | None = None
        self._takeover: Takeover | None = None
        self._launched = False

    async def open(self, perform: Perform, wake: Perform) -> None:
        """Begin, and take up what a crash left.

        Raises Refused (another process works on that file), Unavailable (the database does not answer).
        """
        from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

        from bot.durable.workflows import Hands

        Hands.perform, Hands.wake = staticmethod(perform), staticmethod(wake)
        config: DBOSConfig = {
            "name": "tocsin",
            "application_version": "1",  # a hash of the source would strand what an older version began
            "executor_id": self._executor,
            "serializer": DBOSPortableJSONSerializer(),  # the default is pickle
            "log_level": "WARNING",
            "scheduler_polling_interval_sec": 3600.0,  # we use none of its schedules
        }
        try:
            if self._sqlite:
                self._lock = _lock(Path(str(self._url.database)))
                self._engine = _sqlite_engine(self._url)
                config["system_database_engine"] = self._engine
            else:
                config["system_database_url"] = self._url.render_as_string(hide_password=False)
                config["sys_db_pool_size"] = 8
                self._takeover = self._replicas()
                await self._takeover.open()
            DBOS(config=config)
            self._launched = True
            DBOS.launch()  # on the running loop: what it recovers and dequeues then runs on this loop
            await DBOS.register_queue_async(_WAKES, polling_interval_sec=0.2)
        except (sa.exc.DBAPIError, OSError) as error:
            await self.close()
            raise Unavailable("the durable engine's database", type(error).__name__) from None
        except BaseException:
            await self.close()
            raise
        if self._takeover is not None:
            self._takeover.watch()

    async def _busy(self) -> bool:
        """Whether this executor's work is not over; yes where the database does not say."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await _ours(self._executor)
        except (TimeoutError, sa.exc.SQLAlchemyError):
            return True

    def _replicas(self) -> Takeover:
        from dbos import DBOS

        from bot.durable.takeover import Takeover

        async def pending() -> set[str]:
            listed = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
            return {work.executor_id for work in listed if work.executor_id}

        async def recover(executor: str) -> None:
            # private, but the only call that takes over exactly what the dead one still owned; held by a test
            await asyncio.to_thread(DBOS._recover_pending_workflows, [executor])  # noqa: SLF001

        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        return Takeover(plain, self._executor, pending=pending, recover=recover, every=self._every)

    async def start(self, key: str, attempt: int = 1) -> None:
        """Perform `key` once per attempt; a repetition has no effect. Never waits for it. Raises Unavailable."""
        from dbos import DBOS, SetWorkflowID

        from bot.durable.workflows import performed

        async def go() -> None:
            with SetWorkflowID(doing(key, attempt)):
                await DBOS.start_workflow_async(performed, key)

        await _hand_over(go())

    async def wake_at(self, incident: str, due: datetime, now: datetime) -> None:
        """Call wake(incident) at `due`, up to two seconds late; the same due time twice is one. Raises Unavailable."""
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

        from bot.durable.workflows import woken

        known = waking(incident, due)
        if known in self._woken:  # each look asks for the same ones again
            return
        delay = max(0.0, (due - now).total_seconds())

        async def go() -> None:
            with SetWorkflowID(known), SetEnqueueOptions(delay_seconds=delay):
                await DBOS.enqueue_workflow_async(_WAKES, woken, incident)

        await _hand_over(go())
        self._woken[known] = None
        while len(self._woken) > _REMEMBERED:
            self._woken.pop(next(iter(self._woken)))

    async def prune(self, before: datetime) -> int:
        """Forget what ended before then; how many that were."""
        from dbos import DBOS

        gone = 0
        while True:
            old = await DBOS.list_workflows_async(
                status=_ENDED, completed_before=before.isoformat(), limit=_BATCH, load_input=False, load_output=False
            )
            if not old:
                return gone
            await DBOS.delete_workflows_async([work.workflow_id for work in old])
            gone += len(old)

    async def dead_letters(self) -> list[tuple[str, int]]:
        """Keys and attempts given up after repeated crashes."""
        from dbos import DBOS

        listed = await DBOS.list_workflows_async(status=_GIVEN_UP, load_input=False, load_output=False)
        return sorted({one for work in listed if (one := attempt_of(work.workflow_id)) is not None})

    async def close(self) -> None:
        """Let running work finish (up to `drain` seconds; the rest is taken up at the next start) and stop."""
        if self._launched:
            from dbos import DBOS

            self._launched = False
            drain = self._drain if await self._busy() else 0  # DBOS waits a second at least, work or no work
            # in a thread: on the loop it would wait for work that needs the loop
            await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=drain)
        if self._takeover is not None:
            await self._takeover.close()
            self._takeover = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


async def _ours(executor: str) -> bool:
    from dbos import DBOS

    listed = await DBOS.list_workflows_async(
        status="PENDING", executor_id=executor, limit=1, load_input=False, load_output=False
    )
    return bool(listed)


async def _hand_over(going: Coroutine[Any, Any, T]) -> T:
    from bot.durable.workflows import outside

    try:
        async with asyncio.timeout(_PATIENCE):
            return await outside(going)
    except TimeoutError:
        raise Unavailable("the durable engine", f"took nothing over within {_PATIENCE:g} s") from None


def _parse(url: str) -> sa.URL:
    text = url if "://" in url else f"sqlite:///{url}"
    text = f"postgresql://{text.removeprefix('postgres://')}" if text.startswith("postgres://") else text
    try:
        parsed = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise Invalid(
            [Problem("the durable engine's URL", 1, 1, "cannot be read", "sqlite:///… or postgresql://…")]
        ) from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and ":memory:" not in parsed.database:
            return parsed.set(drivername="sqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case _:
            wanted = "sqlite:///path/to/file or postgresql://…"
            raise Invalid([Problem("the durable engine's URL", 1, 1, "names no database it can use", wanted)])


def _lock(path: Path) -> IO[str]:
    """Keep a second process off the file: two with one executor id would run each other's work. Raises Refused."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.lock")
    beside.touch(mode=0o600, exist_ok=True)
    file = beside.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Refused(f"another Tocsin works on {path}; stop it first, or use PostgreSQL for replicas") from None
    return file


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    """DBOS sets none of this on an engine it is handed; without hide_parameters it logs them when it meets a lock."""
    Path(str(url.database)).touch(mode=0o600, exist_ok=True)  # before SQLite makes it; WAL files follow its mode
    engine = sa.create_engine(url, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
