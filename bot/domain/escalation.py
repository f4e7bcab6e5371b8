"""Whom a page climbs to when nobody answers, as it stands now, and what is written down when nobody answered at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, says
from bot.domain.nobody import Lack

if TYPE_CHECKING:
    from bot.domain.incident import Incident

ROUNDS = 3
"""How often everybody is paged before it is said that nobody answered, where nothing else is set."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One level: everybody on it is paged at once. `within` is how long they have to acknowledge.

    Nobody stands on it where a rota has a gap: then the next rung is climbed at once. None is the policy's time.
    """

    people: tuple[str, ...] = ()
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """The levels of an escalation with the people who stand on them now (opaque ids).

    After `rounds` times up the whole ladder `end` are told that nobody answered; the climbing goes on all the same.
    `quiet` says until when a person is not to be woken for an incident of this severity: who rests is climbed over.
    `calm` says until when somebody who was paged a moment ago is not paged again: they are waited for. `ways` are the
    channels that can reach a person, in the order in which they are tried. It is asked of a page that was `begun`, and
    is sent whoever rests or would be waited for by now.
    Where nobody is on call (`lack` says why) those on it are paged in their place.
    """

    rungs: tuple[Rung, ...] = ()
    rounds: int = ROUNDS
    end: tuple[str, ...] = ()
    quiet: Mapping[str, datetime] = field(default_factory=dict)
    ways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lack: Lack | None = None
    calm: Mapping[str, datetime] = field(default_factory=dict)
    begun: bool = False

    @classmethod
    def of(cls, people: Sequence[str]) -> Ladder:
        """Each person a level of their own, first one first."""
        return cls(tuple(Rung((person,)) for person in people))

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody on it, lowest rung first, each once."""
        return tuple(dict.fromkeys(person for rung in self.rungs for person in rung.people))

    @property
    def on_call(self) -> tuple[str, ...]:
        """Those of them who are on call, and not in somebody's place."""
        return () if self.lack else self.people


@dataclass(frozen=True, slots=True)
class ReportUnanswered(Command):
    """Everybody was paged as often as the escalation says, and nobody took it; only the bot says so."""

    rounds: int

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not ask.person.is_bot:
            raise Refused("that nobody answered is said by the clock, not by hand")
        if incident.unclaimed and incident.unanswered != incident.returns:
            yield Unanswered(self.rounds)


@dataclass(frozen=True, slots=True)
class Unanswered(Event):
    """Nobody took it although everybody was paged."""

    rounds: int

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, unanswered=incident.returns, unanswered_at=entry.at)

    def says(self, by: str) -> Sentence:
        times = "once" if self.rounds == 1 else f"{self.rounds} times"
        return says("nobody answered: everybody on the escalation was paged {times}", times=times)
