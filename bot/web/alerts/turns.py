"""One at a time for each key, and different keys side by side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable


class Turns:
    """Locks that are there while somebody wants them."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @contextlib.asynccontextmanager
    async def of(self, keys: Iterable[str]) -> AsyncIterator[list[str]]:
        """Hold all of these; always in one order, so that nobody waits in a circle."""
        wanted = sorted(set(keys))
        held: list[asyncio.Lock] = []
        locks = [self._lock(key) for key in wanted]
        try:
            for lock in locks:
                await lock.acquire()
                held.append(lock)
            yield wanted
        finally:
            for lock in held:
                lock.release()
            for key in wanted:
                self._leave(key)

    def _lock(self, key: str) -> asyncio.Lock:
        lock, count = self._locks.get(key) or (asyncio.Lock(), 0)
        self._locks[key] = (lock, count + 1)
        return lock

    def _leave(self, key: str) -> None:
        lock, count = self._locks[key]
        if count == 1:
            del self._locks[key]
        else:
            self._locks[key] = (lock, count - 1)
