"""Providers of schedules that behave: each keeps a plan of who is on call and answers as its vendor's documents say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from bot import shelf
from tests.kit import NOON
from tests.parts import Hands

HOUR = timedelta(hours=1)
PLAN = (
    ("ana@visits.example", NOON - 6 * HOUR, NOON + 2 * HOUR),
    ("ben@visits.example", NOON + 2 * HOUR, NOON + 8 * HOUR),  # then nobody for two hours
    ("cleo@visits.example", NOON + 10 * HOUR, NOON + 40 * HOUR),
    ("ana@visits.example", NOON + 12 * HOUR, NOON + 14 * HOUR),  # beside Cleo
)
"""(mail address, from, to): what every fake is asked for in the conformance suite."""
Told = Callable[[httpx.Request], httpx.Response]


@dataclass
class Scene:
    """A schedule in front of a provider that knows PLAN; `asked` are the requests it answered."""

    schedule: object
    asked: list[httpx.Request] = field(default_factory=list)


@contextlib.asynccontextmanager
async def in_front_of(name: str, settings: dict[str, object], told: Told) -> AsyncIterator[Scene]:
    """The schedule of that name, speaking to a function in place of a server."""
    kind = shelf.load("oncall", name)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return told(request)

    schedule = kind(kind.Settings.model_validate(settings), clock=Hands(), transport=httpx.MockTransport(answer))
    try:
        yield Scene(schedule, asked)
    finally:
        await schedule.close()


def query(request: httpx.Request, name: str) -> str:
    return request.url.params.get(name, "")


def parsed(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
