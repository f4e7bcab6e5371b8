"""The status page's part of an incident: its statements, what this person may do with each, and a new one begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.duty import READERS
from bot.domain.errors import Refused
from bot.domain.status import Kind, State, Statement, Step, behind, current
from bot.domain.status_page import Component
from bot.engine.situation import Situation
from bot.engine.speaking import begun, kind_of
from bot.engine.values import Profile
from bot.web.access import Area, may_read
from bot.web.door import Console


@dataclass(frozen=True, slots=True)
class Card:
    """One statement with what this person may do, and why they may not approve it."""

    statement: Statement
    write: bool
    freeze: bool
    approve: bool
    back: bool
    publish: bool
    correct: bool
    withdraw: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What the section shows."""

    components: tuple[Component, ...]
    titled: dict[str, str]
    concerned: frozenset[str]
    cards: tuple[Card, ...]
    current: dict[str, State]
    may_draft: bool
    kind: Kind
    title: str
    text: str
    unfilled: str
    behind: Statement | None
    publisher: str
    public: bool
    suggested: dict[str, State]  # what a new statement begins with
    kinds: tuple[tuple[str, str], ...] = tuple((str(each), str(each)) for each in Kind)
    states: tuple[State, ...] = tuple(State)


def section(here: Console, who: Profile, situation: Situation) -> Section | None:
    """The section, or None where there is no status page."""
    board, incident, rules = here.house.status, situation.incident, here.desk.handler.policy.status
    if board is None or rules is None or not may_read(who, Area.STATUS):
        return None
    badges = who.person.badges
    may_draft, may_approve = bool(badges & READERS), bool(badges & rules.approve)
    title = text = unfilled = ""
    if may_draft:
        try:
            title, text = begun(here.desk.drafter, situation)
        except Refused as refused:
            unfilled = refused.because
    late, kind = behind(incident), kind_of(situation)
    return Section(
        components=board.components,
        titled={each.name: each.title for each in board.components},
        concerned=frozenset(each.name for each in board.components if incident.service in each.services),
        cards=tuple(
            _card(each, may_draft=may_draft, may_approve=may_approve, own=rules.own(each, who.id))
            for each in reversed(list(incident.statements.values()))
        ),
        current=dict(current(incident)),
        may_draft=may_draft,
        kind=kind,
        title=title,
        text=text,
        unfilled=unfilled,
        behind=late,
        suggested=_suggested(kind, current(incident)),
        publisher=situation.name(late.published_by) if late else "",
        public=board.public,
    )


def _suggested(kind: Kind, now: Mapping[str, State]) -> dict[str, State]:
    """How the components are said to be now; at the end, operational."""
    return dict.fromkeys(now, State.OPERATIONAL) if kind is Kind.RESOLVED else dict(now)


def _card(each: Statement, *, may_draft: bool, may_approve: bool, own: bool) -> Card:
    waits, live = each.step is Step.FROZEN, each.step is Step.PUBLISHED
    why = ""
    if waits and own:
        why = "You wrote it or asked for its approval: a second person approves it."
    elif waits and not may_approve:
        why = "Somebody who may approve for the status page must read it."
    return Card(
        statement=each,
        write=may_draft and each.step in {Step.DRAFT, Step.FROZEN, Step.APPROVED},
        freeze=may_draft and each.step is Step.DRAFT,
        approve=waits and may_approve and not own,
        back=may_approve and each.step in {Step.FROZEN, Step.APPROVED},
        publish=may_draft and each.step is Step.APPROVED,
        correct=may_draft and live,
        withdraw=may_approve if each.step in {Step.PUBLISHED, Step.CORRECTED} else may_draft and not _over(each),
        why_not=why,
    )


def _over(each: Statement) -> bool:
    return each.step in {Step.WITHDRAWN, Step.DROPPED}
