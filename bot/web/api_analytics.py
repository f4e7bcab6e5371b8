"""The API of the numbers: each measure with its size, definition and bins, over all and apart; none of them sealed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BeforeValidator

from bot.domain.errors import Refused
from bot.engine.numbers import LEFT_OUT, Group, Measure
from bot.web.access import Area, reading
from bot.web.api import ANSWERS
from bot.web.asked import Asked
from bot.web.door import Here, Who
from bot.web.listing import Severities, Sought
from bot.web.shape import Instant, Shape

analytics = APIRouter(prefix="/api", responses=ANSWERS)


def _iso(value: object) -> object:
    """A number is no day, though it may be read as seconds."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError("write a day as 2026-11-30")
    return value


Day = Annotated[date | None, BeforeValidator(_iso), Query(description="A whole day, UTC")]


class BinShape(Shape):
    """So many took at least `start_s` and less than `end_s`; null is without end."""

    start_s: float
    end_s: float | None
    number: int


class MeasureShape(Shape):
    """One measure: null where nothing was measured; `missing` have no such time, `corrected` one that was set right."""

    name: str
    definition: str
    measured: int
    missing: int
    corrected: int
    few: bool
    median_s: float | None = None
    p90_s: float | None = None
    mean_s: float | None = None
    bins: list[BinShape]

    @classmethod
    def of(cls, known: Measure) -> MeasureShape:
        """As it is told."""
        told = {"name": known.name, "definition": known.definition, "measured": known.size, "missing": known.missing}
        told |= {"corrected": known.corrected, "few": known.few}
        told |= {"bins": [{"start_s": each.start, "end_s": each.end, "number": each.number} for each in known.bins]}
        if (spread := known.spread) is not None:
            told |= {"median_s": spread.median, "p90_s": spread.p90, "mean_s": spread.mean}
        return cls.model_validate(told)


class GroupShape(Shape):
    """The incidents that have something in common; "" has none."""

    name: str
    incidents: int
    measures: list[MeasureShape]

    @classmethod
    def of(cls, known: Group, before: str = "") -> GroupShape:
        """As it is told, its name with what stands before it."""
        return cls(
            name=before + known.name, incidents=known.incidents, measures=[MeasureShape.of(m) for m in known.measures]
        )


class AnalyticsShape(Shape):
    """How fast incidents were seen, taken, mitigated and resolved; `left_out` says how many count in none, and why."""

    since: Instant | None
    until: Instant
    incidents: int
    counted: int
    open: int
    left_out: Mapping[str, int]
    measures: list[MeasureShape]
    by_service: list[GroupShape]
    by_severity: list[GroupShape]
    by_cause: list[GroupShape]


@analytics.get("/analytics")
async def numbers(
    here: Here,
    who: Who,
    days: Literal["30", "90", "365", "all"] = "90",
    since: Day = None,
    until: Day = None,
    service: Sought = "",
    severity: Severities = "",
    cause: Sought = "",
) -> AnalyticsShape:
    """The numbers of a stretch of time, of what is not restricted: the same for every reader who may ask.

    Days given by `since` and `until` count instead of `days`.
    """
    reading(who, Area.ANALYTICS)
    first, last = (each.isoformat() if each else "" for each in (since, until))
    asked = Asked("", service, severity, "", cause, first, last, "" if since or until else days)
    if asked.wrong:
        raise Refused("; ".join(asked.wrong))
    now = here.desk.clock.now()
    wanted = asked.wanted(now)
    figures = await here.figures.figures(wanted)
    found = figures.numbers
    return AnalyticsShape(
        since=wanted.since,
        until=wanted.until or now,
        incidents=found.total,
        counted=found.counted,
        open=figures.still_open,
        left_out={LEFT_OUT[because]: number for because, number in found.left_out.items()},
        measures=[MeasureShape.of(each) for each in found.measures],
        by_service=[GroupShape.of(each) for each in found.by_service],
        by_severity=[GroupShape.of(each, "SEV") for each in found.by_severity],
        by_cause=[GroupShape.of(each) for each in found.by_cause],
    )
