"""The numbers: how fast incidents were answered, as distributions with what they rest on; budgets, promises, pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.domain.errors import NotFound
from bot.engine.lists import Promise, Sight, Wanted
from bot.engine.numbers import FEW, LEFT_OUT, Group, Load, Measure, Numbers
from bot.web.access import Area, reading
from bot.web.asked import DAYS, Asked
from bot.web.door import Console, Here, Who
from bot.web.pages._page import show
from bot.web.pages.incidents import MARK, filters
from bot.web.spread import Histogram, histogram
from bot.words import span

router = APIRouter()

GROUPS, OVERDUE, PEOPLE = 25, 25, 50
OTHERWISE = "90"
"""So many days are looked at where nobody says."""
HEADER = ("by", "group", "incidents", "measure", "measured", "median s", "p90 s", "mean s", "corrected", "definition")
A_YEAR = timedelta(days=366)
"""Of no longer stretch are pages counted."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Card:
    """One measure with its drawing, durations in words."""

    measure: Measure
    drawing: Histogram | None

    @property
    def median(self) -> str:
        return _words(self.measure, "median")

    @property
    def p90(self) -> str:
        return _words(self.measure, "p90")

    @property
    def mean(self) -> str:
        return _words(self.measure, "mean")


@dataclass(frozen=True, slots=True)
class Table:
    """The measures apart by something, and how many more groups there are than are shown."""

    by: str
    groups: Sequence[tuple[str, Group]]
    more: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What the objectives of a service have spent of their budgets: the worst, and how many are overspent."""

    service: str
    title: str
    objectives: int
    worst: float | None
    worst_of: str
    overspent: int


def _words(measure: Measure, which: str) -> str:
    """A duration in words, "" where nothing was measured."""
    return span(timedelta(seconds=getattr(measure.spread, which))) if measure.spread else ""


@router.get("/analytics")
async def look(request: Request, here: Here, who: Who) -> Response:
    """All numbers of a stretch of time, of what is not restricted: they are the same for every reader."""
    reading(who, Area.ANALYTICS)
    asked, wanted = _asked(request, here)
    figures = await here.figures.figures(wanted)
    found = figures.numbers
    names = {each.id: each.name for each in await here.desk.people.everyone()}
    now = here.desk.clock.now()
    promises = [each for each in await _overdue(here) if wanted.service in (None, each.service)]
    loads = await _loads(here, wanted)
    context = {
        "asked": asked,
        "since": wanted.since,
        "until": wanted.until or now,
        "found": found,
        "open": figures.still_open,
        "left_out": [(number, LEFT_OUT[because]) for because, number in found.left_out.items()],
        "cards": [Card(each, histogram(each.bins, each.spread)) for each in found.measures],
        "tables": _tables(here, found),
        "few": FEW,
        "words": _words,
        "budgets": _budgets(here, wanted),
        "promises": [(each, names.get(each.owner, each.owner), (now.date() - each.due).days) for each in promises],
        "many": OVERDUE,
        "loads": [(names.get(each.person, each.person), each) for each in loads[:PEOPLE]],
        "months": sorted({month for each in loads for month in each.months}),
        "stretches": DAYS,
        "file": asked.address("/analytics.csv"),
        "incidents": asked.address("/incidents.csv", days=asked.days),
        **filters(here, asked),
    }
    return show(request, "analytics", who, context)


@router.get("/analytics.csv")
async def file(request: Request, here: Here, who: Who) -> Response:
    """The table of the measures: over all, by service, severity and cause."""
    reading(who, Area.ANALYTICS)
    write = here.house.write_rows
    if write is None:
        raise NotFound("kind of file", "csv")
    _, wanted = _asked(request, here)
    found = (await here.figures.figures(wanted)).numbers
    header = (
        "by",
        "group",
        "incidents",
        "measure",
        "measured",
        "median s",
        "p90 s",
        "mean s",
        "corrected",
        "definition",
    )
    rows: list[Sequence[object]] = [header]
    rows += [_row("all", "", found.counted, each) for each in found.measures]
    for by, groups in (("service", found.by_service), ("severity", found.by_severity), ("cause", found.by_cause)):
        for group in groups:
            name = f"SEV{group.name}" if by == "severity" else group.name
            rows += [_row(by, name, group.incidents, each) for each in group.measures]
    rows += [("left out", LEFT_OUT[because], number) for because, number in found.left_out.items()]
    headers = {"Content-Disposition": 'attachment; filename="analytics.csv"'}
    return Response(MARK + write(rows), media_type="text/csv; charset=utf-8", headers=headers)


def _row(by: str, name: str, incidents: int, each: Measure) -> Sequence[object]:
    known = each.spread
    figures = (round(known.median, 3), round(known.p90, 3), round(known.mean, 3)) if known else ("", "", "")
    return (by, name, incidents, each.name, each.size, *figures, each.corrected, each.definition)


def _asked(request: Request, here: Console) -> tuple[Asked, Wanted]:
    asked = Asked.of(request.query_params)
    if not asked.since and not asked.until and not asked.days:
        asked = Asked.of(request.query_params, days=OTHERWISE)
    return asked, asked.wanted(here.desk.clock.now())


def _tables(here: Console, found: Numbers) -> list[Table]:
    titles = {name: each.title for name, each in here.desk.catalogue.services.items()}
    services = [(titles.get(each.name, each.name) or "no service", each) for each in found.by_service]
    severities = [(f"SEV{each.name}", each) for each in found.by_severity]
    causes = [(each.name.replace("_", " ") or "not known", each) for each in found.by_cause]
    tables = {"service": services, "severity": severities, "cause": causes}
    return [Table(by, groups[:GROUPS], max(0, len(groups) - GROUPS)) for by, groups in tables.items()]


def _budgets(here: Console, wanted: Wanted) -> list[Spent]:
    """By service, the worst first; as of now, whatever stretch of time is looked at."""
    watch, catalogue = here.house.watch, here.desk.catalogue.services
    by_service: dict[str, list[tuple[float | None, str]]] = {}
    for name, slo in watch.slos.items():
        if wanted.service in (None, slo.service):
            verdict = watch.verdicts.get(name)
            by_service.setdefault(slo.service, []).append((verdict.spent if verdict else None, slo.title))
    found = []
    for service, stands in by_service.items():
        known = sorted(((spent, title) for spent, title in stands if spent is not None), reverse=True)
        worst, of = known[0] if known else (None, "")
        title = catalogue[service].title if service in catalogue else service
        found.append(Spent(service, title, len(stands), worst, of, sum(spent >= 1 for spent, _ in known)))
    return sorted(found, key=lambda each: (-(each.worst or 0.0), each.title))


async def _overdue(here: Console) -> list[Promise]:
    """Of what is not restricted, as all numbers here."""
    return await here.desk.log.overdue(here.desk.clock.now().date(), Sight(), limit=10 * OVERDUE)


async def _loads(here: Console, wanted: Wanted) -> list[Load]:
    """Who was paged how often, by their own clock."""
    desk, now = here.desk, here.desk.clock.now()
    until = wanted.until or now + timedelta(hours=1)
    since = max(wanted.since or EARLIEST, until - A_YEAR)
    zones = {each.id: desk.roster.zone_of(each) for each in await desk.people.everyone()}
    return await here.figures.loads(since, until, wanted.service, zones, ZoneInfo(desk.catalogue.timezone))
