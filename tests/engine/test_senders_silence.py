"""Senders of alerts that are not heard: one incident each, over when they are heard again, and no noise between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.alert import Alert
from bot.domain.errors import Unavailable
from bot.domain.incident import Incident
from bot.domain.lifecycle import Close, Resolve
from bot.domain.sli import Judged
from bot.engine.silence import Silences, is_watchdog, proves_life
from bot.selfwatch import spoken
from tests.engine.test_silence import silence
from tests.kit import NOON
from tests.world import World

EVERY = timedelta(minutes=5)


@dataclass
class Ears:
    """When each sender was last heard."""

    heard: dict[str, datetime] = field(default_factory=dict)
    broken: bool = False

    async def last_heard(self) -> Mapping[str, datetime]:
        if self.broken:
            raise Unavailable("the database", "no answer within 1.5 s")
        return dict(self.heard)


@dataclass
class Post:
    """A house that expects its senders to be heard."""

    world: World
    ears: Ears
    silences: Silences

    async def pass_by(self, minutes: int, *heard: str, leads: bool = True) -> None:
        for _ in range(minutes * 2):
            self.world.clock.forward(seconds=30)
            self.ears.heard |= dict.fromkeys(heard, self.world.clock.now())
            await self.silences.tick(leads=leads)
        await self.world.house.reconciler.everything()
        await self.world.settle()

    async def incidents(self) -> list[Incident]:
        return [await self.world.incident(name) for name in await self.world.house.desk.log.open_ids()]


def made(world: World, ears: Ears, *names: str) -> Silences:
    expected = dict.fromkeys(names or ("alertmanager",), EVERY)
    return Silences(world.house.desk.handler, ears, expected, zone=spoken("Europe/Berlin"))


@asynccontextmanager
async def post(folder: Path, *names: str) -> AsyncIterator[Post]:
    async with World.open(folder, admins=("max",)) as world:
        ears = Ears()
        yield Post(world, ears, made(world, ears, *names))


async def test_a_sender_that_falls_silent_is_an_incident_of_ours(tmp_path: Path) -> None:
    """It names the sender and since when, pages an administrator once, and is over once the sender is heard again."""
    async with post(tmp_path) as at:
        await at.pass_by(20, "alertmanager")
        assert await at.incidents() == []
        await at.pass_by(5)
        assert await at.incidents() == []  # as long as it may
        await at.pass_by(30)
        (incident,) = await at.incidents()
        assert incident.title == "Nothing was heard from alertmanager since 2026-11-20 13:20 CET"
        assert (incident.service, incident.fingerprint) == ("tocsin", "silence/alertmanager")
        assert incident.onset == NOON + timedelta(minutes=20)
        assert incident.sli is not None
        assert incident.sli.judged is Judged.NO_DATA
        assert [who for who, _key in at.world.phone.pages][:1] == ["max"]
        await at.pass_by(10, "alertmanager")
        (incident,) = await at.incidents()
        assert incident.mitigated == NOON + timedelta(minutes=55, seconds=30)
        lines = await at.world.lines()
        assert any("alertmanager is heard again since 2026-11-20 13:55 CET" in line for line in lines)


async def test_a_sender_that_was_never_heard_is_silent_too(tmp_path: Path) -> None:
    """A webhook nobody set up at the other end looks just like one that has nothing to say."""
    async with post(tmp_path) as at:
        await at.pass_by(5)
        assert await at.incidents() == []
        await at.pass_by(1)
        (incident,) = await at.incidents()
        assert incident.title == "Nothing was heard from alertmanager since it was set up"


async def test_each_sender_is_one_incident(tmp_path: Path) -> None:
    """One is heard and one is not."""
    async with post(tmp_path, "alertmanager", "grafana") as at:
        await at.pass_by(30, "grafana")
        assert [each.fingerprint for each in await at.incidents()] == ["silence/alertmanager"]


async def test_a_sender_that_comes_and_goes_makes_no_noise(tmp_path: Path) -> None:
    """Heard for a moment every seven minutes: one incident, one line, nobody paged anew."""
    async with post(tmp_path) as at:
        await at.pass_by(8)
        entries = len(await at.world.lines())
        for _ in range(2):
            at.ears.heard["alertmanager"] = at.world.clock.now()
            await at.pass_by(7)
        (incident,) = await at.incidents()
        assert incident.mitigated is None
        said = [line for line in (await at.world.lines())[entries:] if "heard" in line or "silence" in line]
        assert said == []
        assert incident.returns == 0


async def test_a_silence_that_comes_back_is_nobodys(tmp_path: Path) -> None:
    """Heard for an hour and silent again while the incident is open: the same one, paged anew; closed, a new one."""
    async with post(tmp_path) as at:
        await at.pass_by(8)
        await at.pass_by(60, "alertmanager")
        pages = len(at.world.phone.pages)
        await at.pass_by(7)
        (incident,) = await at.incidents()
        assert (incident.id, incident.mitigated, incident.returns) == ("INC-1", None, 1)
        assert len(at.world.phone.pages) > pages
        await at.pass_by(20, "alertmanager")
        await at.world.say(Resolve("it was restarted"), "ana")
        await at.world.say(Close(), "ana")
        await at.pass_by(7)
        assert [each.id for each in await at.incidents()] == ["INC-2"]


async def test_a_silence_somebody_resolved_is_told_again_after_a_day(tmp_path: Path) -> None:
    """Theirs for a day, restarts or not; silent still, the same incident is open again and paged, then every day."""
    async with post(tmp_path) as at:
        await at.pass_by(8)
        await at.world.say(Resolve("it is being moved", waive="known"), "ana")
        pages = len(at.world.phone.pages)
        await at.pass_by(10)
        at.world.clock.forward(minutes=12 * 60)
        at.silences = made(at.world, at.ears)
        await at.pass_by(20)
        assert not (await at.world.incident()).is_open
        assert len(at.world.phone.pages) == pages
        at.world.clock.forward(minutes=12 * 60)
        await at.pass_by(1)
        (incident,) = await at.incidents()
        assert (incident.id, incident.resolved) == ("INC-1", None)
        assert len(at.world.phone.pages) > pages
        await at.world.say(Resolve("next week", waive="known"), "ana")
        await at.world.say(Close(), "ana")
        await at.pass_by(60)
        assert not (await at.world.incident()).is_open
        await at.pass_by(10, "alertmanager")  # heard, and silent anew: another silence
        await at.pass_by(7)
        assert [each.id for each in await at.incidents()] == ["INC-2"]


async def test_nobody_could_be_heard_while_this_house_stood_still(tmp_path: Path) -> None:
    """After an outage of our own each sender has its whole time; an incident that is open goes on, and is ended."""
    async with post(tmp_path) as at:
        await at.pass_by(10, "alertmanager")
        at.world.clock.forward(minutes=120)
        at.silences = made(at.world, at.ears)
        await at.pass_by(4)
        assert await at.incidents() == []
        await at.pass_by(3)
        assert len(await at.incidents()) == 1
        at.silences = made(at.world, at.ears)
        await at.pass_by(7)
        assert len(await at.incidents()) == 1
        at.silences = made(at.world, at.ears)
        await at.pass_by(7, "alertmanager")
        (incident,) = await at.incidents()
        assert incident.mitigated is not None


async def test_a_standby_tells_nobody_until_it_leads(tmp_path: Path) -> None:
    """It sees the same; taking over it tells what the leader may not have."""
    async with post(tmp_path) as at:
        await at.pass_by(10, leads=False)
        assert await at.incidents() == []
        await at.pass_by(1)
        assert len(await at.incidents()) == 1


async def test_a_silent_database_is_not_a_silent_sender(tmp_path: Path) -> None:
    """Nobody can tell who was heard, so nothing is said; what could not be recorded is told when it answers."""
    async with post(tmp_path) as at:
        await at.pass_by(4, "alertmanager")
        at.ears.broken = True
        await at.pass_by(30)
        assert await at.incidents() == []
        at.ears.broken = False
        at.ears.heard["alertmanager"] = at.world.clock.now()
        await at.pass_by(4)
        assert await at.incidents() == []
        log = silence(at.world, 4, "holder")
        await at.pass_by(6)
        assert log.left == 0
        assert len(await at.incidents()) == 1


WATCHDOG = Alert("alertmanager", "f1", NOON, None, "An alert that always fires", labels={"alertname": "Watchdog"})


@pytest.mark.parametrize(
    ("alerts", "watchdog", "lives"),
    [
        ([], "", True),
        ([WATCHDOG], "", True),
        ([WATCHDOG], "Watchdog", True),
        ([replace(WATCHDOG, ends=NOON + EVERY)], "Watchdog", False),
        ([replace(WATCHDOG, labels={"alertname": "HighLatency"})], "Watchdog", False),
        ([replace(WATCHDOG, labels={"alertname": "HighLatency"}), WATCHDOG], "Watchdog", True),
        ([], "Watchdog", False),
    ],
)
def test_what_counts_as_being_heard(alerts: list[Alert], watchdog: str, *, lives: bool) -> None:
    """Any message, or where there is a watchdog that alone, and only firing: a sender whose source is gone resolves it."""
    assert proves_life(alerts, watchdog) is lives


def test_a_watchdog_opens_nothing() -> None:
    """By its name, or its title where the sender has no names; without one set up there is none."""
    assert is_watchdog(WATCHDOG, "Watchdog")
    assert is_watchdog(replace(WATCHDOG, labels={}, title="Watchdog"), "Watchdog")
    assert not is_watchdog(WATCHDOG, "")
    assert not is_watchdog(replace(WATCHDOG, labels={"alertname": "Watch"}), "Watchdog")
