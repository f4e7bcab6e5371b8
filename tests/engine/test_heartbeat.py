"""The heartbeat: it goes out while the house works and only then, and nothing that becomes of it stops anything.

Real here: the request and the receiver's server on loopback, in the last tests.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from bot.clients.deadman import Deadman
from bot.domain.errors import Unavailable
from bot.engine.heartbeat import Heartbeat, Sign
from bot.engine.vitals import Vitals
from bot.selfwatch import vigil
from tests.engine.test_silence import silence
from tests.inbox import alert
from tests.parts import CANARY, Hands, badly, nothing_there
from tests.world import World


class Receiver:
    """Remembers what it was told; it may refuse."""

    def __init__(self) -> None:
        self.beats: list[str] = []
        self.refuses: Exception | None = None

    async def beat(self, said: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.beats.append(said)

    async def close(self) -> None:
        return


class Standby:
    async def holds(self) -> bool:
        return False


def beating(world: World, receiver: Receiver, lead: object = None) -> Heartbeat:
    """The house's own heartbeat, at this receiver."""
    house = world.house
    watched = vigil(
        house.installation,
        store=house.store,
        main=house.watch,
        reconciler=house.reconciler,
        vitals=Vitals(world.clock, house.watch.every),
        lead=lead or house.store.lead,
        pagers=world.pagers,
        receiver=receiver,
        inbox=house.inbox,
    )
    assert watched.heartbeat is not None
    return watched.heartbeat


def numbers(heart: Heartbeat) -> dict[str, float]:
    names = ("tocsin_heartbeats_total", "tocsin_heartbeat_failures_total", "tocsin_heartbeats_withheld_total")
    return {name.split("_", 1)[1]: value for name, _labels, value in heart._vitals.samples(names)}


async def test_it_beats_while_the_house_works_and_says_what_it_saw(tmp_path: Path) -> None:
    """Sources asked on time, database, lead and durable engine: all are in the body, with what waits."""
    async with World.open(tmp_path) as world:
        receiver = Receiver()
        heart = beating(world, receiver)
        await heart.beat()
        assert receiver.beats == []  # nothing was ever asked
        await world.round()
        await heart.beat()
        (said,) = receiver.beats
        assert said.splitlines() == [
            "Tocsin works.", "last poll 0 s ago", "the database answers", "this replica leads",
            "the durable engine answers", "what is noted waits 0 s to be acted on", "alerts wait 0 s to be taken in",
        ]  # fmt: skip
        assert numbers(heart) == {"heartbeats_total": 1, "heartbeat_failures_total": 0, "heartbeats_withheld_total": 1}


@pytest.mark.parametrize("broken", ["rounds", "database", "lead", "engine"])
async def test_it_falls_silent_with_any_of_them(tmp_path: Path, broken: str) -> None:
    """One sign missing and no beat goes out; the reason is said once in the log, and it goes on when all is well."""
    async with World.open(tmp_path) as world:
        receiver = Receiver()
        heart = beating(world, receiver, Standby() if broken == "lead" else None)
        await world.round()
        engine = world.house.reconciler.durable
        if broken == "rounds":
            world.clock.forward(minutes=5)
        elif broken == "database":
            log = silence(world, 3, "open_ids")
            heart = beating(world, receiver)
        elif broken == "engine":

            async def silent() -> list[tuple[str, int]]:
                raise Unavailable("the durable engine's database", "OperationalError")

            engine.dead_letters = silent
            heart = beating(world, receiver)
        with structlog.testing.capture_logs() as logged:
            await heart.beat()
            await heart.beat()
        assert receiver.beats == []
        assert [each["event"] for each in logged] == ["no heartbeat is sent: the house does not work"]
        assert numbers(heart)["heartbeats_withheld_total"] == 2
        if broken == "rounds":
            await world.round()
        elif broken == "database":
            log.left = 0
        else:
            return
        await heart.beat()
        assert len(receiver.beats) == 1


@pytest.mark.parametrize("what", ["notes", "alerts"])
async def test_it_falls_silent_while_something_waits(tmp_path: Path, what: str) -> None:
    """What was noted and not looked at, or accepted and not taken in, for more than a minute; then it goes on."""
    async with World.open(tmp_path) as world:
        house, receiver = world.house, Receiver()
        heart = beating(world, receiver)
        await world.round()
        if what == "notes":
            house.reconciler.note("INC-1")
        else:
            await house.inbox.accept([alert("a")])
        world.clock.forward(seconds=60)
        await house.watch.tick()
        await heart.beat()
        assert len(receiver.beats) == 1
        world.clock.forward(seconds=1)
        await heart.beat()
        assert len(receiver.beats) == 1
        assert "wait 61 s" in heart.because.replace("waits", "wait")
        await (world.settle() if what == "notes" else house.intake.round())
        await world.settle()
        await heart.beat()
        assert len(receiver.beats) == 2


async def test_a_sign_that_hangs_or_breaks_is_not_there() -> None:
    """Whatever comes of asking, it ends, and no beat goes out."""

    async def hangs() -> Sign:
        await asyncio.Event().wait()
        raise AssertionError

    async def breaks() -> Sign:
        raise KeyError(CANARY)

    for sign in (hangs, breaks):
        receiver = Receiver()
        heart = Heartbeat(Hands(), receiver, [sign], Vitals(Hands()), within=0.01)
        await heart.beat()
        assert receiver.beats == []
        assert CANARY not in heart.because


async def test_a_receiver_that_refuses_is_counted_and_stops_nothing() -> None:
    """A refusal, or a fault of ours in speaking to it: said once, counted each time, and the next beat comes."""
    receiver = Receiver()
    heart = Heartbeat(Hands(), receiver, [], Vitals(Hands()))
    with structlog.testing.capture_logs() as logged:
        for wrong in (Unavailable("it", "answered 500"), Unavailable("it", "answered 500"), ValueError("odd")):
            receiver.refuses = wrong
            await heart.beat()
        receiver.refuses = None
        await heart.beat()
    told = [each["event"] for each in logged]
    assert told == ["a heartbeat was not taken", "a heartbeat was not taken", "heartbeats are taken again"]
    assert numbers(heart) == {"heartbeats_total": 1, "heartbeat_failures_total": 3, "heartbeats_withheld_total": 0}


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A receiver's server of this machine: its address, and every request as it came."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0)
        heard.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping/{CANARY}", heard
    finally:
        server.close()


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_real_receiver_hears_it(tmp_path: Path, method: str) -> None:
    """One request at the very address; a POST says how the house is, a GET says nothing."""
    async with World.open(tmp_path) as world, receiving() as (url, heard):
        await world.round()
        deadman = Deadman(url, method=method)
        heart = beating(world, deadman)
        await heart.beat()
        await heart.close()
        (request,) = heard
        assert request.startswith(f"{method} /ping/{CANARY} HTTP/1.1\r\n".encode())
        assert (b"Tocsin works.\nlast poll 0 s ago" in request) is (method == "POST")
        assert numbers(heart)["heartbeats_total"] == 1


@pytest.mark.parametrize(
    "manners", ["hangs", "hangs up", "drips", "404", "401", "429", "500", "302", "not http", "gone"]
)
async def test_a_receiver_with_bad_manners(manners: str) -> None:
    """Nothing but a 2xx in time counts as taken, and the address, which is a secret, is told nowhere."""
    async with contextlib.AsyncExitStack() as stack:
        port = await nothing_there() if manners == "gone" else await stack.enter_async_context(badly(manners))
        heart = Heartbeat(Hands(), Deadman(f"http://127.0.0.1:{port}/ping/{CANARY}", within=0.5), [], Vitals(Hands()))
        await heart.beat()
        await heart.close()
        assert numbers(heart)["heartbeat_failures_total"] == 1
        assert heart.because.startswith("the heartbeat's receiver 127.0.0.1: ")
        assert CANARY not in heart.because
