"""Asks PagerDuty who is on call: by one schedule, overrides included, or by one level of an escalation policy.

The token needs to read schedules, on-calls and users alone. A person is their mail address there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr, model_validator

from bot.clients.http import Http, HttpSettings, field, segment
from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.oncall._asked import in_order, moment, pieces, written
from bot.rota.rota import Shift

WHAT = "PagerDuty"
DAYS = 80
"""How much is asked for at once: the API refuses more than three months."""
PAGES, PER_PAGE = 50, 100
"""How far a list is followed."""


class PagerdutySettings(HttpSettings):
    """Which schedule, or which level of which escalation policy, counts."""

    url: str = "https://api.pagerduty.com"
    """The API's address; accounts in Europe: `https://api.eu.pagerduty.com`."""

    token: SecretStr | None = Field(default=None)
    """A read-only REST API key."""

    schedule: str = ""
    """The schedule's id, such as PI7DH85."""

    policy: str = ""
    """An escalation policy's id instead, where people are named there without a schedule."""

    level: int = Field(default=1, ge=1, le=20)
    """The level of that policy that counts."""

    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """How long one request may take in all."""

    @model_validator(mode="after")
    def _one_of_them(self) -> PagerdutySettings:
        if bool(self.schedule) == bool(self.policy):
            raise ValueError("expected schedule or policy, one of them")
        if self.token is None:
            raise ValueError("expected token, a reference such as {env: PAGERDUTY_TOKEN}")
        return self


class PagerdutySchedule:
    """The schedule of the name `pagerduty`."""

    shelf: ClassVar[str] = "oncall"
    Settings = PagerdutySettings

    def __init__(
        self, settings: PagerdutySettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        secret = settings.token.get_secret_value() if settings.token else ""
        self._http = Http(
            WHAT,
            settings.model_copy(update={"token": None}),  # it is no bearer there
            url=settings.url,
            transport=transport,
            headers={"accept": "application/vnd.pagerduty+json;version=2"},
            secret_headers={"authorization": SecretStr(f"Token token={secret}")},
        )
        self._mails: dict[str, str] = {}

    async def shifts(self, start: datetime, end: datetime) -> Sequence[Shift]:
        """Everybody's hours in that time. Raises Unavailable."""
        found: list[Shift] = []
        for since, until in pieces(start, end, DAYS):
            asked = self._rendered(since, until) if self.settings.schedule else self._called(since, until)
            found += [each async for each in asked]
        return in_order(found, start, end, WHAT)

    async def _rendered(self, since: datetime, until: datetime) -> AsyncIterator[Shift]:
        params = {"since": written(since), "until": written(until), "time_zone": "UTC"}
        told = await self._http.get(f"/schedules/{segment(self.settings.schedule)}", params)
        final = field(field(told, "schedule", dict, WHAT), "final_schedule", dict, WHAT)
        for entry in field(final, "rendered_schedule_entries", list, WHAT):
            person = await self._person(field(entry, "user", dict, WHAT))
            yield Shift(person, moment(entry.get("start"), WHAT), moment(entry.get("end"), WHAT), "schedule")

    async def _called(self, since: datetime, until: datetime) -> AsyncIterator[Shift]:
        """Without a start and an end somebody is on call for good."""
        for page in range(PAGES):
            params = {
                "escalation_policy_ids[]": self.settings.policy,
                "since": written(since),
                "until": written(until),
                "time_zone": "UTC",
                "include[]": "users",
                "limit": str(PER_PAGE),
                "offset": str(page * PER_PAGE),
            }
            told = await self._http.get("/oncalls", params)
            for entry in field(told, "oncalls", list, WHAT):
                if field(entry, "escalation_level", int, WHAT) != self.settings.level:
                    continue
                person = await self._person(field(entry, "user", dict, WHAT))
                first = moment(entry["start"], WHAT) if entry.get("start") else since
                last = moment(entry["end"], WHAT) if entry.get("end") else until
                yield Shift(person, first, last, f"level {self.settings.level}")
            if not told.get("more"):
                return
        raise Unavailable(WHAT, f"tells more than {PAGES * PER_PAGE} on-calls")

    async def _person(self, user: Mapping[str, Any]) -> str:
        """A reference names no mail address: it is asked for once. Somebody deleted there has their name alone."""
        name = field(user, "id", str, WHAT)
        if name not in self._mails:
            mail = user.get("email")
            if not mail:
                told = await self._http.find(f"/users/{segment(name)}")
                mail = field(field(told, "user", dict, WHAT), "email", str, WHAT) if told is not None else ""
            if not mail:
                return str(user.get("summary") or user.get("name") or name)
            self._mails[name] = str(mail)
        return self._mails[name]

    async def close(self) -> None:
        """Let go of the connection."""
        await self._http.close()
