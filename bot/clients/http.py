"""JSON over HTTP: one request, one deadline, and every way it can fail told in a sentence without a secret in it."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bot.domain.errors import RateLimited, Refused, Unavailable

MEGABYTE = 1024 * 1024
_SAID = 300  # characters of another system's own words worth repeating
_OK, _REDIRECT, _FAULT, _BROKEN = 200, 300, 400, 500
_LATE, _BUSY = 408, 429
_REASONED = (400, 403, 404, 410, 422)


class HttpSettings(BaseModel):
    """Where a system answers over HTTP, and how it is asked."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    url: str
    """Base address, `http://` or `https://`; a password does not belong into it."""

    token: SecretStr | None = None
    """Sent as `Authorization: Bearer ...` where given."""

    timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    """How long one request may take in all."""

    ca: str = ""
    """A file with the certificate authority to trust instead of the public ones."""

    max_megabytes: int = Field(default=16, ge=1, le=512)
    """The largest answer that is read."""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        return address(url)


class Connection(Protocol):
    """What of the settings a connection needs; satisfied by HttpSettings and by settings with several addresses."""

    @property
    def token(self) -> SecretStr | None: ...

    @property
    def timeout_seconds(self) -> float: ...

    @property
    def ca(self) -> str: ...

    @property
    def max_megabytes(self) -> int: ...


class Rejected(Refused):
    """A request answered with a 4xx: with its `status`, and the answer's JSON where it is an object."""

    def __init__(self, because: str, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(because)
        self.status, self.told = status, told


def address(url: str) -> str:
    """The address without a closing slash. Raises ValueError where it is none, or carries a password."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected an address such as https://host:8080")
    if parts.username or parts.password:
        raise ValueError("a user or password does not belong into the address; use token")
    return url.rstrip("/")


def where(url: str) -> str:
    """An address as an error may show it: host, port and path, never the query."""
    parts = urlsplit(url)
    return f"{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def segment(text: str) -> str:
    """One path segment, whatever it holds."""
    return quote(text, safe="")


class Http:
    """A door to one system. `what` names it in every error. Close it when done."""

    def __init__(
        self,
        what: str,
        settings: Connection,
        *,
        url: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, SecretStr] | None = None,
        bearer: Callable[[], str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`bearer` is asked for the token before every request, where tokens rotate; `tls` replaces `ca`."""
        self.what, self._seconds = what, settings.timeout_seconds
        self._most = settings.max_megabytes * MEGABYTE
        self._bearer, self._secret = bearer, settings.token.get_secret_value() if settings.token else ""
        hidden = {name: value.get_secret_value() for name, value in (secret_headers or {}).items()}
        self._hidden = tuple(hidden.values())
        known = {"authorization": f"Bearer {self._secret}"} if self._secret else {}
        if tls is None and settings.ca:
            tls = ssl.create_default_context(cafile=settings.ca)
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={**known, **(headers or {}), **hidden},
            timeout=settings.timeout_seconds,
            transport=transport,
            trust_env=False,  # neither a proxy nor a .netrc of the machine may redirect or replace our credentials
            follow_redirects=False,
            verify=True if tls is None else tls,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON that stands there. Raises Unavailable for anything but a 2xx with JSON."""
        answer = await self._read(path, params)
        return self._json(answer)

    async def find(self, path: str, params: Mapping[str, str] | None = None, *, absent: Sequence[int] = (404,)) -> Any:
        """The JSON that stands there, or None where the answer is that there is none. Raises Unavailable."""
        answer = await self._read(path, params, allowed=absent)
        return None if answer.status_code in absent else self._json(answer)

    async def told(self, path: str, params: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """(status, JSON) of what stands there, or of the answer that it does not; {} where a refusal has no JSON.

        Raises Unavailable for anything else than a 2xx with JSON or one of the refusals that tell their reason.
        """
        answer = await self._read(path, params, allowed=_REASONED)
        return answer.status_code, _object(answer) if answer.status_code in _REASONED else self._json(answer)

    async def look(
        self, path: str, params: Mapping[str, str] | None = None, *, absent: Sequence[int] = ()
    ) -> tuple[Any, str]:
        """(the JSON that stands there, its ETag or ""); (None, "") where there is none. Raises Unavailable."""
        answer = await self._read(path, params, allowed=absent, accept="application/json")
        return (None, "") if answer.status_code in absent else (self._json(answer), answer.headers.get("etag", ""))

    async def text(self, path: str, accept: str = "text/plain") -> httpx.Response:
        """An answer read whole that need not be JSON. Raises Unavailable for anything but a 2xx."""
        return await self._read(path, None, accept=accept)

    async def ask(
        self, method: str, path: str, *, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request as it stands and whatever is answered, read whole: for protocols that fail in their own way.

        Raises Unavailable where nothing whole was answered.
        """
        return await self._request(method, path, None, content=content, headers=headers)

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | Sequence[Any] | None,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Ask for a change; the JSON of the answer, None where it has no body.

        Raises Rejected, which is Refused, for a 4xx (it did not happen; the system's reasons are told), RateLimited
        for 429, and Unavailable for all else (it may have happened).
        """
        content = {} if body is None else {"json": dict(body) if isinstance(body, Mapping) else list(body)}
        answer = await self._request(method, path, params, headers=headers, **content)
        if answer.status_code == _BUSY:
            raise RateLimited(self.what, wait(answer))
        if _FAULT <= answer.status_code < _BROKEN and answer.status_code != _LATE:
            because = f"{self.what} refused ({answer.status_code}){self._reasons(answer)}"
            raise Rejected(because, answer.status_code, _object(answer))
        if not _OK <= answer.status_code < _REDIRECT:
            raise self._unexpected(answer)
        return self._json(answer) if answer.content.strip() else None

    async def _read(
        self, path: str, params: Mapping[str, str] | None, *, allowed: Sequence[int] = (), accept: str = ""
    ) -> httpx.Response:
        headers = {"accept": accept} if accept else None
        answer = await self._request("GET", path, params, headers=headers)
        if answer.status_code in allowed or _OK <= answer.status_code < _REDIRECT:
            return answer
        if answer.status_code == _BUSY:
            raise RateLimited(self.what, wait(answer))
        raise self._unexpected(answer)

    async def _request(self, method: str, path: str, params: Mapping[str, str] | None, **more: Any) -> httpx.Response:
        """One request under one deadline, its answer read whole but never beyond the cap."""
        if self._bearer is not None and (secret := self._bearer()):
            self._secret = secret
            more["headers"] = {**(more.get("headers") or {}), "authorization": f"Bearer {secret}"}
        try:
            # httpx counts each read by itself: a dripping server would hold us for ever
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream(method, path, params=params, **more) as answer,
            ):
                content = bytearray()
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > self._most:
                        raise Unavailable(self.what, f"answered more than {self._most // MEGABYTE} MB")
                answered = httpx.Response(
                    answer.status_code,
                    headers={name: answer.headers[name] for name in _KEPT if name in answer.headers},
                    content=bytes(content),
                )
        except (TimeoutError, httpx.TimeoutException):
            raise Unavailable(self.what, f"did not answer within {self._seconds:g} s") from None
        except httpx.ConnectError:
            raise Unavailable(self.what, "could not be reached") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Unavailable(self.what, f"broke off its answer ({type(error).__name__})") from None
        return answered

    def _json(self, answer: httpx.Response) -> Any:
        return decoded(answer, self.what)

    def _unexpected(self, answer: httpx.Response) -> Unavailable:
        status = answer.status_code
        if status in {401, 403}:
            return Unavailable(self.what, f"did not accept our credentials ({status})")
        return Unavailable(self.what, f"answered {status}")

    def _reasons(self, answer: httpx.Response) -> str:
        """`: its own words`, taken from the fields such answers carry; nothing where there are none."""
        told = _object(answer)
        words = next((told[name] for name in ("reasons", "detail", "message", "error") if told.get(name)), "")
        said = "; ".join(map(str, words)) if isinstance(words, list) else str(words)
        return f": {self.scrub(said)[:_SAID]}" if said else ""

    def scrub(self, text: str) -> str:
        """The text without our secrets, should the other side repeat it, and on one line."""
        for secret in filter(None, (self._secret, *self._hidden)):
            text = text.replace(secret, "[secret]")
        return re.sub(r"\s+", " ", text).strip()


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    """The answer's JSON where it is an object, else an empty one."""
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


_KEPT = ("content-type", "retry-after", "etag")  # not content-encoding: the content is decoded by then


def decoded(answer: httpx.Response, what: str) -> Any:
    """The JSON of an answer. Raises Unavailable where it is empty or none."""
    if not answer.content.strip():
        raise Unavailable(what, "answered nothing")
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        raise Unavailable(what, "answered something that is not JSON") from None


def wait(answer: httpx.Response) -> float:
    """Seconds of Retry-After; a minute where it says nothing usable."""
    try:
        return min(max(float(answer.headers.get("retry-after", "60")), 0.0), 3600.0)
    except ValueError:
        return 60.0


def field(found: Any, name: str, kind: type | tuple[type, ...], what: str) -> Any:
    """`found[name]` of that type. Raises Unavailable naming what is missing or of another kind."""
    if not isinstance(found, dict):
        raise Unavailable(what, f"answered a {type(found).__name__} where an object was expected")
    value = found.get(name)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(each.__name__ for each in kinds)
        raise Unavailable(what, f"answered without {name!r} as {wanted}")
    return value
