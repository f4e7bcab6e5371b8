"""The API of services and objectives: the catalogue with how each stands, and each objective whole."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from bot.engine.hindsight import BACK, LATELY, Told
from bot.web.access import Area, reading
from bot.web.api import ANSWERS
from bot.web.door import Here, Who
from bot.web.objectives import bare, drawn
from bot.web.pages.slos import hindsight
from bot.web.services import Changeable, rows, whole
from bot.web.shapes_oncall import EscalationShape
from bot.web.shapes_service import (
    DriftShape,
    HindsightShape,
    PointShape,
    RegimeShape,
    RunningShape,
    ServiceRowShape,
    ServiceShape,
    SloWholeShape,
    TargetShape,
    WouldShape,
)
from bot.web.telling import summary

services = APIRouter(prefix="/api", responses=ANSWERS)


@services.get("/services")
async def listed(here: Here, who: Who) -> list[ServiceRowShape]:
    """Every service, what is in trouble first."""
    reading(who, Area.SERVICES)
    return [
        ServiceRowShape(
            name=row.service.name,
            title=row.service.title,
            kind=row.kind,
            tier=row.service.tier,
            owner=row.service.owner,
            on_call=list(row.on_call),
            worst_budget=row.worst.standing.budget.remaining if row.worst else None,
            worst_slo=row.worst.slo.name if row.worst else "",
            open=[each.id for each in row.open],
        )
        for row in await rows(here, who)
    ]


@services.get("/services/{name}")
async def one(name: str, here: Here, who: Who) -> ServiceShape:
    """Everything known of one service or model."""
    reading(who, Area.SERVICES)
    found = await whole(here, who, name)
    held = found.service
    drift = found.drift
    return ServiceShape(
        name=held.name,
        title=held.title,
        kind=found.kind,
        tier=held.tier,
        owner=held.owner,
        channel=held.channel,
        depends_on=[each.name for each in found.depends_on],
        used_by=[each.name for each in found.used_by],
        runbooks=list(held.runbooks),
        slos=[each.shape() for each in found.stands],
        open=[summary(each) for each in found.open],
        past=[summary(each) for each in found.ended],
        on_call=EscalationShape.from_service(found.ladder),
        targets=[_target(each) for each in found.targets],
        drift=[DriftShape(incident=drift.incident, text=each.text, at=each.at) for each in drift.findings]
        if drift
        else [],
        regimes=[RegimeShape.model_validate(each) for each in found.regimes],
    )


def _target(each: Changeable) -> TargetShape:
    return TargetShape(
        name=each.target.name,
        action=each.target.action,
        offers=[offer.name for offer in each.offers],
        running=RunningShape.model_validate(each.running) if each.running else None,
        proposers=list(each.proposers),
        automatic=list(each.automatic),
    )


@services.get("/slos/{name}")
async def objective(name: str, here: Here, who: Who) -> SloWholeShape:
    """One objective whole. Where nobody looked at its past for long, that is begun."""
    reading(who, Area.SERVICES)
    stand = drawn(here, bare(here, name))
    told, looked = await hindsight(here, name), here.house.hindsight
    held = stand.standing
    rows_ = stand.decline.rows if stand.decline else ()
    return SloWholeShape(
        **stand.shape().model_dump(),
        budget_left=held.budget.remaining,
        budget_estimated=held.budget.estimated,
        events=held.budget.events,
        bad=held.budget.bad,
        since=held.budget.since,
        burn_down=[PointShape(at=at, left=left, good=good, bad=bad) for at, left, good, bad in rows_],
        slices=held.slices,
        failing={each.value: each.because for each in held.failing},
        fairness=held.gap.because if held.gap else "",
        coverage=held.coverage.because if held.coverage else "",
        hindsight=_told(told) if told else None,
        looking=looked is not None and looked.looking(name),
    )


def _told(told: Told) -> HindsightShape:
    counts = {
        f"{urgency}s_{days}": told.within(urgency, length)
        for urgency in ("page", "ticket")
        for days, length in (("7d", LATELY), ("28d", BACK))
    }
    return HindsightShape(
        at=told.at, start=told.start, end=told.end, step_s=told.step.total_seconds(),
        unknown_s=told.unknown.total_seconds(), because=told.because,
        found=[WouldShape.model_validate(asdict(each)) for each in told.found], **counts,
    )  # fmt: skip
