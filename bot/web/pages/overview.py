"""The front page: what is open, what waits for whom, who is on call, which budgets and legal clocks run out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from bot.domain.clocks import running
from bot.domain.errors import Conflict, NotFound, Refused, Unavailable
from bot.domain.incident import Incident
from bot.domain.policy import Severity
from bot.engine.lists import OVER, Sight, Wanted
from bot.engine.sight import hidden
from bot.engine.values import Profile
from bot.engine.waits import Kind, Wait, waiting
from bot.slo.spec import Slo
from bot.web.access import Area, reading
from bot.web.door import Console, Here, Who
from bot.web.pages._forms import inbound, typed
from bot.web.pages._page import Form, show
from bot.web.phrases import wrong_fields
from bot.web.verbs import Declaring

router = APIRouter()

SHOWN, MINE, HOUSE, LAST, CLOCKS, BUDGETS, SERVICES = 50, 12, 12, 10, 5, 6, 12
WORDS = {
    Kind.UNACKNOWLEDGED: "Nobody has it yet",
    Kind.APPROVAL: "A change waits for a yes",
    Kind.DOUBT: "Whether a change took place is to be settled",
    Kind.REVIEW: "One person acted alone; somebody is to look at it",
    Kind.SIGNATURE: "A notice waits for a signature",
    Kind.FILING: "A notice is approved and not sent",
    Kind.STATEMENT: "Words for the status page wait for approval",
    Kind.PUBLISHING: "Words for the status page are approved and not published",
    Kind.LATE_UPDATE: "An update is overdue",
    Kind.STEP: "A runbook stands at a step",
    Kind.UPDATE: "The next update is due",
}
PLACES = {
    Kind.APPROVAL: "#mitigations", Kind.DOUBT: "#mitigations", Kind.REVIEW: "#mitigations", Kind.STEP: "#runbook",
    Kind.LATE_UPDATE: "#say", Kind.UPDATE: "#say",
}  # fmt: skip
SINCE = frozenset({Kind.UNACKNOWLEDGED, Kind.LATE_UPDATE, Kind.STEP, Kind.PUBLISHING})
"""Of these the time is since when it waits; of the others until when."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that waits, with whom for: names, and whether the reader is among them."""

    wait: Wait
    names: tuple[str, ...]
    mine: bool

    @property
    def words(self) -> str:
        """What it is."""
        said = WORDS[self.wait.kind]
        silent = self.wait.kind is Kind.UNACKNOWLEDGED and self.wait.incident.unanswered == self.wait.incident.returns
        return "Nobody answered the pages" if silent else said

    @property
    def address(self) -> str:
        """Where it is dealt with."""
        base = f"/incidents/{self.wait.incident.id}"
        if self.wait.kind in (Kind.SIGNATURE, Kind.FILING):
            return f"{base}/notices/{self.wait.item}"
        if self.wait.kind in (Kind.STATEMENT, Kind.PUBLISHING):
            return f"{base}#statement-{self.wait.item}"
        return base + PLACES.get(self.wait.kind, "")

    @property
    def since(self) -> bool:
        """Whether its time is when it began to wait."""
        return self.wait.kind in SINCE


@dataclass(frozen=True, slots=True)
class Clock:
    """A legal clock that runs."""

    incident: str
    title: str
    name: str
    sure: bool
    strict: datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """An objective, its verdict and how much of its budget is spent."""

    slo: Slo
    state: str
    tone: str
    spent: float | None


@router.get("/")
async def overview(request: Request, here: Here, who: Who) -> Response:
    """Open incidents first."""
    reading(who, Area.INCIDENTS)
    return await _show(request, here, who, Form())


@router.post("/incidents")
async def declare(request: Request, here: Here, who: Who) -> Response:
    """Declare by form; what was refused comes back with every word."""
    words = await typed(request)
    try:
        asking = Declaring.model_validate({name: value for name, value in words.items() if name != "once"})
        made = await here.declare(asking, who, inbound(who, "declare", words))
    except ValidationError as wrong:
        because, status = "; ".join(f"{k}: {v}" for k, v in wrong_fields(wrong.errors()).items()), 422
    except (Refused, NotFound, Unavailable, Conflict) as refused:
        because, status = str(refused), 503 if isinstance(refused, Unavailable) else 409
    else:
        return RedirectResponse(f"/incidents/{made.id}", 303)
    return await _show(request, here, who, Form("declare", "", because, "declare", words), status)


async def _show(request: Request, here: Console, who: Profile, form: Form, status: int = 200) -> Response:
    known, sight, now = await here.unfinished(who), await here.sight(who), here.desk.clock.now()
    open_ = sorted((each for each in known if each.is_open), key=_pressing)
    on_call = await _on_call(here, {each.service for each in known})
    matters = await _matters(here, who, known, on_call)
    clocks = sorted((clock for each in known for clock in _clocks(each)), key=lambda each: each.strict)
    mine = [each for each in matters if each.mine]
    others = [each for each in matters if not each.mine]
    polled = here.house.watch.polled
    tally = await here.desk.log.tally(sight)
    context = {
        "open": open_[:SHOWN],
        "open_total": len(open_),
        "in_storm": sum(each.is_silent for each in open_),
        "mine": mine[:MINE],
        "mine_total": len(mine),
        "others": others[:HOUSE],
        "others_total": len(others),
        "clocks": clocks[:CLOCKS],
        "clocks_total": len(clocks),
        "budgets": _budgets(here)[:BUDGETS],
        "shifts": await _shifts(here, on_call, [each.service for each in open_]),
        "more_shifts": max(0, len(here.desk.catalogue.services) - SERVICES),
        "ended": await _ended(here, sight),
        "ended_total": tally.of(OVER),
        "services": sorted(here.desk.catalogue.services.values(), key=lambda service: service.title),
        "severities": [str(grade) for grade in Severity],
        "form": form,
        "poll_age": now - polled if polled else None,
        "objectives": len(here.house.watch.slos),
    }
    return show(request, "overview", who, context, status=status)


def _pressing(incident: Incident) -> tuple[bool, bool, int, datetime | None]:
    """What nobody has, the worst, what lasts longest; below them a storm's children, which nobody is told of."""
    return incident.is_silent, not incident.unclaimed, int(incident.severity), incident.onset


async def _on_call(here: Console, services: set[str]) -> dict[str, tuple[str, ...]]:
    return {name: await here.desk.on_call(name) for name in services}


async def _matters(
    here: Console, who: Profile, known: Sequence[Incident], on_call: Mapping[str, tuple[str, ...]]
) -> list[Matter]:
    """Everything that waits in these incidents, what is pressing first; nothing of a notice the reader may not see."""
    policy, now = here.desk.handler.policy, here.desk.clock.now()
    everyone = await here.desk.people.everyone()
    names, people = {each.id: each.name for each in everyone}, [each.person for each in everyone]
    found = []
    for incident in known:
        unseen = hidden(incident, who.person, policy) if incident.notices else frozenset()
        for wait, theirs in waiting(incident, people, on_call[incident.service], policy, now):
            if wait.item not in unseen or wait.kind not in (Kind.SIGNATURE, Kind.FILING):
                shown = tuple(names.get(each, each) for each in theirs)
                found.append(Matter(wait, shown, who.id in theirs))
    return sorted(found, key=lambda each: (each.wait.rank, *_pressing(each.wait.incident)))


def _clocks(incident: Incident) -> list[Clock]:
    return [
        Clock(incident.id, incident.title, each.name, each.sure, each.strict)
        for each in (running(incident) if incident.duties else ())
    ]


def _budgets(here: Console) -> list[Budget]:
    """The objectives, those in breach first, then by what is spent."""
    watch = here.house.watch
    found = []
    for name, slo in watch.slos.items():
        verdict = watch.verdicts.get(name)
        state = verdict.state.replace("_", " ") if verdict else "no data"
        tone = {"met": "good", "breached": "bad"}.get(state, "wait")
        found.append(Budget(slo, state, tone, verdict.spent if verdict else None))
    order = {"breached": 0, "no data": 1}
    return sorted(found, key=lambda each: (order.get(each.state, 2), -(each.spent or 0.0), each.slo.title))


async def _shifts(
    here: Console, known: Mapping[str, tuple[str, ...]], broken: Sequence[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """Who is on call now for which service, those with something open first."""
    names = {each.id: each.name for each in await here.desk.people.everyone()}
    services = sorted(
        here.desk.catalogue.services.values(), key=lambda each: (each.name not in broken, each.title or each.name)
    )
    found = []
    for service in services[:SERVICES]:
        people = known[service.name] if service.name in known else await here.desk.on_call(service.name)
        found.append((service.title or service.name, tuple(names.get(each, each) for each in people)))
    return found


async def _ended(here: Console, sight: Sight) -> list[object]:
    return list(await here.desk.log.found(Wanted(phases=OVER), sight, limit=LAST))
