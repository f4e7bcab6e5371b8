"""What the bot has to say about itself: told once, by what works, to somebody; and that it is over, to the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.errors import Unavailable, Unheard
from bot.domain.policy import Role
from bot.engine.calling import Contact
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
from bot.engine.selfcare import PROBE_WITHIN, Admin, Ailment, SelfCare
from bot.engine.values import Profile
from bot.engine.vitals import Vitals
from bot.selfwatch import spoken
from tests.kit import NOON
from tests.mail import Mail
from tests.parts import CANARY, Hands
from tests.world import World

GB, MB = 2**30, 2**20


@dataclass
class Part:
    """A part of the house that ails as a test says."""

    kind: str = "database"
    patience: timedelta = timedelta(seconds=90)
    ailing: list[Ailment] = field(default_factory=list)
    broken: Exception | None = None
    hangs: bool = False

    async def look(self, now: datetime) -> Sequence[Ailment]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.broken is not None:
            raise self.broken
        return self.ailing


ILL = Ailment("", "Tocsin's database does not answer", "Nothing can be recorded.", "Tocsin's database answers again")


def admin(key: str, *reach: str) -> Admin:
    person = Profile("", key, key.title(), frozenset({Role.ADMIN}))
    return Admin(person, Contact(key, email=f"{key}@visits.example", reach=reach))


class Cared:
    """A house of one part, looked at every fifteen seconds."""

    def __init__(
        self,
        *parts: Part,
        admins: tuple[Admin, ...] = (admin("ida"), admin("max")),
        probe_within: float = PROBE_WITHIN,
        **pagers: Mail,
    ) -> None:
        self.clock, self.parts = Hands(), parts or (Part(),)
        self.mail = Mail()
        self.pagers = pagers or {"mail": self.mail}
        self.speaks = True
        self.care = SelfCare(
            clock=self.clock,
            admins=admins,
            pagers=self.pagers,
            probes=self.parts,
            vitals=Vitals(self.clock),
            speaks=self._speaks,
            zone=spoken("Europe/Berlin"),
            probe_within=probe_within,
        )

    async def _speaks(self) -> bool:
        return self.speaks

    async def minutes(self, count: float) -> None:
        for _ in range(int(count * 4)):
            self.clock.forward(15)
            await self.care.look()


async def test_a_trouble_is_told_once_and_that_it_is_over() -> None:
    """After its time, to one administrator, with what it means and since when; over once it was well for two minutes."""
    at = Cared()
    (part,) = at.parts
    part.ailing = [ILL]
    await at.minutes(1.5)
    assert at.mail.sent == []
    await at.minutes(0.5)
    text = "Nothing can be recorded. Since 2026-11-20 13:00 CET."
    assert at.mail.sent == [("ida@visits.example", "Tocsin's database does not answer", text)]
    await at.minutes(30)
    assert len(at.mail.sent) == 1
    part.ailing = []
    await at.minutes(1.5)
    assert len(at.mail.sent) == 1
    assert at.care.kinds == ()
    await at.minutes(1)
    (_told, over) = at.mail.sent
    assert over == (
        "ida@visits.example", "Tocsin's database answers again",
        "Tocsin's database does not answer. It began 2026-11-20 13:00 CET and is over since 2026-11-20 13:32 CET.",
    )  # fmt: skip
    await at.minutes(60)
    assert len(at.mail.sent) == 2
    assert at.care.spells == {}


async def test_what_passes_by_itself_is_not_told() -> None:
    """Shorter than its kind may last: nobody hears of it, nor that it is over."""
    at = Cared()
    at.parts[0].ailing = [ILL]
    await at.minutes(1)
    at.parts[0].ailing = []
    await at.minutes(60)
    assert at.mail.sent == []


async def test_what_lasts_is_told_again_ever_less_often_each_time_to_the_next() -> None:
    """After an hour, two more, four more: the first administrator may be asleep. All who were told hear that it is over."""
    at = Cared()
    at.parts[0].ailing = [ILL]
    hours = []
    for minute in range(60 * 8):
        before = len(at.mail.sent)
        await at.minutes(1)
        hours += [minute // 60] * (len(at.mail.sent) - before)
    assert hours == [0, 1, 3, 7]
    assert [address.split("@")[0] for address, *_ in at.mail.sent] == ["ida", "max", "ida", "max"]
    at.parts[0].ailing = []
    await at.minutes(5)
    assert sorted(address for address, *_ in at.mail.sent[4:]) == ["ida@visits.example", "max@visits.example"]


async def test_what_comes_and_goes_is_told_at_most_once_an_hour() -> None:
    """Ten minutes ill, ten minutes well, for three hours."""
    at = Cared()
    told = []
    for _ in range(9):
        at.parts[0].ailing = [ILL]
        await at.minutes(10)
        at.parts[0].ailing = []
        await at.minutes(10)
    told = [text for _address, headline, text in at.mail.sent if headline == ILL.headline]
    assert 2 <= len(told) <= 3
    assert at.mail.headlines.count(ILL.over) == len(told)


async def test_a_short_recovery_ends_nothing() -> None:
    """Well for a minute: the trouble is still the same one, and has lasted since it began."""
    at = Cared()
    for ailing in ([ILL], [], [ILL], []):
        at.parts[0].ailing = ailing
        await at.minutes(1)
    at.parts[0].ailing = [ILL]
    await at.minutes(0.25)
    assert at.mail.headlines == [ILL.headline]


async def test_what_cannot_be_told_is_tried_until_it_can() -> None:
    """No pager works: it goes on trying, and the first that takes it counts."""
    at = Cared()
    at.mail.dead = "no route"
    at.parts[0].ailing = [ILL]
    await at.minutes(10)
    assert at.mail.tried > 2
    at.mail.dead = ""
    await at.minutes(0.25)
    assert at.mail.headlines == [ILL.headline]
    at.mail.dead = "no route"
    at.parts[0].ailing = []
    await at.minutes(10)
    at.mail.dead = ""
    await at.minutes(0.25)
    assert at.mail.headlines == [ILL.headline, ILL.over]


async def test_a_way_that_is_the_trouble_is_not_taken() -> None:
    """Slack cannot be reached, so it is told by mail; that it is over may come by Slack again."""
    slack, mail = Mail(), Mail()
    at = Cared(Part("chat"), slack=slack, mail=mail)
    at.parts[0].ailing = [Ailment("", "Tocsin cannot reach Slack", "x", "Tocsin reaches Slack", frozenset({"slack"}))]
    await at.minutes(3)
    assert (slack.tried, mail.headlines) == (0, ["Tocsin cannot reach Slack"])
    at.parts[0].ailing = []
    await at.minutes(3)
    assert slack.headlines == ["Tocsin reaches Slack"]


async def test_each_is_reached_in_their_own_order() -> None:
    """A person's own ways come before those of the installation; one that breaks or rests leads to the next."""
    first, second = Mail(), Mail()
    at = Cared(admins=(admin("ida", "second", "gone", "first"),), first=first, second=second)
    second.broken = KeyError(CANARY)
    at.parts[0].ailing = [ILL]
    await at.minutes(2)
    assert (second.tried, len(first.sent)) == (1, 1)
    resting = Cared(admins=(admin("ida"),), first=Mail(broken=Unheard("asleep", where="a message")))
    resting.parts[0].ailing = [ILL]
    await resting.minutes(20)
    assert resting.pagers["first"].tried == 1  # it stands where they find it, and nothing else would take it


async def test_nobody_to_tell_is_no_fault() -> None:
    """Neither an administrator nor a pager: it is in the log and in /metrics, and goes on being looked at."""
    at = Cared(admins=())
    at.parts[0].ailing = [ILL]
    await at.minutes(5)
    assert at.care.kinds == ("database",)
    assert at.mail.sent == []


async def test_a_part_that_cannot_be_looked_at_is_neither_well_nor_ill() -> None:
    """What was known of it stands, and the other parts are looked at all the same."""
    broken, other = Part(), Part("disk", timedelta(0))
    at = Cared(broken, other, probe_within=0.01)
    broken.ailing, other.ailing = [ILL], [Ailment("", "Full", "x", "Room again")]
    await at.minutes(1)
    broken.broken = KeyError(CANARY)
    await at.minutes(1)
    broken.broken, broken.hangs = None, True
    await at.minutes(1)
    assert at.mail.headlines == ["Full", ILL.headline]
    assert at.care.kinds == ("database", "disk")


async def test_a_standby_says_nothing() -> None:
    """Its troubles are counted; it tells when it is the one to speak."""
    at = Cared()
    at.speaks = False
    at.parts[0].ailing = [ILL]
    await at.minutes(10)
    assert at.mail.sent == []
    assert b'tocsin_house_troubles{kind="database"} 1.0' in at.care._vitals.text()
    at.speaks = True
    await at.minutes(0.25)
    assert len(at.mail.sent) == 1


# -- the parts -------------------------------------------------------------------------------------------------------


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
