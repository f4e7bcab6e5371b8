"""What `tocsin run` runs, in a process that is killed under alerts: all is real but the phone; it may be given a mistake."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import openings, serving, telemetry, wiring
from bot.config.load import load
from bot.domain.alert import Alert
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.durable.dbos import Dbos
from bot.engine.calling import Sent, Summons
from bot.store import claims
from tests.phone import Phone

LATER = 0.3
"""Seconds by which a house that answers first writes down late."""


class Listed(Phone):
    """Writes down whom it reached, under which key, about which incidents."""

    async def page(self, summons: Summons) -> Sent:
        about = ",".join(each.incident.id for each in summons.situations)
        with self.path.open("a") as file:
            file.write(f"{summons.person.key} {summons.key} {about}\n")
        return Sent("phone")


class Mute(Listed):
    """Says it reached somebody and did not."""

    async def page(self, summons: Summons) -> Sent:
        return Sent("phone")


class Twice(Listed):
    """Rings twice for one page, under two keys."""

    async def page(self, summons: Summons) -> Sent:
        await super().page(replace(summons, key=f"{summons.key}:once-more"))
        return await super().page(summons)


PHONES = {"tells nobody": Mute, "rings twice": Twice}


def plant(bug: str, house: wiring.House) -> None:
    """Make the house make that mistake."""
    if bug == "answers first":
        keep, kept = house.inbox.accept, set[asyncio.Task[None]]()

        async def late(alerts: Sequence[Alert]) -> None:
            await asyncio.sleep(LATER)
            await keep(alerts)

        async def accept(alerts: Sequence[Alert]) -> int:
            task = asyncio.create_task(late(alerts))
            kept.add(task)
            task.add_done_callback(kept.discard)
            return len(alerts)

        house.inbox.accept = accept  # type: ignore[method-assign]
    elif bug == "opens twice":
        opened = house.intake.handler.open_all

        async def settle(*_given: Any) -> None:
            return

        async def twice(commands: Sequence[Command], *, cause: str = "") -> list[Incident | Exception]:
            await opened(commands, cause=cause)
            return await opened(commands, cause=cause)

        claims.settle = settle  # type: ignore[assignment]
        house.intake.handler.open_all = twice  # type: ignore[method-assign]
    elif bug and bug not in PHONES:
        raise ValueError(bug)


async def main(config: Path, phone: Path, bug: str) -> None:
    """Run it as `bot.serving.serve` does."""
    installation = load(config, environ=os.environ, models=openings.models)
    installation.state.mkdir(parents=True, exist_ok=True)
    telemetry.listen("warning")
    stop, sockets = asyncio.Event(), serving.bound(installation.web)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    url = installation.database_url
    work = f"sqlite:///{installation.state / 'work.db'}" if url.startswith("sqlite") else url
    pagers = {"phone": PHONES.get(bug, Listed)(phone)}
    async with wiring.running(installation, durable=Dbos(work, takeover_every=0.5), pagers=pagers) as house:
        plant(bug, house)
        await serving._listen(serving.console(house), sockets, stop)


def prepare() -> None:
    """Load what this house needs beside the others, so that each is forked ready."""
    for name in ("dbos", "fastapi", "uvicorn", "bot.web.app", "bot.web.ack", "bot.documents._pack"):
        importlib.import_module(name)


def live(order: Mapping[str, str]) -> None:
    """A whole life, until SIGTERM, or whatever comes first."""
    os.environ.update(AM_TOKEN=order["token"], TOCSIN_DATABASE=order["database"])
    asyncio.run(main(Path(order["folder"]) / "tocsin.yaml", Path(order["phone"]), order["bug"]))
