"""Asks Opsgenie (and the operations of Jira Service Management that speak its API) who is on call by one schedule.

The final timeline is read, so overrides and forwarding count. A person is their user name there, a mail address.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr, model_validator

from bot.clients.http import Http, HttpSettings, field, segment
from bot.clock import Clock
from bot.oncall._asked import in_order, moment, pieces, written
from bot.rota.rota import Shift

WHAT = "Opsgenie"
DAYS = 84


class OpsgenieSettings(HttpSettings):
    """Which schedule counts."""

    url: str = "https://api.opsgenie.com"
    """The API's address; accounts in Europe: `https://api.eu.opsgenie.com`."""

    token: SecretStr | None = Field(default=None)
    """An API key that may read the configuration."""

    schedule: str = Field(min_length=1)
    """The schedule's id, or its name."""

    by: Literal["id", "name"] = "id"
    """Which of the two it is."""

    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """How long one request may take in all."""

    @model_validator(mode="after")
    def _with_a_key(self) -> OpsgenieSettings:
        if self.token is None:
            raise ValueError("expected token, a reference such as {env: OPSGENIE_KEY}")
        return self


class OpsgenieSchedule:
    """The schedule of the name `opsgenie`."""

    shelf: ClassVar[str] = "oncall"
    Settings = OpsgenieSettings

    def __init__(
        self, settings: OpsgenieSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        secret = settings.token.get_secret_value() if settings.token else ""
        self._http = Http(
            WHAT,
            settings.model_copy(update={"token": None}),  # it is no bearer there
            url=settings.url,
            transport=transport,
            secret_headers={"authorization": SecretStr(f"GenieKey {secret}")},
        )

    async def shifts(self, start: datetime, end: datetime) -> Sequence[Shift]:
        """Everybody's hours in that time. Raises Unavailable."""
        found: list[Shift] = []
        for since, until in pieces(start, end, DAYS):
            days = math.ceil((until - since).total_seconds() / 86400) + 1  # it begins with the day, not the instant
            params = {
                "identifierType": self.settings.by,
                "date": written(since),
                "interval": str(days),
                "intervalUnit": "days",
            }
            told = await self._http.get(f"/v2/schedules/{segment(self.settings.schedule)}/timeline", params)
            final = field(field(told, "data", dict, WHAT), "finalTimeline", dict, WHAT)
            for rotation in field(final, "rotations", list, WHAT):
                found += _periods(rotation)
        return in_order(found, start, end, WHAT)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._http.close()


def _periods(rotation: Any) -> Iterator[Shift]:
    """A team or an escalation in a period is told with the people it comes to; a period of nobody has no recipient."""
    because = str(rotation.get("name") or "rotation") if isinstance(rotation, dict) else ""
    for period in field(rotation, "periods", list, WHAT) if "periods" in rotation else ():
        since, until = moment(field(period, "startDate", str, WHAT), WHAT), moment(period.get("endDate"), WHAT)
        recipient = period.get("recipient")
        told = period.get("flattenedRecipients") or ([recipient] if isinstance(recipient, dict) else [])
        for each in told:
            if isinstance(each, dict) and each.get("type") in {"user", "contact"} and each.get("name"):
                yield Shift(str(each["name"]), since, until, because)
