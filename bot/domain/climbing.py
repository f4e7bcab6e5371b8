"""Whom a page climbs to and when, read from the receipts in the log, so that a restart goes on where it stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from bot.domain.escalation import Ladder, Rung
from bot.domain.incident import Incident
from bot.domain.mitigation import State
from bot.domain.nobody import STANDS_IN, Lack
from bot.domain.paging import Page
from bot.domain.phase import Phase
from bot.domain.policy import Policy, Urgency

TRIES = 3
"""How often one page is tried before the next person is paged instead."""

BETWEEN_TRIES = timedelta(seconds=5)
ROUND_AGAIN, LONGEST_ROUND = timedelta(minutes=1), timedelta(minutes=5)
"""At the end of a list on which nobody could be reached it begins again after this long, each time twice as long."""

FOLLOW_AFTER = tuple(timedelta(seconds=each) for each in (10, 30, 60, 180, 600))
"""How long after a page was taken its provider is asked what became of it."""

STOP_TRIES = 8
"""How often a provider is told that a page is over before it is left alone."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing to do, once, from `due` on. `key` is deterministic; `attempt` counts tries of what may be repeated."""

    key: str
    due: datetime
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class PageOwed(Owed):
    """Page this person: they are on call and nobody has acknowledged. Channels in `past` were used already."""

    person: str = ""
    level: int = 0
    past: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnansweredOwed(Owed):
    """Say that everybody was paged and nobody answered."""

    rounds: int = 0


@dataclass(frozen=True, slots=True)
class NobodyOwed(Owed):
    """Say that nobody is on call, and who is paged instead."""

    lack: Lack = Lack.UNSAID
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowOwed(Owed):
    """Ask the provider what became of a page."""

    page: str = ""
    look: int = 0


@dataclass(frozen=True, slots=True)
class StandDownOwed(Owed):
    """Tell the provider that a page is over."""

    page: str = ""
    over: str = ""


# -- climbing --------------------------------------------------------------------------------------------------------


def pages(incident: Incident, policy: Policy, ladder: Ladder) -> Iterator[Owed]:
    """The pages that are owed until somebody acknowledges: level by level, round after round, more patiently."""
    if incident.phase is not Phase.DECLARED or incident.detected is None or incident.urgency is not Urgency.PAGE:
        return
    begun = incident.returned or incident.declared_at or incident.detected
    due, standing = begun, bool(ladder.people)
    yield from _nobody(incident, ladder, begun)
    if ladder.end and incident.unanswered == incident.returns:
        yield from _end(incident, ladder)
    for turn in count() if standing else ():
        if turn and turn == ladder.rounds and incident.unanswered != incident.returns:
            key = f"unanswered:{incident.id}:{incident.returns}"
            yield UnansweredOwed(key, due, rounds=turn)
        for level, rung in enumerate(ladder.rungs):
            step = _rung(incident, policy, ladder, rung, _Place(level, turn, due))
            yield from step.owed
            if step.next is None:
                return
            due = step.next
        if not any(_reached(incident, ladder, rung, level, turn) for level, rung in enumerate(ladder.rungs)):
            due += min(ROUND_AGAIN * 2 ** min(turn, 8), LONGEST_ROUND)  # nobody could be reached: patience grows


def _nobody(incident: Incident, ladder: Ladder, begun: datetime) -> Iterator[NobodyOwed]:
    """That nobody is on call is said at once, and once; whoever stands in is paged meanwhile."""
    said, people = incident.nobody, ladder.people
    if ladder.lack is not None and (said is None or not said.tells(incident, ladder.lack, people)):
        key = f"nobody:{incident.id}:{incident.returns}:{ladder.lack}:{len(people)}"
        yield NobodyOwed(key, begun, lack=ladder.lack, people=people)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where on the ladder: which rung, which time round, and from when on."""

    level: int
    turn: int
    since: datetime


@dataclass(frozen=True, slots=True)
class _Step:
    """What is owed at one rung; `next` is when the next one is climbed, None while that is not known."""

    owed: tuple[Owed, ...]
    next: datetime | None


def _rung(incident: Incident, policy: Policy, ladder: Ladder, rung: Rung, place: _Place) -> _Step:
    """Everybody on a rung is paged at once. It is left when its time is up, or when nobody on it could be reached."""
    owed: list[Owed] = []
    accepted: list[datetime] = []
    failed = place.since
    for person in rung.people:
        key = rung_key(incident, ladder, place.level, place.turn, person)
        page, (tries, last) = incident.pages.get(key), tried(incident, key)
        if page is not None and page.reached:
            accepted.append(page.at)
            owed += _insist(incident, policy, ladder, page, place.level)
        elif tries < (TRIES if place.turn == 0 else 1):
            due = place.since if last is None else last + BETWEEN_TRIES
            due = max(due, ladder.quiet.get(person, due))
            owed.append(PageOwed(key, due, attempt=tries + 1, person=person, level=place.level))
        elif last is not None:
            failed = max(failed, last)
    if accepted:
        within = rung.within or policy.acknowledge_within[incident.severity]
        return _Step(tuple(owed), min(accepted) + within)
    if owed:
        return _Step(tuple(owed), None)
    return _Step((), failed)  # nobody on this rung was reached: the next one at once


def _insist(incident: Incident, policy: Policy, ladder: Ladder, page: Page, level: int) -> Iterator[Owed]:
    """The same person by their next channel, where the one that took the page brought no answer for a while."""
    ways = ladder.ways.get(page.person, ())
    if not policy.insist_after or page.channel not in ways:
        return
    past, last = [page.channel], page.at
    for number in range(1, len(ways)):
        key = f"{page.key}:c{number}"
        again, (tries, at) = incident.pages.get(key), tried(incident, key)
        if again is not None and again.reached:
            past.append(again.channel)
            last = again.at
        elif tries:
            last = at or last  # no further channel took it: it is not tried again in this round
            return
        else:
            yield PageOwed(
                key, last + policy.insist_after, person=page.person, level=level, past=tuple(past)
            )  # fmt: skip
            return


def _end(incident: Incident, ladder: Ladder) -> Iterator[Owed]:
    """Whoever is to be told that nobody answered is paged as well."""
    for person in ladder.end:
        key = f"page:{incident.id}:end:{person}" + (f":b{incident.returns}" if incident.returns else "")
        page, (tries, last) = incident.pages.get(key), tried(incident, key)
        if (page is None or not page.reached) and incident.unanswered_at is not None:
            wait = BETWEEN_TRIES if tries < TRIES else min(ROUND_AGAIN * 2 ** min(tries - TRIES, 8), LONGEST_ROUND)
            due = incident.unanswered_at if last is None else last + wait
            yield PageOwed(key, due, attempt=tries + 1, person=person)


def page_key(incident: Incident, level: int | str, turn: int = 0) -> str:
    """The key of a page: whose turn it is, how often the list was gone through, and how often the breach came back."""
    again = f":b{incident.returns}" if incident.returns else ""
    return f"page:{incident.id}:{level}" + (f":r{turn}" if turn else "") + again


def rung_key(incident: Incident, ladder: Ladder, level: int, turn: int, person: str) -> str:
    """The key of one person's page on a rung. Where a person stands alone their name is no part of it.

    So a hand-off while a page waits for its acknowledgement pages nobody anew: the rung was paged. Those who stand in
    have keys of their own: whoever is on call again is paged although somebody was paged in their place.
    """
    key = page_key(incident, level if ladder.lack is None else f"{STANDS_IN}{level}", turn)
    return key if len(ladder.rungs[level].people) == 1 else f"{key}:{person}"


def _reached(incident: Incident, ladder: Ladder, rung: Rung, level: int, turn: int) -> bool:
    return any(_taken(incident, rung_key(incident, ladder, level, turn, person)) for person in rung.people)


# -- by name ---------------------------------------------------------------------------------------------------------


def calls(incident: Incident) -> Iterator[Owed]:
    """Pages to people who were asked for by name; after a few failures whoever asked must find another way.

    Nobody asked where nobody can tell what became of a change: then it is tried until one of those people is reached.
    """
    unknown = {each.id for each in incident.mitigations.values() if each.state is State.UNKNOWN}
    reached = {(call.change, call.at) for call in incident.calls if _taken(incident, call.key(incident.id))}
    for call in incident.calls if incident.is_open or unknown else ():
        key = call.key(incident.id)
        tries, last = tried(incident, key)
        wait = BETWEEN_TRIES
        if tries >= TRIES:
            if call.change not in unknown or (call.change, call.at) in reached:
                continue
            wait = min(ROUND_AGAIN * 2 ** min(tries - TRIES, 8), LONGEST_ROUND)
        if not _taken(incident, key):
            due = last + wait if last is not None else call.at
            yield PageOwed(key, due, attempt=tries + 1, person=call.person)


def _taken(incident: Incident, key: str) -> bool:
    page = incident.pages.get(key)
    return page is not None and page.reached


def tried(incident: Incident, key: str) -> tuple[int, datetime | None]:
    """How often a page was tried and failed, and when last: by its receipts, and by what broke before one was had."""
    page, trouble = incident.pages.get(key), incident.troubles.get(key)
    times = [each.at for each in (page, trouble) if each is not None]
    return (page.attempts if page else 0) + (trouble.count if trouble else 0), max(times, default=None)


# -- afterwards ------------------------------------------------------------------------------------------------------


def following(incident: Incident) -> Iterator[Owed]:
    """What providers are still to be asked, and told, about pages they took."""
    for page in incident.pages.values():
        if not page.ref and not page.rings:
            continue
        name = page.key.removeprefix(f"page:{incident.id}:")
        if page.ref and page.reached and not page.final and page.looks < len(FOLLOW_AFTER) and incident.unclaimed:
            due = page.at + FOLLOW_AFTER[page.looks]
            yield FollowOwed(f"follow:{incident.id}:{name}:{page.looks + 1}", due, page=page.key, look=page.looks + 1)
        over, since = _over(incident)
        if page.rings and page.reached and over and since is not None and page.stood_down not in ("resolved", over):
            key = f"down:{incident.id}:{name}:{over}"
            trouble = incident.troubles.get(key)
            if trouble is None or trouble.count < STOP_TRIES:
                yield StandDownOwed(key, since, page=page.key, over=over)


def _over(incident: Incident) -> tuple[str, datetime | None]:
    """Why pages may stop: it was resolved, or somebody has it in hand."""
    if incident.resolved is not None:
        return "resolved", incident.resolved
    return ("", None) if incident.unclaimed else ("acknowledged", incident.acknowledged)
