"""The catalogue: a service or model with its owner, its targets, who depends on it, and its standing legal facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

PLACES = ("service", "slice", "incident", "since", "until")
"""What a template of `records` may name in braces; times are UTC, as in 2026-11-20T12:00:00Z."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Where a target's requests are counted: a counter `series` of a source, and the label that names the version."""

    source: str
    series: str
    by: str


@dataclass(frozen=True, slots=True)
class Target:
    """Something an action may change for this service, allow-listed by name."""

    name: str
    action: str  # the action shelf's file: router, haproxy, mlflow ...
    settings: Mapping[str, object] = field(default_factory=dict)
    traffic: Traffic | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A mitigation people may propose with one click: a means, a target, its parameters, in words for a button."""

    name: str
    label: str
    means: str  # rollback, traffic, bypass, pause, retrain, restart
    target: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PredictionLog:
    """Where a service's decisions about people stand, which column is what, and which outcomes are adverse.

    `place` is a file, a glob, a DuckDB file or a database's address; the last may hold a password, so it is shown
    nowhere. Times without a zone are those of `timezone`; without one they cannot be read.
    """

    place: str = field(repr=False)
    at: str
    version: str
    person: str
    outcome: str
    adverse: tuple[str, ...]
    table: str = ""
    decision: str = ""
    groups: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    country: str = ""
    state: str = ""
    timezone: str = ""
    memory: str = "1GB"
    threads: int = 2
    seconds: float = 60.0

    @property
    def is_database(self) -> bool:
        """Whether it is a database's table, asked by address."""
        return "://" in self.place

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, each once."""
        single = (self.at, self.version, self.person, self.outcome, self.decision, self.country, self.state)
        return tuple(dict.fromkeys(name for name in (*single, *self.groups, *self.slices) if name))


@dataclass(frozen=True, slots=True)
class Service:
    """One service or model. `tier` 1 is the most important; `value_per_event` is money per good event.

    `on_call` holds keys of people and `rota:NAME`, each a level of its own; where `escalation` names one it is empty.
    """

    name: str
    title: str
    owner: str
    channel: str
    on_call: tuple[str, ...] = ()
    tier: int = 2
    depends_on: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()
    slos: tuple[str, ...] = ()
    runbooks: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    offers: tuple[Offer, ...] = ()
    evidence: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # evidence shelf name → its settings
    value_per_event: Decimal | None = None
    currency: str = "EUR"
    people_per_event: Decimal | None = None
    legal: Mapping[str, object] = field(default_factory=dict)
    prediction_log: PredictionLog | None = None
    escalation: str = ""
    records: Mapping[str, str] = field(default_factory=dict)  # what is kept elsewhere → where, as a template

    def pointers(self, **values: str) -> Mapping[str, str]:
        """Where its records of one incident stand: each template with the values of PLACES filled in."""
        return {name: template.format_map(values) for name, template in self.records.items()}

    def target(self, name: str) -> Target | None:
        """The allow-listed target of that name, if there is one."""
        return next((target for target in self.targets if target.name == name), None)

    def offer(self, name: str) -> Offer | None:
        """The prepared mitigation of that name, if there is one."""
        return next((offer for offer in self.offers if offer.name == name), None)
