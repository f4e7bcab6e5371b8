"""Who waits for an answer goes first: what nobody waits for lets them pass, and never for long."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

PASSING = 0.1
"""Seconds work stands aside at most while people wait for answers."""


class Courtesy:
    """How many people wait for an answer right now, and a place to stand aside until it is none."""

    def __init__(self) -> None:
        self._waiting = 0
        self._nobody = asyncio.Event()
        self._nobody.set()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Around the work for somebody who waits."""
        self._waiting += 1
        self._nobody.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._nobody.set()

    async def let_pass(self) -> None:
        """Go on at once where nobody waits, else when everybody was answered, or after a tenth of a second."""
        if self._waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PASSING):
                    await self._nobody.wait()
