"""A test page to oneself from the page of who is on call, with what became of it, without JavaScript."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.paging import Receipt
from bot.engine.calling import Became, Contact
from bot.engine.trial import Trials
from tests.engine.test_trial import Carrier, Phone, Resting
from tests.web.fakes import Place, place
from tests.web.test_oncall_page import plain, using
from tests.web.test_pages import sound


def reachable(home: Place) -> tuple[Place, Carrier, Phone]:
    """A house with three channels, of which ana has two and a number that is missing for a third."""
    roster, sms, mail = home.desk.roster, Carrier(), Phone()
    sms.steps = [Became(Receipt.DELIVERED, final=True)]
    pagers = {"webhook": Resting(), "sms": sms, "email": mail, "voice": Phone()}
    contacts = {"ana": Contact("ana", "a@x", phone="+4930123456"), "ben": Contact("ben", reach=("voice",))}
    roster.plans = replace(roster.plans, pagers=tuple(pagers), contacts=contacts)
    return home.having(trials=Trials(roster, pagers, home.clock)), sms, mail


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Place]:
    async with place(tmp_path) as made:
        yield made


async def test_the_receipts_are_shown_channel_by_channel(home: Place) -> None:
    """Delivered, failed with its reason, and taken by one who will not notice it; one page each."""
    there, sms, mail = reachable(home)
    mail.dead = "the server <refused> us"
    async with using(there, "ana") as ana:
        before = sound(await ana.get("/oncall")).text
        assert "Pages come to you by webhook, then sms, then email, then voice." in before
        page = sound(await ana.post("/oncall/test", data={"channel": ""}))
    assert "sms delivered after 2.0 s, +49 … 56" in page.text
    assert "email failed after" in page.text
    assert "the server <refused> us" in page.text
    assert "webhook taken, may not be noticed after" in page.text
    assert "What failed is mended in people.yaml" in page.text
    assert len(sms.said) == 1


async def test_one_channel_alone_and_not_at_once_again(home: Place) -> None:
    """A page renewed by hand sends nothing more, and says when it may; a channel that is none is refused."""
    there, sms, mail = reachable(home)
    async with using(there, "ana") as ana:
        first = plain((await ana.post("/oncall/test", data={"channel": "sms"})).text)
        assert ("sms delivered after" in first, "email taken" in first) == (True, False)
        again = await ana.post("/oncall/test", data={"channel": "sms"})
        assert (again.status_code, "you tested a moment ago; again in" in again.text) == (409, True)
        assert "<option selected>sms</option>" in again.text
        there.clock.forward(minutes=2)
        other = await ana.post("/oncall/test", data={"channel": "fax"})
        assert (other.status_code, "no pager called" in other.text) == (404, True)
        assert (await ana.get("/oncall/test")).headers["location"] == "/oncall"
    assert (len(sms.said), mail.said) == (1, [])


async def test_whom_no_channel_reaches_reads_what_is_missing(home: Place) -> None:
    """There is no button that could not work; in a house without pagers neither."""
    there, _sms, _mail = reachable(home)
    async with using(there, "ben") as ben:
        page = sound(await ben.get("/oncall"))
        assert "No channel reaches you, so nobody can page you" in page.text
        assert "voice needs a phone number" in page.text
        assert "Send me a test page" not in page.text
        refused = await ben.post("/oncall/test", data={})
        assert (refused.status_code, "no channel reaches you" in refused.text) == (409, True)
    async with using(home, "ana") as ana:
        refused = await ana.post("/oncall/test", data={})
        assert (refused.status_code, "no pager is set up here" in refused.text) == (409, True)


async def test_nobody_pages_somebody_else_for_a_test(home: Place) -> None:
    """The machine's token speaks for people, and is no person."""
    there, sms, _mail = reachable(home)
    async with there.api("ana") as api:
        assert (await api.post("/oncall/test", data={})).status_code == 403
    assert sms.said == []
