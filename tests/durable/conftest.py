"""Every durable engine the house may run on, behind one harness."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.durable.dbos import Dbos
from bot.durable.memory import Journal, Memory
from bot.engine.ports import Durable
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]

ROOT = Path(__file__).parents[2]


class HandClock:
    """A clock moved by hand; sleepers wake when it passes."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        until = self.time + timedelta(seconds=seconds)
        while self.time < until:
            await self._moved.wait()


class Hands:
    """What the engine calls: remembers each call, does what a test says."""

    def __init__(self) -> None:
        self.performed: list[str] = []
        self.woken: list[str] = []
        self.first = asyncio.Event()
        self.during: dict[str, object] = {}

    async def perform(self, key: str) -> None:
        self.performed.append(key)
        self.first.set()
        await self._also(key)

    async def wake(self, incident: str) -> None:
        self.woken.append(incident)
        await self._also(incident)

    async def _also(self, what: str) -> None:
        deed = self.during.get(what)
        if deed is not None:
            await deed()


class InMemory:
    """The twin: time passes when the test says so, a crash is a call."""

    def __init__(self) -> None:
        self.clock, self.journal, self.hands = HandClock(), Journal(), Hands()
        self.engine: Durable = Memory(self.clock, self.journal)

    async def open(self) -> None:
        await self.engine.open(self.hands.perform, self.hands.wake)

    def now(self) -> datetime:
        return self.clock.now()

    async def settle(self, seconds: float = 0, *, performed: int = 0, woken: int = 0) -> None:
        """Let so much time pass and everything end."""
        self.clock.forward(seconds)
        await self.engine.advance(self.clock.now())

    async def close(self) -> None:
        await self.engine.close()

    async def run_and_die(self, key: str, *, first: bool) -> list[str]:
        """A process that starts (or takes up) the key and dies while performing it; what it performed."""
        hands, twin = Hands(), Memory(self.clock, self.journal)
        hands.during[key] = asyncio.Event().wait
        await twin.open(hands.perform, hands.wake)
        if first:
            await twin.start(key)
        for _ in range(5):
            await asyncio.sleep(0)
        await twin.crash()
        return hands.performed

    async def take_up(self, key: str) -> tuple[list[str], list[str]]:
        """A process that lives: what it performed without being asked, and the dead letters."""
        hands, twin = Hands(), Memory(self.clock, self.journal)
        await twin.open(hands.perform, hands.wake)
        await twin.advance(self.clock.now())
        letters = [key for key, _attempt in await twin.dead_letters()]
        await twin.close()
        return hands.performed, letters

    async def give_up(self, key: str) -> tuple[list[str], list[str]]:
        """The same, where nothing is to be performed any more."""
        return await self.take_up(key)


class OnDbos:
    """DBOS: time is the machine's, a crash is SIGKILL in a process of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.seen, self.hands = url, folder / "performed", Hands()
        self.seen.touch()
        self.engine: Durable = Dbos(url, takeover_every=0.2)

    async def open(self) -> None:
        await self.engine.open(self.hands.perform, self.hands.wake)

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def settle(self, seconds: float = 0, *, performed: int = 0, woken: int = 0) -> None:
        """Wait until that many calls came (a due wake-up may be two seconds late), and a little for one too many."""
        await asyncio.sleep(seconds)
        for _ in range(500):
            if len(self.hands.performed) >= performed and len(self.hands.woken) >= woken:
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)

    async def close(self) -> None:
        await self.engine.close()

    async def run_and_die(self, key: str, *, first: bool) -> list[str]:
        done = await self._child(key, "start" if first else "take-up", "die")
        assert done.returncode == -9, done.stderr
        return self._lines()

    async def take_up(self, key: str, what: str = "take-up") -> tuple[list[str], list[str]]:
        done = await self._child(key, what, "live")
        assert done.returncode == 0, done.stderr
        return self._lines(), done.stdout.split()

    async def give_up(self, key: str) -> tuple[list[str], list[str]]:
        return await self.take_up(key, "give-up")

    async def _child(self, key: str, what: str, how: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, Path(__file__).with_name("child.py"), self.url, self.seen, key, what, how]
        return await asyncio.to_thread(
            subprocess.run, arguments, capture_output=True, text=True, timeout=30, check=False, cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip

    async def child(self, key: str, what: str, how: str) -> tuple[list[str], list[str], str]:
        """A process that may fail: what it performed, the dead letters it saw, what it complained of."""
        done = await self._child(key, what, how)
        return self._lines(), done.stdout.split(), done.stderr

    def _lines(self) -> list[str]:
        lines = self.seen.read_text().splitlines()
        self.seen.write_text("")
        return lines


@pytest.fixture(
    params=[
        "memory",
        "dbos+sqlite",
        pytest.param("dbos+postgres", marks=pytest.mark.real),
    ]
)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InMemory | OnDbos]:
    """One engine, not yet opened."""
    match request.param:
        case "memory":
            yield InMemory()
        case "dbos+sqlite":
            yield OnDbos(f"sqlite:///{tmp_path}/durable.db", tmp_path)
        case _:
            server: Postgres = request.getfixturevalue("postgres")
            with server.database() as url:
                yield OnDbos(url, tmp_path)


@pytest.fixture
async def running(bench: InMemory | OnDbos) -> AsyncIterator[InMemory | OnDbos]:
    """One engine, open."""
    await bench.open()
    yield bench
    await bench.close()
