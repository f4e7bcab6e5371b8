"""Whom a page climbs to next and when, and that nobody answered: what people must see while nobody has taken it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.climbing import PageOwed, UnansweredOwed, pages
from bot.domain.escalation import Ladder
from bot.domain.incident import Incident
from bot.domain.nobody import TOLD, Lack
from bot.domain.phase import Phase
from bot.domain.policy import Policy, Urgency

Name = Callable[[str], str]
Time = Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class Insisting:
    """The same person by their next channel, where the last one brought no answer, before anybody else is paged."""

    person: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Ahead:
    """The next page of an escalation; nobody in `people` where it cannot be known yet, or nobody is on call.

    `again` is whether all of them were paged before. `gives_up` is when it will be said that nobody answered, where
    that comes next, and `end` who is told then. `unanswered` is since when that is said, `told` who was reached with
    it; `unreached`: every page so far failed. `lack` is why `instead` are paged although they are not on call.
    """

    people: tuple[str, ...] = ()
    due: datetime | None = None
    again: bool = False
    insisting: tuple[Insisting, ...] = ()
    gives_up: datetime | None = None
    end: tuple[str, ...] = ()
    unanswered: datetime | None = None
    told: tuple[str, ...] = ()
    nobody: bool = False
    unreached: bool = False
    lack: Lack | None = None
    instead: tuple[str, ...] = ()


def ahead(incident: Incident, policy: Policy, ladder: Ladder) -> Ahead | None:
    """What comes next while nobody has taken it; None where nobody is to be paged, or somebody answered."""
    if incident.phase is not Phase.DECLARED or incident.urgency is not Urgency.PAGE or incident.is_silent:
        return None
    owed = [*pages(incident, policy, ladder)]
    end = f"page:{incident.id}:end:"
    mine = [each for each in owed if isinstance(each, PageOwed) and not each.key.startswith(end)]
    climbs = [each for each in mine if not each.insists]
    due = min((each.due for each in climbs), default=None)
    people = tuple(dict.fromkeys(each.person for each in climbs if each.due == due))
    begun = incident.returned or incident.declared_at
    since = [each for each in incident.pages.values() if begun is None or each.at >= begun]
    reached = {each.person for each in since if each.reached}
    return Ahead(
        people=people,
        due=due,
        again=bool(people) and reached.issuperset(people),
        insisting=tuple(
            Insisting(each.person, each.due) for each in mine if each.insists and (due is None or each.due < due)
        ),
        gives_up=next((each.due for each in owed if isinstance(each, UnansweredOwed)), None),
        end=ladder.end,
        unanswered=incident.unanswered_at if incident.unanswered == incident.returns else None,
        told=tuple(dict.fromkeys(each.person for each in since if each.reached and each.key.startswith(end))),
        nobody=not ladder.people,
        unreached=bool(since) and not reached,
        lack=ladder.lack,
        instead=ladder.people if ladder.lack else (),
    )


def names(people: Sequence[str], name: Name) -> str:
    """Ana; Ana and Ben; Ana, Ben and Max."""
    told = [name(each) for each in people]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def next_words(known: Ahead, now: datetime, name: Name, time: Time) -> str:
    """Whom it climbs to next and when, in a sentence or two; "" where that is not known."""
    said = []
    for each in known.insisting:
        when = f"at {time(each.due)}" if each.due > now else "now"
        said.append(f"{name(each.person)} is tried by their next channel {when}.")
    if known.people and known.due is not None:
        are, again = ("is" if len(known.people) == 1 else "are"), " again" if known.again else ""
        told = f"{names(known.people, name)} {are}"
        later = f"{told} paged{again} at {time(known.due)} if nobody answers."
        said.append(later if known.due > now else f"{told} being paged{again} now.")
    if known.gives_up is not None and known.gives_up > now:
        end = f", and {names(known.end, name)} {_hear(known.end)} of it" if known.end else ""
        said.append(f"At {time(known.gives_up)} it is said that nobody answered{end}.")
    return " ".join(said)


def loud_words(known: Ahead, name: Name, time: Time) -> str:
    """What must not be overlooked: nobody answered, is on call or was reached; "" where all is well."""
    if known.unanswered is not None:
        told = f" {names(known.told, name)} {'was' if len(known.told) == 1 else 'were'} told." if known.told else ""
        return f"Nobody answered: since {time(known.unanswered)} everybody on the escalation has been paged.{told}"
    if known.nobody and known.lack is None:
        return "Nobody is on call for this, so nobody is paged. Page somebody by name."
    lack = _lack_words(known, name)
    if known.unreached:
        return f"{lack} No page has reached anybody yet. Page somebody by name, or call them.".lstrip()
    return lack


def _lack_words(known: Ahead, name: Name) -> str:
    """Why others than those on call are paged; "" where that is not so."""
    if known.lack is None:
        return ""
    words = known.lack.words[0].upper() + known.lack.words[1:]
    if not known.instead:
        return f"{words}, and nobody could be paged instead. Page somebody by name."
    told = [name(each) for each in known.instead[:TOLD]]
    told += [f"{len(known.instead) - TOLD} more"] if len(known.instead) > TOLD else []
    return f"{words}: {names(told, str)} {'is' if len(known.instead) == 1 else 'are'} paged instead."


def _hear(people: Sequence[str]) -> str:
    return "hears" if len(people) == 1 else "hear"
