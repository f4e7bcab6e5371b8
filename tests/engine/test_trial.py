"""A test page to oneself: by each of one's ways, with what became of it; sparingly, and never about an incident."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bot.domain.errors import NotFound, Refused, Unavailable, Unheard
from bot.domain.paging import Receipt
from bot.engine.calling import Became, Contact, Over, Sent, Summons
from bot.engine.trial import Trials
from bot.store import Store
from tests.edge import Phone
from tests.engine.test_roster import clock, roster, store
from tests.store.conftest import HandClock

__all__ = ["clock", "store"]


@dataclass
class Carrier(Phone):
    """A provider that says step by step what became of a page, and rings until it is told to stop."""

    steps: list[Became] = field(default_factory=list)
    stopped: list[tuple[str, Over]] = field(default_factory=list)

    async def page(self, summons: Summons) -> Sent:
        await super().page(summons)
        return Sent("+49 … 56", "ref-1", rings=True)

    async def became(self, ref: str) -> Became:
        if not self.steps:
            raise Unavailable("the carrier", "did not answer")
        return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]

    async def stand_down(self, key: str, ref: str, over: Over) -> None:
        self.stopped.append((ref, over))


class Resting(Phone):
    async def page(self, summons: Summons) -> Sent:
        raise Unheard("Ana asked not to be disturbed", where="a message in Slack")


class Bench:
    """Test pages of one house."""

    def __init__(self, store: Store, clock: HandClock) -> None:
        self.store, self.sms, self.mail, self.chat = store, Carrier(), Phone(), Resting()
        pagers = {"webhook": self.chat, "email": self.mail, "sms": self.sms}
        contacts = {"ana": Contact("ana", "a@x", phone="+4930123456")}
        self.trials = Trials(roster(store, clock, contacts=contacts, pagers=tuple(pagers)), pagers, clock, "http://t")

    async def page(self, key: str = "ana", channel: str = ""):
        who = await self.store.people.by_key(key)
        assert who is not None
        return await self.trials.page(who, channel)


@pytest.fixture
def tests(store: Store, clock: HandClock) -> Bench:
    return Bench(store, clock)


async def test_each_way_is_tried_with_what_became_of_it(tests: Bench) -> None:
    """Delivered where the provider says so, accepted where nobody can tell, failed with its reason; all of them."""
    tests.sms.steps = [Became(Receipt.ACCEPTED), Became(Receipt.DELIVERED, final=True)]
    tests.mail.dead = "the server refused us"
    found = {each.channel: each for each in await tests.page()}
    assert (found["sms"].receipt, found["sms"].where, found["sms"].seconds) == (Receipt.DELIVERED, "+49 … 56", 4.0)
    assert (found["email"].receipt, "refused us" in found["email"].because) == (Receipt.FAILED, True)
    assert (found["webhook"].receipt, found["webhook"].because) == (Receipt.ACCEPTED, "Ana asked not to be disturbed")
    (summons,) = tests.sms.said
    assert (summons.situations, summons.headline, summons.key[:5]) == ((), "Test page from Tocsin", "test:")
    assert tests.sms.stopped == [("ref-1", Over.RESOLVED)]


async def test_a_provider_that_does_not_tell_is_accepted(tests: Bench) -> None:
    """Nor is it asked for ever; a pager that breaks is a failure in a word."""
    (sms,) = await tests.page(channel="sms")
    assert (sms.receipt, sms.because) == (Receipt.ACCEPTED, "")
    tests.trials._past.clear()
    tests.sms.steps = [Became(Receipt.ACCEPTED)]
    (sms,) = await tests.page(channel="sms")
    assert (sms.receipt, sms.seconds) == (Receipt.ACCEPTED, 10.0)
    tests.trials._past.clear()
    tests.mail.buggy = True
    (mail,) = await tests.page(channel="email")
    assert (mail.receipt, mail.because) == (Receipt.FAILED, "KeyError")


async def test_only_ones_own_channels(tests: Bench) -> None:
    """One that is none, one that does not know the person, and a person whom nothing reaches."""
    with pytest.raises(NotFound, match="there is webhook, email, sms"):
        await tests.page(channel="fax")
    with pytest.raises(Refused, match=r"sms does not reach you; people.yaml says how: webhook, email"):
        await tests.page("ben", "sms")
    tests.trials.roster.plans = type(tests.trials.roster.plans)()
    with pytest.raises(Refused, match="no channel reaches you"):
        await tests.page()
    assert tests.sms.tried == tests.mail.tried == 0


async def test_it_is_done_sparingly(tests: Bench, clock: HandClock) -> None:
    """Once a minute, five times an hour, each person by themselves."""
    await tests.page(channel="email")
    with pytest.raises(Refused, match="a moment ago; again in 60 s"):
        await tests.page(channel="email")
    await tests.page("ben", "email")
    for _ in range(4):
        clock.forward(minutes=1)
        await tests.page(channel="email")
    clock.forward(minutes=1)
    with pytest.raises(Refused, match="5 times within the hour; again in 55 min"):
        await tests.page(channel="email")
    clock.forward(minutes=56)
    assert len(await tests.page(channel="email")) == 1
    assert tests.mail.tried == 7
