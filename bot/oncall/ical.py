"""Reads any iCalendar feed: an event's attendees, or its title, are on call while it lasts.

Recurrence, exceptions, changed occurrences and zones are read as RFC 5545 says; overlapping events put several people
on call. A feed that did not change (ETag) is not read again. Whole days and times without a zone are those of the
feed's own zone, else of the rota.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.clients.http import MEGABYTE, Http, wait
from bot.clock import Clock
from bot.domain.errors import RateLimited, Unavailable
from bot.oncall import _feed
from bot.oncall._asked import in_order
from bot.rota.rota import Shift

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_Kept = tuple[list[Any], str]  # the calendars of a feed, and the digest of its text
_OK, _SAME, _REDIRECTS, _BUSY = 200, 304, (301, 302, 303, 307, 308), 429


class IcalSettings(BaseModel):
    """Where the feed is, and how a person stands in it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    url: SecretStr | None = None
    """The feed's https address. Whoever knows a private one can read it, so it is a reference like any secret."""

    path: str = ""
    """A file instead, such as one that a repository keeps."""

    token: SecretStr | None = None
    """Sent as `Authorization: Bearer ...` where the feed asks for one."""

    person: Literal["auto", "attendee", "summary"] = "auto"
    """Where the person stands: mail of the attendees, title of the event, or attendees where there are any."""

    pattern: str = Field(default="", max_length=200)
    """An expression that finds the person in the title, such as `On call: (.+)`; titles it misses are no shift."""

    zone: str = ""
    """Zone of whole days and of times without one, where the feed names none; left out, the rota's."""

    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """How long the feed may take in all."""

    ca: str = ""
    """A file with the certificate authority to trust instead of the public ones."""

    max_megabytes: int = Field(default=4, ge=1, le=64)
    """The largest feed that is read."""

    @field_validator("url")
    @classmethod
    def _address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        parts = urlsplit(re.sub(r"^webcals?:", "https:", url.get_secret_value()))
        if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE)):
            raise ValueError("expected an https address of a calendar feed")
        return SecretStr(parts.geturl())

    @field_validator("pattern")
    @classmethod
    def _expression(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as wrong:
            raise ValueError(f"pattern is no regular expression: {wrong}") from None
        return pattern

    @model_validator(mode="after")
    def _one_place(self) -> IcalSettings:
        if (self.url is None) == (not self.path):
            raise ValueError("expected url or path, one of them")
        return self


class IcalSchedule:
    """The schedule of the name `ical`."""

    shelf: ClassVar[str] = "oncall"
    Settings = IcalSettings

    def __init__(
        self, settings: IcalSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        self._pattern = re.compile(settings.pattern) if settings.pattern else None
        self._http = Http(_feed.WHAT, settings, transport=transport) if settings.url is not None else None
        self._etag = self._digest = ""
        self._calendars: list[Any] = []

    async def shifts(self, start: datetime, end: datetime) -> Sequence[Shift]:
        """Everybody's hours in that time. Raises Unavailable."""
        text, etag = await self._text()
        found, kept = await asyncio.to_thread(self._read, text, start, end)
        if kept is not None:  # only what was understood is what "not modified" may mean
            self._calendars, self._digest, self._etag = *kept, etag
        return found

    def _read(self, text: str | None, start: datetime, end: datetime) -> tuple[tuple[Shift, ...], _Kept | None]:
        """In a thread: a large calendar takes a second. None is the feed as it was."""
        kept, calendars = None, self._calendars
        if text is not None:
            digest = hashlib.sha256(text.encode()).hexdigest()
            calendars = _feed.read(text) if digest != self._digest else calendars
            kept = calendars, digest
        found = _feed.shifts(calendars, start, end, self.settings.zone, self.settings.person, self._pattern)
        return in_order(found, start, end, _feed.WHAT), kept

    async def _text(self) -> tuple[str | None, str]:
        """The feed and its ETag; None where it is as it was understood last."""
        if self._http is None:
            return await asyncio.to_thread(self._file), ""
        assert self.settings.url is not None  # noqa: S101 - then there is no connection
        known = {"if-none-match": self._etag} if self._etag and self._digest else {}
        headers = {"accept": "text/calendar, */*;q=0.1"} | known
        answer = await self._http.ask("GET", self.settings.url.get_secret_value(), headers=headers)
        if answer.status_code == _SAME and known:
            return None, ""
        if answer.status_code == _BUSY:
            raise RateLimited(_feed.WHAT, wait(answer))
        if answer.status_code in _REDIRECTS:
            raise Unavailable(_feed.WHAT, f"has moved ({answer.status_code}); give the address it leads to")
        if answer.status_code in {401, 403, 404, 410}:
            raise Unavailable(_feed.WHAT, f"is not to be had at that address any more ({answer.status_code})")
        if answer.status_code != _OK:
            raise Unavailable(_feed.WHAT, f"answered {answer.status_code}")
        text = _decoded(answer.content)
        _feed.complete(text)
        return text, answer.headers.get("etag", "")

    def _file(self) -> str:
        try:
            with Path(self.settings.path).open("rb") as file:
                content = file.read(self.settings.max_megabytes * MEGABYTE + 1)
        except OSError as error:
            raise Unavailable(_feed.WHAT, f"{self.settings.path} cannot be read: {error.strerror}") from None
        if len(content) > self.settings.max_megabytes * MEGABYTE:
            raise Unavailable(_feed.WHAT, f"is larger than {self.settings.max_megabytes} MB")
        text = _decoded(content)
        _feed.complete(text)
        return text

    async def close(self) -> None:
        """Let go of the connection."""
        if self._http is not None:
            await self._http.close()


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unavailable(_feed.WHAT, "is not UTF-8") from None
