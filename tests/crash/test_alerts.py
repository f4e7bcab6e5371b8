"""A house that takes alerts is killed by SIGKILL at moments that dice choose, and started again, while its sender goes on.

Real here: the process with its console, the signal, HTTP, DBOS, SQLite and PostgreSQL; the phone is a file, and
knows keys as every channel but voice and Pushover does; what one without would have rung is counted too. The sender's own
record of what was answered with 2xx is the oracle. A plain run kills eight times; CI=true forty times on SQLite and ten on
PostgreSQL, a nightly one forty times on both.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.crash.alert_audit import Audit, audit
from tests.crash.alert_sender import Sender
from tests.crash.nursery import Nursery
from tests.parts import free_port
from tests.postgres import Postgres

CI = os.environ.get("CI") == "true"
KILLS = {"sqlite": 40, "postgresql": 10} if CI else {"sqlite": 8, "postgresql": 8}
LONGEST = 2.0
"""Seconds of a life at most, once it answers."""
STUCK = 25
"""So many looks, a second or more apart, may find no less than the one before."""
TOKEN = "the-token-of-who-sends-alerts"
PEOPLE = ("ana", "ben", "cleo", "dan", "eva", "finn")
SERVICES = tuple(f"model-{n}" for n in range(24))
TOCSIN = """
organisation: {{name: Praxis AG}}
web: {{port: {port}}}
{database}
alerts:
- {{name: am, kind: alertmanager, auth: {{bearer: {{env: AM_TOKEN}}}}}}
policy:
  acknowledge_within: 2h
  merge_pages: 1s
  alerts: {{together: 0s, page_from: 2}}
  storm: {{incidents_per_minute: 1000000}}
"""


@dataclass
class Run:
    """A house that is killed now and then, and what it came to."""

    nursery: Nursery
    folder: Path
    url: str
    bug: str = ""
    kills: int = 0

    def __post_init__(self) -> None:
        self.port, self.phone = free_port(), self.folder / "phone"
        (self.folder / "services").mkdir()
        lite = self.url.startswith("sqlite")
        told = "" if lite else "database: {url: {env: TOCSIN_DATABASE}}"
        (self.folder / "tocsin.yaml").write_text(TOCSIN.format(port=self.port, database=told))
        people = (f"{key}: {{name: {key.title()}, roles: [responder], email: {key}@example.com}}\n" for key in PEOPLE)
        (self.folder / "people.yaml").write_text("".join(people))
        for n, name in enumerate(SERVICES):
            words = f"name: {name}\nowner: ml\non_call: [{PEOPLE[n % len(PEOPLE)]}]\n"
            (self.folder / "services" / f"{name}.yaml").write_text(words)

    def born(self) -> int:
        """Start it; its pid."""
        order = {"folder": str(self.folder), "phone": str(self.phone), "database": self.url, "token": TOKEN}
        return self.nursery.bear({**order, "life_of": "alerts", "bug": self.bug})

    def up(self) -> None:
        """Wait until it answers."""
        end = time.monotonic() + 40
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False, timeout=2).is_success:
                    return
            assert time.monotonic() < end, "it did not come up"
            time.sleep(0.02)

    def play(self, kills: int, seed: int, patience: float = 240) -> Audit:
        """Kill it so often, let it come to rest, and look."""
        dice = random.Random(seed)
        sender = Sender(f"http://127.0.0.1:{self.port}/alerts/am", TOKEN, SERVICES, seed, 0.1)
        try:
            for number in range(kills):
                pid = self.born()
                if number == 0:
                    self.up()
                    sender.start()
                elif number % 4 != 3:  # else it dies while it starts
                    self.up()
                time.sleep(dice.uniform(0.0, LONGEST))
                os.kill(pid, signal.SIGKILL)
                self.kills += self.nursery.ended() == -signal.SIGKILL
            pid = self.born()
            try:
                self.up()
                assert sender.finish(20), "what was sent is not taken"
                found = self._rested(sender, patience)
            finally:
                os.kill(pid, signal.SIGTERM)
                code = self.nursery.ended()
            assert code == 0
        finally:
            sender.abandon()
        sys.stdout.write(
            f"{self.kills} kills, {sender.accepted} alerts accepted in {sender.tries} tries, {len(sender.alerts)} keys; "
            f"{found.incidents} incidents, {found.brief} over before a page; {found.share}; "
            f"load of the machine {os.getloadavg()[0]:.1f}\n"
        )
        return found

    def _rested(self, sender: Sender, patience: float) -> Audit:
        """Look until there is nothing to find any more, or no look has found less for a while, or patience is over."""
        end, least, stuck = time.monotonic() + patience, sys.maxsize, 0
        while True:
            size = self.phone.stat().st_size if self.phone.exists() else 0
            time.sleep(1.0)
            if time.monotonic() < end and self.phone.exists() and self.phone.stat().st_size != size:
                continue
            rang = self.phone.read_text().splitlines() if self.phone.exists() else []
            found = asyncio.run(audit(self.url, rang, sender.alerts, self.kills))
            stuck = 0 if len(found.troubles) < least else stuck + 1
            least = min(least, len(found.troubles))
            if not found.troubles or stuck > STUCK or time.monotonic() > end:
                return found


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def run(request: pytest.FixtureRequest, houses: Nursery, tmp_path: Path) -> Iterator[Run]:
    """A house on either database."""
    if request.param == "sqlite":
        yield Run(houses, tmp_path, f"sqlite:///{tmp_path / '.tocsin' / 'tocsin.db'}")
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        yield Run(houses, tmp_path, url)


def judged(run: Run, found: Audit, kills: int) -> None:
    """Nothing lost, nothing double, and enough happened for that to mean something."""
    assert found.troubles == [], found.troubles[:10]
    assert run.kills == kills
    assert found.pages > 3 * kills


def test_killed_under_alerts(run: Run) -> None:
    """No accepted alert lost, no alert in two open incidents, no page lost, fewer than 0.5 % twice, the logs whole."""
    kills = KILLS[run.url.partition(":")[0].partition("+")[0]]
    judged(run, run.play(kills, seed=7), kills)


@pytest.mark.nightly
def test_killed_forty_times_under_alerts(run: Run) -> None:
    """The same with dice of its own every night."""
    seed = random.SystemRandom().randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    judged(run, run.play(40, seed), 40)


@pytest.mark.long
@pytest.mark.parametrize(
    ("bug", "says"),
    [
        ("answers first", "was accepted and is lost"),
        ("opens twice", "open incidents"),
        ("tells nobody", "no phone rang"),
        ("rings twice", "pages came twice"),
    ],
)
def test_a_planted_mistake_of_intake_is_caught(houses: Nursery, tmp_path: Path, bug: str, says: str) -> None:
    """A house that answers before it is durable, opens twice, pages nobody or everybody twice is found out."""
    planted = Run(houses, tmp_path, f"sqlite:///{tmp_path / '.tocsin' / 'tocsin.db'}", bug)
    found = planted.play(2, seed=1, patience=1)
    assert any(says in trouble for trouble in found.troubles), found
