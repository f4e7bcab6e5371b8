"""Several questions asked side by side, where one that fails ends them all: a part of an answer is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.domain.errors import TocsinError

T = TypeVar("T")


async def together(*jobs: Coroutine[Any, Any, T]) -> list[T]:
    """Their results in order. Raises the first TocsinError of any, after the others were called off."""
    failed: TocsinError | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
    except* TocsinError as errors:
        failed = _first(errors)
    if failed is not None:
        raise failed
    return [task.result() for task in tasks]


def _first(errors: BaseExceptionGroup[TocsinError]) -> TocsinError:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, TocsinError)  # noqa: S101 - except* gave us nothing else
    return found
