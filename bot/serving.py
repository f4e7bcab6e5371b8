"""The running house behind one port: console, API, webhooks and health, until somebody asks it to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot import shelf, wiring
from bot.telemetry import log as logger

if TYPE_CHECKING:
    from bot.config.load import Installation
    from bot.wiring import House


async def serve(installation: Installation) -> None:
    """Run the house until SIGTERM or SIGINT, then end in order: no new request, then the rounds, then the rest."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    installation.state.mkdir(parents=True, exist_ok=True)
    async with wiring.running(installation) as house:
        logger().info("ready", console=installation.web.address, log_in="tocsin login NAME")
        await _listen(console(house), installation, stop)
        logger().info("stopping")
    logger().info("stopped")


def console(house: House) -> Any:
    """The web console of a house, as an ASGI app."""
    from bot.documents import Document
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
            words=wiring.templates(house.installation),
        )
    )


def _ready(house: House) -> Any:
    async def ready() -> Mapping[str, object]:
        await house.desk.log.open_ids()
        polled, now = house.watch.polled, house.clock.now()
        late = polled is None or (now - polled) > 4 * house.watch.every
        return {"ok": not late, "polled": polled.isoformat() if polled else None}

    return ready


async def _listen(app: Any, installation: Installation, stop: asyncio.Event) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        """Signals are the house's business: it must close the rounds after the last request."""

        @contextlib.contextmanager
        def capture_signals(self) -> Any:
            yield

    web = installation.web
    config = uvicorn.Config(app, host=web.host, port=web.port, log_config=None, access_log=False, lifespan="on")
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    ended.cancel()
    await serving
