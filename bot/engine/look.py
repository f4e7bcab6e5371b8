"""Looking at a target: whatever comes of it is an observation, and nobody waits for it longer than they can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.domain.errors import TocsinError, Unavailable
from bot.engine.values import Observation, Seen
from bot.telemetry import log as logger

Look = Callable[[], Awaitable[Observation]]

ASK_AGAIN = 3
"""How often a target is asked what it shows before its silence counts as unknown."""

READ_WITHIN = 30.0
"""Seconds one look may take where nothing else waits for it."""

GLANCE_WITHIN = 4.0
"""Seconds for a look in passing: it must end, and be written down, before the round goes on without it."""

DOUBT_FOR = timedelta(minutes=1)
"""How long a target must go on saying that it will not get there before that is told."""


async def look_once(look: Look, within: float) -> Observation:
    """Ask a target once. It never raises: what cannot be told is unknown, and silence is told from an answer."""
    try:
        async with asyncio.timeout(within):
            return await look()
    except TimeoutError:
        return Observation(Seen.UNKNOWN, f"no answer within {within:g} s", answered=False)
    except Unavailable as silent:
        return Observation(Seen.UNKNOWN, str(silent), answered=False)
    except TocsinError as refused:
        return Observation(Seen.UNKNOWN, f"it cannot be asked: {refused}")
    except Exception as error:  # noqa: BLE001 - whoever changed something must say so, whatever breaks afterwards
        logger().exception("looking at a target broke")
        return Observation(Seen.UNKNOWN, f"looking at it broke ({type(error).__name__})")


async def until_seen(look: Look, clock: Clock) -> Observation:
    """Ask a target until it answers, a few times at most. Never raises."""
    seen = Observation(Seen.UNKNOWN, "the target was not asked", answered=False)
    for attempt in range(ASK_AGAIN):
        seen = await look_once(look, READ_WITHIN)
        if seen.seen is not Seen.UNKNOWN:
            return seen
        await clock.sleep(0.5 * (attempt + 1))
    return seen


class Doubts:
    """Since when targets on their way have been saying that they will not get there; a restart begins anew."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def last(self, key: str, seen: Observation, now: datetime) -> bool:
        """Whether a target has said so for long enough. Silence is no answer, and takes none back."""
        if seen.seen is not Seen.UNKNOWN:
            self._since.pop(key, None)
            return False
        if not seen.answered:
            return False
        return now - self._since.setdefault(key, now) >= DOUBT_FOR

    def forget(self, key: str) -> None:
        """It was told."""
        self._since.pop(key, None)
