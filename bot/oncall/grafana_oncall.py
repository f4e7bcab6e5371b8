"""Asks Grafana OnCall (and Grafana Cloud IRM, which speaks its API) for the final shifts of one schedule.

Whole days are asked for and cut to the time that was meant. A person is their mail address there, else their user name.
A schedule's iCalendar export can be read instead, with the provider `ical`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr, model_validator

from bot.clients.http import Http, HttpSettings, field, segment
from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.oncall._asked import in_order, moment, pieces
from bot.rota.rota import Shift

WHAT = "Grafana OnCall"
DAYS = 84
PAGES = 100
"""How far a list is followed."""


class GrafanaOncallSettings(HttpSettings):
    """Which schedule counts, and where the API is."""

    url: str
    """The API's address without `/api/v1`, as its settings page shows it."""

    token: SecretStr | None = Field(default=None)
    """An API key, or a service account's token (then with `stack`)."""

    stack: str = ""
    """Grafana's own address, which a service account's token needs beside it."""

    schedule: str = Field(min_length=1)
    """The schedule's id, such as SBM7DV7BKFUYU."""

    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """How long one request may take in all."""

    @model_validator(mode="after")
    def _with_a_key(self) -> GrafanaOncallSettings:
        if self.token is None:
            raise ValueError("expected token, a reference such as {env: GRAFANA_ONCALL_TOKEN}")
        return self


class GrafanaOncallSchedule:
    """The schedule of the name `grafana_oncall`."""

    shelf: ClassVar[str] = "oncall"
    Settings = GrafanaOncallSettings

    def __init__(
        self, settings: GrafanaOncallSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        secret = settings.token.get_secret_value() if settings.token else ""
        bearer = f"Bearer {secret}" if settings.stack else secret  # its own keys travel bare
        self._http = Http(
            WHAT,
            settings.model_copy(update={"token": None}),
            url=settings.url,
            transport=transport,
            headers={"x-grafana-url": settings.stack} if settings.stack else {},
            secret_headers={"authorization": SecretStr(bearer)},
        )

    async def shifts(self, start: datetime, end: datetime) -> Sequence[Shift]:
        """Everybody's hours in that time. Raises Unavailable."""
        found: list[Shift] = []
        for since, until in pieces(start, end, DAYS):
            # a day more at either side: whose midnight it counts from is the schedule's affair
            days = {
                "start_date": f"{since - timedelta(days=1):%Y-%m-%d}",
                "end_date": f"{until + timedelta(days=1):%Y-%m-%d}",
            }
            found += await self._pages(days)
        return in_order(found, start, end, WHAT)

    async def _pages(self, days: dict[str, str]) -> list[Shift]:
        path = f"/api/v1/schedules/{segment(self.settings.schedule)}/final_shifts/"
        found: list[Shift] = []
        for page in range(1, PAGES + 1):
            told = await self._http.get(path, days | {"page": str(page)})
            found += [_shift(each) for each in field(told, "results", list, WHAT)]
            if not told.get("next"):
                return found
        raise Unavailable(WHAT, f"tells more than {PAGES} pages of shifts")

    async def close(self) -> None:
        """Let go of the connection."""
        await self._http.close()


def _shift(told: Any) -> Shift:
    since, until = field(told, "shift_start", str, WHAT), field(told, "shift_end", str, WHAT)
    person = told.get("user_email") or told.get("user_username")
    if not person:
        raise Unavailable(WHAT, "tells a shift of nobody")
    return Shift(str(person), moment(since, WHAT), moment(until, WHAT), "schedule")
