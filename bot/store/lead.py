"""Which replica speaks for the data: on PostgreSQL one holds a session's lock, on SQLite there is only one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import URL

from bot.telemetry import log as logger

if TYPE_CHECKING:
    import psycopg

_LOCK = 7_028_675  # PostgreSQL advisory lock: "this session leads"
_PATIENCE = 1.5  # seconds a poll waits to learn whether it leads
_GONE = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
"""Said to the server, whose own patience is two hours: a leader whose host lost power must lose the lock in seconds."""


class Lead:
    """The port Lead. The lock is the session's: it is free the moment the process that held it is gone.

    It needs a session of its own: not through a pooler in transaction mode.
    """

    def __init__(self, url: URL) -> None:
        """`url` as `database.parse` gives it. Nothing is opened before it is asked."""
        self._alone = url.get_backend_name() == "sqlite"
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._session: psycopg.AsyncConnection[tuple[bool]] | None = None
        self._turn = asyncio.Lock()
        self._left: set[asyncio.Task[bool]] = set()
        self._held = False

    async def holds(self) -> bool:
        """Whether this replica leads now; takes the lead where it is free. False where the database does not answer."""
        if self._alone:
            return True
        async with self._turn:
            before, self._held = self._held, await self._in_time()
            if self._held != before:
                logger().info("leads now" if self._held else "leads no longer")
            return self._held

    async def _in_time(self) -> bool:
        """The answer, or False: a driver that is slow to give up is not waited for."""
        asking = asyncio.create_task(self._ask())
        self._left.add(asking)
        asking.add_done_callback(self._left.discard)
        try:
            done, _ = await asyncio.wait({asking}, timeout=_PATIENCE)
        finally:
            if not asking.done():
                self._session = None
                asking.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                asking.cancel()
        if not done:
            logger().warning("cannot tell who leads now", because=f"no answer within {_PATIENCE:g} s")
        return bool(done) and self._told(asking)

    def _told(self, asking: asyncio.Task[bool]) -> bool:
        try:
            return asking.result()
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody knows who leads, so this one does not
            logger().warning("cannot tell who leads now", because=type(error).__name__)
            return False

    async def _ask(self) -> bool:
        import psycopg

        session = self._session or await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=5)
        try:
            if self._session is None:
                await session.execute(_GONE)
            # taken once more by the session that holds it, it would have to be given back as often
            question = (
                b"SELECT true"
                if self._held and self._session is not None
                else b"SELECT pg_try_advisory_lock(%d)" % _LOCK
            )
            row = await (await session.execute(question)).fetchone()
        except BaseException:
            if self._session is session:
                self._session = None
            await session.close()
            raise
        self._session = session
        return bool(row and row[0])

    async def close(self) -> None:
        """Give the lead back, so that another can take it at once."""
        if self._left:
            await asyncio.wait(set(self._left), timeout=5)
        session, held = self._session, self._held
        self._session, self._held = None, False
        if session is None:
            return
        try:
            if held:
                async with asyncio.timeout(_PATIENCE):
                    await session.execute(b"SELECT pg_advisory_unlock(%d)" % _LOCK)
        except Exception as error:  # noqa: BLE001 - it goes with the session, a moment later
            logger().debug("the lead goes with its session", because=type(error).__name__)
        finally:
            await session.close()
