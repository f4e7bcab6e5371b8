"""`web.oidc` and `web.session` of tocsin.yaml: who vouches for people, and how long they stay logged in."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.config.heartbeat import LOOPBACK
from bot.config.marks import Marked
from bot.domain.errors import Problem
from bot.domain.policy import Role

SLACK = "https://slack.com"
Word = Annotated[str, Field(min_length=1, pattern=r"^\S+$")]


class SessionTimes(BaseModel):
    """How long a login lasts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    idle: timedelta = Field(default=timedelta(minutes=30), ge=timedelta(minutes=1), le=timedelta(hours=12))
    """Without anything done, it ends after so long."""
    lasts: timedelta = Field(default=timedelta(hours=12), ge=timedelta(minutes=1), le=timedelta(hours=12))
    """It ends after so long whatever is done."""


class Oidc(BaseModel):
    """A provider people log in with: any that speaks OpenID Connect with discovery; Slack is https://slack.com."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    issuer: str
    """As the provider writes itself; its discovery document is looked for below it."""
    client_id: Word
    client_secret: SecretStr
    title: str = ""
    """What the button says; left out, the provider's host."""
    scopes: tuple[Word, ...] = ("profile", "email")
    """Asked for beside `openid`."""
    groups: dict[Role, list[Annotated[str, Field(min_length=1)]]] = Field(default_factory=dict)
    """Which of the provider's groups give which role here; left out, people.yaml says who has which."""
    groups_claim: str = "groups"
    """Where the provider tells somebody's groups."""
    ca: str = ""
    """A file with the certificate authority to trust instead of the public ones."""

    @field_validator("issuer")
    @classmethod
    def _safe(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("this is no provider's address (expected such as https://login.example.com)")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("secrets would travel in the clear (expected https://…, or http to this machine)")
        return value

    @field_validator("client_secret")
    @classmethod
    def _not_empty(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("the client's secret is empty")
        return value

    @model_validator(mode="after")
    def _groups_are_told(self) -> "Oidc":
        if self.groups and self.issuer.rstrip("/") == SLACK:
            raise ValueError("Slack tells nobody's groups at a login; leave `groups` out, people.yaml gives the roles")
        empty = [role.value for role, names in self.groups.items() if not names]
        if empty:
            raise ValueError(f"no group gives the role {' or '.join(empty)}; name one, or leave the role out")
        return self


def warnings(page: Marked, oidc: Oidc | None, subjects: Mapping[str, str]) -> Iterator[Problem]:
    """What is likely a mistake: people whom a provider knows and no provider, groups that make no administrator."""
    if subjects and oidc is None:
        what = "people.yaml says as whom a provider knows people, and no provider is set"
        yield page.problem(what, "web", expected="web: {oidc: {issuer: …, client_id: …, …}}")
    if oidc is not None and oidc.groups and Role.ADMIN not in oidc.groups:
        what = "no group of the provider gives the role admin: whoever logs in with it has that role no more"
        yield page.problem(what, "web", "oidc", "groups", expected="admin: [GROUP]")
