"""Looks whether the files agree with one another: every name must stand for something, and no circle may close."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.config.escalations import Escalations
from bot.config.fit import closest, listing
from bot.config.maintenance import OWN
from bot.config.marks import Marked
from bot.config.people import People
from bot.config.regimes import Regimes, enabled, is_pattern
from bot.config.rotas import Rotas
from bot.config.runbooks import Written
from bot.config.services import Catalogue, Catalogued
from bot.domain.errors import Problem
from bot.domain.runbook import Kind
from bot.domain.service import Service
from bot.notices.facts import UnreadableError
from bot.rota.escalation import climbed_for, everybody
from bot.slo.spec import Expression, Origin, Slo

SCRAPED = ("openmetrics", "predictions")  # sources without a query language

Places = Mapping[tuple[Origin, str], tuple[int, int]]
"""Where an objective (by its origin) names its service, source or runbook: line and column."""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything read so far, and every name that stands in a file, even where the file has mistakes of its own."""

    page: Marked
    sources: frozenset[str] = frozenset()
    people: People = field(default_factory=People)
    catalogue: Catalogue = field(default_factory=lambda: Catalogue({}, frozenset()))
    slos: tuple[Slo, ...] = ()
    slo_names: frozenset[str] = frozenset()
    slo_places: Places = field(default_factory=dict)
    books: Mapping[str, Written] = field(default_factory=dict)
    book_names: frozenset[str] = frozenset()
    regimes: Regimes | None = None
    regime_names: tuple[str, ...] = ()
    rotas: Rotas = field(default_factory=Rotas)
    escalations: Escalations = field(default_factory=Escalations)
    pagers: tuple[str, ...] = ()

    def ever_on_call(self, service: Service) -> tuple[str, ...]:
        """Keys of everybody who may be paged for it; a schedule kept elsewhere may name anybody, a broken file too."""
        climbed = climbed_for(service, self.escalations.by_name)
        unread = service.escalation and service.escalation not in self.escalations.by_name
        if unread or any(name not in self.rotas.by_name for name in climbed.rotas):
            return tuple(self.people.by_key)
        return everybody(climbed.paged, self.rotas.by_name)


def problems(known: Known) -> Iterator[Problem]:
    """Every name that stands for nothing, file by file."""
    if known.regimes is not None:
        for index, name in enumerate(known.regime_names):
            if not is_pattern(name):
                yield from unknown("regime", name, known.regimes.by_id, known.page, "regimes", index)
            elif not enabled([name], known.regimes):
                yield known.page.problem(f"no regime is called like {name!r}", "regimes", index)
        legal = known.page.get("organisation", "legal")
        if isinstance(legal, dict):
            yield from _of_facts(legal, known.regimes, known.page, "organisation", "legal")
    for slo in known.slos:
        yield from _of_slo(slo, known)
        yield from _of_queries(slo, known)
    for each in known.catalogue.by_name.values():
        yield from _of_service(each, known)
        yield from _of_mitigations(each, known)
    yield from _circles(known.catalogue)
    yield from _shared_targets(known.catalogue)
    for written in known.books.values():
        yield from _of_runbook(written, known)


def warnings(known: Known, *, shipped: Path, slack_off: bool, instead: str = "") -> Iterator[Problem]:
    """What is no mistake, and yet a person should know. `instead` is who is paged where nobody is on call."""
    if slack_off:
        yield known.page.problem("Slack is off: incidents are shown in the web console, and nobody is paged", "slack")
    for each in known.catalogue.by_name.values():
        service = each.service
        if service.name == OWN:
            continue  # it has objectives of its own, and administrators where nobody is on call
        if not service.on_call and not service.escalation:
            paged = f": pages go to {instead}" if instead else ""
            yield each.page.problem(f"nobody is on call for {service.name}{paged}", "on_call")
        if not service.slos:
            yield each.page.problem(f"no objective watches {service.name}", "name")
    yield from _by_hand(known, shipped)


def _by_hand(known: Known, shipped: Path) -> Iterator[Problem]:
    """Steps of this installation's own runbooks that offer a change nobody has prepared."""
    prepared = {offer.means for each in known.catalogue.by_name.values() for offer in each.service.offers}
    if not prepared:
        return  # nobody expects a button here
    for written in known.books.values():
        if Path(written.page.file).is_relative_to(shipped):
            continue  # those are for every service: each act step says what to do where nothing is prepared
        for index, step in enumerate(written.book.steps):
            means = step.params.get("means") if step.kind is Kind.ACT else None
            if means is not None and means not in prepared:
                what = f"no service has a {means} prepared: whoever comes to this step does it by hand"
                yield written.page.problem(what, "steps", index, "params", "means", expected="an offer of that means")


def unknown(what: str, name: str, there_is: Collection[str], page: Marked, *path: str | int) -> Iterator[Problem]:
    """A problem where there is nothing of that name."""
    if name not in there_is:
        written = isinstance(page.get(*path), str)  # else it came from outside and is not to be shown
        shown = f"{name!r}{closest(name, there_is)}" if written else "of that name"
        yield page.problem(f"there is no {what} {shown}", *path, expected=listing(there_is))


def _of_slo(slo: Slo, known: Known) -> Iterator[Problem]:
    asked: list[tuple[str, str | None, frozenset[str]]] = [
        ("service", slo.service, known.catalogue.named),
        ("source", slo.source, known.sources),
        ("runbook", slo.runbook, known.book_names),
    ]
    asked += [("source", part.source, known.sources) for part in slo.parts if part.source]
    for what, name, there_is in asked:
        if name is not None and name not in there_is and slo.origin is not None:
            says = f"the objective {slo.name!r} names the {what} {name!r}, which is not there{closest(name, there_is)}"
            place = known.slo_places.get((slo.origin, what), (slo.origin.line, slo.origin.column))
            yield Problem(slo.origin.file, *place, says, listing(there_is))


def _of_queries(slo: Slo, known: Known) -> Iterator[Problem]:
    """Queries that somebody must work out, asked of a source that only shows what there is."""
    asked = [query for measure in slo.measures for query in measure.queries if isinstance(query, Expression)]
    if asked and slo.origin is not None and known.page.get("sources", slo.source, "kind") in SCRAPED:
        text = " ".join(asked[0].text.split())
        says = f"the objective {slo.name!r} asks for {text[:60]!r}, and {slo.source!r} only shows raw series"
        place = known.slo_places.get((slo.origin, "source"), (slo.origin.line, slo.origin.column))
        yield Problem(slo.origin.file, *place, says, "one selector in each query, or a source of kind prometheus")


def _of_service(each: Catalogued, known: Known) -> Iterator[Problem]:
    service, page = each.service, each.page
    lists: list[tuple[str, str, tuple[str, ...], frozenset[str]]] = [
        ("depends_on", "service", service.depends_on, known.catalogue.named),
        ("runbooks", "runbook", service.runbooks, known.book_names),
    ]
    for key, what, names, there_is in lists:
        for index, name in enumerate(names):
            yield from unknown(what, name, there_is, page, key, index)
    for index, name in enumerate(page.get("slos") or ()):
        yield from unknown("objective", name, known.slo_names, page, "slos", index)
        owner = next((slo.service for slo in known.slos if slo.name == name), service.name)
        if owner != service.name:
            yield page.problem(f"the objective {name!r} is of {owner}, not of {service.name}", "slos", index)
    if known.regimes is not None:
        yield from _of_facts(each.service.legal, known.regimes, each.page, "legal")


def _of_facts(facts: Mapping[str, object], regimes: Regimes, page: Marked, *path: str) -> Iterator[Problem]:
    for name, value in facts.items():
        fact = regimes.facts.get(name)
        if fact is None:
            what = f"there is no fact {name!r}{closest(name, regimes.facts)}"
            yield page.problem(what, *path, name, key=True, expected="a fact of templates/notices/facts.yaml")
            continue
        try:
            fact.type.read(value)
        except (UnreadableError, TypeError) as wrong:
            why = wrong if isinstance(wrong, UnreadableError) else "the value is not of this fact's kind"
            yield page.problem(f"{name}: {why}", *path, name, expected=str(fact.type))


def _of_mitigations(each: Catalogued, known: Known) -> Iterator[Problem]:
    service, page = each.service, each.page
    yield from _twice("target", [target.name for target in service.targets], "targets", page)
    yield from _twice("offer", [offer.name for offer in service.offers], "offers", page)
    for index, offer in enumerate(service.offers):
        targets = [target.name for target in service.targets]
        yield from unknown("target", offer.target, targets, page, "offers", index, "target")
    for index in range(len(service.targets)):
        counted = page.get("targets", index, "traffic", "source")
        if counted is not None:
            yield from unknown("source", counted, known.sources, page, "targets", index, "traffic", "source")
    for index, name in enumerate(service.runbooks):
        written = known.books.get(name)
        for reference, _ in written.references() if written else ():
            if reference.what == "offer" and service.offer(reference.name) is None:
                what = f"the runbook {name!r} offers {reference.name!r}, which {service.name} does not have"
                yield page.problem(what, "runbooks", index, expected=listing(offer.name for offer in service.offers))


def _twice(what: str, names: list[str], key: str, page: Marked) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield page.problem(f"the {what} {name!r} stands here twice", key, index, "name", expected="each name once")


def _shared_targets(catalogue: Catalogue) -> Iterator[Problem]:
    """Targets two services call by one name: cool-downs and approvals know a target by its name alone."""
    first: dict[str, Catalogued] = {}
    for each in catalogue.by_name.values():
        for index, target in enumerate(each.service.targets):
            holder = first.setdefault(target.name, each)
            if holder is not each:
                what = f"the target {target.name!r} is {holder.service.name}'s already"
                yield each.page.problem(what, "targets", index, "name", expected="a name no other service uses")


def _of_runbook(written: Written, known: Known) -> Iterator[Problem]:
    there_is = {"slo": ("objective", known.slo_names), "person": ("person", known.people.named)}
    for reference, path in written.references():
        if reference.what in there_is:
            what, names = there_is[reference.what]
            yield from unknown(what, reference.name, names, written.page, *path)


def _circles(catalogue: Catalogue) -> Iterator[Problem]:
    """Services that depend on themselves by way of others; each circle is told once, where its first service stands."""
    told: set[frozenset[str]] = set()
    for name, each in catalogue.by_name.items():
        circle = _circle(name, catalogue.by_name)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            index = each.service.depends_on.index(circle[1] if len(circle) > 1 else name)
            what = f"{name} depends on itself: {' → '.join([*circle, name])}"
            yield each.page.problem(what, "depends_on", index, expected="no circle")


def _circle(start: str, services: Mapping[str, Catalogued]) -> list[str]:
    """The shortest way from a service back to itself, without the return; empty where there is none."""
    ways, seen = [[start]], set[str]()
    while ways:
        way = ways.pop(0)
        for name in services[way[-1]].service.depends_on:
            if name == start:
                return way
            if name not in seen and name in services:
                seen.add(name)
                ways.append([*way, name])
    return []


def watched(service: Service, slos: Iterable[Slo]) -> tuple[str, ...]:
    """The names of a service's objectives: those its file lists, then those whose own file names it."""
    return tuple(dict.fromkeys([*service.slos, *(slo.name for slo in slos if slo.service == service.name)]))
