"""One AWS service by its JSON 1.1 protocol: every request signed, every way to fail told in a sentence.

The protocol: POST with the operation in `X-Amz-Target`; a failure is a status with `{"__type", "message"}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.clients.aws_role import Role, RoleSettings
from bot.clients.http import Http, address, decoded, wait
from bot.clients.sigv4 import Keys, Scope, signed
from bot.clock import Clock
from bot.domain.errors import RateLimited, Refused, Unavailable

_OK, _REDIRECT, _FAULT, _BROKEN = 200, 300, 400, 500
_LATE, _BUSY = 408, 429
_SAID = 300

# kinds of failure that mean one thing under several names, as AWS's own tools know them; without "Exception" at the end
_THROTTLED = frozenset(
    {"Throttling", "Throttled", "RequestThrottled", "RequestLimitExceeded", "TooManyRequests", "SlowDown"}
)
_EXPIRED = frozenset({"ExpiredToken", "RequestExpired"})
_DENIED = frozenset({"AccessDenied", "NotAuthorized", "UnauthorizedOperation", "OptInRequired"})
_STRANGERS = frozenset(
    {"UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "MissingAuthenticationToken"}
    | {"IncompleteSignature", "InvalidSignature", "SignatureDoesNotMatch", "AuthFailure"}
)
_LATER = frozenset({"ServiceUnavailable", "InternalFailure", "InternalServer", "RequestTimeout"})
_ABSENT = re.compile(r"(?i)could not find|does not exist|not found")


class AwsSettings(BaseModel):
    """Which region, and as whom: keys of an identity, or the role of the machine Tocsin runs on."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    region: str = Field(pattern=r"^[a-z0-9-]{3,32}$")
    """The AWS region, such as `eu-west-1`."""

    url: str = ""
    """Where the service answers; its public address in the region where empty (a VPC endpoint has its own)."""

    access_key_id: str = ""
    """The identity's key id, where no role gives keys."""

    secret_access_key: SecretStr | None = None
    """The secret that belongs to the key id."""

    session_token: SecretStr | None = None
    """The session's token, where the keys are temporary; they are not renewed, so a role is better."""

    role: RoleSettings | None = None
    """The machine's own role, whose keys are renewed by themselves."""

    timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    """How long one request may take in all."""

    ca: str = ""
    """A file with the certificate authority to trust instead of the public ones."""

    max_megabytes: int = Field(default=4, ge=1, le=512)
    """The largest answer that is read."""

    @property
    def token(self) -> SecretStr | None:
        """None: AWS is sent signatures, no bearer's token."""
        return None

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        return address(url) if url else ""

    @model_validator(mode="after")
    def _one_identity(self) -> AwsSettings:
        keys = bool(self.access_key_id and self.secret_access_key and self.secret_access_key.get_secret_value())
        if keys is (self.role is not None):
            raise ValueError("give either access_key_id and secret_access_key, or role")
        return self


class _Identity(Protocol):
    async def keys(self, *, fresh: bool = False) -> Keys: ...

    async def close(self) -> None: ...


class _Fixed:
    """Keys from the settings."""

    def __init__(self, settings: AwsSettings) -> None:
        secret, token = settings.secret_access_key, settings.session_token
        self._keys = Keys(
            settings.access_key_id,
            secret.get_secret_value() if secret else "",
            token.get_secret_value() if token else "",
        )

    async def keys(self, *, fresh: bool = False) -> Keys:
        return self._keys

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a service is called: in errors, in signatures, in `X-Amz-Target` and in its public address."""

    what: str
    signing: str
    target: str
    host: str


@dataclass(frozen=True, slots=True)
class _Fault:
    """A failure as AWS tells it: its kind and its own words, without our secrets."""

    status: int
    kind: str
    said: str

    @property
    def plain(self) -> str:
        """The kind without the ending that some services give it."""
        return self.kind.removesuffix("Exception")

    @property
    def sentence(self) -> str:
        if self.plain in _EXPIRED:
            return "the session of our AWS keys has expired; they have to be renewed"
        if self.plain in _DENIED:
            return f"our AWS identity may not do this{self._words}"
        if self.plain in _STRANGERS and re.search(r"(?i)expired|not yet current|skew", self.said):
            return "our signature's time was not accepted; is this machine's clock right?"
        if self.plain in _STRANGERS or (not self.kind and self.status in {401, 403}):
            return f"did not accept our AWS keys, or they may not do this ({self.kind or self.status})"
        return f"{self.kind or f'answered {self.status}'}{self._words}"

    @property
    def _words(self) -> str:
        return f": {self.said}" if self.said else ""


class Aws:
    """A door to one service in one region. Close it when done."""

    def __init__(
        self,
        service: Service,
        settings: AwsSettings,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.service, self._clock = service, clock
        ending = "amazonaws.com.cn" if settings.region.startswith("cn-") else "amazonaws.com"
        self.url = settings.url or f"https://{service.host}.{settings.region}.{ending}"
        self._scope = Scope(settings.region, service.signing)
        self._http = Http(service.what, settings, url=self.url, transport=transport)
        self._identity: _Identity = (
            Role(settings.role, clock=clock, transport=transport) if settings.role else _Fixed(settings)
        )

    async def close(self) -> None:
        await self._http.close()
        await self._identity.close()

    async def read(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What it tells. Raises Unavailable for every failure (RateLimited where it was throttled)."""
        told = await self._call(operation, body)
        if isinstance(told, _Fault):
            raise Unavailable(self.service.what, told.sentence)
        return told

    async def find(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """What it tells of one thing, None where AWS says there is none. Raises Unavailable."""
        told = await self._call(operation, body)
        if isinstance(told, _Fault):
            # SageMaker says ValidationException where others say ResourceNotFound
            if told.plain == "ResourceNotFound" or (told.kind == "ValidationException" and _ABSENT.search(told.said)):
                return None
            raise Unavailable(self.service.what, told.sentence)
        return told

    async def change(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for a change. Raises Refused (it did not happen), RateLimited, Unavailable (it may have happened)."""
        told = await self._call(operation, body)
        if isinstance(told, _Fault):
            raise Refused(f"{self.service.what} refused: {told.sentence}")
        return told

    async def _call(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any] | _Fault:
        """The answer, or the failure that surely changed nothing. Raises RateLimited, Unavailable."""
        told = await self._once(operation, body, await self._identity.keys())
        if isinstance(told, _Fault) and told.plain in _EXPIRED and not isinstance(self._identity, _Fixed):
            return await self._once(operation, body, await self._identity.keys(fresh=True))
        return told

    async def _once(self, operation: str, body: Mapping[str, Any], keys: Keys) -> dict[str, Any] | _Fault:
        content = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
        headers = {
            "host": httpx.URL(self.url).netloc.decode(),
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"{self.service.target}.{operation}",
        }
        sent = signed(keys, self._scope, self._clock.now(), "POST", f"{self.url}/", headers, content)
        answer = await self._http.ask("POST", "/", content=content, headers=sent)
        if _OK <= answer.status_code < _REDIRECT:
            told = decoded(answer, self.service.what)
            if not isinstance(told, dict):
                raise Unavailable(self.service.what, f"answered a {type(told).__name__} where an object was expected")
            return told
        fault = _fault(answer, keys)
        if answer.status_code == _BUSY or fault.plain in _THROTTLED:
            raise RateLimited(self.service.what, wait(answer))
        certain = _FAULT <= answer.status_code < _BROKEN and answer.status_code != _LATE
        if not certain or fault.plain in _LATER:
            kind = f" ({fault.kind})" if fault.kind else ""
            raise Unavailable(self.service.what, f"answered {answer.status_code}{kind}")
        return fault


def _fault(answer: httpx.Response, keys: Keys) -> _Fault:
    """The failure an answer tells of, as far as it can be read."""
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        told = None
    named = told if isinstance(told, dict) else {}
    # "com.amazonaws.sagemaker#ValidationException:http://..." at its longest
    kind = str(named.get("__type") or named.get("code") or "").partition(":")[0].rpartition("#")[2]
    said = str(named.get("message") or named.get("Message") or "")
    for secret in keys.secrets:  # a refused signature is explained with all that was signed
        said = said.replace(secret, "[secret]")
    kind = kind if re.fullmatch(r"[A-Za-z]{1,64}", kind) else ""
    return _Fault(answer.status_code, kind, re.sub(r"\s+", " ", said).strip()[:_SAID])
