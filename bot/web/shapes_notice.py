"""Duties, their clocks and notices as the API tells them; the latest reading of a date is null but for counsel."""

from __future__ import annotations

from datetime import date

from bot.web.shape import Instant, Shape


class CountedShape(Shape):
    """A date as it was once computed: from what moment, with which version of the law's data, and why."""

    at: Instant
    started: Instant | None
    strict: Instant | None
    outer: Instant | None
    because: str
    rule: str


class DueShape(Shape):
    """One notice of a regime and its clock; `share` is how much of its time is gone, 1 on the strict date."""

    stage: str
    name: str
    answer: str
    start: str
    started: Instant | None
    strict: Instant | None
    outer: Instant | None
    share: float | None
    because: str
    by_law: bool
    filed: Instant | None
    history: list[CountedShape]


class DutyShape(Shape):
    """One regime's answer; `strict` is the target date, `outer` is for counsel.

    Where a person decided, `facts_say` is what the facts alone would answer now.
    """

    regime: str
    name: str
    answer: str
    because: str
    stage: str
    strict: Instant | None
    outer: Instant | None
    ask: list[str]
    decided_by: str
    decided_at: Instant | None
    facts_say: str
    facts_because: str
    contradicted: bool
    applies_from: date | None
    would_be: str
    dues: list[DueShape]
    owner: str
    deputy: str


class QuestionShape(Shape):
    """One thing worth asking: what settles most comes first. `asks` says who can answer it."""

    fact: str
    label: str
    note: str
    type: str
    asks: str
    regimes: list[str]


class DisclosureShape(Shape):
    """Whether an audience is told of one's own will."""

    audience: str
    tell: bool
    because: str
    by: str
    at: Instant


class ItemShape(Shape):
    """One line of a notice's form: a value, openly unknown with the reason, or not yet investigated."""

    key: str
    number: str
    label: str
    help: str
    state: str
    value: str
    because: str
    source: str
    required: bool
    when: str
    choices: list[str]
    by: str
    at: Instant | None


class SignatureShape(Shape):
    """One approval of a version."""

    by: str
    capacity: str
    at: Instant


class VersionShape(Shape):
    """Words as they were frozen; the text itself is asked for by number."""

    number: int
    digest: str
    gaps: list[str]
    as_of: Instant
    asked_by: str
    asked_at: Instant | None
    rules: str
    signatures: list[SignatureShape]


class FrozenShape(VersionShape):
    """One version with its words and the facts it rests on."""

    text: str
    facts: dict[str, object]


class CommentShape(Shape):
    """A remark; `quote` are the words it is about."""

    id: str
    by: str
    at: Instant
    text: str
    quote: str
    resolved_by: str


class PrivilegeShape(Shape):
    """Counsel's claim."""

    by: str
    at: Instant
    basis: str
    matter: str
    purpose: str


class FilingShape(Shape):
    """A person sent it."""

    where: str
    reference: str
    proof: str
    at: Instant
    by: str


class NoticeShape(Shape):
    """One notice: the frozen words where a version waits or was approved, else the words as they would be now."""

    id: str
    template: str
    regime: str
    stage: str
    locale: str
    standing: str
    version: int
    digest: str
    gaps: list[str]
    text: str
    approved_by: str
    approved_at: Instant | None
    note: str
    draft_digest: str
    unfilled: str  # why its words cannot be had now
    items: list[ItemShape]
    reworded_by: str
    clashes: list[str]
    comments: list[CommentShape]
    versions: list[VersionShape]
    wanting: list[str]
    """The capacities in which the latest version is still to be signed."""
    privilege: PrivilegeShape | None
    filing: FilingShape | None


class ClockShape(Shape):
    """One legal clock that runs, and what is missing before its notice is filed."""

    incident: str
    title: str
    regime: str
    regime_name: str
    stage: str
    stage_name: str
    sure: bool
    started: Instant | None
    strict: Instant
    outer: Instant | None
    share: float
    by_law: bool
    owner: str
    deputy: str
    notice: str
    standing: str
    missing: list[str]
