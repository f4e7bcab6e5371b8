"""Reads `alerts:` of `tocsin.yaml`: who may send alerts, how they prove themselves, and what they may speak for."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.clients.alertmanager import Pull
from bot.config.fit import Fitter, Unreadable, closest, listing
from bot.config.marks import Marked
from bot.intake.kinds.generic import PLACES, path
from bot.intake.sender import MAX_BODY, OVER, SEVERITIES, Auth, Basic, Bearer, Mapped, Sender, Signed

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
MAPPED = frozenset({"generic", "cloudevents"})
SIGNATURES = {"grafana": ("X-Grafana-Alerting-Signature", "X-Grafana-Alert-Signature")}
"""Where senders sign their messages unless they are told otherwise.

Grafana's form shows the first of the two as what an empty field means, and its alerting library sends the second.
"""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignedModel(_Part):
    """HMAC-SHA256 over the body, or over `time:body` where a header holds the time, in hex."""

    secret: SecretStr
    header: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")
    """The header that holds it; left out, the one this kind of sender uses where nothing else was chosen there."""
    prefix: str = ""
    timestamp_header: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")
    tolerance: timedelta = Field(default=timedelta(minutes=5), gt=timedelta(0), le=timedelta(hours=1))


class BasicModel(_Part):
    """A name and a password."""

    user: str = Field(min_length=1)
    password: SecretStr


class AuthModel(_Part):
    """One of three ways in which a sender proves that it is the one."""

    bearer: SecretStr | None = None
    hmac: SignedModel | None = None
    basic: BasicModel | None = None

    @model_validator(mode="after")
    def _one(self) -> AuthModel:
        if sum(each is not None for each in (self.bearer, self.hmac, self.basic)) != 1:
            raise ValueError("auth is exactly one of bearer, hmac and basic")
        return self

    def value(self, kind: str) -> Auth:
        """The way, with its secret; a signature stands where this kind of sender puts it, unless a header is named."""
        if self.bearer is not None:
            return Bearer(self.bearer.get_secret_value())
        if self.basic is not None:
            return Basic(self.basic.user, self.basic.password.get_secret_value())
        assert self.hmac is not None  # noqa: S101 - one of the three is there
        signed = self.hmac
        secret = signed.secret.get_secret_value()
        header, other = (signed.header, "") if signed.header else SIGNATURES.get(kind, ("X-Signature", ""))
        return Signed(secret, header, signed.prefix, signed.timestamp_header, signed.tolerance, other)


class SenderModel(_Part):
    """One sender of alerts."""

    name: str
    kind: Literal["alertmanager", "grafana", "pagerduty", "opsgenie", "cloudevents", "generic"]
    auth: AuthModel
    services: list[str] | None = None
    """The services it may speak for; left out, all of them."""
    default_service: str = ""
    """Of alerts that name none."""
    service_label: str = Field(default="service", min_length=1)
    severity_label: str = Field(default="severity", min_length=1)
    severities: dict[str, Literal["sev1", "sev2", "sev3", "sev4"]] = Field(default_factory=dict)
    """What its own words mean; they go before those that are commonly used."""
    max_body: int = Field(default=MAX_BODY, ge=1024, le=64 * 1024 * 1024)
    """Bytes a message may hold, unpacked."""
    expect_every: timedelta | None = Field(default=None, ge=timedelta(minutes=1), le=timedelta(days=7))
    """How often it must be heard; longer than that without a word is an incident of Tocsin's own."""
    watchdog: str = Field(default="", max_length=200)
    """The alertname of an alert that always fires: only that counts as being heard, and it opens no incident."""
    pull: Pull | None = None
    mapping: dict[str, str | list[str]] = Field(default_factory=dict)
    """Where in its JSON what stands, such as `title: event.summary`; `over` lists its words for what ended."""

    @field_validator("name")
    @classmethod
    def _a_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError(f"{value!r} cannot stand in an address (expected small letters, digits, - and _)")
        return value

    @field_validator("mapping")
    @classmethod
    def _known_places(cls, value: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for name, written in value.items():
            if name not in {*PLACES, "over"}:
                raise ValueError(f"nothing is called {name!r}{closest(name, PLACES)} (expected {', '.join(PLACES)})")
            if (name == "over") != isinstance(written, list):
                raise ValueError(f"{name} is {'a list of words' if name == 'over' else 'one path'}")
            if isinstance(written, str):
                path(written)
        return value

    def sender(self, catalogue: Collection[str]) -> Sender:
        """The sender, which may speak for those of the catalogue it names, or for all of it."""
        words = {word.lower(): int(given[-1]) for word, given in self.severities.items()}
        over = self.mapping.get("over")
        paths = {name: path(written) for name, written in self.mapping.items() if isinstance(written, str)}
        return Sender(
            name=self.name,
            kind=self.kind,
            auth=self.auth.value(self.kind),
            services=frozenset(catalogue if self.services is None else self.services),
            bound=self.services is not None,
            default_service=self.default_service,
            service_label=self.service_label,
            severity_label=self.severity_label,
            severities={**SEVERITIES, **words},
            max_body=self.max_body,
            mapped=Mapped(paths, frozenset(word.lower() for word in over) if isinstance(over, list) else OVER),
            watchdog=self.watchdog,
        )


@dataclass(frozen=True, slots=True)
class AlertSource:
    """A sender of alerts, where it can be asked what fires, and how often it must be heard."""

    sender: Sender
    pull: Pull | None = None
    expect_every: timedelta | None = None


def read_alerts(page: Marked, fitter: Fitter, named: frozenset[str], there_is: Collection[str]) -> list[AlertSource]:
    """The senders `alerts:` lists; what is wrong is added to the fitter's problems.

    `named` holds every name of a service, also of one whose file is wrong; `there_is` those that could be read.
    """
    held = page.get("alerts")
    if not isinstance(held, list):
        return []  # told already, or there is none
    found: list[AlertSource] = []
    first: dict[str, int] = {}
    for index in range(len(held)):
        model = fitter.fit(SenderModel, page, "alerts", index)
        if model is None:
            continue
        here = ("alerts", index)
        if model.name in first:
            what = f"two senders are called {model.name!r}, first in line {page.where('alerts', first[model.name])[0]}"
            fitter.problems.append(page.problem(what, *here, "name"))
        first.setdefault(model.name, index)
        _fits(model, page, fitter, here)
        _services(model, page, fitter, here, named)
        found.append(AlertSource(model.sender(there_is), model.pull, model.expect_every))
    return found


def _fits(model: SenderModel, page: Marked, fitter: Fitter, here: tuple[str | int, ...]) -> None:
    """Say what this kind of sender has no use for."""
    if model.pull is not None and model.kind != "alertmanager":
        what = f"a sender of kind {model.kind} cannot be asked what fires"
        fitter.problems.append(page.problem(what, *here, "pull", key=True, expected="pull with kind: alertmanager"))
    if model.mapping and model.kind not in MAPPED:
        what = f"a sender of kind {model.kind} has a shape of its own and takes no mapping"
        fitter.problems.append(page.problem(what, *here, "mapping", key=True, expected="kind: generic"))


def _services(
    model: SenderModel, page: Marked, fitter: Fitter, here: tuple[str | int, ...], named: frozenset[str]
) -> None:
    """Say which services nobody knows, and a default that is not the sender's own."""
    shown = "" if isinstance(named, Unreadable) else listing(named)
    for at, name in enumerate(model.services or ()):
        if name not in named:
            what = f"there is no service {name!r}{closest(name, named)}"
            fitter.problems.append(page.problem(what, *here, "services", at, expected=shown))
    default = model.default_service
    if default and default not in named:
        what = f"there is no service {default!r}{closest(default, named)}"
        fitter.problems.append(page.problem(what, *here, "default_service", expected=shown))
    elif default and model.services is not None and default not in model.services:
        what = f"the default service {default!r} is not one of those this sender may speak for"
        fitter.problems.append(page.problem(what, *here, "default_service", expected=", ".join(model.services)))
