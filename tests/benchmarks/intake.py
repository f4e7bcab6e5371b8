"""How fast alerts are taken, durably, by a running house, and what each costs; beside a real Alertmanager's own API.

`python -m tests.benchmarks.intake PORT PATH SHAPE MESSAGES SIZE CONNECTIONS FIRST` is the sender: a process of its own
that writes prepared bytes to so many connections, each waiting for its answer, and says how long that took.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.child import memory
from tests.benchmarks.server import cpu
from tests.parts import binary, free_port, running

TOKEN = "the-token-of-the-benchmark"
TOCSIN = """
organisation: {{name: Bench}}
web: {{port: {port}}}
alerts:
- {{name: prod, kind: alertmanager, auth: {{bearer: {{env: AM_TOKEN}}}}}}
"""
ALERTMANAGER = "{route: {receiver: nobody, group_by: ['...']}, receivers: [{name: nobody}]}"
RUNS = (("single", 12_000, 1, 64), ("in batches of 100", 880, 100, 16))
"""Name, messages, alerts of each, connections."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run came to."""

    alerts: int
    wall: float
    cpu: float
    p99: float
    refused: int

    def __str__(self) -> str:
        lost = f", {self.refused} NOT TAKEN" if self.refused else ""
        return (
            f"{self.alerts / self.wall:8,.0f} alerts/s, {1e6 * self.cpu / self.alerts:6.1f} us of processor each, "
            f"answered p99 {1000 * self.p99:6.1f} ms{lost}"
        )


def measure(rounds: int, say: Callable[[str], None]) -> None:
    """Print both, taking turns, and what a hundred thousand that fire cost."""
    say(
        "alert intake over HTTP: synced to the disk before the answer (SQLite, synchronous=FULL); goals 2,000/s single,"
    )
    say("15,000/s in batches. The Alertmanager keeps alerts in memory and answers at once.")
    with tempfile.TemporaryDirectory(prefix="tocsin-intake-") as name:
        folder = Path(name)
        with tocsin(folder / "house") as (house, port), alertmanager(folder / "am") as (other, listen):
            first = 0
            for what, messages, size, connections in RUNS:
                ours, theirs = [], []
                for _ in range(rounds):
                    ours.append(run(house, port, "/alerts/prod", "webhook", messages, size, connections, first))
                    theirs.append(run(other, listen, "/api/v2/alerts", "api", messages, size, connections, first))
                    first += messages * size
                for who, found in (("Tocsin", ours), ("Alertmanager", theirs)):
                    middle = sorted(found, key=lambda each: each.alerts / each.wall)[len(found) // 2]
                    say(f"  {what:<18} {who:<13} {middle}")
            listing(house, port, folder / "house", first, say)


def run(pid: int, port: int, path: str, shape: str, messages: int, size: int, connections: int, first: int) -> Taken:
    """Send so many messages; what it cost the process that took them."""
    words = [str(each) for each in (port, path, shape, messages, size, connections, first)]
    sender = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.intake", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert sender.stdin is not None
    assert sender.stdout is not None
    sender.stdout.readline()  # everything is prepared
    before = cpu(pid)
    told, _ = sender.communicate(b"go\n")
    found = json.loads(told)
    return Taken(messages * size, found["wall"], cpu(pid) - before, found["p99"], found["refused"])


def listing(pid: int, port: int, place: Path, accepted: int, say: Callable[[str], None]) -> None:
    """Fill up to a hundred thousand that fire, and read pages."""
    lacking = max(0, 100_000 - accepted)
    if lacking:
        run(pid, port, "/alerts/prod", "webhook", -(-lacking // 100), 100, 16, accepted)
    token = (place / ".tocsin" / "api-token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": "ana"}
    taken: list[float] = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
        after, firing = "", 0
        for _ in range(100):
            begun = time.perf_counter()
            page = client.get("/api/alerts", params={"limit": 100, "after": after}).raise_for_status().json()
            taken.append(time.perf_counter() - begun)
            after, firing = page["next"], page["firing"]
    say(
        f"  {firing:,} fire: pages of 100 with their count, median {1000 * statistics.median(taken):.1f} ms, "
        f"p99 {1000 * sorted(taken)[-2]:.1f} ms; the house holds {memory(pid)}"
    )


@contextlib.contextmanager
def tocsin(place: Path) -> Iterator[tuple[int, int]]:
    """A running house that polls nothing; its process and port."""
    (place / "services").mkdir(parents=True)
    port = free_port()
    (place / "tocsin.yaml").write_text(TOCSIN.format(port=port))
    (place / "people.yaml").write_text("ana: {name: Ana, roles: [responder], email: ana@example.com}\n")
    (place / "services" / "loans.yaml").write_text("name: loans\nowner: ml\non_call: [ana]\n")
    environ = {**os.environ, "AM_TOKEN": TOKEN, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "bot", "run", "-c", "tocsin.yaml"]
    with running(command, lambda: _up(port, "/healthz"), within=60, env=environ, cwd=place) as child:
        yield child.pid, port


@contextlib.contextmanager
def alertmanager(place: Path) -> Iterator[tuple[int, int]]:
    """Debian's, which tells nobody; its process and port."""
    place.mkdir()
    port = free_port()
    (place / "config.yml").write_text(ALERTMANAGER)
    command = [binary("prometheus-alertmanager"), "--config.file=config.yml", "--storage.path=data"]
    command += ["--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}"]
    with running(command, lambda: _up(port, "/-/ready"), within=60, cwd=place) as child:
        yield child.pid, port


def _up(port: int, path: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=2).status_code == 200
    return False


# -- the sender ------------------------------------------------------------------------------------------------------


def message(shape: str, first: int, size: int) -> bytes:
    """A body with so many alerts nobody has seen before."""
    alerts: list[dict[str, Any]] = []
    for n in range(first, first + size):
        held: dict[str, Any] = {
            "labels": {
                "alertname": "LatencyHigh", "severity": "warning", "service": "loans", "cluster": "eu-1", "n": str(n),
                "instance": f"10.0.{n % 250}.7:9090", "job": "api", "namespace": "prod", "pod": f"api-{n:06}",
            },
            "annotations": {
                "summary": "Latency of the API is high",
                "description": "The 99th percentile has been above 2 s for ten minutes.",
            },
            "startsAt": "2026-11-30T11:00:00.000Z",
            "generatorURL": "http://prometheus.example:9090/graph?g0.expr=histogram_quantile&g0.tab=1",
        }  # fmt: skip
        if shape == "webhook":
            held |= {"status": "firing", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": f"{n:016x}"}
        alerts.append(held)
    document: Any = alerts
    if shape == "webhook":
        document = {
            "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "tocsin",
            "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "alerts": alerts,
            "externalURL": "http://alertmanager.example:9093",
        }  # fmt: skip
    return json.dumps(document).encode()


class _Line(asyncio.Protocol):
    """One connection: a message, its answer, the next message."""

    def __init__(self, waiting: Iterator[bytes], found: list[tuple[float, bool]], done: asyncio.Future[None]) -> None:
        self.waiting, self.found, self.done, self.held, self.sent = waiting, found, done, b"", 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def next(self) -> None:
        """Send the next one, or end."""
        given = next(self.waiting, None)
        if given is None:
            self.transport.close()
            self.done.set_result(None)
            return
        self.sent = time.perf_counter()
        self.transport.write(given)

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, split, body = self.held.partition(b"\r\n\r\n")
        if not split:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) >= length:
            self.held = body[length:]
            self.found.append((time.perf_counter() - self.sent, head.startswith(b"HTTP/1.1 2")))
            self.next()


async def _send(port: int, requests: list[bytes], connections: int) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    waiting, found = iter(requests), list[tuple[float, bool]]()
    lines: list[_Line] = []
    for _ in range(connections):
        _, line = await loop.create_connection(lambda: _Line(waiting, found, loop.create_future()), "127.0.0.1", port)
        lines.append(line)
    begun = time.perf_counter()
    for line in lines:
        line.next()
    await asyncio.gather(*(line.done for line in lines))
    wall = time.perf_counter() - begun
    times = sorted(taken for taken, _ in found)
    refused = len(requests) - sum(fine for _, fine in found)
    return {"wall": wall, "p99": times[int(len(times) * 0.99)], "refused": refused}


def _main() -> None:
    port, path, shape, messages, size, connections, first = sys.argv[1:]
    requests = []
    for at in range(int(messages)):
        body = message(shape, int(first) + at * int(size), int(size))
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(asyncio.run(_send(int(port), requests, int(connections)))))


if __name__ == "__main__":
    _main()
