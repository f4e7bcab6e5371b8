"""What responders and instruments found out, each with its source, and the ranked explanations that follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import ANYBODY

if TYPE_CHECKING:
    from bot.domain.incident import Incident


class Cause(StrEnum):
    """The explanations Tocsin tells apart."""

    TRAINING_DATA = "training_data"
    FEATURE_PIPELINE = "feature_pipeline"
    CODE_CHANGE = "code_change"
    CONCEPT_DRIFT = "concept_drift"
    UPSTREAM = "upstream"
    CAPACITY = "capacity"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: what, its source, when and by whom; `bears` moves hypotheses (+ for, - against)."""

    id: str
    text: str
    source: str
    at: datetime
    by: str
    bears: tuple[tuple[str, float], ...] = ()
    link: str = ""
    said: str = ""  # the message it was taken from
    gone: datetime | None = None  # taken back, or its message was deleted


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One explanation with its share of belief (0 to 1), the findings for and against, and the cheapest next test."""

    cause: Cause
    belief: float
    supported_by: tuple[str, ...]
    opposed_by: tuple[str, ...]
    next_test: str
    remedies: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()  # kinds of mitigation that would not help, each "kind: why"


MOST = 0.99


def certainty(belief: float) -> str:
    """A share of belief in words; nobody is ever quite sure, of it or against it."""
    if belief > MOST:
        return "over 99 %"
    return "under 1 %" if belief < 1 - MOST else f"{100 * belief:.0f} %"


@dataclass(frozen=True, slots=True)
class RecordFinding(Command):
    """Write down something found. The same words from the same source, or the same message, are one finding."""

    text: str
    source: str
    bears: tuple[tuple[str, float], ...] = ()
    link: str = ""
    seen: datetime | None = None
    said: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ANYBODY, "record a finding")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        text = self.text.strip()
        if not text:
            raise Refused("a finding needs words")
        standing = [known for known in incident.findings if known.gone is None]
        if any(known.text == text and known.source == self.source for known in standing):
            return
        if self.said and any(known.said == self.said for known in standing):
            return
        name = f"F{len(incident.findings) + 1}"
        yield FindingRecorded(name, text, self.source, self.bears, self.link, self.seen, self.said)


@dataclass(frozen=True, slots=True)
class FindingRecorded(Event):
    """Something was found."""

    id: str
    text: Words
    source: str
    bears: tuple[tuple[str, float], ...]
    link: Words
    seen: datetime | None
    said: str = ""

    @property
    def happened_at(self) -> datetime | None:
        return self.seen

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        when = entry.happened_at
        finding = Finding(self.id, self.text, self.source, when, entry.by, self.bears, self.link, self.said)
        return replace(incident, findings=(*incident.findings, finding))

    def says(self, by: str) -> Sentence:
        return says("{id} from {source}, by {who}: {text}", id=self.id, source=self.source, who=Who(by), text=self.text)


@dataclass(frozen=True, slots=True)
class Diagnose(Command):
    """Put the explanations in order; only when the order or the evidence changed."""

    ranking: tuple[Hypothesis, ...]
    missing: tuple[str, ...] = ()  # evidence that could not be had in time, each "source: why"

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        if incident.diagnosed is not None and incident.hypotheses == self.ranking:
            return
        yield HypothesesRanked(self.ranking, self.missing)


@dataclass(frozen=True, slots=True)
class HypothesesRanked(Event):
    """The explanations in order of belief, the likeliest first."""

    ranking: tuple[Hypothesis, ...]
    missing: tuple[str, ...]

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        cause = self.ranking[0].cause if self.ranking else ""
        return replace(incident, hypotheses=self.ranking, diagnosed=entry.at, cause=str(cause))

    def says(self, by: str) -> Sentence:
        gaps = f"; not to be had: {', '.join(self.missing)}" if self.missing else ""
        if not self.ranking:
            return says("no explanation is supported by the evidence{gaps}", gaps=gaps)
        first = self.ranking[0]
        words = "the likeliest cause is {cause} ({belief}), supported by {findings}{gaps}"
        return says(
            words,
            cause=first.cause.replace("_", " "),
            belief=certainty(first.belief),
            findings=", ".join(first.supported_by) or "nothing yet",
            gaps=gaps,
        )


@dataclass(frozen=True, slots=True)
class AttachReport(Command):
    """A drift report was written and kept as the exhibit of that id; "" says that it could not be."""

    exhibit: str
    because: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        if not incident.reported:
            yield ReportAttached(self.exhibit or "none", self.because)


@dataclass(frozen=True, slots=True)
class ReportAttached(Event):
    """The incident has its drift report, or a reason why there is none."""

    exhibit: str
    because: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, reported=self.exhibit)

    def says(self, by: str) -> Sentence:
        if self.exhibit == "none":
            return says("no drift report: {because}", because=self.because)
        return says("a drift report was attached")
