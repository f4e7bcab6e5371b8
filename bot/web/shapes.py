"""The JSON the API answers with, field by field; times are RFC 3339 in UTC with a Z, people are names."""

from __future__ import annotations

from datetime import date

from bot.web.shape import Instant, Money, Shape
from bot.web.shapes_affected import AffectedShape
from bot.web.shapes_alert import TogetherShape
from bot.web.shapes_change import LegalHoldShape, MitigationShape
from bot.web.shapes_notice import DisclosureShape, DutyShape, NoticeShape, QuestionShape
from bot.web.shapes_status import StatementShape


class SummaryShape(Shape):
    """One incident as lists show it."""

    id: str
    title: str
    phase: str
    severity: str
    service: str
    slice: str
    restricted: bool
    declared: Instant
    onset: Instant
    detected: Instant
    acknowledged: Instant | None
    mitigated: Instant | None
    resolved: Instant | None
    cause: str
    corrected: list[str]
    """The times that somebody set right."""


class CorrectedShape(Shape):
    """A time that somebody set right: what was recorded first, what stands now, who said so last, and why."""

    moment: str
    was: Instant
    to: Instant
    by: str
    at: Instant
    because: str
    times: int


class LagShape(Shape):
    """How long each stage of the bot's own detection took, in seconds; null where it is not known."""

    scrape_s: float | None = None
    poll_s: float | None = None
    judge_s: float | None = None
    post_s: float | None = None


class MeasuresShape(Shape):
    """Durations in seconds; null where an end is not known yet."""

    ttd_s: float | None
    tta_s: float | None
    ttm_s: float | None
    ttr_s: float | None
    corrected: list[str]
    """Those that rest on a time somebody set right."""


class FindingShape(Shape):
    """One thing found, with its source."""

    id: str
    text: str
    source: str
    at: Instant
    by: str
    link: str
    gone: Instant | None
    """When it was taken back, or its message deleted."""


class HypothesisShape(Shape):
    """One explanation with its share of belief, 0 to 1."""

    cause: str
    belief: float
    supported_by: list[str]
    opposed_by: list[str]
    next_test: str
    remedies: list[str]
    unfit: list[str]


class OptionShape(Shape):
    """One answer a step takes."""

    value: str
    label: str


class StepShape(Shape):
    """The live step."""

    id: str
    kind: str
    title: str
    text: str
    options: list[OptionShape]
    params: dict[str, object]


class DoneShape(Shape):
    """An answered step."""

    step: str
    answer: str
    note: str
    by: str
    at: Instant


class RunShape(Shape):
    """The runbook being followed; `current` is empty when it has ended."""

    name: str
    title: str
    current: str
    place: str
    step: StepShape | None
    done: list[DoneShape]


class WhyShape(Shape):
    """One answer to "why?"."""

    id: str
    parent: str
    text: str
    evidence: str
    by: str
    root: bool
    assumed: bool


class ImpactShape(Shape):
    """Whom it hurts and how much; null is not known, and `unknowns` says why."""

    events: int | None
    people: int | None
    money: Money | None
    currency: str
    unknowns: list[str]
    note: str
    as_of: Instant


class FollowUpShape(Shape):
    """One promise."""

    id: str
    text: str
    owner: str
    due: date
    why: str
    done: Instant | None
    overdue: bool


class ExhibitShape(Shape):
    """Evidence kept with the incident."""

    id: str
    name: str
    sha256: str
    media_type: str
    at: Instant


class OfferShape(Shape):
    """A prepared mitigation, with a warning where the diagnosis says that it will not help."""

    name: str
    label: str
    means: str
    target: str
    warning: str


class PageShape(Shape):
    """One page to one person; `took` is how many seconds after a channel took it the receipt was had."""

    person: str
    channel: str
    receipt: str
    took: float | None
    at: Instant
    detail: str


class LineShape(Shape):
    """One line of the timeline: `at` is when it was so, `recorded` when it was written down."""

    seq: int
    at: Instant
    recorded: Instant
    by: str
    text: str
    name: str
    kind: str
    link: str
    kept: str
    """The name of a note or a finding (T1, F2), by which what a person said is taken back; "" for every other line."""
    gone: Instant | None
    """When it was taken back, or its message deleted; the text says so too."""


class TimelineShape(Shape):
    """Some lines of a timeline, oldest first; `older` is what to ask `before` with for those before them, or null."""

    lines: list[LineShape]
    matching: int
    total: int
    older: int | None


class BarShape(Shape):
    """One bucket of the SLI; `covered` is false where nothing is known."""

    at: Instant
    good: int
    bad: int
    covered: bool


class ChartShape(Shape):
    """The SLI over time with its objective, 0 to 1."""

    slo: str
    objective: float
    bars: list[BarShape]


class PostmortemShape(Shape):
    """The draft of a post-mortem, in Markdown."""

    incident: str
    as_of: Instant
    markdown: str


class SloShape(Shape):
    """One objective and where it stands; numbers are null before the first poll, or where nothing happened."""

    name: str
    title: str
    service: str
    slice: str
    objective: float
    window_s: float
    state: str
    because: str
    at: Instant | None
    value: float | None
    burn: float | None
    budget_spent: float | None


class IncidentShape(Shape):
    """Everything known of one incident."""

    id: str
    title: str
    phase: str
    severity: str
    service: str
    slice: str
    slo: str
    because: str
    restricted: bool
    declared_by: str
    onset: Instant | None
    detected: Instant | None
    acknowledged: Instant | None
    acknowledged_by: str
    mitigated: Instant | None
    resolved: Instant | None
    closed: Instant | None
    update_due: Instant | None
    urgency: str
    corrections: list[CorrectedShape]
    measures: MeasuresShape
    detection_lag: LagShape
    parts: dict[str, str]
    together: TogetherShape
    cause: str
    hypotheses: list[HypothesisShape]
    findings: list[FindingShape]
    mitigations: list[MitigationShape]
    legal_hold: LegalHoldShape | None
    """Counsel wants nothing altered: changes of class 2 and 3 wait, unless one is overridden."""
    left_to_people: list[str]
    """Prepared mitigations that are approved beforehand and could not be done without people."""
    run: RunShape | None
    whys: list[WhyShape]
    impact: ImpactShape | None
    affected: AffectedShape | None
    facts: dict[str, object]
    duties: list[DutyShape]
    questions: list[QuestionShape]
    disclosures: list[DisclosureShape]
    notices: list[NoticeShape]
    statements: list[StatementShape]
    """For the status page, wherever each stands on its way there."""
    followups: list[FollowUpShape]
    exhibits: list[ExhibitShape]
    offers: list[OfferShape]
    pages: list[PageShape]
    timeline: list[LineShape]
    """The newest lines, 200 unless more were asked for."""
    timeline_total: int
    chart: ChartShape | None
    seq: int
    head: str
