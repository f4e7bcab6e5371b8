"""The running house behind one port: console, API, webhooks and health, until somebody asks it to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import signal
import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot import openings, shelf, wiring
from bot.domain.errors import Unavailable
from bot.engine.vigil import waiting
from bot.telemetry import log as logger

if TYPE_CHECKING:
    from pydantic import SecretStr

    from bot.config.installation import Installation
    from bot.config.model import Web
    from bot.slack.room import SlackRoom
    from bot.wiring import House

BACKLOG = 2048
NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


async def serve(installation: Installation) -> None:
    """Run the house until SIGTERM or SIGINT, then end in order: no new request, then the rounds, then the rest.

    Raises Unavailable where it cannot listen, before anything was started.
    """
    sockets = bound(installation.web)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    installation.state.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        for each in sockets:
            stack.callback(each.close)
        house = await stack.enter_async_context(wiring.running(installation))
        logger().info("ready", console=installation.web.address, log_in="tocsin login NAME")
        await _listen(console(house), sockets, stop)
        logger().info("stopping")
    logger().info("stopped")


def console(house: House) -> Any:
    """The web console of a house, as an ASGI app."""
    from bot.config.shown import Shown
    from bot.documents import Document
    from bot.documents._calendar import write as write_calendar
    from bot.documents._pack import pack
    from bot.documents.csv import lines
    from bot.engine.hindsight import Hindsight
    from bot.engine.proofs import Proofs
    from bot.engine.trial import Trials
    from bot.web.app import build
    from bot.web.house import WebHouse

    slack = house.slack
    return build(
        WebHouse(
            desk=house.desk,
            watch=house.watch,
            documents={name: shelf.load("documents", name)() for name in shelf.names("documents")},
            make_document=Document.of,
            state=house.installation.state,
            organisation=house.installation.organisation.name,
            ready=_ready(house),
            slack_http=slack.http_app if slack is not None and slack.settings.mode == "http" else None,
            pack=functools.partial(pack, product=_product()),
            words=openings.templates(house.installation),
            calendars=house.store.calendars,
            trials=Trials(house.desk.roster, house.reconciler.hands.pagers, house.clock, house.desk.catalogue.web_url),
            write_calendar=write_calendar,
            chat=_chat(slack) if slack is not None else None,
            inbox=house.inbox,
            senders=[each.sender for each in house.installation.alerts],
            truncated=house.pulling.want,
            intake=house.intake,
            vigil=house.vigil,
            record=house.store.audit,
            proofs=Proofs(house.store.audit, house.store.checkpoints, house.clock),
            write_rows=lines,
            past=house.store.past,
            settings=Shown(house.installation.root / house.installation.file, os.environ, openings.models),
            hindsight=Hindsight(
                house.watch.slos, house.sources, house.store.checkpoints, house.clock, lookback=_lookbacks(house)
            ),
            status=_status(house),
            secret=openings.console_secret(house.installation),
            metrics_token=_secret(house.installation.web.metrics_token),
            access=house.store.access,
            sign_in=openings.sign_in(house.installation, house.clock),
        )
    )


def _lookbacks(house: House) -> Mapping[str, timedelta]:
    """For how long each source's series may be silent before they are gone, as it polls."""
    from bot.engine.hindsight import LOOKBACK

    told = {
        name: getattr(settings, "lookback_seconds", None) for name, (_, settings) in house.installation.sources.items()
    }
    return {name: timedelta(seconds=held) if held else LOOKBACK for name, held in told.items()}


def _secret(held: SecretStr | None) -> str:
    return held.get_secret_value() if held is not None else ""


def _status(house: House) -> Any:
    """The status page, where `status` of tocsin.yaml asks for one."""
    from bot.engine.status import StatusBoard

    wanted = house.installation.status
    if wanted is None:
        return None
    announced = wanted.announced(house.installation.maintenance)
    public = wanted.audience == "public"
    return StatusBoard(house.desk.handler, house.store.log, wanted.title, wanted.shown(), announced, public)


def _product() -> str:
    """The program and its version."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"tocsin {version('tocsin')}"
    except PackageNotFoundError:
        return "tocsin"


def _chat(slack: SlackRoom) -> Any:
    from bot.web.house import ChatHealth

    def chat() -> ChatHealth:
        health = slack.health()
        return ChatHealth(health.connected, health.behind.incidents, health.behind.since, health.behind.error)

    return chat


def _ready(house: House) -> Any:
    async def ready() -> Mapping[str, object]:
        await house.desk.log.open_ids()
        polled, now = house.watch.polled, house.clock.now()
        late = polled is None or (now - polled) > 4 * house.watch.every
        # what waits is told and makes no house unready: what it is sent meanwhile is kept, and people must see it
        waits = {"notes": house.reconciler.waits(), "alerts": await waiting(house.inbox, now)}
        return {
            "ok": not late,
            "polled": polled.isoformat() if polled else None,
            "waits_seconds": {name: round(each.total_seconds(), 1) for name, each in waits.items()},
        }

    return ready


def bound(web: Web) -> list[socket.socket]:
    """The console's sockets, listening. Raises Unavailable with what stands in the way."""
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, *_kind, address in socket.getaddrinfo(web.host, web.port, type=socket.SOCK_STREAM):
            try:
                listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
            except OSError as error:
                if error.errno not in NOT_HERE:
                    raise
                missing = error  # localhost also means ::1, which not every machine has
            else:
                # every connection inherits it: asyncio sets it on sockets of its own making only, and an answer in two
                # writes then waits 40 ms for the other side's word that the first came
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sockets.append(listening)
        if not sockets and missing is not None:
            raise missing
    except OSError as error:
        for each in sockets:
            each.close()
        taken = error.errno == errno.EADDRINUSE
        why = "another program listens there" if taken else error.strerror or str(error)
        raise Unavailable(f"{web.host}:{web.port}", f"the console cannot listen there: {why}; see web.port") from None
    return sockets


async def _listen(app: Any, sockets: list[socket.socket], stop: asyncio.Event) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        """Signals are the house's business: it must close the rounds after the last request."""

        @contextlib.contextmanager
        def capture_signals(self) -> Any:
            yield

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Pages that lie open are sent home first: it would wait for the last of them."""
            app.state.pulse.close()
            await super().shutdown(sockets)

    server = Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
    serving = asyncio.create_task(server.serve(sockets=sockets))
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    ended.cancel()
    await serving
