"""The address a page carries: looked at by anybody without effect, pressed by whom it was for, and never told too much."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bot.domain.lifecycle import Resolve
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.domain.phase import Phase
from bot.domain.policy import Severity
from bot.domain.sli import Judged, ObserveSli
from bot.engine.access import Way
from bot.web.ack import LONGEST, PageLinks
from tests.kit import NOON, at, breached
from tests.web.fakes import HOME, FakeClock, Place, place
from tests.web.rich import HOSTILE, declared

KEY = "page:INC-1:0"


async def paged(home: Place, who: str = "ana", **changes: object) -> tuple[str, str]:
    """(incident, path of the address that the page of this person carries)."""
    name, person = await declared(home, **changes), await home.who(who)
    await home.desk.submit(name, ReportPage(KEY, person.id, "sms", Receipt.ACCEPTED, "phone ending in 42"))
    link = home.app.state.page_links.link(name, KEY, person.id)
    assert link.startswith(f"{HOME}/p/")
    return name, link.removeprefix(HOME)


@pytest.fixture
async def phone(home: Place) -> AsyncIterator[object]:
    """A browser nobody is logged in with."""
    async with home.client() as client:
        yield client


async def test_replicas_with_one_secret_read_each_other_s_addresses(tmp_path: Path) -> None:
    """Each has a state folder of its own; with its own secret, or another one, the address leads nowhere."""
    shared, clock = "s" * 32, FakeClock()

    def replica(name: str, secret: str) -> PageLinks:
        return PageLinks(clock, tmp_path / name, HOME, secret)

    token = replica("one", shared).link("INC-1", KEY, "p_1").rpartition("/")[2]
    read = replica("two", shared).read(token)
    assert read is not None
    assert (read.incident, read.key, read.person) == ("INC-1", KEY, "p_1")
    assert replica("two", "").read(token) is None
    assert replica("two", "t" * 32).read(token) is None
    assert not (tmp_path / "one").exists()  # no file is made that nobody needs
    assert replica("three", "").read(replica("three", "").link("INC-1", KEY, "p_1").rpartition("/")[2]) is not None


async def test_looking_changes_nothing(home: Place, phone) -> None:
    """Scanners open it and open it again: the log stands as it stood, and the page is not called seen."""
    name, path = await paged(home)
    before = (await home.desk.log.load(name)).seq
    for _ in range(3):
        looked = await phone.get(path)
        assert looked.status_code == 200
        assert looked.headers["cache-control"] == "no-store"
    assert "Recall below its objective for health=poor" in looked.text
    assert "Acknowledge as Ana Ruiz" in looked.text
    after = await home.desk.log.load(name)
    assert (after.seq, after.pages[KEY].receipt) == (before, Receipt.ACCEPTED)


async def test_one_press_acknowledges_as_the_person_it_was_for(home: Place, phone) -> None:
    """Without a login; it leads, the page counts as seen from then on, and the address says so."""
    name, path = await paged(home)
    pressed = await phone.post(path)
    assert (pressed.status_code, pressed.headers["location"]) == (303, path)
    known, ana = await home.desk.log.load(name), await home.who("ana")
    assert (known.phase, known.acknowledged_by) == (Phase.ACKNOWLEDGED, ana.id)
    assert known.pages[KEY].receipt is Receipt.SEEN
    looked = (await phone.get(path)).text
    assert "You have it." in looked
    assert "<form" not in looked


async def test_a_second_press_is_harmless(home: Place, phone) -> None:
    """It adds nothing to the log and ends on the same page."""
    name, path = await paged(home)
    await phone.post(path)
    before = (await home.desk.log.load(name)).seq
    assert (await phone.post(path)).status_code == 303
    assert (await home.desk.log.load(name)).seq == before


async def test_who_came_second_reads_who_has_it(home: Place, phone) -> None:
    """Ben acknowledged in the console: Ana's address names him, offers no button, and pressing it takes nothing away."""
    name, path = await paged(home)
    ben = await home.who("ben")
    await home.desk.submit(name, Acknowledge(), ben)
    looked = (await phone.get(path)).text
    assert "Ben Okafor has it." in looked
    assert "<form" not in looked
    await phone.post(path)
    assert (await home.desk.log.load(name)).acknowledged_by == ben.id


async def test_a_breach_that_came_back_is_taken_by_the_same_address(home: Place, phone) -> None:
    """It is nobody's again, the page says so, and a press takes it again."""
    name, path = await paged(home)
    await phone.post(path)
    good = breached(judged=Judged.MET, since=at(200), because="no bad event for 60 s")
    home.clock.forward(minutes=4)
    await home.desk.submit(name, ObserveSli(good))
    home.clock.forward(minutes=1)
    await home.desk.submit(name, ObserveSli(breached()))
    assert (await home.desk.log.load(name)).unclaimed
    assert "Nobody has taken it since it came back" in (await phone.get(path)).text
    await phone.post(path)
    assert not (await home.desk.log.load(name)).unclaimed


async def test_a_resolved_incident_is_not_acknowledged(home: Place, phone) -> None:
    """The page has no button; a press from one opened before is refused in a sentence, and nothing is re-opened."""
    name, path = await paged(home)
    await home.desk.submit(name, Acknowledge(), await home.who("ben"))
    await home.desk.submit(name, Resolve("it was a test", "waived"), await home.who("ben"))
    looked = await phone.get(path)
    assert "There is nothing to acknowledge" in looked.text
    assert "<form" not in looked.text
    pressed = await phone.post(path)
    assert pressed.status_code == 409
    assert "never re-opens it" in pressed.text
    assert (await home.desk.log.load(name)).phase is Phase.RESOLVED


async def test_it_is_good_for_a_day(home: Place, phone) -> None:
    """To the second; then it says so and nothing can be pressed."""
    name, path = await paged(home)
    home.clock.forward(hours=24, seconds=-1)
    assert (await phone.get(path)).status_code == 200
    home.clock.forward(seconds=1)
    for answer in (await phone.get(path), await phone.post(path)):
        assert answer.status_code == 410
        assert "good for 24 hours" in answer.text
        assert name not in answer.text
    assert (await home.desk.log.load(name)).acknowledged is None


async def test_a_changed_or_foreign_address_is_nobodys(home: Place, phone, tmp_path: Path) -> None:
    """Letters altered, cut short, made with another secret, or of another kind of token: one clear page, nothing done."""
    name, path = await paged(home)
    ana = await home.who("ana")
    other = PageLinks(FakeClock(), tmp_path / "elsewhere", HOME).link(name, KEY, ana.id).removeprefix(HOME)
    middle = len(path) // 2
    swapped = path[:middle] + ("A" if path[middle] != "A" else "B") + path[middle + 1 :]
    session = await home.app.state.console.door.visits.begin(ana, Way.LINK)
    for wrong in (swapped, path[:-9], other, "/p/nonsense", "/p/" + "a" * (LONGEST + 1), f"/p/{session}"):
        for answer in (await phone.get(wrong), await phone.post(wrong)):
            assert answer.status_code == 404, wrong
            assert "cut short or changed" in answer.text
            assert "Recall" not in answer.text
    assert (await home.desk.log.load(name)).acknowledged is None


async def test_who_is_named_no_more_acknowledges_nothing(home: Place, phone) -> None:
    """The address does not outlive the person's place in people.yaml."""
    name, path = await paged(home)
    await home.store.people.enrol([await home.who("ben")])
    assert (await phone.get(path)).status_code == 403
    assert (await phone.post(path)).status_code == 403
    assert (await home.desk.log.load(name)).acknowledged is None


async def test_who_may_not_acknowledge_is_refused(home: Place, phone) -> None:
    """A page may tell an auditor; taking it is for responders, and the sentence says so."""
    name, path = await paged(home, "audrey")
    pressed = await phone.post(path)
    assert pressed.status_code == 409
    assert "Not done:" in pressed.text
    assert (await home.desk.log.load(name)).acknowledged is None


async def test_of_a_restricted_incident_it_shows_the_number_alone(home: Place, phone) -> None:
    """Neither title nor service nor how bad it is, before and after; the press counts all the same."""
    max_, ben = await home.who("max"), await home.who("ben")
    made = await home.desk.declare("Patient names in the log", Severity.SEV1, "visits", "x", max_, restricted=True)
    path = home.app.state.page_links.link(made.id, KEY, ben.id).removeprefix(HOME)
    for answer in (await phone.get(path), await phone.post(path), await phone.get(path)):
        assert "Patient" not in answer.text
        assert "visits" not in answer.text
        assert "SEV" not in answer.text
    assert made.id in answer.text
    assert "restricted" in answer.text
    assert (await home.desk.log.load(made.id)).acknowledged_by == ben.id


async def test_hostile_titles_stay_letters(home: Place, phone) -> None:
    """What an alert calls itself is shown, and runs nothing."""
    _, path = await paged(home, title=HOSTILE)
    text = (await phone.get(path)).text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "<img" not in text


async def test_an_address_for_a_page_that_is_gone_from_the_log_still_acknowledges(home: Place, phone) -> None:
    """Several incidents in one page carry one key, and the log of this one need not know it."""
    name, ana = await declared(home), await home.who("ana")
    path = home.app.state.page_links.link(name, "page:merged:1", ana.id).removeprefix(HOME)
    assert (await phone.post(path)).status_code == 303
    assert (await home.desk.log.load(name)).acknowledged_by == ana.id


async def test_the_address_of_a_test_page_says_that_it_works(home: Place, phone) -> None:
    """Without an incident there is nothing to press, and no error either."""
    path = home.app.state.page_links.link("", "page:test:ana", (await home.who("ana")).id).removeprefix(HOME)
    for answer in (await phone.get(path), await phone.post(path)):
        assert answer.status_code == 200
        assert "This is a test page. It reached you" in answer.text
        assert "<form" not in answer.text


async def test_while_the_log_is_silent_nothing_is_said_to_be_done(home: Place, phone, tmp_path: Path) -> None:
    """The page says that nothing was recorded; the next press, when the log answers again, acknowledges."""
    name, path = await paged(home)
    with contextlib.closing(sqlite3.connect(tmp_path / "tocsin.db", isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        pressed = await phone.post(path)
        assert pressed.status_code == 503
        assert "Nothing was recorded" in pressed.text
        assert "Nothing was recorded" in spoken(await phone.post(f"{path}/call", data={"Digits": "1"}))
        held.execute("ROLLBACK")
    assert (await home.desk.log.load(name)).acknowledged is None
    assert (await phone.post(path)).status_code == 303
    assert (await home.desk.log.load(name)).acknowledged is not None


async def test_a_digit_acknowledges_and_any_other_does_not(home: Place, phone) -> None:
    """What the telephone service sends is answered as TwiML that says what became of it."""
    name, path = await paged(home)
    for pressed, says in (({"Digits": "7"}, "nothing is acknowledged"), ({}, "nothing is acknowledged")):
        answer = await phone.post(f"{path}/call", data=pressed)
        assert says in spoken(answer)
        assert (await home.desk.log.load(name)).acknowledged is None
    for _ in range(2):
        assert "Acknowledged. Paging stops." in spoken(await phone.post(f"{path}/call", data={"Digits": "1"}))
    assert (await home.desk.log.load(name)).pages[KEY].receipt is Receipt.SEEN
    home.clock.forward(hours=25)
    assert "good for 24 hours" in spoken(await phone.post(f"{path}/call", data={"Digits": "1"}))


async def test_a_digit_takes_nothing_from_who_has_it(home: Place, phone) -> None:
    """The voice does not say that the caller has what Ben took a moment ago."""
    name, path = await paged(home)
    ben = await home.who("ben")
    await home.desk.submit(name, Acknowledge(), ben)
    assert "Somebody else has it" in spoken(await phone.post(f"{path}/call", data={"Digits": "1"}))
    assert (await home.desk.log.load(name)).acknowledged_by == ben.id


def spoken(answer) -> str:
    """The words of a TwiML answer."""
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    return " ".join(say.text or "" for say in ET.fromstring(answer.text).iter("Say"))


async def test_two_makers_of_one_house_understand_each_other(tmp_path: Path) -> None:
    """Whoever sends pages makes addresses with the same folder, and the console reads them; no address, no link."""
    async with place(tmp_path, address="https://tocsin.example/") as home, home.client() as phone:
        name, ana = await declared(home), await home.who("ana")
        made = PageLinks(home.clock, home.web.state, "https://tocsin.example/").link(name, KEY, ana.id)
        assert made.startswith("https://tocsin.example/p/")
        assert len(made) < 220  # room for words in a short message
        assert (await phone.get(made.removeprefix("https://tocsin.example"))).status_code == 200
        assert PageLinks(home.clock, home.web.state, "").link(name, KEY, ana.id) == ""
        read = PageLinks(home.clock, home.web.state, "").read(made.rpartition("/")[2])
        assert read is not None
        assert read.until == NOON + timedelta(seconds=5, hours=24)
