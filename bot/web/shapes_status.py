"""The status page as JSON: what its readers take away, and the statements of an incident as the console tells them."""

from __future__ import annotations

from datetime import date

from bot.domain.status import Statement
from bot.domain.status_page import Announced, Row, Told
from bot.engine.situation import Situation
from bot.engine.status import Copy
from bot.web.shape import Instant, Shape


class StatementShape(Shape):
    """One statement of an incident, wherever it stands on its way to the page. `digest` is that of its words now."""

    id: str
    kind: str
    title: str
    text: str
    states: dict[str, str]
    step: str
    digest: str
    corrects: str
    corrected_by: str
    authors: list[str]
    approved_by: str
    approved_at: Instant | None
    published_by: str
    published_at: Instant | None
    note: str


class DayShape(Shape):
    """One day of a component, by what was stated; of a day nothing was stated of, "operational"."""

    day: date
    worst: str
    trouble_s: float


class ComponentShape(Shape):
    """One component."""

    name: str
    title: str
    state: str
    days: list[DayShape]


class SaidShape(Shape):
    """One published statement; of a withdrawn one the words are gone. The text is Markdown."""

    id: str
    kind: str
    title: str
    text: str
    states: dict[str, str]
    at: Instant
    step: str
    changed: Instant | None
    digest: str


class MatterShape(Shape):
    """One matter with its statements, the newest first."""

    id: str
    title: str
    began: Instant
    over: Instant | None
    worst: str
    statements: list[SaidShape]


class PlannedShape(Shape):
    """Planned maintenance."""

    start: Instant
    end: Instant
    components: list[str]
    text: str


class StatusShape(Shape):
    """The whole page."""

    title: str
    organisation: str
    as_of: Instant
    stale: bool
    state: str
    components: list[ComponentShape]
    now: list[MatterShape]
    planned: list[PlannedShape]
    past: list[MatterShape]


def statement(each: Statement, situation: Situation) -> StatementShape:
    """A statement with the names of people."""

    def name(person: str) -> str:
        return situation.name(person) if person else ""

    return StatementShape(
        id=each.id,
        kind=each.kind,
        title=each.title,
        text=each.text,
        states={component: str(state) for component, state in each.states},
        step=each.step,
        digest=each.said,
        corrects=each.corrects,
        corrected_by=each.corrected_by,
        authors=sorted(name(person) for person in each.authors),
        approved_by=name(each.approved_by),
        approved_at=each.approved_at,
        published_by=name(each.published_by),
        published_at=each.published_at,
        note=each.note,
    )


def whole(copy: Copy, title: str, organisation: str) -> StatusShape:
    """The page as it was last read."""
    page = copy.page
    return StatusShape(
        title=title,
        organisation=organisation,
        as_of=copy.as_of,
        stale=copy.stale,
        state=page.worst,
        components=[_component(row) for row in page.rows],
        now=[_matter(each) for each in page.now],
        planned=[_planned(each) for each in page.planned],
        past=[_matter(each) for each in page.past],
    )


def _component(row: Row) -> ComponentShape:
    days = [DayShape(day=each.day, worst=each.worst, trouble_s=each.long.total_seconds()) for each in row.days]
    return ComponentShape(name=row.name, title=row.title, state=row.state, days=days)


def _planned(each: Announced) -> PlannedShape:
    return PlannedShape(start=each.start, end=each.end, components=list(each.components), text=each.text)


def _matter(told: Told) -> MatterShape:
    said = [
        SaidShape(
            id=each.mark,
            kind=each.kind,
            title=each.title,
            text=each.text,
            states={title: str(state) for title, state in each.states},
            at=each.at,
            step=each.step,
            changed=each.changed,
            digest=each.digest,
        )
        for each in told.said
    ]
    return MatterShape(
        id=told.mark, title=told.title, began=told.began, over=told.over, worst=told.worst, statements=said
    )
