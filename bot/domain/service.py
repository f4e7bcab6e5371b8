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
class Service:
    """One service or model. `tier` 1 is the most important; `value_per_event` is money per good event."""

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
