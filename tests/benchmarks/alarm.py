"""From a webhook to the first message in Slack, and through a storm, with the whole house; beside a real Alertmanager.

The house is `tocsin run` in a process of its own, Slack the practice workspace in another, whose calls take 150 ms.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self

from tests.benchmarks.alarm_sender import Post, Sent, alert, send, webhook
from tests.benchmarks.child import Memory, memory
from tests.benchmarks.intake import _up
from tests.benchmarks.server import cpu
from tests.benchmarks.slack import DELAY, Workspace, workspace
from tests.parts import binary, free_port, running
from tests.serving import served

Say = Callable[[str], None]
TOKEN = "the-token-of-the-benchmark"
TOCSIN = """
organisation: {{name: Bench}}
web: {{port: {port}}}
slack:
  {{mode: socket, api_url: '{slack}/api/', team: T0TOCSIN, home_channel: '#ml-incidents',
    bot_token: {{env: SLACK_BOT_TOKEN}}, app_token: {{env: SLACK_APP_TOKEN}}}}
alerts:
- {{name: prod, kind: alertmanager, auth: {{bearer: {{env: AM_TOKEN}}}}}}
{policy}
"""
PEOPLE = {"ana": "U0ANA", "ben": "U0BEN", "dev": "U0DEV"}
CALM = "policy: {storm: {incidents_per_minute: 600}}"
"""Probes come once a second and a half, which is no storm."""
ALERTMANAGER = """
route: {{receiver: here, group_by: ['...'], group_wait: 0s, group_interval: 1s}}
receivers: [{{name: here, webhook_configs: [{{url: 'http://127.0.0.1:{port}/', send_resolved: false}}]}}]
"""
SECONDS = 10
PER_POST = 10
CRITICAL = 6
"""Of a storm's alerts: each has a card of its own, and a channel takes one message a second."""
PROBES = 16
EVERY = 1.5
RATES = ((50, 1), (1_000, 10))
"""Alerts a second, and alerts of one webhook."""
NORMAL = 60.0


@dataclass
class Seen:
    """What the workspace took, by the machine's time; asked for in a thread of its own, for it forgets."""

    slack: Workspace
    entries: list[dict[str, Any]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        last = 0
        while not self._stop.wait(0.5):
            for one in self.slack.traffic(last):
                last = one["n"]
                if one["what"] == "chat.postMessage" and one["outcome"] == "ok":
                    self.entries.append(one)

    def first(self, words: str, *, rooms: str = "CD") -> float | None:
        """When the first message with these words was taken."""
        with_it = (e["at"] for e in self.entries if e["sent"]["channel"][0] in rooms and words in json.dumps(e["sent"]))
        return min(with_it, default=None)

    def most(self, seconds: float) -> int:
        """How many messages one channel took within so many seconds at most."""
        moments: dict[str, list[float]] = {}
        for each in self.entries:
            moments.setdefault(each["sent"]["channel"], []).append(each["at"])
        return max(
            (bisect.bisect(found, at + seconds) - n for found in moments.values() for n, at in enumerate(found)),
            default=0,
        )

    def rooms(self) -> Counter[str]:
        """How many messages each room took."""
        return Counter(str(each["sent"]["channel"]) for each in self.entries)


@contextlib.contextmanager
def tocsin(place: Path, slack: Workspace, services: int, policy: str = "") -> Iterator[tuple[int, int]]:
    """A running house; its process and port."""
    (place / "services").mkdir(parents=True)
    port = free_port()
    (place / "tocsin.yaml").write_text(TOCSIN.format(port=port, slack=slack.url, policy=policy))
    (place / "people.yaml").write_text("".join(
        f"{key}: {{name: {key.title()}, roles: [responder], email: {key}@example.com, slack: {{user: {user}}}}}\n"
        for key, user in PEOPLE.items()
    ))  # fmt: skip
    for n in range(services):
        words = f"name: s{n}\nowner: ml\non_call: [{list(PEOPLE)[n % len(PEOPLE)]}]\n"
        (place / "services" / f"s{n}.yaml").write_text(words)
    environ = {**os.environ, "AM_TOKEN": TOKEN, "SLACK_BOT_TOKEN": "xoxb-local", "SLACK_APP_TOKEN": "xapp-local"}
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "bot", "run", "-c", "tocsin.yaml"]
    with running(command, lambda: _up(port, "/healthz"), within=60, env=environ, cwd=place) as child:
        time.sleep(3)  # Slack is being opened, and what is heavy loaded
        yield child.pid, port


def measure(alerts: int, say: Say) -> None:
    """Say all of it."""
    for services in (0, 40):
        with tempfile.TemporaryDirectory(prefix="tocsin-alarm-") as folder:
            storm(alerts, services, Path(folder), say)
    for rate, size in RATES:
        with tempfile.TemporaryDirectory(prefix="tocsin-alarm-") as folder:
            first_message(rate, size, Path(folder), say)


# -- the storm -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stormed:
    """What became of a storm; times in seconds."""

    sent: Sent
    lost: int
    taken: int
    drained: float | None
    waits: Sequence[float]
    after: Sequence[float]
    held: Memory
    seen: Seen


def stormed(alerts: int, services: int, folder: Path, seconds: float = SECONDS) -> Stormed:
    """So many distinct alerts in so many seconds, through a house of its own."""
    place, database = folder / "house", folder / "house" / ".tocsin" / "tocsin.db"
    with workspace() as slack, tocsin(place, slack, services + CRITICAL) as (pid, port), Seen(slack) as seen:
        sent = asyncio.run(send(port, TOKEN, _storm(alerts, services, seconds)))
        drained, waits = None, list[float]()
        while (now := time.time() - sent.begun) < seconds + NORMAL and (drained is None or len(waits) < CRITICAL):
            time.sleep(0.5)
            drained = now if drained is None and _drained(database) else drained
            cards = [seen.first(f"Critical {n} fell", rooms="C") for n in range(CRITICAL)]
            due = [seconds * (place // PER_POST * PER_POST) / alerts for place in _places(alerts)]
            waits = [at - sent.begun - due[n] for n, at in enumerate(cards) if at is not None]
        held, lost, taken = memory(pid), alerts - _kept(database), _taken(database)
        after = asyncio.run(send(port, TOKEN, _singles(200, 0.02)))
    return Stormed(sent, lost, taken, drained, waits, after.taken, held, seen)


def storm(alerts: int, services: int, folder: Path, say: Say) -> None:
    """Say what became of it, of the cards of critical ones, and of the house."""
    found = stormed(alerts, services, folder)
    sent, seen = found.sent, found.seen
    what = f"{services} services" if services else "no service, an incident each"
    say(f"{alerts:,} alerts in {SECONDS} s, {what}; load of the machine {os.getloadavg()[0]:.1f}")
    say(f"  answered to the sender  all after {sent.last:.1f} s (15), {_spread(sent.taken)}, {sent.again} again")
    say(f"  lost                    {found.lost} (0), {found.taken:,} in an incident of the log")
    slowest = f"the slowest after {max(found.waits):.1f} s (10)" if found.waits else ""
    say(f"  critical cards          {len(found.waits)} of {CRITICAL}, {slowest}")
    rooms = ", ".join(f"{room} {many}" for room, many in seen.rooms().most_common(6))
    say(
        f"  messages                {rooms}; of one channel at most {seen.most(0.9)} in 0.9 s (1), {seen.most(20)} in 20 s"
    )
    drained = "NOT" if found.drained is None else f"after {found.drained:.1f} s"
    say(f"  all in incidents        {drained} ({SECONDS + NORMAL:.0f})")
    say(f"  accepting afterwards    {_spread(found.after)}")
    say(f"  memory                  {found.held} (300 MiB)")


def _places(alerts: int) -> list[int]:
    return [alerts * (2 * n + 1) // (2 * CRITICAL) for n in range(CRITICAL)]


def _storm(alerts: int, services: int, seconds: float) -> Iterator[Post]:
    critical = {place: n for n, place in enumerate(_places(alerts))}
    for start in range(0, alerts, PER_POST):
        some = []
        for n in range(start, min(start + PER_POST, alerts)):
            if n in critical:
                some.append(
                    alert(
                        f"c{n}",
                        f"Critical {critical[n]} fell",
                        f"s{services + critical[n]}" if services else "",
                        "critical",
                    )
                )
            else:
                some.append(alert(f"n{n}", f"Node {n} is gone", f"s{n % services}" if services else "", "warning"))
        yield Post(seconds * start / alerts, "/alerts/prod", webhook(some), len(some))


def _singles(many: int, every: float) -> Iterator[Post]:
    for n in range(many):
        yield Post(n * every, "/alerts/prod", webhook([alert("again", "Node 1 is gone", "", "warning")]))


def _drained(database: Path) -> bool:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM alerts").fetchone()
        (done,) = connection.execute("SELECT seq FROM alert_marks WHERE name = 'applied'").fetchone()
        return bool(done >= last)


def _kept(database: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM alerts WHERE fingerprint <> ''").fetchone()[0])


def _taken(database: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        query = (
            "SELECT count(*) FROM alerts AS a JOIN claims ON key = 'open:alert/' || a.source || '/' || a.fingerprint"
        )
        return int(connection.execute(query).fetchone()[0])


# -- from the webhook to the first message ---------------------------------------------------------------------------


def first_message(rate: int, size: int, folder: Path, say: Say) -> None:
    """Alerts of one broken service come at that rate; now and then a critical one of another that nobody knows yet."""
    with workspace() as slack, tocsin(folder / "house", slack, PROBES + 1, CALM) as (pid, port), Seen(slack) as seen:
        used = cpu(pid)
        sent = asyncio.run(send(port, TOKEN, _load(rate, size, "/alerts/prod", webhook)))
        used = cpu(pid) - used
        time.sleep(3)
        ours = [_since(sent, seen.first(f"Probe {n} fell"), n) for n in range(PROBES)]
        held = memory(pid)
    theirs, their_cpu, their_sent = _alertmanager(rate, size, folder)
    goal = 0.5 if rate <= 50 else 2.0
    say(
        f"webhook to first message at {rate:,} alerts/s, {size} a webhook; load of the machine {os.getloadavg()[0]:.1f}"
    )
    p99 = _at([each for each in ours if each is not None] or [float("inf")], 0.99)
    say(f"  Tocsin, to Slack (of it {DELAY / 2 * 1000:.0f} ms on the way)  {_told(ours)}")
    say(
        f"    {'holds ' if p99 < goal else 'MISSED'} p99 under {goal * 1000:.0f} ms; {used / PROBES / EVERY:.2f} processors, {held}"
    )
    say(f"    answered {_spread(sent.taken)}")
    say(f"  Alertmanager, group_wait 0, to a webhook  {_told(theirs)}")
    say(f"    {their_cpu / PROBES / EVERY:.2f} processors; answered {_spread(their_sent.taken)}")


def _since(sent: Sent, at: float | None, probe: int) -> float | None:
    return at - sent.begun - (probe + 0.5) * EVERY if at is not None else None


def _load(rate: int, size: int, path: str, shape: Callable[[Sequence[dict[str, Any]]], bytes]) -> Iterator[Post]:
    probe, at = 0, 0
    while at < rate * PROBES * EVERY:
        due = at / rate
        if probe < PROBES and due >= (probe + 0.5) * EVERY:
            fell = alert(f"p{probe}", f"Probe {probe} fell", f"s{probe + 1}", "critical")
            yield Post((probe + 0.5) * EVERY, path, shape([fell]))
            probe += 1
        some = [alert(f"n{n}", f"Node {n} is gone", "s0", "warning") for n in range(at, at + size)]
        yield Post(due, path, shape(some), size)
        at += size


def _alertmanager(rate: int, size: int, folder: Path) -> tuple[list[float | None], float, Sent]:
    """The same to Debian's, which tells a webhook of each at once."""
    seen: dict[str, float] = {}

    class Told(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            now, body = time.time(), self.rfile.read(int(self.headers["Content-Length"]))
            if b"Probe " in body:
                for each in json.loads(body)["alerts"]:
                    seen.setdefault(each["labels"]["alertname"], now)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Quiet."""

    place, port = folder / "am", free_port()
    place.mkdir()
    with served(Told) as listen:
        (place / "config.yml").write_text(ALERTMANAGER.format(port=listen))
        command = [binary("prometheus-alertmanager"), "--config.file=config.yml", "--storage.path=data"]
        command += ["--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}"]
        with running(command, lambda: _up(port, "/-/ready"), within=60, cwd=place) as child:
            used = cpu(child.pid)
            sent = asyncio.run(
                send(port, TOKEN, _load(rate, size, "/api/v2/alerts", lambda some: json.dumps(some).encode()))
            )
            time.sleep(2)
            used = cpu(child.pid) - used
    return [_since(sent, seen.get(f"Probe {n} fell"), n) for n in range(PROBES)], used, sent


# -- words -----------------------------------------------------------------------------------------------------------


def _told(found: Sequence[float | None]) -> str:
    there = [each for each in found if each is not None]
    lacking = f", {len(found) - len(there)} NEVER" if len(there) < len(found) else ""
    return f"{_spread(there)}{lacking}"


def _spread(found: Sequence[float]) -> str:
    if not found:
        return "none"
    return f"p50 {_ms(statistics.median(found))}, p99 {_ms(_at(found, 0.99))}, n={len(found)}"


def _at(found: Sequence[float], share: float) -> float:
    return sorted(found)[min(len(found) - 1, int(share * len(found)))]


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"
