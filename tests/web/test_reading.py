"""The overview, the list, the numbers and corrected times, read as each reader may."""

from __future__ import annotations

import csv
import io
import re

import pytest

from bot.domain.followup import AddFollowUp
from bot.domain.lifecycle import Close, Resolve, Update
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.domain.policy import Severity, Urgency
from bot.domain.sli import Judged, ObserveSli
from bot.domain.urgency import Withdraw
from tests.kit import NOON, at, breached
from tests.web.fakes import Place
from tests.web.legal import breach
from tests.web.rich import HOSTILE, declared, rich
from tests.web.test_pages import sound

EVERYBODY = ("ana", "ben", "cleo", "max", "audrey", "ida")


async def many(home: Place, number: int, *, close: bool = True, title: str = "Slow") -> None:
    """So many incidents, one after the other, filed away or not."""
    ana = await home.who("ana")
    for n in range(number):
        made = await home.desk.declare(f"{title} {n}", Severity.SEV3, "", "", ana)
        if close:
            await home.desk.submit(made.id, Acknowledge(), ana)
            await home.desk.submit(made.id, Resolve("over", waive="seen"), ana)
            await home.desk.submit(made.id, Close(), ana)
        home.clock.forward(seconds=60)


async def told(home: Place, who: str, address: str) -> str:
    """The words of a page, which is as it must be."""
    browser = await home.browser(who)
    try:
        return sound(await browser.get(address)).text
    finally:
        await browser.aclose()


# -- overview ----------------------------------------------------------------------------------------------------------


async def test_an_old_open_incident_stays_on_the_front_page(home: Place) -> None:
    """However many were declared and filed away since: open ones come from what is open, not from what is new."""
    old = await home.desk.declare("The oldest still hurts", Severity.SEV2, "", "", await home.who("ana"))
    await many(home, 12)
    home.desk.log.summaries = None  # type: ignore[method-assign] # nothing asks for the newest and filters
    page = await told(home, "max", "/")
    assert page.index("The oldest still hurts") < page.index("Slow 11")
    assert f"{old.id}" in page


async def test_so_many_are_open_that_the_page_shows_the_first(home: Place) -> None:
    """Fifty of them, the worst that nobody has before the others, and a way to all."""
    await many(home, 52, close=False)
    worst = await home.desk.declare("Everything is down", Severity.SEV1, "", "", await home.who("ana"))
    browser = await home.browser("max")
    page = (await browser.get("/")).text
    assert "All 53 open incidents" in page
    rows = re.findall(
        r'class="title" href="/incidents/(INC-\d+)"', page.partition('id="open"')[2].partition('id="declare"')[0]
    )
    assert rows[0] == worst.id
    assert len(rows) == 50
    listed = (await browser.get("/incidents?phase=open")).text
    assert worst.id in listed
    await browser.aclose()


async def test_what_waits_stands_with_whom_it_waits_for(home: Place) -> None:
    """For the reader what is theirs, for others by name; a signed notice's own people only."""
    name = await rich(home)
    cleo = await told(home, "cleo", "/")
    mine = cleo.partition("Waits for you")[2].partition("Open 1")[0]
    assert "A notice waits for a signature" in mine
    assert "Cleo Martin" not in mine
    ana = await told(home, "ana", "/")
    others = ana.partition("Waits for others")[2]
    assert "A notice waits for a signature" in others
    assert "waits for Cleo Martin" in others
    assert name in others


async def test_nobody_has_it_and_who_was_asked(home: Place) -> None:
    """A fresh incident waits for those on call; the one who declared for a service nobody is on call for, for nobody."""
    await declared(home)
    page = await told(home, "ana", "/")
    assert "Nobody has it yet" in page.partition("Waits for you")[2].partition("Open 1")[0]
    assert "Ana Ruiz, then Ben Okafor" in page
    page = await told(home, "max", "/")
    assert "waits for Ana Ruiz, Ben Okafor" in page.partition("Waits for others")[2]
    await home.desk.declare("Odd", Severity.SEV4, "", "", await home.who("otto"))
    assert "nobody who could" in await told(home, "max", "/")


async def test_the_clock_that_ends_first_is_on_top(home: Place) -> None:
    """As many as run, in the order in which they end; only incidents with a clock are asked."""
    await many(home, 3, close=False)
    name = await breach(home)
    assert await home.desk.log.clocked() == [name]
    page = await told(home, "cleo", "/")
    assert name in page.partition("Legal clocks")[2].partition("On call now")[0]
    async with home.api("cleo") as api:
        dates = [each["strict"] for each in (await api.get("/api/notices")).json()]
    assert dates == sorted(dates)
    assert dates


@pytest.mark.parametrize("who", EVERYBODY)
async def test_empty_pages_say_so(home: Place, who: str) -> None:
    """Each of them, to everybody."""
    assert "Nothing waits for you." in await told(home, who, "/")
    assert "There has been no incident yet." in await told(home, who, "/incidents")
    assert "Nothing to measure" in await told(home, who, "/analytics")


# -- the list ----------------------------------------------------------------------------------------------------------


async def test_the_list_is_searched_and_paged_by_its_address(home: Place) -> None:
    """Fifty a page; the address of the next goes on where this ended, filters and all."""
    await many(home, 55)
    browser = await home.browser("max")
    first = sound(await browser.get("/incidents?q=slow"))
    older = next(link["href"] for link in first.of("a") if link.get("rel") == "next")
    assert older is not None
    assert "q=slow" in older
    second = (await browser.get(older)).text
    rows = re.findall(r'class="title" href="/incidents/INC-(\d+)"', second)
    assert rows == ["5", "4", "3", "2", "1"]
    assert "Back to the newest" in second
    assert "No incident matches." in (await browser.get("/incidents?q=slow+fast")).text
    assert "no day" in (await browser.get("/incidents?since=tomorrow&severity=SEV9&phase=odd")).text
    assert sound(await browser.get("/incidents?after=never")).text == sound(await browser.get("/incidents")).text
    await browser.aclose()


async def test_the_api_narrows_down_and_links_to_the_next(home: Place) -> None:
    """The header Link says where older ones are; nonsense is told by field."""
    await many(home, 5)
    async with await home.own("max") as api:
        answer = await api.get("/api/incidents", params={"limit": 2, "q": "slow", "state": "closed"})
        assert [each["id"] for each in answer.json()] == ["INC-5", "INC-4"]
        onward = re.fullmatch(r'<(/api/incidents\?[^>]+)>; rel="next"', answer.headers["Link"])
        assert onward is not None
        answer = await api.get(onward[1])
        assert [each["id"] for each in answer.json()] == ["INC-3", "INC-2"]
        last = await api.get("/api/incidents", params={"limit": 5})
        assert "Link" not in last.headers
        wrong = await api.get("/api/incidents", params={"severity": "high", "since": "soon"})
        assert (wrong.status_code, set(wrong.json()["fields"])) == (422, {"severity", "since"})


@pytest.mark.parametrize("who", EVERYBODY)
async def test_a_restricted_one_is_listed_for_whoever_may_see_it(home: Place, who: str) -> None:
    """List, search, count, file and overview say the same as the rule for the incident itself; numbers never do."""
    name = await breach(home, title="zzz-sealed", service="visits", restricted=True)
    person = await home.who(who)
    sees = await home.app.state.console.may_see(person, await home.desk.log.load(name))
    assert sees is (who in {"ana", "ben", "cleo", "ida"})
    for address in ("/", "/incidents", "/incidents?q=sealed"):
        assert ("zzz-sealed" in await told(home, who, address)) is sees, address
    assert ("1 open" in await told(home, who, "/incidents")) is sees
    assert "zzz-sealed" not in await told(home, who, "/analytics")
    async with await home.own(who) as api:
        assert ("zzz-sealed" in (await api.get("/incidents.csv")).text) is sees
        assert ("zzz-sealed" in (await api.get("/api/incidents?q=sealed")).text) is sees
        table = (await api.get("/analytics.csv")).text
        assert table.splitlines()[1].split(",")[2] == "0"


async def test_a_file_runs_nothing(home: Place) -> None:
    """Titles that begin like a formula are led by an apostrophe; each row is whole."""
    await home.desk.declare("=HYPERLINK(1)", Severity.SEV3, "visits", "", await home.who("ana"))
    await home.desk.declare(HOSTILE, Severity.SEV3, "", "", await home.who("ana"))
    async with await home.own("max") as api:
        answer = await api.get("/incidents.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[1] for row in rows] == ["title", HOSTILE, "'=HYPERLINK(1)"]
    assert len({len(row) for row in rows}) == 1


# -- the numbers -------------------------------------------------------------------------------------------------------


async def test_the_numbers_say_what_they_rest_on(home: Place) -> None:
    """Sample sizes, what is missing and left out with the reason, a small sample by name, and the day they cover."""
    name = await declared(home)
    ana = await home.who("ana")
    home.clock.forward(seconds=40)
    await home.desk.submit(name, Acknowledge(), ana)
    home.clock.forward(minutes=10)
    await home.desk.submit(name, Resolve("rolled back", waive="seen"), ana)
    await home.desk.submit(name, AddFollowUp("test it", ana.id, NOON.date(), ""), ana)
    suspicion = await declared(home, fingerprint="other", urgency=Urgency.NOTICE)
    await home.desk.submit(suspicion, ObserveSli(breached(judged=Judged.MET, since=at(60), because="met")))
    await home.desk.submit(suspicion, Withdraw("no harm"))
    page = await told(home, "audrey", "/analytics")
    assert "1 incident declared from 2026-08-22" in page
    assert "1 withdrawn as a suspicion" in page
    assert "Only 1 incident: one more may move these a lot" in page
    assert "not mitigated by the data" in page
    assert "Restricted incidents are in none of these numbers" in page
    assert "None. Whatever was promised is done" in page
    home.clock.forward(days=3)
    assert "3 days" in (await told(home, "max", "/analytics")).partition("Follow-ups overdue")[2]
    assert "0 incidents" in await told(home, "max", "/analytics?severity=SEV1")
    async with await home.own("max") as api:
        rows = list(csv.reader(io.StringIO((await api.get("/analytics.csv")).content.decode("utf-8-sig"))))
    ttr = next(row for row in rows if row[:2] == ["all", ""] and row[3] == "MTTR")
    assert ttr[4:8] == ["1", "645.0", "645.0", "645.0"]


async def test_pages_are_counted_by_person_and_month(home: Place) -> None:
    """By their own clock, at night apart; a page no channel took does not count."""
    name = await declared(home)
    ana, ben = await home.who("ana"), await home.who("ben")
    await home.desk.submit(name, ReportPage("p1", ana.id, "ntfy", Receipt.ACCEPTED, ""))
    await home.desk.submit(name, ReportPage("p2", ben.id, "ntfy", Receipt.FAILED, "x"))
    home.clock.forward(hours=11)
    await home.desk.submit(name, ReportPage("p3", ana.id, "sms", Receipt.ACCEPTED, ""))
    page = (await told(home, "max", "/analytics")).partition("Pages by person")[2]
    assert "Ana Ruiz 2 1 2 1 at night" in page
    assert "Ben" not in page


# -- corrections -------------------------------------------------------------------------------------------------------


async def test_a_corrected_time_says_so_everywhere(home: Place) -> None:
    """On its page by whom, from what and why; in the list, the API and the numbers that it was corrected."""
    name = await declared(home)
    ana = await home.who("ana")
    home.clock.forward(minutes=10)
    await home.desk.submit(name, Resolve("rolled back", waive="seen"), ana)
    browser = await home.browser("ana")
    early = {"moment": "resolved", "to": "2026-11-20T11:59:00", "because": "the graph"}
    refused = await browser.post(f"/incidents/{name}/correct", data=early)
    assert refused.status_code == 409
    assert "cannot have been resolved before it began" in refused.text
    assert 'value="2026-11-20T11:59:00"' in refused.text
    right = {"moment": "resolved", "to": "2026-11-20T12:05:00", "because": "said by phone"}
    assert (await browser.post(f"/incidents/{name}/correct", data=right)).status_code == 303
    assert (await browser.post(f"/incidents/{name}/correct", data=right)).status_code == 303
    page = sound(await browser.get(f"/incidents/{name}")).text
    assert "corrected by Ana Ruiz, first recorded as 2026-11-20 12:10:05: said by phone" in page
    assert "5 min corrected" in page
    assert "times corrected" in sound(await browser.get("/incidents")).text
    assert "MTTR 1 corrected" in sound(await browser.get("/analytics")).text
    await browser.aclose()
    async with await home.own("max") as api:
        whole = (await api.get(f"/api/incidents/{name}")).json()
        listed = (await api.get("/api/incidents")).json()
        table = (await api.get("/analytics.csv")).text
    (kept,) = whole["corrections"]
    assert (kept["moment"], kept["was"], kept["by"], kept["times"]) == (
        "resolved", "2026-11-20T12:10:05.000Z", "Ana Ruiz", 1,
    )  # fmt: skip
    assert whole["measures"]["corrected"] == ["ttr_s"]
    assert listed[0]["corrected"] == ["resolved"]
    assert any(row.split(",")[3:5] == ["MTTR", "1"] and row.split(",")[8] == "1" for row in table.splitlines()[1:])


# -- a long timeline ---------------------------------------------------------------------------------------------------


async def test_a_long_timeline_is_read_piece_by_piece(home: Place) -> None:
    """The newest 200 lines, older ones by a link, some by kind, person or word; the API likewise."""
    name, ana = await declared(home), await home.who("ana")
    for n in range(250):
        home.clock.forward(seconds=1)
        await home.desk.submit(name, Update(f"look number {n}"), ana)
    browser = await home.browser("max")
    page = (await browser.get(f"/incidents/{name}")).text
    assert ("look number 249" in page, "look number 49<" in page) == (True, False)
    older = re.search(r'href="(/incidents/INC-1\?before=\d+)#timeline">Older', page)
    assert older is not None
    page = sound(await browser.get(older[1])).text
    assert ("look number 49" in page, "look number 249" in page, "To the newest" in page) == (True, False, True)
    page = sound(await browser.get(f"/incidents/{name}?q=177+look")).text
    assert "1 of 251 lines match" in page
    assert "0 of 251" in sound(await browser.get(f"/incidents/{name}?kind=pages")).text
    assert "250 of 251" in sound(await browser.get(f"/incidents/{name}?by={ana.id}")).text
    sound(await browser.get(f"/incidents/{name}?kind=odd&before=x"))
    await browser.aclose()
    async with await home.own("max") as api:
        whole = (await api.get(f"/api/incidents/{name}")).json()
        assert (len(whole["timeline"]), whole["timeline_total"]) == (200, 251)
        assert len((await api.get(f"/api/incidents/{name}?timeline=1000")).json()["timeline"]) == 251
        lines, before = [], None
        while before != "end":
            asked = {"limit": 100, **({"before": before} if before else {})}
            piece = (await api.get(f"/api/incidents/{name}/timeline", params=asked)).json()
            lines = [*piece["lines"], *lines]
            before = piece["older"] or "end"
        assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
        assert len(lines) == piece["total"] == 251
