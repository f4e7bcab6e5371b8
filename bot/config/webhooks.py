"""`webhooks:` of tocsin.yaml: who is told what becomes of incidents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.clients.http import address
from bot.clients.signed import strong
from bot.config.fit import Fitter, Unreadable, closest, listing
from bot.config.heartbeat import LOOPBACK
from bot.config.marks import Marked
from bot.engine.changed import KINDS

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Webhook(BaseModel):
    """One receiver."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    url: str
    """Where changes are sent; an answer that leads elsewhere is not followed."""
    secret: SecretStr
    """What both sides know: `whsec_` and base64, or any text of 16 letters or more."""
    events: list[str] = Field(default_factory=lambda: list(KINDS), min_length=1)
    """Which changes; left out, all there are."""
    services: list[str] = Field(default_factory=list)
    """Of which services; left out, all of them."""
    restricted: bool = False
    """Whether restricted incidents are told as well: their number and where they stand, never a word of them."""
    in_the_clear: bool = False
    """Allows http:// to another machine; whoever is on the way can read along."""
    timeout: timedelta = Field(default=timedelta(seconds=10), gt=timedelta(0), le=timedelta(seconds=60))
    ca: str = ""
    """A file with the certificate authority to trust instead of the public ones."""

    @field_validator("name")
    @classmethod
    def _a_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError("expected small letters, digits, - and _")
        return value

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        return address(value)

    @field_validator("secret")
    @classmethod
    def _strong(cls, value: SecretStr) -> SecretStr:
        return strong(value)

    @field_validator("events")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for each in value:
            if each not in KINDS:
                raise ValueError(f"nothing is called {each!r}{closest(each, KINDS)} (expected {', '.join(KINDS)})")
        return value

    @model_validator(mode="after")
    def _encrypted(self) -> Webhook:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK and not self.in_the_clear:
            raise ValueError(
                "expected an https:// address; plain http is for this machine itself, or in_the_clear: true"
            )
        return self


def read_webhooks(page: Marked, fitter: Fitter, named: frozenset[str]) -> list[Webhook]:
    """The receivers `webhooks:` lists; what is wrong is added to the fitter's problems."""
    held = page.get("webhooks")
    if not isinstance(held, list):
        return []  # told already, or there is none
    found: list[Webhook] = []
    for index in range(len(held)):
        model = fitter.fit(Webhook, page, "webhooks", index)
        if model is None:
            continue
        if any(each.name == model.name for each in found):
            fitter.problems.append(page.problem(f"two webhooks are called {model.name!r}", "webhooks", index, "name"))
        _services(model.services, page, fitter, index, named)
        found.append(model)
    return found


def _services(services: Sequence[str], page: Marked, fitter: Fitter, index: int, named: frozenset[str]) -> None:
    shown = "" if isinstance(named, Unreadable) else listing(named)
    for at, name in enumerate(services):
        if name not in named:
            what = f"there is no service {name!r}{closest(name, named)}"
            fitter.problems.append(page.problem(what, "webhooks", index, "services", at, expected=shown))
