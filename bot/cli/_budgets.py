"""What is left of a service's error budgets: as the running server knows it, or counted from its sources' past."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.slo.gate import Standing

if TYPE_CHECKING:
    from bot.config.installation import Installation
    from bot.slo.ledger import Ledger
    from bot.slo.spec import Slo


def of_server(config: Path, service: str) -> list[Standing]:
    """Asked of the running server, whose ledger is the truth. Raises Unavailable, Refused."""
    from bot.cli._api import Api, place

    api = Api(place(config, os.environ))
    rows = api.get("/api/slos")
    with api.understood():
        return [_told(row) for row in rows if row["service"] == service]


def _told(row: dict[str, object]) -> Standing:
    """No data is no budget, whatever number stands beside it."""
    spent = row["budget_spent"]
    if row["state"] == "no data" or not isinstance(spent, int | float):
        return Standing(str(row["name"]), None, str(row["because"]))
    return Standing(str(row["name"]), 1 - spent)


def of_history(config: Path, service: str) -> list[Standing]:
    """Counted from the past of the configured sources, as the bot does when it starts. Raises Invalid, NotFound."""
    from bot import telemetry
    from bot.cli._database import configured
    from bot.domain.errors import NotFound

    telemetry.listen("error")
    installation = configured(config)
    if service not in installation.services:
        raise NotFound("service", service, sorted(installation.services))
    names = installation.services[service].slos
    slos = [slo for slo in installation.slos if slo.name in names]
    return asyncio.run(_counted(installation, slos)) if slos else []


async def _counted(installation: Installation, slos: Sequence[Slo]) -> list[Standing]:
    from bot import shelf
    from bot.clock import SystemClock
    from bot.engine.counting import Counting

    clock = SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        sources = {}
        for name in {slo.source for slo in slos}:
            kind, settings = installation.sources[name]
            sources[name] = shelf.load("sources", kind)(settings, clock=clock)
            stack.push_async_callback(sources[name].close)
        counting = Counting.of(slos, sources, installation.poll_every)
        now = clock.now()
        await counting.poll(now)
        return [_standing(slo, counting.ledger, now) for slo in slos]


def _standing(slo: Slo, ledger: Ledger, now: datetime) -> Standing:
    from bot.slo.budget import budget
    from bot.slo.burn import events, span

    silent = ledger.silence(slo, now)
    if silent is not None:
        return Standing(slo.name, None, silent)
    held = budget(slo, ledger, now)
    if held.events < slo.min_events * slo.unit:
        there = f"its source knows of {events(slo, held.events)} events in {span(slo.window)}"
        return Standing(slo.name, None, f"{there}, and {slo.min_events:,} are needed")
    return Standing(slo.name, held.remaining)
