"""The two workflows DBOS carries: do one owed thing, and look at one incident again. Imported when an engine opens."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from dbos import DBOS

from bot.durable.keys import RECOVERIES
from bot.engine.ports import Perform

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Hands:
    """Who performs and who looks again, in this process; DBOS knows one engine per process."""

    perform: Perform
    wake: Perform


@DBOS.step(name="perform_once")  # DBOS retries nothing: the log counts attempts
async def _once(key: str) -> None:
    try:
        await Hands.perform(key)
    except Exception:  # noqa: BLE001 - whatever it was, the attempt is over and the log says what is owed
        _log.exception("%s ended with an error; what is still owed is tried again as another attempt", key)


@DBOS.workflow(name="perform", max_recovery_attempts=RECOVERIES)
async def performed(key: str) -> None:
    """Do one owed thing."""
    await _once(key)


@DBOS.workflow(name="wake", max_recovery_attempts=RECOVERIES)
async def woken(incident: str) -> None:
    """Look at an incident again."""
    try:
        await Hands.wake(incident)
    except Exception:  # noqa: BLE001 - whatever it was, the attempt is over and the log says what is owed
        _log.exception("looking at %s again ended with an error; the next round looks anew", incident)


async def outside(doing: Coroutine[Any, Any, T]) -> T:
    """Run apart from the caller's context: DBOS refuses to start work from inside a step."""
    return await asyncio.create_task(doing, context=contextvars.Context())
