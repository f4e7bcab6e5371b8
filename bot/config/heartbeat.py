"""`heartbeat` of tocsin.yaml: who is told when Tocsin falls silent."""

from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

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
