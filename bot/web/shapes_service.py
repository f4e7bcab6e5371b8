"""Services and objectives as the API tells them whole."""

from __future__ import annotations

from bot.web.shape import Instant, Shape
from bot.web.shapes import SloShape, SummaryShape
from bot.web.shapes_oncall import EscalationShape


class ServiceRowShape(Shape):
    """One service of the catalogue. `worst_budget` is the least share that is left of any budget; null: nothing yet."""

    name: str
    title: str
    kind: str
    tier: int
    owner: str
    on_call: list[str]
    worst_budget: float | None
    worst_slo: str
    open: list[str]


class RunningShape(Shape):
    """What the record says runs on a target since a change: share by version, as far as the plan told."""

    incident: str
    mitigation: str
    at: Instant
    serves: dict[str, float]


class TargetShape(Shape):
    """Something that may be changed: by which action, what is prepared, who may propose, what needs nobody."""

    name: str
    action: str
    offers: list[str]
    running: RunningShape | None
    proposers: list[str]
    automatic: list[str]


class RegimeShape(Shape):
    """A regime that is watched, with its answer by the standing facts alone: yes, no or unknown, and why."""

    id: str
    name: str
    jurisdiction: str
    answer: str
    because: str
    asks: list[str]


class DriftShape(Shape):
    """One thing the drift instrument found, in which incident."""

    incident: str
    text: str
    at: Instant


class ServiceShape(Shape):
    """Everything known of one service or model."""

    name: str
    title: str
    kind: str
    tier: int
    owner: str
    channel: str
    depends_on: list[str]
    used_by: list[str]
    runbooks: list[str]
    slos: list[SloShape]
    open: list[SummaryShape]
    past: list[SummaryShape]
    on_call: EscalationShape
    targets: list[TargetShape]
    drift: list[DriftShape]
    regimes: list[RegimeShape]


class PointShape(Shape):
    """What was left of the budget at a time, and the events of the stretch that ended then."""

    at: Instant
    left: float
    good: int
    bad: int


class WouldShape(Shape):
    """A page or ticket that would have been."""

    at: Instant
    urgency: str
    because: str
    onset: Instant | None


class HindsightShape(Shape):
    """What would have paged, counted over the last 7 and 28 days; `because` says why it cannot be told."""

    at: Instant
    start: Instant
    end: Instant
    step_s: float
    pages_7d: int
    pages_28d: int
    tickets_7d: int
    tickets_28d: int
    unknown_s: float
    found: list[WouldShape]
    because: str


class SloWholeShape(SloShape):
    """One objective with its budget over the window, its slices, and what it would have paged."""

    budget_left: float
    budget_estimated: bool
    events: int
    bad: int
    since: Instant | None
    burn_down: list[PointShape]
    slices: int
    failing: dict[str, str]
    fairness: str
    coverage: str
    hindsight: HindsightShape | None
    looking: bool
    """Whether its past is being looked at now."""
