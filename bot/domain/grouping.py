"""Where an alert belongs: the same alert, the same service, what that depends on, all within a time; else anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.alert import Alert
from bot.domain.alerts import born_of_alerts
from bot.domain.incident import Incident
from bot.domain.log import TOCSIN
from bot.domain.noise import AlertRules
from bot.domain.sli import Judged

OWN_HEALTH = "tocsin"
"""The service under which the bot watches itself; its alerts are never held."""


# -- what is known ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """Planned work: alerts of these services are held until it ends. `owner` answers for it."""

    start: datetime
    end: datetime
    services: frozenset[str]
    because: str
    owner: str = ""

    def holds(self, service: str, now: datetime) -> bool:
        """Whether alerts of that service are held now."""
        return service != OWN_HEALTH and service in self.services and self.start <= now < self.end


class Graph:
    """Which service depends on which, as the catalogue says; a circle is no trouble."""

    def __init__(self, depends_on: Mapping[str, Iterable[str]]) -> None:
        self._depends_on = {name: tuple(others) for name, others in depends_on.items()}
        self._upstream: dict[str, Mapping[str, int]] = {}
        self._downstream: dict[str, set[str]] = {}
        for name in self._depends_on:
            for other in self.upstream(name):
                self._downstream.setdefault(other, set()).add(name)

    def upstream(self, service: str) -> Mapping[str, int]:
        """Everything that service depends on, directly or not, and over how many steps."""
        known = self._upstream.get(service)
        if known is None:
            found: dict[str, int] = {}
            edge, steps = list(self._depends_on.get(service, ())), 1
            while edge:
                fresh = [name for name in dict.fromkeys(edge) if name != service and name not in found]
                found |= dict.fromkeys(fresh, steps)
                edge, steps = [each for name in fresh for each in self._depends_on.get(name, ())], steps + 1
            known = self._upstream[service] = found
        return known

    def related(self, service: str) -> frozenset[str]:
        """The service itself, what it depends on, and what depends on it."""
        return frozenset({service, *self.upstream(service), *self._downstream.get(service, ())})


@dataclass(frozen=True, slots=True)
class Standing:
    """An open incident as far as grouping looks at it.

    `spans` are, by service, when the first and the last of its alerts began to fire (for others, when they were
    declared). `taken` says that people have a hand in it: then the bot does not merge it away.
    """

    id: str
    service: str
    spans: Mapping[str, tuple[datetime, datetime]]
    declared: datetime
    born: bool = True
    taken: bool = False
    burning: bool = False
    keys: frozenset[str] = field(default_factory=frozenset)

    def with_alert(self, spans: Mapping[str, tuple[datetime, datetime]], keys: frozenset[str]) -> Standing:
        """The same after an alert joined it."""
        return replace(self, spans=spans, keys=keys)

    def with_other(self, other: Standing) -> Standing:
        """The same after another incident was merged into it."""
        spans = dict(self.spans)
        for service, (first, last) in other.spans.items():
            mine = spans.get(service, (first, last))
            spans[service] = (min(first, mine[0]), max(last, mine[1]))
        return replace(self, spans=spans, keys=self.keys | other.keys)

    def near(self, service: str, at: datetime, together: timedelta) -> bool:
        """Whether an alert of that service that began then came with this incident."""
        span = self.spans.get(service)
        if span is None:
            return False
        return (self.burning and service == self.service) or span[0] - together <= at <= span[1] + together


def standing(incident: Incident) -> Standing | None:
    """What grouping looks at; None for what no other alert may join: restricted, closed, or a storm's umbrella."""
    if not incident.is_open or incident.restricted or incident.storm is not None or incident.declared_at is None:
        return None
    spans: dict[str, tuple[datetime, datetime]] = {}
    born = born_of_alerts(incident)
    starts = [(each.service or incident.service, each.starts) for each in incident.alerts.values()]
    if not born:
        starts += [(incident.service, each) for each in (incident.onset, incident.declared_at) if each is not None]
    for service, at in starts:
        first, last = spans.get(service, (at, at))
        spans[service] = (min(first, at), max(last, at))
    spans.pop("", None)
    known = [each for each in (incident.sli, *incident.attached) if each is not None]
    return Standing(
        incident.id,
        incident.service,
        spans,
        incident.declared_at,
        born,
        taken(incident),
        any(each.judged is Judged.BREACHED for each in known) and incident.mitigated is None,
        frozenset(incident.alerts),
    )


def taken(incident: Incident) -> bool:
    """Whether people have a hand in it."""
    if incident.declared_by not in ("", TOCSIN) or incident.moved:  # declared or split by somebody
        return True
    hands = (incident.acknowledged, incident.parts, incident.notes, incident.mitigations, incident.whys, incident.room)
    return any(hands) or bool(incident.calls)


class Board:
    """Every open incident at hand by service, so that an alert is held against few of thousands."""

    def __init__(self) -> None:
        self._all: dict[str, Standing] = {}
        self._of: dict[str, set[str]] = {}

    def __contains__(self, incident: str) -> bool:
        return incident in self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def get(self, incident: str) -> Standing | None:
        """The incident, if it is known."""
        return self._all.get(incident)

    def put(self, standing: Standing) -> None:
        """Know an incident as it stands now."""
        self.drop(standing.id)
        self._all[standing.id] = standing
        for service in standing.spans:
            self._of.setdefault(service, set()).add(standing.id)

    def drop(self, incident: str) -> None:
        """Know nothing of an incident any more."""
        known = self._all.pop(incident, None)
        for service in known.spans if known is not None else ():
            self._of[service].discard(incident)

    def around(self, service: str, graph: Graph) -> list[Standing]:
        """The incidents an alert of that service could have to do with."""
        if not service:
            return []
        names = {name for each in graph.related(service) for name in self._of.get(each, ())}
        return [self._all[name] for name in names]


# -- where it belongs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attach:
    """It belongs to this incident; `also` are others that the alert shows to be the same thing."""

    incident: str
    because: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """It belongs to none: an incident is opened, and `also` turn out to be part of that."""

    because: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """It waits until planned work ends."""

    window: Window


Place = Attach | Open | Held
Seen = Sequence[tuple[str, datetime]]
"""Alerts that were over before anybody heard of them: service and beginning. They belong to none and still link."""


def place(
    alert: Alert,
    standing: Collection[Standing],
    graph: Graph,
    rules: AlertRules,
    now: datetime,
    *,
    windows: Iterable[Window] = (),
    seen: Seen = (),
) -> Place:
    """Where a firing alert belongs, with the reason people read.

    The outcome does not hang on the order in which alerts are told: what links two incidents nobody has taken merges
    them, in whatever order the three came.
    """
    same = next((each for each in standing if alert.key in each.keys), None)
    if same is not None:
        return Attach(same.id, "the same alert")
    held = next((each for each in windows if each.holds(alert.service, now)), None)
    return Held(held) if held is not None else among(alert, standing, graph, rules, seen=seen)


def among(
    alert: Alert, standing: Collection[Standing], graph: Graph, rules: AlertRules, *, seen: Seen = ()
) -> Attach | Open:
    """The same by service, dependencies and time alone."""
    if not alert.service:
        return Open("no open incident has this alert, and it names no service")
    links = _chain(alert, graph, rules, seen)
    found = [(each, steps) for each in standing if (steps := _linked(each, links, graph, rules)) is not None]
    targets = sorted(((each, steps) for each, steps in found if steps >= 0), key=_order)
    if not targets:
        also = tuple(sorted(each.id for each, _steps in found if each.born and not each.taken))
        return Open(f"nothing else is open for {alert.service} or what it depends on", also)
    target, steps = targets[0]
    also = tuple(sorted(each.id for each, way in found if _part_of(each, way, target, steps, graph)))
    return Attach(target.id, _because(alert, target, steps, rules), also)


def _order(pair: tuple[Standing, int]) -> tuple[bool, int, datetime, str]:
    """What people have in hand for the same service first; then whatever is most upstream, and the earliest of that."""
    each, steps = pair
    return not (each.taken and steps == 0), -steps, each.declared, each.id


def _part_of(each: Standing, way: int, target: Standing, steps: int, graph: Graph) -> bool:
    """Whether the alert shows an incident nobody has taken to be part of the one it joins: never a cause of it."""
    if each.id == target.id or not each.born or each.taken or way > steps:
        return False
    return each.service == target.service or target.service in graph.upstream(each.service)


def _related(one: str, other: str, graph: Graph) -> int | None:
    """0 for the same service, over how many steps `one` depends on `other`, below zero the other way; else None."""
    if one == other:
        return 0
    if (up := graph.upstream(one).get(other)) is not None:
        return up
    down = graph.upstream(other).get(one)
    return None if down is None else -down


def _chain(alert: Alert, graph: Graph, rules: AlertRules, seen: Seen) -> list[tuple[str, datetime]]:
    """The alert, and whatever was over at once and links on from there."""
    links, left = [(alert.service, alert.starts)], list(seen)
    for service, at in links:
        near = [e for e in left if abs(e[1] - at) <= rules.together and _related(service, e[0], graph) is not None]
        links += near
        left = [each for each in left if each not in near]
    return links


def _linked(each: Standing, links: Sequence[tuple[str, datetime]], graph: Graph, rules: AlertRules) -> int | None:
    """How an incident that came at the same time stands to the alert's service; None where nothing links them.

    0 where it is of that service, over how many steps upstream it is, or below zero: it depends on that service, and
    joins the alert's incident instead.
    """
    near = any(
        _related(service, theirs, graph) is not None and each.near(theirs, at, rules.together)
        for service, at in links
        for theirs in each.spans
    )
    if not near:
        return None
    own = links[0][0]
    steps = _related(own, each.service, graph)
    return 0 if steps is None and own in each.spans else steps


def _because(alert: Alert, target: Standing, steps: int, rules: AlertRules) -> str:
    if steps:
        return f"{alert.service} depends on {target.service}, which is in trouble already"
    if target.burning:
        return f"{alert.service} is in trouble already"
    return f"also {alert.service}, within {rules.together.total_seconds() / 60:g} minutes"
