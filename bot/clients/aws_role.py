"""Asks the machine for the keys of its own role, and again before they run out: no long-lived secret is kept.

A container's endpoint (ECS, EKS Pod Identity) is one GET with a token; an instance's (IMDSv2) wants a session first.
"""

from __future__ import annotations

import asyncio
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.clients.http import Http, address, decoded, field, segment
from bot.clients.sigv4 import Keys
from bot.clock import Clock
from bot.domain.errors import Unavailable

WHAT = "AWS role"
EARLY = timedelta(minutes=5)
"""Keys are renewed this long before they run out; new ones of an instance are there by then."""
_SESSION_SECONDS = "21600"
_ROLES = "/latest/meta-data/iam/security-credentials/"
_OK, _ABSENT = 200, 404


class RoleSettings(BaseModel):
    """Where this machine is asked for the keys of its role."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    kind: Literal["container", "instance"]
    """`container` (ECS, EKS Pod Identity) or `instance` (EC2, by IMDSv2)."""

    url: str = ""
    """A container's whole address (AWS_CONTAINER_CREDENTIALS_FULL_URI there); an instance has a usual one."""

    token: SecretStr | None = None
    """Sent to a container's endpoint as `Authorization`, where it asks for one."""

    token_file: str = ""
    """A file that holds this token, read anew each time because it is renewed there (EKS Pod Identity)."""

    timeout_seconds: float = Field(default=2.0, gt=0, le=30)
    """How long one request may take."""

    @field_validator("url")
    @classmethod
    def _near(cls, url: str) -> str:
        """Keys come in clear over plain HTTP: only from this machine or its own link, as AWS's tools have it."""
        if url and urlsplit(address(url)).scheme == "http" and not _own_link(urlsplit(url).hostname or ""):
            raise ValueError("over http only from this machine or its link-local address")
        return url

    @model_validator(mode="after")
    def _whole(self) -> RoleSettings:
        if self.kind == "container" and not self.url:
            raise ValueError("a container's role needs the url of its credentials")
        return self


def _own_link(host: str) -> bool:
    try:
        at = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return at.is_loopback or at.is_link_local or at in (_EKS, _IMDS)


_IMDS, _EKS = ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("fd00:ec2::23")


class _Plain:
    """How the endpoint is asked: its token is no bearer's, so it goes into each request by itself."""

    token = None
    ca = ""
    max_megabytes = 1

    def __init__(self, seconds: float) -> None:
        self.timeout_seconds = seconds


class Role:
    """The keys of one machine's role. Close it when done."""

    def __init__(
        self, settings: RoleSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings, self._clock = settings, clock
        url = urlsplit(settings.url or "http://169.254.169.254")
        self._path = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
        base = f"{url.scheme}://{url.netloc}"
        self._http = Http(WHAT, _Plain(settings.timeout_seconds), url=base, transport=transport)
        self._keys: Keys | None = None
        self._until = datetime.min.replace(tzinfo=UTC)
        self._asking = asyncio.Lock()

    async def close(self) -> None:
        await self._http.close()

    async def keys(self, *, fresh: bool = False) -> Keys:
        """Keys that hold for a while; with `fresh` new ones, because those at hand were refused. Raises Unavailable."""
        async with self._asking:
            left = self._until - self._clock.now()
            if self._keys is None or fresh or left <= EARLY:
                try:
                    self._keys, self._until = _taken(await self._ask())
                except Unavailable:
                    if self._keys is None or fresh or left <= timedelta(0):
                        raise
            return self._keys

    async def _ask(self) -> Any:
        if self._settings.kind == "container":
            return await self._get(self._path, {"authorization": token} if (token := self._token()) else {})
        told = await self._text("PUT", "/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": _SESSION_SECONDS})
        session = {"x-aws-ec2-metadata-token": told}
        name = await self._text("GET", _ROLES, session)
        return await self._get(f"{_ROLES}{segment(name)}", session)

    def _token(self) -> str:
        if self._settings.token_file:
            try:
                return Path(self._settings.token_file).read_text("utf-8").strip()
            except (OSError, ValueError):
                raise Unavailable(WHAT, "the token file of the role cannot be read") from None
        return self._settings.token.get_secret_value() if self._settings.token else ""

    async def _get(self, path: str, headers: dict[str, str]) -> Any:
        return decoded(await self._answer("GET", path, headers), WHAT)

    async def _text(self, method: str, path: str, headers: dict[str, str]) -> str:
        said = (await self._answer(method, path, headers)).text.strip().partition("\n")[0].strip()
        if not said or not said.isascii() or not said.isprintable():
            raise Unavailable(WHAT, "the machine's metadata answered nothing usable")
        return said

    async def _answer(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        answer = await self._http.ask(method, path, headers=headers)
        if answer.status_code == _ABSENT and path.startswith(_ROLES):
            raise Unavailable(WHAT, "this machine has no role")
        if answer.status_code != _OK:
            raise Unavailable(WHAT, f"the machine answered {answer.status_code} when asked for its role's keys")
        return answer


def _taken(told: Any) -> tuple[Keys, datetime]:
    """(keys, until when). Raises Unavailable."""
    words = {name: field(told, name, str, WHAT) for name in ("AccessKeyId", "SecretAccessKey", "Token", "Expiration")}
    try:
        until = datetime.fromisoformat(words["Expiration"])
    except ValueError:
        raise Unavailable(WHAT, "the keys came without a usable time at which they run out") from None
    if until.tzinfo is None:
        raise Unavailable(WHAT, "the keys came without a usable time at which they run out")
    return Keys(words["AccessKeyId"], words["SecretAccessKey"], words["Token"]), until
