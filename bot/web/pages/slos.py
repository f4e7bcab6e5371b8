"""The objectives: each verdict with its reason, what is left of the budget, and when the sources were last asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.slo.burn import Verdict
from bot.slo.spec import Slo
from bot.web.chart import Drawing, draw
from bot.web.door import Console, Here, Who
from bot.web.pages._page import show
from bot.web.shapes import SloShape

router = APIRouter()

SHOWN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stand:
    """One objective and where it stands; no verdict before the first poll."""

    slo: Slo
    verdict: Verdict | None
    drawing: Drawing | None

    @property
    def state(self) -> str:
        """met, breached or no data."""
        return self.verdict.state.replace("_", " ") if self.verdict else "no data"

    @property
    def tone(self) -> str:
        return {"met": "good", "breached": "bad"}.get(self.state, "wait")

    @property
    def value(self) -> float | None:
        """The SLI over the verdict's long window, 0 to 1; None where nothing happened."""
        held = self.verdict
        return 1 - held.counts.ratio if held and held.counts.total else None

    def shape(self) -> SloShape:
        """As the API tells it."""
        verdict = self.verdict
        return SloShape(
            name=self.slo.name,
            title=self.slo.title,
            service=self.slo.service,
            slice=str(self.slo.slice or ""),
            objective=self.slo.target,
            window_s=self.slo.window.total_seconds(),
            state=self.state,
            because=verdict.because if verdict else "not asked yet",
            at=verdict.at if verdict else None,
            value=self.value,
            burn=verdict.burn_long if verdict else None,
            budget_spent=verdict.spent if verdict else None,
        )


def standing(here: Console) -> list[Stand]:
    """Every objective, those in trouble first."""
    watch, now = here.house.watch, here.desk.clock.now()
    found = []
    for name, slo in watch.slos.items():
        chart = watch.chart(name, now - SHOWN, now)
        found.append(Stand(slo, watch.verdicts.get(name), draw(chart) if chart else None))
    order = {"breached": 0, "no data": 1, "met": 2}
    return sorted(found, key=lambda stand: (order[stand.state], stand.slo.title))


@router.get("/slos")
async def slos(request: Request, here: Here, who: Who) -> Response:
    """All objectives."""
    polled = here.house.watch.polled
    age = here.desk.clock.now() - polled if polled else None
    return show(request, "slos", who, {"stands": standing(here), "polled": polled, "age": age})
