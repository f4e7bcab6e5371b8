"""The status page as its readers see it: read off approved statements and announced maintenance, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from bot.domain.status import (
    Kind,
    State,
    Statement,
    Step,
    courses,
    shown,
    standing,
)

if TYPE_CHECKING:
    from bot.domain.incident import Incident

DAYS = 90
"""How far back the page tells."""


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the house as its users know it; `services` are the parts of the catalogue behind it."""

    name: str
    title: str
    services: tuple[str, ...] = ()
    public: bool = True


@dataclass(frozen=True, slots=True)
class Announced:
    """Planned maintenance that was put into words for readers; whoever reviews its file approves them."""

    start: datetime
    end: datetime
    components: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """One statement as readers see it. Words of a withdrawn one, or of erased ones, are gone."""

    mark: str
    kind: Kind
    title: str
    text: str
    states: tuple[tuple[str, State], ...]  # by the components' titles
    at: datetime
    step: Step
    changed: datetime | None = None  # when it was corrected or withdrawn
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One matter: its statements, the newest first, from when to when it was so by what they say."""

    mark: str
    title: str
    said: tuple[Said, ...]
    began: datetime
    over: datetime | None
    worst: State


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a component: the worst that was stated, and for how long it was not operational."""

    day: date
    worst: State
    long: timedelta


@dataclass(frozen=True, slots=True)
class Row:
    """One component: how it is by what stands on the page, and its days, the oldest first."""

    name: str
    title: str
    state: State
    days: tuple[Day, ...]

    @property
    def long(self) -> timedelta:
        """For how long trouble was stated in all of them; maintenance is not trouble."""
        return sum((each.long for each in self.days), timedelta())


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Everything one edition of the page shows."""

    rows: tuple[Row, ...]
    now: tuple[Told, ...]
    planned: tuple[Announced, ...]
    past: tuple[Told, ...]

    @property
    def worst(self) -> State:
        """The worst state of any component."""
        return max((row.state for row in self.rows), key=lambda each: each.rank, default=State.OPERATIONAL)


Span = tuple[datetime, datetime | None, State]


def page_of(
    incidents: Iterable[Incident],
    components: Sequence[Component],
    announced: Sequence[Announced],
    at: datetime,
) -> StatusPage:
    """The page at that time, of these incidents, showing these components alone."""
    titles = {each.name: each.title for each in components}
    since = at - timedelta(days=DAYS)
    told: list[Told] = []
    spans: dict[str, list[Span]] = {name: [] for name in titles}
    for incident in incidents:
        for name, span in _spans(standing(incident)):
            if name in spans:
                spans[name].append(span)
        if (one := _told(incident, titles)) is not None and (one.over is None or one.over >= since):
            told.append(one)
    planned = tuple(sorted((each for each in _seen(announced, titles) if each.end > at), key=lambda each: each.start))
    for each in _seen(announced, titles):
        for name in each.components:
            if each.start <= at:
                spans[name].append((each.start, each.end, State.MAINTENANCE))
    told.sort(key=lambda each: each.said[0].at, reverse=True)
    return StatusPage(
        rows=tuple(Row(name, title, _state(spans[name], at), _days(spans[name], at)) for name, title in titles.items()),
        now=tuple(each for each in told if each.over is None),
        planned=tuple(_titled(each, titles) for each in planned),
        past=tuple(each for each in told if each.over is not None),
    )


def _seen(announced: Iterable[Announced], titles: Mapping[str, str]) -> list[Announced]:
    """Those that concern a component of this edition, with these components alone."""
    found = []
    for each in announced:
        names = tuple(name for name in each.components if name in titles)
        if names:
            found.append(Announced(each.start, each.end, names, each.text))
    return found


def _titled(each: Announced, titles: Mapping[str, str]) -> Announced:
    return Announced(each.start, each.end, tuple(titles[name] for name in each.components), each.text)


def _told(incident: Incident, titles: Mapping[str, str]) -> Told | None:
    """The matter as readers of this edition see it; None where nothing of it is theirs."""
    ever = shown(incident)
    if not any(name in titles for each in ever for name, _state in each.states):
        return None
    mine = [each for each in ever if _concerns(each, titles)]
    counted = [each for each in standing(incident) if each in mine]
    last = counted[-1] if counted else None
    over = None
    if last is None:
        over = max(each.ended_at or each.published_at or each.since for each in mine if each.since is not None)
    elif last.kind is Kind.RESOLVED:
        over = last.since
    states = [state for each in counted for name, state in each.states if name in titles]
    worst = max(states, key=lambda each: each.rank, default=State.OPERATIONAL)
    said = tuple(_said(each, titles) for each in reversed(mine))
    began = min(each.since for each in mine if each.since is not None)
    called = [each.title for each in counted if each.kind is not Kind.RESOLVED] or [each.title for each in counted]
    title = called[-1] if called else "A statement that was withdrawn"
    return Told(mine[0].mark, title, said, began, over, worst)


def _concerns(each: Statement, titles: Mapping[str, str]) -> bool:
    """Whether it speaks of a component of this edition, of no component, or of the end of the matter."""
    return not each.states or each.kind is Kind.RESOLVED or any(name in titles for name, _state in each.states)


def _said(each: Statement, titles: Mapping[str, str]) -> Said:
    at = each.published_at
    assert at is not None  # noqa: S101 - of what was published
    gone = each.step is Step.WITHDRAWN or not each.sound
    states = () if gone else tuple((titles[name], state) for name, state in each.states if name in titles)
    title, text = ("", "") if gone else (each.title, each.text)
    step = Step.WITHDRAWN if gone else each.step
    return Said(each.mark, each.kind, title, text, states, at, step, each.ended_at, "" if gone else each.digest)


def _spans(counted: Sequence[Statement]) -> Iterable[tuple[str, Span]]:
    """Per component, from when to when it was how; the last one has no end."""
    course = list(courses(counted))
    for index, (since, states) in enumerate(course):
        until = course[index + 1][0] if index + 1 < len(course) else None
        for name, state in states.items():
            if state is not State.OPERATIONAL:
                yield name, (since, until, state)


def _state(spans: Iterable[Span], at: datetime) -> State:
    held = [state for since, until, state in spans if since <= at and (until is None or until > at)]
    return max(held, key=lambda each: each.rank, default=State.OPERATIONAL)


def _days(spans: Sequence[Span], at: datetime) -> tuple[Day, ...]:
    today = at.astimezone(UTC).date()
    return tuple(_day(spans, today - timedelta(days=back), at) for back in reversed(range(DAYS)))


def _day(spans: Iterable[Span], day: date, at: datetime) -> Day:
    begins = datetime.combine(day, time(), UTC)
    ends = min(begins + timedelta(days=1), at)
    worst, trouble = State.OPERATIONAL, []
    for since, until, state in spans:
        start, stop = max(since, begins), min(until or at, ends)
        if start >= stop:
            continue
        worst = max(worst, state, key=lambda each: each.rank)
        if state is not State.MAINTENANCE:
            trouble.append((start, stop))
    return Day(day, worst, _length(trouble))


def _length(stretches: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """How long they are together, each moment once."""
    long, reached = timedelta(), None
    for start, stop in sorted(stretches):
        begin = start if reached is None else max(start, reached)
        long += max(timedelta(), stop - begin)
        reached = stop if reached is None else max(reached, stop)
    return long
