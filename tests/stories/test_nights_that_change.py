"""Nights on which a page is lost on the way, a shift ends while it waits, or somebody sleeps: with a restart in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config.installation import Installation
from bot.domain.alert import Alert
from bot.domain.paging import Acknowledge, Receipt
from bot.domain.policy import Severity
from bot.domain.quiet import QuietHours
from bot.engine.calling import Became, Contact, Sent, Summons
from bot.engine.vitals import PAGES
from bot.rota.escalation import Escalation, Level
from bot.rota.rota import Layer, Only, Rota
from bot.wiring import House
from tests.engine.test_vitals import counted
from tests.world import Phone, World, shipped

LOST = Became(Receipt.FAILED, detail="unreachable", final=True)


@dataclass
class Line(Phone):
    """A channel whose provider can be asked: what it says of each message is what became of it."""

    says: dict[str, Became] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    stuck: bool = False
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def page(self, summons: Summons) -> Sent:
        if self.stuck:
            self.entered.set()
            await asyncio.Event().wait()
        sent = await super().page(summons)
        return replace(sent, ref=f"m{len(self.pages)}")

    async def became(self, ref: str) -> Became:
        self.asked.append(ref)
        return self.says.get(ref, Became(Receipt.ACCEPTED))

    def rang(self, incident: str = "INC-1") -> list[str]:
        """Whom it reached about that incident, in order."""
        return [who for who, key in self.pages if key.startswith(f"page:{incident}:")]


class Night(World):
    """Two channels that reach everybody, and an escalation that stays what a test set it to."""

    def __init__(self, folder: Path, database: str = "") -> None:
        super().__init__(folder, database)
        self.policy = shipped().policy
        self.levels: tuple[Level, ...] = (Level(("ana",)),)
        self.end: tuple[str, ...] = ()
        self.rotas: tuple[Rota, ...] = ()
        self.sms, self.voice = Line(), Line()
        self.pagers = {"sms": self.sms, "voice": self.voice}

    def installation(self, **changes: Any) -> Installation:
        zones = {"ana": "Asia/Tokyo", "ben": "Europe/Berlin", "max": "Europe/Berlin"}
        people = {key: Contact(key, phone="+4930123456", zone=zone) for key, zone in zones.items()}
        return super().installation(contacts=people, policy=self.policy, **changes)

    def engine(self, house: House) -> None:
        plans = house.desk.roster.plans
        house.desk.roster.plans = replace(
            plans,
            by_service={**plans.by_service, "visits": Escalation("visits", self.levels, 2, self.end)},
            rotas={each.name: each for each in self.rotas},
        )

    async def passes(self, seconds: float, step: float = 60) -> None:
        """So much time goes by, while traffic comes and nothing else is wrong."""
        while seconds > 0:
            self.traffic("poor", good=8, bad=2)
            self.traffic("good", good=80, bad=20)
            await self.round(seconds=min(seconds, step))
            seconds -= step


# -- lost on the way -------------------------------------------------------------------------------------------------


async def test_a_text_that_never_arrived_is_followed_by_a_call_and_the_call_is_followed_too(tmp_path: Path) -> None:
    """The provider lost the text; killed before the next try, the house calls Ana, and hears that the call arrived."""
    async with Night.open(tmp_path) as night:
        await night.declare("scores look wrong", "max")
        night.sms.says["m1"] = LOST
        await night.passes(10)
        assert (await night.incident()).pages["page:INC-1:0"].receipt is Receipt.FAILED
        await night.crash()
        night.voice.says["m1"] = Became(Receipt.DELIVERED, final=True)
        await night.passes(5)
        assert (night.sms.rang(), night.voice.rang()) == (["ana"], ["ana"]), "she is not texted again"
        await night.passes(10)
        page = (await night.incident()).pages["page:INC-1:0"]
        assert (page.channel, page.receipt, night.voice.asked) == ("voice", Receipt.DELIVERED, ["m1"])


async def test_where_the_call_is_lost_too_she_is_texted_again_until_the_next_round(tmp_path: Path) -> None:
    """Each sending is asked about, so that nothing stands as accepted that never arrived."""
    async with Night.open(tmp_path) as night:
        night.sms.says["m1"] = night.voice.says["m1"] = night.sms.says["m2"] = LOST
        await night.declare("scores look wrong", "max")
        await night.passes(45, step=5)
        await night.restart()
        await night.passes(45, step=5)
        assert (night.sms.asked[:2], night.voice.asked[:1]) == (["m1", "m2"], ["m1"])
        assert Counter(night.sms.rang() + night.voice.rang())["ana"] == 4
        assert (await night.incident()).pages["page:INC-1:0"].channel == "voice"


async def test_a_text_she_was_insisted_by_is_lost_and_the_call_comes_at_once(tmp_path: Path) -> None:
    """Three channels: the first brings no answer, the second loses it, the third rings before anybody's next round."""
    async with Night.open(tmp_path) as night:
        night.pagers = {"mail": (mail := Line()), **night.pagers}
        await night.restart()
        night.sms.says["m1"] = LOST
        await night.declare("scores look wrong", "max")
        await night.passes(120)
        assert (mail.rang(), night.sms.rang(), night.voice.rang()) == (["ana"], ["ana"], [])
        await night.passes(10)
        assert (mail.rang(), night.sms.rang(), night.voice.rang()) == (["ana"], ["ana"], ["ana"])


# -- a shift ends while the page waits -------------------------------------------------------------------------------

PRIMARY = Rota("primary", "Europe/Berlin", (Layer("", (("ana",),), datetime(2026, 11, 16)),))


def hours(since: time, until: time) -> Rota:
    """Ben, each day from one time to another; noon of the world is one o'clock in Berlin."""
    only = tuple(Only(day, since, day, until) for day in range(7))
    return Rota("hours", "Europe/Berlin", (Layer("", (("ben",),), datetime(2026, 11, 16), only=only),))


@pytest.mark.parametrize(
    ("shift", "before", "after"),
    [
        pytest.param(hours(time(9), time(13, 4)), ["ana", "ben"], ["ana", "ben"], id="ends"),
        pytest.param(hours(time(13, 4), time(17)), ["ana"], ["ana", "ben"], id="begins"),
    ],
)
async def test_a_shift_changes_a_minute_before_the_next_level(
    tmp_path: Path, shift: Rota, before: list[str], after: list[str]
) -> None:
    """Nobody who was paged is paged again, and Max's turn comes when it would have come."""
    async with Night.open(tmp_path) as night:
        night.policy = replace(night.policy, insist_after=timedelta(0))
        night.rotas = (PRIMARY, shift)
        night.levels = (Level(("rota:primary", "rota:hours"), timedelta(minutes=5)), Level(("max",)))
        await night.restart()
        await night.declare("scores look wrong", "max")
        assert sorted(night.sms.rang()) == before
        await night.passes(235)
        await night.crash()
        await night.passes(64)
        assert sorted(night.sms.rang()) == after
        await night.passes(1)
        assert night.sms.rang()[-1] == "max"
        assert Counter(night.sms.rang()) == Counter([*after, "max"])


# -- somebody sleeps -------------------------------------------------------------------------------------------------


async def asleep(night: Night) -> None:
    """Ana in Tokyo rests from eight in the evening until ten, which is one in the afternoon in London; Ben is up."""
    night.policy = replace(
        night.policy,
        quiet=QuietHours(time(20), time(22), frozenset({2, 3, 4})),
        insist_after=timedelta(0),
    )
    night.levels, night.end = (Level(("ana",)), Level(("ben",))), ("max",)
    await night.restart()


async def test_while_ana_sleeps_ben_is_paged_and_she_has_one_page_in_the_morning(tmp_path: Path) -> None:
    """Round after round it is Ben, then it is said that nobody answered; at her morning Ana has one page, killed or not."""
    async with Night.open(tmp_path) as night:
        await asleep(night)
        await night.declare("scores look wrong", "max")
        assert night.sms.rang() == ["ben"]
        await night.passes(1200)
        await night.crash()
        await night.passes(2399)
        vigil = night.house.vigil
        await vigil.look()
        slept = Counter(night.sms.rang())
        assert (slept["ana"], slept["max"]) == (0, 1)
        assert slept["ben"] >= 10
        assert "nobody answered: everybody on the escalation was paged 2 times" in await night.lines()
        night.clock.forward(seconds=1)
        await vigil.look()
        await night.settle()
        assert night.sms.rang().count("ana") == 1
        await vigil.look()
        assert counted(vigil.vitals, PAGES)[1] == 0, "it waited for her, and was not late"
        await night.passes(120)
        assert night.sms.rang().count("ana") <= 2, "her own round comes, and nothing that she slept through"
        await night.say(Acknowledge(), "ana")
        rang = night.sms.rang()
        await night.passes(900)
        assert night.sms.rang() == rang


async def test_a_page_paged_a_moment_ago_is_waited_for_and_nobody_climbed_over(tmp_path: Path) -> None:
    """Ana has just been paged for something else: this page goes to her twenty seconds later, and not to Ben."""
    async with Night.open(tmp_path) as night:
        night.levels = (Level(("ana",)), Level(("ben",)))
        await night.restart()
        await night.declare("scores look wrong", "max")
        await night.declare("answers are slow", "max")
        await night.passes(21, step=3)
        assert (night.sms.rang(), night.sms.rang("INC-2")) == (["ana"], ["ana"])


async def test_a_page_of_before_the_breach_came_back_does_not_go_along_with_the_new_one(tmp_path: Path) -> None:
    """It waited, the alert ended and fired again: one message, and one page in the log."""
    async with Night.open(tmp_path) as night:
        night.policy = replace(night.policy, alerts=replace(night.policy.alerts, together=timedelta(0)))
        await night.restart()
        await night.declare("scores look wrong", "max")
        await night.passes(2)
        now = night.clock.now()
        fires = Alert("am", "disk", now, None, "the disk is full", "visits", 2)
        over = replace(fires, ends=now + timedelta(seconds=2))
        for told in (fires, over, replace(fires, starts=now + timedelta(seconds=4))):
            night.clock.forward(seconds=2)
            await night.house.inbox.accept([told])
            await night.house.intake.round()
            await night.settle()
        assert (await night.incident("INC-2")).returns == 1
        await night.passes(21, step=3)
        assert list((await night.incident("INC-2")).pages) == ["page:INC-2:0:b1"]


async def test_a_page_that_was_on_its_way_when_the_house_died_goes_out_though_ana_is_up_by_now(tmp_path: Path) -> None:
    """Ben was climbed to while Ana slept; killed in the midst and back after her morning, the house pages both, once."""
    async with Night.open(tmp_path) as night:
        await asleep(night)
        night.sms.stuck = True
        desk, max_ = night.house.desk, await night.who("max")
        await desk.declare("scores look wrong", Severity.SEV2, "visits", "a call", max_)
        await night.house.reconciler.settle()
        await asyncio.wait_for(night.sms.entered.wait(), 20)
        night.sms.stuck = False
        night.clock.forward(minutes=61)
        await night.crash()
        await night.settle()
        assert sorted(night.sms.pages) == [("ana", "page:INC-1:0"), ("ben", "page:INC-1:1")]
