"""A service or model as its page and the API show it: read from the catalogue, the watch and the list of incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import NotFound
from bot.domain.incident import Incident
from bot.domain.mitigation import EFFECTIVE, Mitigation
from bot.domain.service import Offer, Service, Target
from bot.engine.board import ServiceNow, service_now
from bot.engine.values import Profile, Summary
from bot.web.door import Console
from bot.web.objectives import Stand, standing
from bot.web.saying import Drift, drift_in, loaded, past

MODEL_EVIDENCE = frozenset({"drift", "lineage", "mlflow"})
MODEL_ACTIONS = frozenset({"mlflow", "kserve", "sagemaker"})
ENDED = frozenset({"resolved", "closed"})
PAST = 30
"""So many past incidents are listed."""


@dataclass(frozen=True, slots=True)
class Row:
    """A service in the list."""

    service: Service
    kind: str
    on_call: tuple[str, ...]
    stands: tuple[Stand, ...]
    open: tuple[Summary, ...]

    @property
    def worst(self) -> Stand | None:
        """The objective with the least of its budget left; none of them before anything was counted."""
        judged = [each for each in self.stands if each.verdict is not None]
        return min(judged, key=lambda each: each.standing.budget.remaining, default=None)


@dataclass(frozen=True, slots=True)
class Linked:
    """Another service, or whoever is named where the catalogue holds no such service."""

    name: str
    title: str
    known: bool


@dataclass(frozen=True, slots=True)
class Running:
    """What the record says runs on a target: the last change that took effect and was not taken back."""

    incident: str
    mitigation: str
    at: datetime
    serves: Mapping[str, float]
    said: str


@dataclass(frozen=True, slots=True)
class Changeable:
    """A target with what is prepared for it and who may do what."""

    target: Target
    offers: tuple[Offer, ...]
    running: Running | None
    proposers: tuple[str, ...]
    approvers: tuple[str, ...] | None
    """None where the rules of the class decide."""
    automatic: tuple[str, ...]
    frozen: tuple[tuple[str, datetime], ...]
    """What keeps it from being changed now, and until when."""


@dataclass(frozen=True, slots=True)
class Regime:
    """A regime that is watched, with its answer by the standing facts alone."""

    id: str
    name: str
    jurisdiction: str
    answer: str
    because: str
    asks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything its page shows."""

    service: Service
    kind: str
    stands: tuple[Stand, ...]
    open: tuple[Summary, ...]
    ended: tuple[Summary, ...]
    ladder: ServiceNow
    depends_on: tuple[Linked, ...]
    used_by: tuple[Linked, ...]
    targets: tuple[Changeable, ...]
    drift: Drift | None
    regimes: tuple[Regime, ...]


def kind_of(service: Service) -> str:
    """Whether it is a model: something is asked of it that only models have."""
    by_action = any(target.action in MODEL_ACTIONS for target in service.targets)
    model = service.prediction_log is not None or bool(service.evidence.keys() & MODEL_EVIDENCE) or by_action
    return "model" if model else "service"


async def rows(here: Console, who: Profile) -> list[Row]:
    """Every service: what is in trouble first, then the most important."""
    open_now = await _open_now(here, who)
    stands: dict[str, list[Stand]] = {}
    for stand in standing(here):
        stands.setdefault(stand.slo.service, []).append(stand)
    now = here.desk.clock.now()
    made = []
    for service in here.desk.catalogue.services.values():
        ladder = await service_now(here.desk.roster, service, now)
        people = ladder.levels[0].people if ladder.levels else ()
        mine = (tuple(stands.get(service.name, ())), tuple(open_now.get(service.name, ())))
        made.append(Row(service, kind_of(service), tuple(each.name for each in people), *mine))
    return sorted(made, key=lambda row: (not row.open, row.service.tier, row.service.title.casefold()))


async def whole(here: Console, who: Profile, name: str) -> Whole:
    """One service. Raises NotFound naming what there is."""
    services = here.desk.catalogue.services
    service = services.get(name)
    if service is None:
        raise NotFound("service", name, sorted(services))
    found = await past(here, who, name, PAST)
    incidents = await loaded(here, found)
    now = here.desk.clock.now()
    dependent = [each.name for each in services.values() if name in each.depends_on]
    return Whole(
        service=service,
        kind=kind_of(service),
        stands=tuple(standing(here, name)),
        open=tuple((await _open_now(here, who)).get(name, ())),
        ended=tuple(each for each in found if each.phase in ENDED),
        ladder=await service_now(here.desk.roster, service, now),
        depends_on=_linked(services, service.depends_on),
        used_by=_linked(services, [*dependent, *service.consumers]),
        targets=tuple(_changeable(here, service, target, incidents, now) for target in service.targets),
        drift=drift_in(incidents),
        regimes=_regimes(here, service, now),
    )


async def _open_now(here: Console, who: Profile) -> dict[str, list[Summary]]:
    """What is open and this person may see, by service, the worst first: however old it is."""
    found: dict[str, list[Summary]] = {}
    for each in await here.house.past.open_now() if here.house.past is not None else ():
        if not each.restricted or await here.may_see(who, await here.desk.log.load(each.id)):
            found.setdefault(each.service, []).append(each)
    return found


def _linked(services: Mapping[str, Service], names: Iterable[str]) -> tuple[Linked, ...]:
    return tuple(
        Linked(name, services[name].title if name in services else name, name in services)
        for name in dict.fromkeys(names)
    )


def _changeable(
    here: Console, service: Service, target: Target, incidents: Sequence[Incident], now: datetime
) -> Changeable:
    policy = here.desk.handler.policy
    rules = policy.rules_of(target.name)
    frozen = [
        (each.because, until)
        for each in policy.freezes
        if (not each.targets or target.name in each.targets) and (until := each.until(now)) is not None
    ]
    return Changeable(
        target,
        tuple(offer for offer in service.offers if offer.target == target.name),
        running(target.name, incidents),
        tuple(sorted(policy.proposers(target.name))),
        None if rules.approve is None else tuple(sorted(rules.approve)),
        tuple(sorted(str(means) for means in rules.automatic)),
        tuple(frozen),
    )


def running(target: str, incidents: Sequence[Incident]) -> Running | None:
    """The newest change of that target among these incidents that took effect and stands."""
    found: list[tuple[datetime, Incident, Mitigation]] = [
        (each.applied_at, incident, each)
        for incident in incidents
        for each in incident.mitigations.values()
        if each.plan.target == target and each.state in EFFECTIVE and each.applied_at is not None
    ]
    if not found:
        return None
    at, incident, change = max(found, key=lambda each: each[0])
    return Running(incident.id, change.id, at, change.plan.serves, change.detail)


def _regimes(here: Console, service: Service, now: datetime) -> tuple[Regime, ...]:
    """Those that may ask for something of an incident here, then those that are ruled out whatever happens."""
    order = {"yes": 0, "unknown": 1, "no": 2}
    found = [
        Regime(
            regime.id, regime.name, regime.jurisdiction, told.answer, told.because, tuple(map(regime.label, told.ask))
        )
        for regime, told in here.desk.drafter.of_service(service, now.date())
    ]
    return tuple(sorted(found, key=lambda each: (order[each.answer], each.jurisdiction, each.name)))
