"""A page all the way: through a provider to a phone, one press on the address it carries, and the phone falls silent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bot import shelf
from bot.domain.climbing import FollowOwed, PageOwed, StandDownOwed
from bot.domain.paging import Receipt
from bot.engine.calling import Contact, Over, Pager
from bot.engine.paging import Paging
from tests.pagers.fake_push import Pushover
from tests.pagers.fake_twilio import GIVEN, Twilio
from tests.pagers.fakes import PHONE, USER, Vendor
from tests.parts import CANARY
from tests.web.fakes import Place, place
from tests.web.rich import declared

ADDRESS = "https://tocsin.example.org"
CONTACT = Contact("ana", "ana@example.org", PHONE, handles={"pushover": USER})


def pager(home: Place, name: str, given: Mapping[str, object], server: Vendor) -> Pager:
    made = shelf.load("pagers", name)
    found: Pager = made(made.Settings.model_validate(given), clock=home.clock, transport=server)
    return found


async def paged(home: Place, pagers: Mapping[str, Pager]) -> tuple[str, str, Paging]:
    """(incident, key, the engine's own paging) after Ana was paged."""
    name, ana = await declared(home), await home.who("ana")
    paging = Paging(home.desk, pagers, {"ana": CONTACT}, home.app.state.page_links.link)
    key = f"page:{name}:0"
    await paging.page(await home.desk.log.load(name), PageOwed(key, home.clock.now(), person=ana.id))
    return name, key, paging


async def test_a_push_that_rings_is_pressed_and_stood_down(tmp_path: Path) -> None:
    """Pushover rings; Ana opens the address it carries and presses; the receipt says seen, and Pushover rings no more."""
    server = Pushover()
    async with place(tmp_path, address=ADDRESS) as home, home.client() as phone:
        own = pager(home, "pushover", {"token": CANARY}, server)
        name, key, paging = await paged(home, {"pushover": own})
        page = (await home.desk.log.load(name)).pages[key]
        assert (page.receipt, page.rings, page.detail) == (Receipt.ACCEPTED, True, "push by Pushover to Ana Ruiz")
        (ringing,) = server.receipts.values()
        ringing["last_delivered_at"] = 1_795_176_010
        await paging.follow(await home.desk.log.load(name), FollowOwed("follow", home.clock.now(), page=key, look=1))
        assert (await home.desk.log.load(name)).pages[key].receipt is Receipt.DELIVERED
        path = server.pushed[0]["url"].removeprefix(ADDRESS)
        assert (await phone.post(path)).status_code == 303
        known = await home.desk.log.load(name)
        assert (known.unclaimed, known.pages[key].receipt) == (False, Receipt.SEEN)
        await paging.stand_down(known, StandDownOwed("over", home.clock.now(), page=key, over=Over.ACKNOWLEDGED))
        assert ringing["expired"] == 1
        assert (await home.desk.log.load(name)).pages[key].stood_down == Over.ACKNOWLEDGED
        await own.close()


@pytest.mark.parametrize(("digit", "taken"), [("1", True), ("9", False)])
async def test_a_call_is_answered_by_its_digit(tmp_path: Path, digit: str, taken: bool) -> None:
    """What Twilio would send to the address in the script acknowledges, for 1 alone."""
    server = Twilio()
    async with place(tmp_path, address=ADDRESS) as home, home.client() as twilio:
        own = pager(home, "voice", GIVEN, server)
        name, _, _ = await paged(home, {"voice": own})
        gather = ET.fromstring(server.made["Calls"][0]["twiml"])[0]
        sent = {"Digits": digit, "CallSid": server.made["Calls"][0]["sid"], "From": PHONE}
        answer = await twilio.post(gather.attrib["action"].removeprefix(ADDRESS), data=sent)
        assert [each.tag for each in ET.fromstring(answer.text)] == ["Say"]
        known, ana = await home.desk.log.load(name), await home.who("ana")
        assert known.acknowledged_by == (ana.id if taken else "")
        await own.close()


async def test_a_text_carries_headline_and_address_and_nothing_private_stays_in_the_log(tmp_path: Path) -> None:
    """The address in a text is whole and works; of the number the log keeps two digits."""
    server = Twilio()
    async with place(tmp_path, address=ADDRESS) as home, home.client() as phone:
        own = pager(home, "sms", GIVEN, server)
        name, _, _ = await paged(home, {"sms": own})
        words = server.made["Messages"][0]["body"].split(" ")
        (url,) = (each for each in words if each.startswith(ADDRESS))
        assert "Acknowledge as Ana Ruiz" in (await phone.get(url.removeprefix(ADDRESS))).text
        kept = repr(await home.desk.log.entries(name))
        assert "phone ending in 42" in kept
        assert PHONE[3:] not in kept
        await own.close()
