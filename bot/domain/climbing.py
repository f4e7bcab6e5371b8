"""Whom a page climbs to and when, read from the receipts in the log, so that a restart goes on where it stood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from bot.domain.sent import Sent

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
    """Page this person: they are on call and nobody has acknowledged. Channels in `past` were used already.

    It `insists` where an earlier channel took the page and brought no answer; it `rests` until the person is up.
    """

    person: str = ""
    level: int = 0
    past: tuple[str, ...] = ()
    insists: bool = False
    rests: bool = False


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
    instead = STANDS_IN if ladder.lack else ""
    sent = Sent.of(incident, instead)
    waiting: dict[str, PageOwed] = {}  # by person, what they were climbed over with
    for turn in count() if standing else ():
        if turn and turn == ladder.rounds and incident.unanswered != incident.returns:
            key = f"unanswered:{incident.id}:{incident.returns}"
            yield UnansweredOwed(key, due, rounds=turn)
        reached = False
        for level, rung in enumerate(ladder.rungs):
            step = _rung(incident, policy, ladder, rung, _Place(level, turn, due, instead), sent)
            yield from step.owed
            for person in sent.at((turn, level)):
                waiting.pop(person, None)
            waiting.update({each.person: each for each in step.waits})
            if step.next is None:
                yield from waiting.values()
                return
            due, reached = step.next, reached or step.reached
        if turn > sent.last:  # everybody rests, and nobody could be tried
            yield from waiting.values()
            return
        if not reached:
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
    instead: str = ""  # what the keys of those begin with who are not on call


@dataclass(frozen=True, slots=True)
class _Step:
    """What is owed at one rung; `next` is when the next one is climbed, None while that is not known.

    `waits` is for people who were climbed over; of all the times that happened to somebody the last one stands.
    """

    owed: tuple[Owed, ...]
    waits: tuple[PageOwed, ...]
    next: datetime | None
    reached: bool


def _rung(incident: Incident, policy: Policy, ladder: Ladder, rung: Rung, place: _Place, sent: Sent) -> _Step:
    """Everybody on a rung is paged at once. It is left when its time is up, or when nobody on it could be reached.

    Whoever was paged here and stands here no more was paged for one who came since.
    """
    had, left = sent.at((place.turn, place.level)), sent.left((place.turn, place.level))
    insisted: list[Owed] = []
    owed: list[PageOwed] = []
    waits: list[PageOwed] = []
    gone = [at for person, page in had.items() if person not in rung.people and (at := _took(incident, page))]
    accepted, stand_ins, failed = [*gone], len(gone), place.since
    for person in rung.people:
        page = had.get(person)
        took = _took(incident, page) if page is not None else None
        if page is not None and took is not None:
            accepted.append(took)
            insisted += _insist(incident, policy, ladder, page, place.level)
        elif page is None and stand_ins and not ladder.begun:
            stand_ins -= 1
        elif (one := _owed(incident, ladder, rung, place, had, person)) is None:
            _tries, last = tried(incident, _key(incident, rung, place, had, person))
            failed = max(failed, last or failed)
        elif not ladder.begun and (one.rests or left is not None):
            waits.append(one)
        else:
            owed.append(one)
    if accepted:
        end: datetime | None = min(accepted) + (rung.within or policy.acknowledge_within[incident.severity])
    else:  # where nobody on this rung can be reached: the next one at once
        end = None if owed and left is None and not ladder.begun else failed
    if left is not None and end is not None:
        end = min(end, left)
    return _Step((*owed, *insisted), tuple(waits), end, bool(accepted))


def _owed(
    incident: Incident, ladder: Ladder, rung: Rung, place: _Place, had: Mapping[str, Page], person: str
) -> PageOwed | None:
    """The page to somebody on a rung whom none has reached yet; None where they were tried in vain.

    The second time round one try must do. One that was lost on the way goes on by the channels that are left.
    """
    key = _key(incident, rung, place, had, person)
    tries, last = tried(incident, key)
    page = had.get(person)
    past = _past(incident, ladder, page, person)
    newest = max(_chain(incident, page), key=lambda each: each.at) if page is not None else None
    further = newest is not None and newest.lost_at and past and ladder.ways.get(person)
    if tries >= (TRIES if place.turn == 0 else 1) and not further:
        return None
    due = place.since if last is None else last + BETWEEN_TRIES
    up = ladder.quiet.get(person, due)
    due, rests = max(due, up, ladder.calm.get(person, due)), up > due
    return PageOwed(key, due, attempt=tries + 1, person=person, level=place.level, past=past, rests=rests)


def _chain(incident: Incident, page: Page) -> Iterator[Page]:
    """A page, and the same by the further channels it was insisted by."""
    yield page
    for number in count(1):
        again = incident.pages.get(f"{page.key}:c{number}")
        if again is None:
            return
        yield again


def _took(incident: Incident, page: Page) -> datetime | None:
    """When a page reached somebody first, by whatever channel; None where it did not, or was lost on the way."""
    return min((each.at for each in _chain(incident, page) if each.reached), default=None)


def _past(incident: Incident, ladder: Ladder, page: Page | None, person: str) -> tuple[str, ...]:
    """The channels a page was lost by; none once that were all there are."""
    lost = tuple(dict.fromkeys(name for each in _chain(incident, page) for name in each.lost)) if page else ()
    ways = ladder.ways.get(person, ())
    return () if ways and set(ways) <= set(lost) else lost


def _insist(incident: Incident, policy: Policy, ladder: Ladder, page: Page, level: int) -> Iterator[Owed]:
    """The same person by their next channel, where the one that took the page brought no answer for a while.

    What was lost on the way meanwhile is followed by the next channel at once.
    """
    ways = ladder.ways.get(page.person, ())
    if not policy.insist_after or page.channel not in ways:
        return
    past, due = [*page.lost, page.channel], page.at + policy.insist_after
    for number in range(1, len(ways)):
        key = f"{page.key}:c{number}"
        again, (tries, at) = incident.pages.get(key), tried(incident, key)
        if again is not None and again.reached:
            past.append(again.channel)
            due = again.at + policy.insist_after
        elif again is not None and again.lost_at is not None:
            past.append(again.channel)
            due = again.lost_at
        elif again is not None or tries >= TRIES or set(ways) <= set(past):
            return  # no further channel took it: it is not tried again in this round
        else:
            due = due if at is None else at + BETWEEN_TRIES
            due = max(due, ladder.quiet.get(page.person, due))
            used = tuple(dict.fromkeys(past))
            yield PageOwed(key, due, tries + 1, person=page.person, level=level, past=used, insists=True)
            return


def _end(incident: Incident, ladder: Ladder) -> Iterator[Owed]:
    """Whoever is to be told that nobody answered is paged as well."""
    for person in ladder.end:
        key = f"page:{incident.id}:end:{person}" + (f":b{incident.returns}" if incident.returns else "")
        page, (tries, last) = incident.pages.get(key), tried(incident, key)
        if (page is None or not page.reached) and incident.unanswered_at is not None:
            wait = BETWEEN_TRIES if tries < TRIES else min(ROUND_AGAIN * 2 ** min(tries - TRIES, 8), LONGEST_ROUND)
            due = incident.unanswered_at if last is None else last + wait
            past = _past(incident, ladder, page, person)
            yield PageOwed(key, due, attempt=tries + 1, person=person, past=past)


def page_key(incident: Incident, level: int | str, turn: int = 0) -> str:
    """The key of a page: whose turn it is, how often the list was gone through, and how often the breach came back."""
    again = f":b{incident.returns}" if incident.returns else ""
    return f"page:{incident.id}:{level}" + (f":r{turn}" if turn else "") + again


def _key(incident: Incident, rung: Rung, place: _Place, had: Mapping[str, Page], person: str) -> str:
    """The key of one person's page on a rung: the one under which they were paged, whoever else stood there then.

    Where a person stands alone their name is no part of it, unless another was tried there in vain. Those who stand in
    have keys of their own: whoever is on call again is paged although somebody was paged in their place.
    """
    if (page := had.get(person)) is not None:
        return page.key
    key = page_key(incident, f"{place.instead}{place.level}", place.turn)
    named = f"{key}:{person}"
    return key if len(rung.people) == 1 and not had and named not in incident.troubles else named


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
            lost = incident.pages[key].lost if key in incident.pages else ()
            yield PageOwed(key, due, attempt=tries + 1, person=call.person, past=lost)


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
        again = f":s{page.attempts}" if page.attempts > 1 else ""  # each sending is followed, and stopped, by itself
        if page.ref and page.reached and not page.final and page.looks < len(FOLLOW_AFTER) and incident.unclaimed:
            due = page.at + FOLLOW_AFTER[page.looks]
            look = page.looks + 1
            yield FollowOwed(f"follow:{incident.id}:{name}:{look}{again}", due, page=page.key, look=look)
        over, since = _over(incident)
        if page.rings and page.reached and over and since is not None and page.stood_down not in ("resolved", over):
            key = f"down:{incident.id}:{name}:{over}{again}"
            trouble = incident.troubles.get(key)
            if trouble is None or trouble.count < STOP_TRIES:
                yield StandDownOwed(key, since, page=page.key, over=over)


def _over(incident: Incident) -> tuple[str, datetime | None]:
    """Why pages may stop: it was resolved, or somebody has it in hand."""
    if incident.resolved is not None:
        return "resolved", incident.resolved
    return ("", None) if incident.unclaimed else ("acknowledged", incident.acknowledged)
