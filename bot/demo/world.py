"""The whole demonstration world in one process: model service, router, traffic, and the faults one can set.

    python -m bot.demo.world --state DIR --ports-file FILE [--rate N] [--mlflow URL] [--haproxy] [--prometheus]

It is the deployment, not the bot: it lives on when the bot dies, and stands where it stood when it is started again.
"""

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import httpx

from bot.clock import SystemClock
from bot.demo import data, gateway, hosting, models, papers, parts, service, wire
from bot.demo.operations import Operations
from bot.demo.pipeline import Pipeline
from bot.demo.registry import Registry
from bot.demo.router import Router
from bot.demo.traffic import Traffic
from bot.demo.truth import Truth
from bot.domain.errors import Refused, TocsinError, Unavailable

RATE = 100.0  # requests per second: a slice of 9 % is then judged within ten seconds
SLICES = tuple(f"health={health}" for health in data.HEALTHS)
_LOG = logging.getLogger(__name__)


async def run(
    folder: Path, ports_file: Path, *, rate: float = RATE, mlflow: str | None = None,
    with_haproxy: bool = False, with_prometheus: bool = False, stop: asyncio.Event,
) -> None:  # fmt: skip
    """Live until `stop` is set. Raises TocsinError when a part cannot be had or the folder's files cannot be read."""
    now = SystemClock().now
    train, live = data.load()
    truth, line = Truth(now), Pipeline(folder / "pipeline.json", now)
    served = service.Service(models.prepare(folder, train, live, now), live, line, truth, now)
    router = Router(folder / "router.json", now, weighted=models.RELEASES, fallbacks=["rules"], slices=SLICES)
    ports = _Ports(folder / "ports.json")
    doors = {name: ports.door(name) for name in (*models.VERSIONS, "router", "world")}
    ports.save()
    urls = {name: hosting.url(sock) for name, sock in doors.items()}
    backends = {version: urls[version] for version in models.VERSIONS}
    front = gateway.Gateway(router, backends)
    operations = Operations(folder / "deploys.json", router, line, truth, served.models.records, now)
    traffic = Traffic(urls["router"], live, rate)
    apps = {version: (doors[version], service.app(served, version)) for version in models.VERSIONS}
    apps["router"] = (doors["router"], gateway.app(front))
    apps["world"] = (doors["world"], wire.app(operations, served, front, traffic, truth))
    told: dict[str, Any] = {
        "router": urls["router"], "service": backends, "world": urls["world"],
        "metrics": [f"{urls[name]}/metrics" for name in (*models.VERSIONS, "router")],
        "all_metrics": f"{urls['world']}/metrics", "pid": os.getpid(),
    }  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(hosting.serving(apps))
        if mlflow is not None:
            registry = Registry(mlflow)
            stack.push_async_callback(registry.close)
            told["mlflow"] = {"url": mlflow, "versions": await registry.enter(
                served.models.records, int(now().timestamp() * 1000))}  # fmt: skip
            operations.registry = registry
        parts.reap(folder)
        if with_haproxy:
            balancer = await parts.haproxy(folder, backends, models.RELEASES)
            stack.push_async_callback(balancer.part.stop)
            await balancer.weigh(router.state()["weights"])
            operations.balancer, traffic.url = balancer, f"{balancer.part.url}/predict"
            told["haproxy"] = {"url": balancer.part.url, "socket": str(balancer.socket), "map": str(balancer.slices)}
            told["metrics"].append(f"{balancer.part.url}/metrics")
        if with_prometheus:
            scraper = await parts.prometheus(folder, told["metrics"])
            stack.push_async_callback(scraper.stop)
            told["prometheus"] = scraper.url
        await _until(stop, traffic, ports_file, told, stack)


async def _until(
    stop: asyncio.Event, traffic: Traffic, ports_file: Path, told: dict[str, Any], stack: contextlib.AsyncExitStack
) -> None:
    """Let the people come, tell where everything is, wait."""
    if traffic.rate > 0:
        coming = asyncio.create_task(traffic.run())
        stack.push_async_callback(_end, coming)
        coming.add_done_callback(lambda _: stop.set())
    papers.write(ports_file, told)
    print(f"the demonstration world is up: router {told['router']}, controls {told['world']}", flush=True)
    await stop.wait()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise Unavailable("traffic", f"ended by itself: {outcome}") from outcome


class _Ports:
    """The ports of last time, taken again where they are free: whoever watches this world need not be told anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        before = papers.read(path) or {}
        self._before = {name: port for name, port in before.items() if isinstance(port, int)}
        self._taken: dict[str, int] = {}

    def door(self, name: str) -> Any:
        sock = hosting.door(self._before.get(name))
        self._taken[name] = sock.getsockname()[1]
        return sock

    def save(self) -> None:
        papers.write(self._path, self._taken)


def _alone(folder: Path) -> TextIO:
    """Hold the folder for this process; raises Refused when another world lives in it."""
    lock = (folder / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Refused(f"another demonstration world lives in {folder}") from error
    return lock


async def _main(asked: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal or the bot that started it may go away
    await run(
        asked.state, asked.ports_file, rate=asked.rate, mlflow=asked.mlflow,
        with_haproxy=asked.haproxy, with_prometheus=asked.prometheus, stop=stop,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the world until SIGTERM; 1 with one sentence on stderr when it cannot be."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    reader = argparse.ArgumentParser(prog="python -m bot.demo.world", description="The demonstration world.")
    reader.add_argument("--state", type=Path, required=True, help="folder that keeps the world's state")
    reader.add_argument("--ports-file", type=Path, required=True, help="written as JSON when all is ready")
    reader.add_argument("--rate", type=float, default=RATE, help="requests per second (0: none)")
    reader.add_argument("--mlflow", help="URL of an MLflow tracking server to enter the versions into")
    reader.add_argument("--haproxy", action="store_true", help="let the traffic flow through HAProxy")
    reader.add_argument("--prometheus", action="store_true", help="start a Prometheus that scrapes the world")
    asked = reader.parse_args(arguments)
    if not 0 <= asked.rate <= 1000:  # noqa: PLR2004
        reader.error("--rate: expected 0 to 1000 requests per second")
    asked.state, asked.ports_file = asked.state.absolute(), asked.ports_file.absolute()
    asked.state.mkdir(parents=True, exist_ok=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        with _alone(asked.state):
            asyncio.run(_main(asked))
    except (TocsinError, httpx.InvalidURL, OSError) as error:
        print(f"the demonstration world cannot run: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
