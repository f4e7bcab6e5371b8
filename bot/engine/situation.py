"""The common operating picture: an incident, its log and everything a view may look at, at one moment."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.incident import Incident
from bot.domain.log import TOCSIN, Entry
from bot.domain.measures import Measures, measures
from bot.domain.policy import Person, Policy
from bot.domain.runbook import Runbook
from bot.domain.service import Offer, Service
from bot.domain.storm import Digest
from bot.domain.timeline import Line, plain, timeline
from bot.engine.talk import Spoken
from bot.notices.ask import OpenQuestion
from bot.notices.checklist import Item


@dataclass(frozen=True, slots=True)
class Shown:
    """A person as views show them: a name, and an address in the chat where they have one."""

    id: str
    name: str
    slack_team: str = ""
    slack_user: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket of the SLI's chart: good and bad events, or no data (covered is False)."""

    at: datetime
    good: int
    bad: int
    covered: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The SLI over time with its objective (0 to 1), oldest bucket first; `title` is what people call it."""

    slo: str
    objective: float
    bars: tuple[Bar, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A notice's words as the log would have them now: text, digest, and the gaps still open.

    `base` is what the facts alone say, before anybody's rewording; `items` are the lines of its form; `facts` is the
    canonical JSON of what it rests on, `rules` the version of the law's data, `clashes` where wording and facts differ,
    `form` the lines of the form as JSON.
    """

    text: str
    digest: str
    gaps: tuple[str, ...] = ()
    base: str = ""
    items: tuple[Item, ...] = ()
    facts: str = ""
    rules: str = ""
    clashes: tuple[str, ...] = ()
    form: str = ""


@dataclass(frozen=True, slots=True)
class Keepsake:
    """An exhibit as a view lists it."""

    id: str
    name: str
    media_type: str
    sha256: str
    at: datetime


@dataclass(frozen=True)
class Situation:
    """Everything a view may look at. Views are functions of this and nothing else."""

    incident: Incident
    entries: tuple[Entry, ...]
    now: datetime
    service: Service | None = None
    people: Mapping[str, Shown] = field(default_factory=dict)
    charts: tuple[Chart, ...] = ()
    drafts: Mapping[str, Words] = field(default_factory=dict)
    unfilled: Mapping[str, str] = field(default_factory=dict)  # notice → why its words cannot be had now
    runbooks: tuple[Runbook, ...] = ()
    exhibits: tuple[Keepsake, ...] = ()
    notice_kinds: Mapping[str, str] = field(default_factory=dict)  # template → what it is, in words
    questions: tuple[OpenQuestion, ...] = ()  # what would settle the open duties, the most useful first
    on_call: tuple[str, ...] = ()
    web_url: str = ""
    policy: Policy = field(default_factory=Policy)
    directory: tuple[Person, ...] = ()  # everybody, with the badges they have now
    digest: Digest | None = None  # of a storm's umbrella: what came in it
    spoken: Spoken = Spoken(0, 0)  # filled in where somebody looks back  # noqa: RUF009 - frozen

    def name(self, person: str) -> str:
        """A person's name; Tocsin's own for the bot, the id where nobody is known by it."""
        if person == TOCSIN:
            return "Tocsin"
        shown = self.people.get(person)
        return shown.name if shown else person

    def titled(self, slo: str) -> str:
        """What people call an objective; its own name where it has no chart here."""
        return next((chart.title for chart in self.charts if chart.slo == slo and chart.title), slo)

    @property
    def update_overdue(self) -> bool:
        """Whether everybody should have heard again by now."""
        due = self.incident.update_due
        return self.incident.is_open and due is not None and self.now >= due

    @functools.cached_property
    def timeline(self) -> Sequence[Line]:
        """The lines people read."""
        return timeline(self.entries)

    @functools.cached_property
    def measures(self) -> Measures:
        """The durations so far."""
        return measures(self.incident)

    def say(self, line: Line) -> str:
        """A line as plain text with names."""
        return plain(line.sentence, self.name)

    @property
    def offers(self) -> Sequence[tuple[Offer, str]]:
        """Prepared mitigations, fitting ones first, each with a warning where the diagnosis says it will not help."""
        if self.service is None:
            return []
        first = self.incident.hypotheses[0] if self.incident.hypotheses else None
        unfit = dict(reason.split(": ", 1) for reason in first.unfit) if first else {}
        ranked = [(offer, unfit.get(offer.means, "")) for offer in self.service.offers]
        order = {means: place for place, means in enumerate(first.remedies)} if first else {}
        return sorted(ranked, key=lambda pair: (bool(pair[1]), order.get(pair[0].means, len(order))))
