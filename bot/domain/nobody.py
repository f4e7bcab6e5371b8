"""Nobody is on call for an incident that pages: who is paged in their place, and that this was said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, says

if TYPE_CHECKING:
    from bot.domain.incident import Incident

STANDS_IN = "s"
"""What stands before the level in the key of a page to somebody who is not on call."""
TOLD = 3
"""So many of those who are paged instead are named."""
_STANDS_IN, _ON_CALL = re.compile(rf"{STANDS_IN}\d"), re.compile(r"\d")


class Lack(StrEnum):
    """Why an incident's own escalation pages nobody."""

    UNSAID = "unsaid"
    """It has no service, an unknown one, or one with nobody on call in its file."""
    VACANT = "vacant"
    """The escalation is there, and nobody stands on any level of it now."""

    @property
    def words(self) -> str:
        """As it is said, in the midst of a sentence."""
        return "no service says who is on call for this" if self is Lack.UNSAID else "nobody is on call for this now"


@dataclass(frozen=True, slots=True)
class Nobody:
    """That it was said, at which return of the breach, and who was to be paged instead (opaque ids)."""

    lack: Lack
    people: tuple[str, ...]
    returns: int
    at: datetime

    def tells(self, incident: Incident, lack: Lack, people: tuple[str, ...]) -> bool:
        """Whether it need not be said again: for the same reason, and again with somebody, or nobody, instead."""
        return (self.returns, self.lack, bool(self.people)) == (incident.returns, lack, bool(people))


@dataclass(frozen=True, slots=True)
class ReportNobody(Command):
    """The escalation of this incident pages nobody; only the bot says so."""

    lack: Lack
    people: tuple[str, ...] = ()

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("that nobody is on call is said by the escalation, not by hand")
        known = incident.nobody
        if incident.unclaimed and (known is None or not known.tells(incident, self.lack, self.people)):
            yield NobodyOnCall(self.lack, self.people)


@dataclass(frozen=True, slots=True)
class NobodyOnCall(Event):
    """Nobody was on call for it; these were paged in their place."""

    lack: Lack
    people: tuple[str, ...]

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, nobody=Nobody(self.lack, self.people, incident.returns, entry.at))

    def says(self, by: str) -> Sentence:
        words, slots = instead(self.people)
        return says(f"{self.lack.words}{words}", **slots)


def why_them(incident: Incident, key: str) -> str:
    """Why that page went to somebody who is not on call, in a sentence; "" where it went to somebody who is."""
    mine = incident.nobody is not None and bool(_STANDS_IN.match(key.removeprefix(f"page:{incident.id}:")))
    return f"You are paged because {incident.nobody.lack.words}." if incident.nobody and mine else ""


def unattended(incident: Incident) -> Nobody | None:
    """That nobody is on call, as it was last said, until somebody who is was reached or somebody has taken it."""
    known = incident.nobody
    if known is None or known.returns != incident.returns or not incident.unclaimed:
        return None
    since = [key for key, page in incident.pages.items() if page.reached and page.at >= known.at]
    own = [each for each in since if _ON_CALL.match(each.removeprefix(f"page:{incident.id}:"))]
    return None if own else known


def instead(people: tuple[str, ...]) -> tuple[str, dict[str, Who]]:
    """The end of the sentence, and whom it names: ": Max and Ana are paged instead"."""
    if not people:
        return ", and nobody could be paged instead", {}
    slots = {f"who{number}": Who(each) for number, each in enumerate(people[:TOLD])}
    told = [f"{{{name}}}" for name in slots]
    told += [f"{len(people) - TOLD} more"] if len(people) > TOLD else []
    names = " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
    return f": {names} {'is' if len(people) == 1 else 'are'} paged instead", slots
