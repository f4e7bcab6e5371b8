"""What fires, for responders: GET /api/alerts, page by page, the worst and newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query

from bot.domain.errors import NotFound
from bot.engine.intake_ports import Arrived, cursor
from bot.web.access import Area, reading
from bot.web.door import Here, Who
from bot.web.shape import Instant, Shape

alerts = APIRouter(prefix="/api")


class AlertShape(Shape):
    """One episode that fires. `seq` grows whenever anything of it changes."""

    seq: int
    source: str
    fingerprint: str
    service: str
    severity: int
    title: str
    text: str
    url: str
    labels: Mapping[str, str]
    starts: Instant
    changed: Instant


class AlertPage(Shape):
    """A page of what fires, how many fire in all, and what to ask for the next page by; "" on the last."""

    firing: int
    alerts: list[AlertShape]
    next: str = ""


@alerts.get("/alerts")
async def firing(
    here: Here,
    who: Who,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str, Query(max_length=600)] = "",
    source: Annotated[str, Query(max_length=100)] = "",
    service: Annotated[str | None, Query(max_length=200)] = None,
) -> AlertPage:
    """What fires and is its alert's latest episode, of one source or service where that is asked."""
    reading(who, Area.ALERTS)
    inbox = here.house.inbox
    if inbox is None:
        raise NotFound("list of alerts", "alerts")
    page = await inbox.firing(limit=limit, after=after, source=source, service=service)
    more = cursor(page[-1]) if len(page) == limit else ""
    return AlertPage(firing=await inbox.count(), alerts=[_shape(each) for each in page], next=more)


def _shape(arrived: Arrived) -> AlertShape:
    alert = arrived.alert
    return AlertShape(
        seq=arrived.seq, source=alert.source, fingerprint=alert.fingerprint, service=alert.service,
        severity=alert.severity, title=alert.title, text=alert.text, url=alert.url, labels=alert.labels,
        starts=alert.starts, changed=arrived.at,
    )  # fmt: skip
