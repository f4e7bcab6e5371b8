"""Replicas on PostgreSQL: each shows that it lives by a session lock, and takes up the work of those that do not."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from bot.domain.errors import Unavailable

_log = logging.getLogger(__name__)

_LOCKS = 7_028_674  # first half of the advisory lock's key: "a Tocsin executor lives"
_CONNECT: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,  # ms; without it a host that lost power keeps its lock for minutes
}


def lock_of(executor: str) -> int:
    """The second half of the key, a signed 32-bit number."""
    number = zlib.crc32(executor.encode())
    return number - 2**32 if number >= 2**31 else number


class Takeover:
    """Holds this executor's lock and, every `every` seconds, hands the dead ones' names to `recover`.

    The lock needs a session of its own: not through a pooler in transaction mode.
    """

    def __init__(
        self,
        url: str,
        executor: str,
        *,
        pending: Callable[[], Awaitable[set[str]]],
        recover: Callable[[str], Awaitable[None]],
        every: float = 5.0,
    ) -> None:
        self._url, self._executor, self._every = url, executor, every
        self._pending, self._recover = pending, recover
        self._connection: psycopg.AsyncConnection[tuple[bool]] | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take this executor's lock. Raises Unavailable."""
        try:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, **_CONNECT)
            await self._connection.execute("SELECT pg_advisory_lock(%s, %s)", (_LOCKS, lock_of(self._executor)))
        except psycopg.Error as error:
            raise Unavailable("the durable engine's database", type(error).__name__) from None

    def watch(self) -> None:
        """Begin to look for dead executors."""
        self._task = asyncio.create_task(self._rounds())

    async def _rounds(self) -> None:
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    await self.open()
                await self.round()
            except Exception as error:  # noqa: BLE001 - a lost database must not end the watch; the next round is soon
                _log.warning("cannot look for dead replicas now: %s", type(error).__name__)
                await self._let_go()
            await asyncio.sleep(self._every)

    async def round(self) -> list[str]:
        """Take up the work of every executor whose lock is free; their names."""
        dead = []
        for executor in sorted(await self._pending() - {self._executor}):
            if not await self._ask("SELECT pg_try_advisory_lock(%s, %s)", executor):
                continue
            try:
                await self._recover(executor)
                dead.append(executor)
            finally:
                await self._ask("SELECT pg_advisory_unlock(%s, %s)", executor)
        if self._connection is not None:
            await self._connection.execute("SELECT 1")  # notices a lost session, and with it the lost lock
        return dead

    async def _ask(self, statement: str, executor: str) -> bool:
        if self._connection is None:
            return False
        row = await (await self._connection.execute(statement.encode(), (_LOCKS, lock_of(executor)))).fetchone()
        return bool(row and row[0])

    async def _let_go(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def close(self) -> None:
        """Stop looking and give the lock back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._let_go()
