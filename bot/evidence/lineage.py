"""Asks the model service what sets the serving version apart from the one before: training data, parameters, code."""

from __future__ import annotations

from typing import ClassVar

import httpx

from bot.clients.http import Http, HttpSettings
from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.engine.values import Collected, Found, Question
from bot.evidence import _feeds as feeds
from bot.evidence._versions import HINT, Part, bears, before, differences, serving

WHAT = "model lineage"
_RECENT = 200  # the newest predictions tell who serves


class LineageSettings(HttpSettings):
    """Where the model service tells its lineage and its predictions."""


class Lineage:
    """The versions of one model service."""

    shelf: ClassVar[str] = "evidence"
    Settings = LineageSettings

    def __init__(
        self, settings: LineageSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._http = Http(WHAT, settings, url=settings.url, transport=transport)

    async def close(self) -> None:
        await self._http.close()

    async def collect(self, question: Question) -> Collected:
        """What changed from the version before to the one that serves."""
        versions = await feeds.versions(self._http)
        recent = await feeds.predictions(self._http, Part(), _RECENT)
        current = serving(versions, (row.version for row in recent))
        if current is None:
            raise Unavailable(WHAT, "names no version that made recent predictions")
        previous = before(versions, current)
        if previous is None:
            text = f"{current.name} serves and is the oldest version there is: no release to compare it with"
            return Collected((Found(text, bears(TRAINING_DATA=-HINT, CODE_CHANGE=-HINT)),))
        found = differences(current, previous, Part.parse(question.slice))
        if not found:
            text = f"{current.name} and {previous.name} do not tell enough of themselves to be compared"
            return Collected((Found(text),))
        return Collected(found)
