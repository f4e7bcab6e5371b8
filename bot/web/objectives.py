"""The objectives as pages and API show them: each verdict with its reason, its budget, its course, who uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.errors import NotFound
from bot.domain.service import Service
from bot.engine.standing import Standing
from bot.slo.burn import Verdict, span
from bot.slo.spec import Slo
from bot.web.burndown import Decline, asked, decline
from bot.web.chart import Drawing, draw
from bot.web.door import Console
from bot.web.shapes import SloShape

SHOWN = timedelta(hours=1)
FEW = 10
NAMED = 50
"""So many names are told of those there are."""


@dataclass(frozen=True, slots=True)
class Stand:
    """One objective and where it stands; no verdict before the first poll."""

    slo: Slo
    verdict: Verdict | None
    drawing: Drawing | None
    standing: Standing
    owner: str = ""
    users: tuple[str, ...] = ()
    """Who is told before it is switched off: consumers, and services that depend on it."""
    decline: Decline | None = None
    """The budget over its window."""

    @property
    def left(self) -> str:
        """What remains of the budget, in words."""
        rest = self.standing.budget.remaining
        return f"{rest * 100:.1f} %" if rest >= 0 else f"overspent by {-rest * 100:.0f} %"

    @property
    def spending(self) -> str:
        """How the budget is reckoned, in a sentence or two."""
        held, unit = self.standing.budget, self.slo.unit
        allowed = held.allowed / unit
        shown = f"{allowed:,.0f}" if allowed >= FEW else f"{allowed:,.2g}"
        text = f"{held.bad / unit:,.0f} failed of the {shown} that may"
        if held.estimated:
            text += f", as far as can be told from {span(held.covered)} of data"
        if held.excused:
            text += f"; {held.excused / unit:,.0f} more failed in planned maintenance and are left out"
        return f"{text}."

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


ORDER = {"breached": 0, "no data": 1, "met": 2}


def standing(here: Console, service: str = "") -> list[Stand]:
    """Every objective, or those of one service, those in trouble first; without their drawings."""
    chosen = [name for name, slo in here.house.watch.slos.items() if service in {"", slo.service}]
    return sorted((bare(here, name) for name in chosen), key=lambda stand: (ORDER[stand.state], stand.slo.title))


def bare(here: Console, name: str) -> Stand:
    """One objective by name. Raises NotFound."""
    watch, now = here.house.watch, here.desk.clock.now()
    slo = watch.slos.get(name)
    if slo is None:
        raise NotFound("objective", name, sorted(watch.slos)[:NAMED])
    owner, users = _people(here.desk.catalogue.services, slo.service)
    return Stand(slo, watch.verdicts.get(name), None, watch.standing(name, now), owner, users)


def drawn(here: Console, stand: Stand) -> Stand:
    """With the course of the last hour, and of the budget over its window."""
    watch, now, name = here.house.watch, here.desk.clock.now(), stand.slo.name
    chart = watch.chart(name, now - SHOWN, now)
    held, calendar = stand.standing.budget, stand.slo.calendar
    end = calendar.period(now)[1] if calendar is not None else None
    return replace(
        stand,
        drawing=draw(chart) if chart else None,
        decline=decline(asked(watch.chart, name, held, now), held, end),
    )


def _people(services: Mapping[str, Service], name: str) -> tuple[str, tuple[str, ...]]:
    """(who owns a service, who uses it)."""
    service = services.get(name)
    if service is None:
        return "", ()
    dependent = [each.title for each in services.values() if name in each.depends_on]
    return service.owner, tuple(dict.fromkeys([*service.consumers, *dependent]))
