"""The catalogue, `services/*.yaml`: each service with its owner, its people, its targets and its standing facts."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.config.files import listed, read_page
from bot.config.fit import Fitter, kept
from bot.config.marks import Marked
from bot.config.prediction_log import read_prediction_log
from bot.config.shelves import Models, settings_model
from bot.domain.errors import Invalid
from bot.domain.mitigation import Means
from bot.domain.service import PLACES, Offer, Service, Target, Traffic
from bot.slo.spec import Selector

_NAME = r"^[a-z0-9][a-z0-9._-]*$"
_LABEL = 75  # the text of a Slack button (api.slack.com/reference/block-kit/block-elements#button)


class TrafficModel(BaseModel):
    """Where a target's requests are counted, so that a change is proved by them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    """A source of tocsin.yaml."""
    series: str
    """A counter: `requests_total{model="visits"}`."""
    by: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The label that names the version."""


class TargetModel(BaseModel):
    """Something an action may change for this service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=_NAME)
    action: str
    """The file of the action shelf that knows how: router, haproxy, mlflow …"""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What that action asks for."""
    traffic: TrafficModel | None = None


class OfferModel(BaseModel):
    """A mitigation people may propose with one click."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=_NAME)
    label: str = Field(min_length=1, max_length=_LABEL)
    means: Means
    target: str
    params: dict[str, Any] = Field(default_factory=dict)


class ServiceModel(BaseModel):
    """One file of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=_NAME)
    title: str = ""
    owner: str = Field(min_length=1)
    """The team that answers for it."""
    channel: str = ""
    """The Slack channel its incidents are told in."""
    on_call: list[str] = Field(default_factory=list)
    """Keys of people.yaml and rota:NAME, each a level of its own, the first paged first."""
    escalation: str = ""
    """In place of on_call: a file of escalations/."""
    tier: int = Field(default=2, ge=1, le=4)
    """1 is the most important."""
    depends_on: list[str] = Field(default_factory=list)
    consumers: list[str] = Field(default_factory=list)
    slos: list[str] = Field(default_factory=list)
    runbooks: list[str] = Field(default_factory=list)
    targets: list[TargetModel] = Field(default_factory=list)
    offers: list[OfferModel] = Field(default_factory=list)
    evidence: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    """Instruments of the evidence shelf, each with its settings."""
    value_per_event: Decimal | None = Field(default=None, ge=0)
    """Money one good event is worth."""
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    people_per_event: Decimal | None = Field(default=None, ge=0)
    legal: dict[str, Any] = Field(default_factory=dict)
    """Standing facts the regimes ask for."""
    prediction_log: dict[str, Any] | None = None
    """Where its decisions about people are written down, read by `prediction_log.read_prediction_log`."""
    records: dict[str, str] = Field(default_factory=dict)
    """Where logs and predictions are kept, by name: an address or a path; {service}, {slice}, {incident}, {since} and
    {until} are filled in. Only the pointer is kept with an incident, never what it points to."""

    @field_validator("records")
    @classmethod
    def _can_be_filled(cls, given: dict[str, str]) -> dict[str, str]:
        for name, template in given.items():
            _check_pointer(name, template)
        return given


def _check_pointer(name: str, template: str) -> None:
    """Raise ValueError where it cannot be filled in, or where it would carry somebody's password into the evidence."""
    try:
        asked = [(field, spec, turned) for _, field, spec, turned in Formatter().parse(template) if field is not None]
        secret = urlsplit(template).password
    except ValueError:
        raise ValueError(f"{name}: {template!r} cannot be read; a brace that is meant is written twice") from None
    for field, spec, turned in asked:
        if field not in PLACES or spec or turned:
            raise ValueError(f"{name}: nothing is known of {{{field}}}; there is {', '.join(PLACES)}")
    if secret is not None:
        raise ValueError(f"{name}: a password stands in it; a pointer is kept with the evidence and must hold none")
    if not template.strip():
        raise ValueError(f"{name}: it points nowhere")


@dataclass(frozen=True, slots=True)
class Catalogued:
    """A service and the file it stands in."""

    service: Service
    page: Marked


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every service that could be read, and every name that stands in a file, those with mistakes included."""

    by_name: dict[str, Catalogued]
    named: frozenset[str]


def read_services(folder: Path, fitter: Fitter, models: Models, *, currency: str) -> Catalogue:
    """Every service of the folder by name; a name that stands twice is a problem."""
    found: dict[str, Catalogued] = {}
    named: set[str] = set()
    for path in listed(folder, ".yaml", ".yml"):
        page = read_page(path, fitter.problems)
        named.add(str(page.get("name") if page is not None else path.stem))
        if page is None:
            continue
        service = _service(page, fitter, models, currency)
        if service is None:
            continue
        before = found.get(service.name)
        if before is not None:
            what = f"the service {service.name!r} stands in {before.page.file} already"
            fitter.problems.append(page.problem(what, "name", expected="each service once"))
            continue
        found[service.name] = Catalogued(service, page)
    return Catalogue(found, frozenset(named))


def _service(page: Marked, fitter: Fitter, models: Models, currency: str) -> Service | None:
    model = fitter.fit(ServiceModel, page, references=False)
    if model is None:
        return None
    evidence = {
        name: _settings("evidence", name, ("evidence", name), page, fitter, models, named=("evidence", name))
        for name in model.evidence
    }
    return Service(
        name=model.name,
        title=model.title or model.name,
        owner=model.owner,
        channel=model.channel,
        on_call=tuple(model.on_call),
        tier=model.tier,
        depends_on=tuple(model.depends_on),
        consumers=tuple(model.consumers),
        slos=tuple(model.slos),
        runbooks=tuple(model.runbooks),
        targets=tuple(_target(index, each, page, fitter, models) for index, each in enumerate(model.targets)),
        offers=tuple(Offer(o.name, o.label, o.means.value, o.target, o.params) for o in model.offers),
        evidence=evidence,
        value_per_event=model.value_per_event,
        currency=model.currency or currency,
        people_per_event=model.people_per_event,
        legal=model.legal,
        prediction_log=read_prediction_log(page, fitter) if model.prediction_log is not None else None,
        escalation=model.escalation,
        records=model.records,
    )


def _target(index: int, model: TargetModel, page: Marked, fitter: Fitter, models: Models) -> Target:
    here = ("targets", index)
    settings = _settings("actions", model.action, (*here, "settings"), page, fitter, models, named=(*here, "action"))
    traffic = _traffic(model.traffic, page, fitter, *here, "traffic") if model.traffic is not None else None
    return Target(model.name, model.action, settings, traffic)


def _traffic(model: TrafficModel, page: Marked, fitter: Fitter, *here: str | int) -> Traffic | None:
    """Where the requests are counted; None where the series cannot be read, or could never show two versions."""
    try:
        series = Selector.parse(model.series)
    except Invalid as wrong:
        for each in wrong.problems:
            problem = page.problem(each.what, *here, "series", expected=each.expected, offset=each.column - 1)
            fitter.problems.append(problem)
        return None
    if any(matcher.label == model.by and matcher.operator == "=" for matcher in series.matchers):
        what = f"this series shows one {model.by} alone, and shares are told by comparing them"
        fitter.problems.append(page.problem(what, *here, "series", expected=f"a selector without {model.by}"))
        return None
    return Traffic(model.source, model.series, model.by)


def _settings(
    shelf: str,
    name: str,
    path: tuple[str | int, ...],
    page: Marked,
    fitter: Fitter,
    models: Models,
    *,
    named: tuple[str | int, ...],
) -> dict[str, object]:
    """An adapter's settings, checked by its own model; empty where the adapter or a setting is wrong."""
    model = settings_model(shelf, name, page, named, models, fitter.problems)
    made = fitter.fit(model, page, *path) if model is not None else None
    return kept(made) if made is not None else {}
