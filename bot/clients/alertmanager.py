"""Asks an Alertmanager what is active, by its API v2, and whether that can be everything."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx
from pydantic import Field

from bot.clients.http import Http, HttpSettings
from bot.clock import Clock
from bot.domain.alert import Alert
from bot.domain.errors import Unavailable
from bot.intake.active import Active
from bot.intake.cleaning import mapping, moment
from bot.intake.kinds.alertmanager import alert, hushed
from bot.intake.sender import Sender
from bot.intake.told import placed

_SETTLED = frozenset({"ready", "disabled"})


class Pull(HttpSettings):
    """Where an Alertmanager answers, and how often it is asked what fires."""

    every: timedelta = Field(default=timedelta(minutes=1), ge=timedelta(seconds=1), le=timedelta(hours=1))
    receiver: str = ""
    """Only what is routed to the receiver of this name; left out, everything."""
    settle: timedelta = Field(default=timedelta(minutes=5), ge=timedelta(0), le=timedelta(hours=1))
    """How long it must have been up before what it does not list is over: a new one knows nothing until it is told
    again, which Prometheus does every minute or with each evaluation of the rule, whichever is longer."""


class Alertmanager:
    """The port Alerting."""

    def __init__(
        self, settings: Pull, sender: Sender, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings, self._sender, self._clock = settings, sender, clock
        self._http = Http(f"the Alertmanager {sender.name}", settings, url=settings.url, transport=transport)

    async def active(self) -> Active:
        """What fires there. Raises Unavailable.

        The list is whole where every alert of it could be read and, asked afterwards, the Alertmanager has long been
        up and knows its peers: one that was restarted lists nothing, and nothing is over by that.
        """
        now = self._clock.now()
        listed = dict.fromkeys(("active", "silenced", "inhibited", "unprocessed"), "true")
        if self._settings.receiver:
            listed["receiver"] = f"^{re.escape(self._settings.receiver)}$"
        held = await self._http.get("/api/v2/alerts", listed)
        if not isinstance(held, list):
            raise Unavailable(self._http.what, "answered something that is no list of alerts")
        firing: list[Alert] = []
        quiet: list[Alert] = []
        undated: list[Alert] = []
        odd = 0
        for each in held:
            try:
                told = alert(each, self._sender, now)
                known = placed(self._sender, told, None, now)
            except ValueError:
                odd += 1
                continue
            if known is not None:
                (quiet if hushed(each) else undated if told.ahead else firing).append(known[0])
        because = f"{odd} of its alerts could not be read" if odd else await self._unsettled()
        return Active(firing, quiet, undated, whole=not because, because=because)

    async def _unsettled(self) -> str:
        """Why the list may lack something, or ""."""
        status: Any = mapping(await self._http.get("/api/v2/status"))
        if mapping(status.get("cluster")).get("status") not in _SETTLED:
            return "its cluster is still settling"
        try:
            since = moment(status.get("uptime"))
        except ValueError:
            since = None
        if since is None:
            return "it does not say how long it has been up"
        if self._clock.now() - since < self._settings.settle:
            return "it was started too short a while ago"
        return ""

    async def close(self) -> None:
        """Let go of its connections."""
        await self._http.close()
