"""What the bot has to say about itself: told once, by what works, to somebody; and that it is over, to the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.errors import Unheard
from bot.domain.policy import Role
from bot.engine.calling import Contact
from bot.engine.selfcare import PROBE_WITHIN, Admin, Ailment, SelfCare
from bot.engine.values import Profile
from bot.engine.vitals import Vitals
from bot.selfwatch import spoken
from tests.mail import Mail
from tests.parts import CANARY, Hands

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
