"""What the data say of an incident: its SLI's verdict as it changes, and further breaches that belong to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.log import Ask, Command, Entry, Event, Sentence, When, says
from bot.domain.phase import Phase, require_open

if TYPE_CHECKING:
    from bot.domain.incident import Incident


SILENCE = "silence/"
"""Begins the fingerprint of an incident about somebody who is not heard: there silence is what breaks."""


class Judged(StrEnum):
    """An SLI's verdict. No data is its own answer: it never resolves anything."""

    MET = "met"
    BREACHED = "breached"
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Sli:
    """What the data says of one SLO: verdict, why, since when (by the data), seen when, and the bad events so far."""

    slo: str
    judged: Judged
    because: str
    since: datetime
    seen: datetime
    value: float | None = None  # the SLI over the verdict's long window, 0 to 1
    objective: float | None = None
    bad_events: int = 0
    burn: float | None = None


# -- observe ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ObserveSli(Command):
    """Tell an open incident that the verdict on its SLI changed."""

    sli: Sli

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not incident.is_open:
            return
        known = incident.sli
        if known is not None and known.slo == self.sli.slo and known.judged is self.sli.judged:
            return
        yield SliObserved(self.sli)


@dataclass(frozen=True, slots=True)
class SliObserved(Event):
    """The verdict on the incident's SLI changed. Met again means mitigated, as of when the good run began.

    A breach that comes back is nobody's until somebody acknowledges again: whoever took it may be asleep by now.
    """

    sli: Sli

    @property
    def happened_at(self) -> datetime:
        return self.sli.since

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        if self.sli.judged is Judged.MET:
            return replace(incident, sli=self.sli, phase=Phase.MITIGATED, mitigated=self.sli.since)
        silence = self.sli.judged is Judged.NO_DATA and incident.fingerprint.startswith(SILENCE)
        if (silence or self.sli.judged is Judged.BREACHED) and incident.phase is Phase.MITIGATED:
            back = replace(incident, phase=Phase.DECLARED, returned=entry.at, returns=incident.returns + 1)
            return replace(back, sli=self.sli, mitigated=None)
        return replace(incident, sli=self.sli)

    def says(self, by: str) -> Sentence:
        said = {
            Judged.MET: "{slo} is met again since {since}: {because}",
            Judged.BREACHED: "{slo} is breached since {since}: {because}",
            Judged.NO_DATA: "{slo} sends no data since {since}: {because}; nothing is concluded from it",
        }[self.sli.judged]
        return says(said, slo=self.sli.slo, since=When(self.sli.since), because=self.sli.because)


@dataclass(frozen=True, slots=True)
class Attach(Command):
    """Another SLO of the same service broke: show it on this incident instead of paging again."""

    sli: Sli

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        require_open(incident, "attach a breach")
        if any(have.slo == self.sli.slo and have.judged is self.sli.judged for have in incident.attached):
            return
        yield BreachAttached(self.sli)


@dataclass(frozen=True, slots=True)
class BreachAttached(Event):
    """A further breach belongs to this incident."""

    sli: Sli

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        others = tuple(have for have in incident.attached if have.slo != self.sli.slo)
        return replace(incident, attached=(*others, self.sli))

    def says(self, by: str) -> Sentence:
        return says(
            "{slo} ({judged}) was attached: {because}",
            slo=self.sli.slo,
            judged=self.sli.judged,
            because=self.sli.because,
        )
