"""One request to whoever delivers pages: bounded in time, nothing of its answer repeated but a number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bot.clients.http import Http, Rejected, address, decoded, wait
from bot.domain.errors import RateLimited, Unavailable

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OK, _REDIRECT, _FAULT, _BROKEN = 200, 300, 400, 500
_NO_ENTRY, _LATE, _BUSY = (401, 403), 408, 429


class VendorSettings(BaseModel):
    """How somebody who delivers pages is asked."""

    model_config = ConfigDict(
        extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True, populate_by_name=True
    )

    timeout_seconds: float = Field(default=8.0, gt=0, le=12)
    """How long one request may take in all."""

    ca: str = ""
    """A file with the certificate authority to trust instead of the public ones."""

    @field_validator("url", check_fields=False)
    @classmethod
    def _encrypted(cls, url: str) -> str:
        return encrypted(url)


def encrypted(url: str) -> str:
    """The address without a closing slash. Raises ValueError where pages would travel readable by others."""
    found = address(url)
    parts = urlsplit(found)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError("expected an https:// address; plain http is for this machine itself")
    return found


@dataclass(frozen=True, slots=True)
class _Line:
    """What of the settings a connection needs."""

    token: SecretStr | None
    timeout_seconds: float
    ca: str
    max_megabytes: int = 1


class Vendor:
    """A door to one of them; `what` names it in every error. Its own words stay here: they may name people."""

    def __init__(
        self,
        what: str,
        settings: VendorSettings,
        *,
        url: str,
        transport: httpx.AsyncBaseTransport | None,
        token: SecretStr | None = None,
        secret_headers: Mapping[str, SecretStr] | None = None,
    ) -> None:
        self.what = what
        line = _Line(token, settings.timeout_seconds, settings.ca)
        self._http = Http(what, line, url=url, transport=transport, secret_headers=secret_headers)

    async def close(self) -> None:
        await self._http.close()

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, absent: Sequence[int] = ()
    ) -> Mapping[str, Any] | None:
        """The object that stands there, None where the answer is one of `absent`. Raises as `ask`."""
        return await self._object("GET", path, query, absent=absent)

    async def post(
        self,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        absent: Sequence[int] = (),
    ) -> Mapping[str, Any] | None:
        """The object it answers to JSON or to a form, None where the answer is one of `absent`. Raises as `ask`."""
        if form is not None:
            content, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
        else:
            content, kind = json.dumps(body or {}).encode(), "application/json"
        headers = {"content-type": kind, "accept": "application/json"}
        return await self._object("POST", path, query, content=content, headers=headers, absent=absent)

    async def _object(
        self, method: str, path: str, query: Mapping[str, str] | None, *, absent: Sequence[int], **more: Any
    ) -> Mapping[str, Any] | None:
        asked = f"{path}?{urlencode(query)}" if query else path
        answer = await self.ask(method, asked, absent=absent, **more)
        if answer.status_code in absent:
            return None
        told = decoded(answer, self.what)
        if not isinstance(told, dict):
            raise Unavailable(self.what, "answered something else than was agreed")
        return told

    async def ask(
        self,
        method: str,
        path: str,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        absent: Sequence[int] = (),
    ) -> httpx.Response:
        """A 2xx or one of `absent`. A redirect is not followed: a page goes nowhere but where the settings say.

        Raises Rejected, which is Refused, for a 4xx (it was not taken), RateLimited, Unavailable for all else.
        """
        answer = await self._http.ask(method, path, content=content, headers=headers)
        status = answer.status_code
        if _OK <= status < _REDIRECT or status in absent:
            return answer
        if status == _BUSY:
            raise RateLimited(self.what, wait(answer))
        if status in _NO_ENTRY:
            raise Unavailable(self.what, f"did not accept our credentials ({status})")
        if _FAULT <= status < _BROKEN and status != _LATE:
            told = _told(answer)
            code = told.get("code")
            numbered = f", its code {code}" if isinstance(code, int) and not isinstance(code, bool) else ""
            raise Rejected(f"{self.what} refused it ({status}{numbered})", status, told)
        raise Unavailable(self.what, f"answered {status}")


def _told(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def said(told: Mapping[str, Any] | None, name: str, what: str) -> str:
    """A word of its answer. Raises Unavailable where it is not there: then nobody knows whether the page was taken."""
    value = (told or {}).get(name)
    if not isinstance(value, str) or not value:
        raise Unavailable(what, f"answered without {name!r}")
    return value
