"""What others do for the same answer: google's slo-generator, and one query per window over a pool of connections.

`python -m tests.benchmarks.peers httpx|aiohttp URL` asks the queries on its standard input and says what that cost; it is
a process of its own so that nobody's heap slows another down.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from tests.benchmarks.exporter import metric, name
from tests.benchmarks.server import Cost, Served

WINDOWS = (300, 1800, 3600, 21600)  # seconds
POOL = 20
PACKAGES = ("slo-generator[prometheus]==2.6.0", "setuptools<81")  # it imports pkg_resources to start


def queries(size: int, slos: range) -> Iterator[str]:
    """Good and bad counts of each window of these objectives, one query each, as slo-generator asks them."""
    for number in slos:
        for window in WINDOWS:
            for match in ("!~", "=~"):
                yield f'sum(increase({metric(size)}{{slo="{name(number)}",code{match}"5.."}}[{window}s]))'


def pooled(client: str, server: Served, asked: Sequence[str]) -> Cost:
    """One query per window through this client, POOL at a time."""
    before = server.cpu()
    child = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.peers", client, server.url],
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
    )
    found = json.loads(child.stdout)
    return Cost(found["wall"], found["cpu"], server.cpu() - before)


class SloGenerator:
    """slo-generator in an environment of its own, with one file for each objective."""

    def __init__(self, folder: Path, server: Served, size: int) -> None:
        self.folder, self.server, self.size = folder, server, size
        self.program = folder / "env" / "bin" / "slo-generator"
        steps = [
            {
                "name": f"{window} s",
                "window": window,
                "burn_rate_threshold": 9,
                "alert": False,
                "message_alert": "burns",
                "message_ok": "fine",
            }
            for window in WINDOWS
        ]
        config = {
            "backends": {"prometheus": {"url": server.url}},
            "exporters": {},
            "error_budget_policies": {"default": {"steps": steps}},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))

    def install(self) -> str:
        """Make the environment; why it cannot be, or ""."""
        place = str(self.folder / "env")
        uv = shutil.which("uv")
        made = [uv, "venv", "-q", "--python", sys.executable, place] if uv else [sys.executable, "-m", "venv", place]
        pip = [uv, "pip", "install", "-q", "--python", f"{place}/bin/python"] if uv else [f"{place}/bin/pip", "install"]
        for command in (made, [*pip, *PACKAGES]):
            child = subprocess.run(
                [str(each) for each in command], stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            if child.returncode:
                return child.stderr.decode(errors="replace").strip().splitlines()[-1][:200]
        return ""

    def run(self, slos: int) -> Cost:
        """Compute so many objectives, one run of the program."""
        files = self.folder / f"of-{slos}"
        if not files.is_dir():
            files.mkdir()
            for number in range(slos):
                (files / f"{name(number)}.yaml").write_text(yaml.safe_dump(self._objective(number)))
        before, child, begun = self.server.cpu(), _children(), time.perf_counter()
        ran = subprocess.run(
            [self.program, "compute", "-f", str(files), "-c", str(self.folder / "config.yaml")],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore", "NO_PROXY": "127.0.0.1"},
            check=True,
        )
        cost = Cost(time.perf_counter() - begun, _children() - child, self.server.cpu() - before)
        if ran.stdout.count(b"SLI") + ran.stderr.count(b"SLI") < slos * len(WINDOWS):
            raise RuntimeError(f"slo-generator computed too little: {ran.stderr.decode(errors='replace')[-2000:]}")
        return cost

    def _objective(self, number: int) -> dict[str, object]:
        series = f'{metric(self.size)}{{slo="{name(number)}",code'
        return {
            "apiVersion": "sre.google.com/v2",
            "kind": "ServiceLevelObjective",
            "metadata": {"name": name(number), "labels": {"service_name": "api", "feature_name": "x", "slo_name": "y"}},
            "spec": {
                "description": "requests that do not fail",
                "backend": "prometheus",
                "method": "good_bad_ratio",
                "exporters": [],
                "service_level_indicator": {
                    "filter_good": f'{series}!~"5.."}}[window]',
                    "filter_bad": f'{series}=~"5.."}}[window]',
                },
                "goal": 0.999,
            },
        }


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _httpx(url: str, asked: Sequence[str]) -> None:
    import httpx

    limits = httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL)
    async with httpx.AsyncClient(limits=limits, trust_env=False, timeout=60) as client:

        async def one(query: str) -> object:
            answer = await client.get(f"{url}/api/v1/query", params={"query": query})
            return answer.raise_for_status().json()["data"]["result"]

        await _all(one, asked)


async def _aiohttp(url: str, asked: Sequence[str]) -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=POOL)) as client:

        async def one(query: str) -> object:
            async with client.get(f"{url}/api/v1/query", params={"query": query}) as answer:
                answer.raise_for_status()
                return (await answer.json())["data"]["result"]

        await _all(one, asked)


async def _all(one, asked: Sequence[str]) -> None:
    """All of them, POOL at a time: so many workers, each with one question open."""
    waiting = iter(asked)

    async def worker() -> None:
        for query in waiting:
            await one(query)

    await asyncio.gather(*(worker() for _ in range(POOL)))


if __name__ == "__main__":
    given = json.loads(sys.stdin.read())
    ask = {"httpx": _httpx, "aiohttp": _aiohttp}[sys.argv[1]]
    asyncio.run(ask(sys.argv[2], given[:POOL]))  # the client's own imports, and the server's caches
    wall, used = time.perf_counter(), time.process_time()
    asyncio.run(ask(sys.argv[2], given))
    sys.stdout.write(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - used}))
