"""`heartbeat` and `admins` of tocsin.yaml: who is told when Tocsin falls silent, and whom Tocsin tells of itself."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.config.fit import closest, listing
from bot.config.marks import Marked
from bot.config.people import People
from bot.domain.errors import Problem
from bot.domain.policy import Role

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Heartbeat(BaseModel):
    """A web address that raises the alarm when it is no longer asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(repr=False)
    """Where it beats; services make one for each check. Whoever knows it can beat too, so better `{env: NAME}`."""
    every: timedelta = Field(default=timedelta(seconds=60), ge=timedelta(seconds=10), le=timedelta(days=1))
    within: timedelta = Field(default=timedelta(seconds=10), gt=timedelta(0), le=timedelta(seconds=60))
    """How long one request may take."""
    method: Literal["POST", "GET"] = "POST"
    """A POST says in its body how the house is."""

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("this is no address (expected https://…)")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("the address would travel in the clear (expected https://…, or http to this machine)")
        return value


def admins(wanted: list[str], people: People) -> tuple[str, ...]:
    """The keys of those who are told how Tocsin itself is: those named, else everybody with the role of an admin."""
    return tuple(wanted) or tuple(each.key for each in people.profiles if Role.ADMIN in each.roles)


def admin_problems(wanted: list[str], people: People, page: Marked) -> Iterator[Problem]:
    """Names that stand for nobody."""
    for index, name in enumerate(wanted):
        if name not in people.named:
            what = f"there is no person {name!r}{closest(name, people.named)}"
            yield page.problem(what, "admins", index, expected=listing(people.named))
