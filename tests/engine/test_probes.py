"""What each part of the house says of itself when it is well and when it is not, and which channels work by the log."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Unavailable
from bot.engine.lines import Lines
from bot.engine.probes import (
    ChatProbe,
    DatabaseProbe,
    DiskProbe,
    LettersProbe,
    PagerProbe,
    RecordsProbe,
    RoundsProbe,
    acting,
    taking_in,
)
from bot.engine.vitals import Vitals
from tests.engine.test_selfcare import GB, MB, Cared
from tests.kit import NOON
from tests.mail import Mail
from tests.parts import Hands
from tests.world import World


async def test_the_database() -> None:
    """Silent, slow or answering; /metrics learns it too."""
    vitals = Vitals(Hands())

    async def silent() -> object:
        raise Unavailable("the database", "no answer within 1.5 s")

    async def well() -> object:
        return []

    (found,) = await DatabaseProbe(silent, vitals).look(NOON)
    assert "no answer within 1.5 s" in found.text
    assert b"tocsin_database_up 0.0" in vitals.text()
    assert await DatabaseProbe(well, vitals).look(NOON) == []
    assert b"tocsin_database_up 1.0" in vitals.text()


@pytest.mark.parametrize(
    ("stands", "headline"),
    [
        ((True, 0, ""), ""),
        ((False, 0, "socket closed"), "Tocsin cannot reach Slack"),
        ((False, 3, ""), "Tocsin cannot reach Slack"),
        ((True, 1, ""), "Slack is behind"),
    ],
)
async def test_the_chat(stands: tuple[bool, int, str], headline: str) -> None:
    """Not connected, or connected and behind."""
    found = await ChatProbe(lambda: stands).look(NOON)
    assert "".join(each.headline for each in found) == headline


@pytest.mark.parametrize(
    ("free", "whole", "full"),
    [
        (100 * MB, 10 * GB, True),
        (300 * MB, 10 * GB, False),
        (300 * MB, 100 * GB, True),
        (6 * GB, 1000 * GB, False),
        (0, 0, True),
    ],
)
async def test_the_disk(free: int, whole: int, *, full: bool) -> None:
    """Little in itself, or little of a large one."""
    assert bool(await DiskProbe(lambda: (free, whole)).look(NOON)) is full


async def test_a_channel_that_fails_for_everybody() -> None:
    """Two people, or three in a row; a single failure may be one person's, and one that goes through ends it."""
    lines = Lines()
    probe = PagerProbe(lines)
    lines.lost("sms", "ana", "HTTP 503")
    assert await probe.look(NOON) == []
    lines.lost("sms", "ben", "HTTP 503")
    (found,) = await probe.look(NOON)
    assert (found.headline, found.avoid) == ("Pages by sms fail for everybody", frozenset({"sms"}))
    lines.took("sms")
    assert await probe.look(NOON) == []
    for _ in range(3):
        lines.lost("voice", "ana", "HTTP 503")
    assert len(await probe.look(NOON)) == 1


async def test_the_rounds() -> None:
    """A poll that does not end, and one that never began."""
    last: list[datetime | None] = [None]
    probe = RoundsProbe(lambda: last[0], timedelta(seconds=15), NOON)
    assert await probe.look(NOON + timedelta(minutes=2)) == []
    assert len(await probe.look(NOON + timedelta(minutes=3))) == 1
    last[0] = NOON + timedelta(minutes=2)
    assert await probe.look(NOON + timedelta(minutes=3)) == []


@pytest.mark.parametrize("made", [acting, taking_in])
async def test_what_waits(made) -> None:
    """For a minute it may; where nobody can tell, nothing new is said of it."""
    long: list[timedelta | Exception] = [timedelta(seconds=60)]

    async def waits() -> timedelta:
        if isinstance(long[0], Exception):
            raise long[0]
        return long[0]

    probe = made(waits)
    assert await probe.look(NOON) == []
    long[0] = timedelta(seconds=61)
    (found,) = await probe.look(NOON)
    assert "minute" in found.text
    at = Cared(probe)
    await at.minutes(1)
    assert [headline for _who, headline, _text in at.mail.sent] == [found.headline]
    long[0] = Unavailable("the inbox", "no answer")
    await at.minutes(10)
    assert at.care.kinds == (probe.kind,)
    long[0] = timedelta(0)
    await at.minutes(3)
    assert [headline for _who, headline, _text in at.mail.sent] == [found.headline, found.over]


async def test_incidents_that_cannot_be_read() -> None:
    """Each by its own name with the reason; of many the first few, and how many more."""
    unread: dict[str, str] = {}
    vitals = Vitals(Hands())

    async def still() -> dict[str, str]:
        return unread

    probe = RecordsProbe(still, vitals)
    assert await probe.look(NOON) == []
    unread |= {f"INC-{n}": "entry 3 follows entry 1" for n in range(1, 6)}
    found = await probe.look(NOON)
    assert [each.headline for each in found] == [f"INC-{n} cannot be read" for n in range(1, 6)]
    assert "entry 3 follows entry 1" in found[0].text
    unread |= {f"INC-{n}": "x" for n in range(6, 8)}
    *_, more = await probe.look(NOON)
    assert (more.headline, more.key) == ("2 more incidents cannot be read", "more")
    assert "INC-6, INC-7" in more.text
    assert b"tocsin_unreadable_incidents 7.0" in vitals.text()


async def test_work_that_was_given_up() -> None:
    """For an hour after it was taken up again."""
    clock = Hands()
    vitals = Vitals(clock)
    probe = LettersProbe(vitals)
    assert await probe.look(clock.now()) == []
    vitals.given_up()
    (found,) = await probe.look(clock.now())
    assert found.text.startswith("A piece of work was given up")
    assert b"tocsin_dead_letters 1.0" in vitals.text()
    clock.forward(3601)
    assert await probe.look(clock.now()) == []


async def test_pages_of_incidents_tell_which_channels_work(tmp_path: Path) -> None:
    """A phone that is dead for ana and for ben fails for everybody; an administrator hears of it by mail."""
    async with World.open(tmp_path, admins=("max",)) as world:
        await world.healthy()
        world.phone.dead = "no signal"
        await world.broken()
        for _ in range(12):
            await world.round(seconds=15)
        vigil = world.house.vigil
        mail = Mail()
        vigil.care._pagers = {"mail": mail}
        await vigil.care.look()
        assert mail.headlines == ["Pages by phone fail for everybody"]
        world.phone.dead = ""
        for _ in range(12):
            await world.round(seconds=30)
            await vigil.care.look()
        assert mail.headlines == ["Pages by phone fail for everybody", "Pages by phone go through again"]
