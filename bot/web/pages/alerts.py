"""What fires: page by page, with the incident of each, what planned work holds, what was set aside, and who sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from bot.domain.alert import Alert
from bot.domain.alerts import episode_claim
from bot.domain.errors import NotFound
from bot.domain.grouping import Window
from bot.domain.lifecycle import open_claim
from bot.engine.intake_ports import Arrived, cursor
from bot.engine.values import Profile
from bot.intake.sender import Sender
from bot.web.access import Area, reading
from bot.web.alerts.heard import Heard
from bot.web.door import Console, Here, Who
from bot.web.house import Inbox
from bot.web.pages._page import show

router = APIRouter()

PAGE = 50
NAMED = 20
"""So many alerts are named that are held by one window, or were set aside."""
HOW = {
    "alertmanager": "a receiver's webhook_configs: url, with http_config for the secret",
    "grafana": "a contact point of the kind Webhook",
    "pagerduty": "in place of the address of PagerDuty's Events API v2",
    "opsgenie": "in place of the address of Opsgenie's API, or as an outgoing webhook",
    "cloudevents": "the sink of CloudEvents over HTTP",
    "generic": "JSON by POST, in the shape its mapping says",
}
"""Where the address goes, by the kind of sender."""


@dataclass(frozen=True, slots=True)
class Row:
    """One alert that fires; `incident` is where it belongs where the reader may see that, else `stands` is said."""

    alert: Alert
    incident: str = ""
    title: str = ""
    over: str = ""
    """That the incident is resolved or closed, where it is."""
    stands: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A window of planned work, who answers for it, and the alerts it holds."""

    window: Window
    owner: str
    alerts: Sequence[Alert]
    more: int


@dataclass(frozen=True, slots=True)
class Source:
    """A sender, where it sends to, when any replica last heard it, and what came of that at this one."""

    sender: Sender
    address: str
    how: str
    heard: Heard
    last: datetime | None


@router.get("/alerts")
async def page(
    request: Request,
    here: Here,
    who: Who,
    after: Annotated[str, Query(max_length=600)] = "",
    source: Annotated[str, Query(max_length=100)] = "",
    service: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The worst first, then the newest."""
    reading(who, Area.ALERTS)
    inbox, intake = here.house.inbox, here.house.intake
    arrived: Sequence[Arrived] = ()
    if inbox is not None:
        arrived = await inbox.firing(limit=PAGE + 1, after=after, source=source, service=service or None)
    shown = arrived[:PAGE]
    aside = sorted(intake.aside.values(), key=lambda each: each.at, reverse=True) if intake is not None else []
    return show(
        request,
        "alerts",
        who,
        {
            "rows": await _rows(here, who, inbox, shown) if inbox is not None else [],
            "firing": await inbox.count() if inbox is not None else 0,
            "next": cursor(shown[-1]) if len(arrived) > PAGE else "",
            "after": after,
            "source": source,
            "service": service,
            "services": sorted(here.desk.catalogue.services),
            "held": await _held(here),
            "aside": aside[:NAMED],
            "more_aside": max(0, len(aside) - NAMED),
            "leads": intake is None or intake.leads,
            "sources": await _sources(request, here),
        },
    )


async def _rows(here: Console, who: Profile, inbox: Inbox, arrived: Sequence[Arrived]) -> list[Row]:
    alerts = [each.alert for each in arrived]
    claims = [open_claim(each.key) for each in alerts] + [episode_claim(each.key, each.starts) for each in alerts]
    holders, applied = await here.desk.log.holders(claims), await inbox.applied()
    return [await _row(here, who, each, holders, applied) for each in arrived]


async def _row(here: Console, who: Profile, arrived: Arrived, holders: Mapping[str, str], applied: int) -> Row:
    alert, intake = arrived.alert, here.house.intake
    holder = holders.get(open_claim(alert.key)) or holders.get(episode_claim(alert.key, alert.starts))
    if holder is not None:
        try:
            known = await here.incident(holder, who)
        except NotFound:  # whose it is, is not this reader's to know
            return Row(alert, stands="none that you can open")
        return Row(alert, known.id, known.title, over="" if known.is_open else str(known.phase))
    if intake is not None and (alert.key, alert.starts) in intake.aside:
        return Row(alert, stands="set aside")
    now, windows = here.desk.clock.now(), intake.windows if intake is not None else ()
    if window := next((each for each in windows if each.holds(alert.service, now)), None):
        return Row(alert, stands=f"held by maintenance until {window.end:%Y-%m-%d %H:%M} UTC")
    return Row(alert, stands="waits to be taken in" if arrived.seq > applied else "none that you can open")


async def _held(here: Console) -> list[Held]:
    """Every window that holds alerts now, the one that ends first before the others."""
    now, intake = here.desk.clock.now(), here.house.intake
    if intake is None:
        return []
    waiting, found = list(intake.held.values()), []
    for window in sorted(intake.windows, key=lambda each: each.end):
        if not window.start <= now < window.end:
            continue
        alerts = [each.alert for each in waiting if each.window == window and each.alert.firing]
        owner = await here.desk.people.by_key(window.owner) if window.owner else None
        named = owner.name if owner else window.owner
        found.append(Held(window, named, alerts[:NAMED], max(0, len(alerts) - NAMED)))
    return found


async def _sources(request: Request, here: Console) -> list[Source]:
    door, inbox = request.app.state.alerts, here.house.inbox
    if door is None or inbox is None:
        return []
    kept = await inbox.last_heard()
    base = (here.desk.catalogue.web_url or str(request.base_url)).rstrip("/")
    found = []
    for each in here.house.senders:
        heard = door.heard[each.name]
        last = max(filter(None, (heard.at, kept.get(each.name))), default=None)
        found.append(Source(each, f"{base}/alerts/{each.name}", HOW.get(each.kind, ""), heard, last))
    return found
