"""The audit's page and API: proved beside everything else, searched in bounds, exported whole, shown to auditors."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import itertools
import json
import sqlite3
from contextlib import closing

import pytest

from bot.domain.correction import CorrectTime, Moment
from bot.domain.errors import Tampered, Unavailable
from bot.domain.finding import RecordFinding
from bot.domain.policy import Severity
from bot.engine.proofs import Proofs
from bot.engine.record import Wanted
from bot.web import searching
from tests.kit import at
from tests.web.fakes import Place
from tests.web.rich import HOSTILE, declared, rich
from tests.web.test_pages import Reader, sound


async def shown(home: Place, path: str = "/audit", who: str = "audrey") -> Reader:
    browser = await home.browser(who)
    page = sound(await browser.get(path))
    await browser.aclose()
    return page


@pytest.mark.parametrize("who", ["ana", "ben", "cleo", "max"])
async def test_it_is_for_auditors_and_administrators(home: Place, who: str) -> None:
    """Everybody else is told whose it is, by page, form, export and API; nothing is begun."""
    async with await home.own(who) as api:
        for path in ("/audit", "/audit/entries.csv", "/api/audit/entries", "/api/audit/erasures"):
            answer = await api.get(path)
            assert (answer.status_code, "admin or auditor" in answer.text) == (403, True), path
        assert (await api.post("/api/verify")).status_code == 403
    browser = await home.browser(who)
    assert (await browser.post("/audit/verify")).status_code == 403
    assert 'href="/audit"' not in (await browser.get("/slos")).text
    await browser.aclose()
    assert await home.web.proofs.last() is None


async def test_an_empty_record_says_so(home: Place) -> None:
    """No entry, no correction, no erasure, never verified: each with what would be there."""
    for who in ("audrey", "ida"):
        page = await shown(home, who=who)
        for words in (
            "not verified yet",
            "no incident was ever opened",
            "No time was ever set right",
            "Nothing was erased",
        ):
            assert words in page.text, (who, words)


async def test_verifying_by_a_press(home: Place) -> None:
    """The result is kept with time, person and digest; the digest is that of what the command line prints."""
    name = await rich(home)
    browser = await home.browser("audrey")
    pressed = await browser.post("/audit/verify")
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/audit#chain")
    page = sound(await browser.get("/audit"))
    head = (await home.desk.log.load(name)).head
    digest = hashlib.sha256(f"{name}  {head}\n".encode()).hexdigest()
    assert "in order" in page.text
    assert "by Audrey Lind" in page.text
    assert digest in page.text
    home.clock.forward(minutes=5)
    assert "5 min ago" in sound(await browser.get("/audit")).text
    await browser.aclose()


async def test_an_altered_record_is_told_by_name(home: Place) -> None:
    """Every altered chain counts, the others are walked all the same, and the page says what to do."""
    await declared(home)
    await declared(home, fingerprint="slo/two")
    await declared(home, fingerprint="slo/three")
    with closing(sqlite3.connect(home.web.state.parent / "tocsin.db")) as file:
        file.execute("UPDATE entries SET stored = CAST(stored || ' ' AS BLOB) WHERE incident <> 'INC-2' AND seq = 1")
        file.commit()
    browser = await home.browser("ida")
    await browser.post("/audit/verify")
    text = sound(await browser.get("/audit")).text
    await browser.aclose()
    for words in (
        "2 of 3 chains do not verify",
        "INC-1: entry 1 was altered",
        "INC-3: entry 1",
        "tocsin verify --against",
    ):
        assert words in text, words
    assert "INC-2: entry" not in text


class Slow:
    """A record whose chains are walked when the test says so."""

    def __init__(self, home: Place) -> None:
        self.inner, self.go, self.walked = home.store.audit, asyncio.Event(), 0
        self.asked = asyncio.Event()
        self.fails: Exception | None = None

    async def ids(self) -> list[str]:
        return await self.inner.ids()

    async def size(self) -> int:
        return await self.inner.size()

    async def walk(self, incident: str) -> str:
        self.walked += 1
        self.asked.set()
        await self.go.wait()
        if self.fails is not None:
            raise self.fails
        return await self.inner.walk(incident)


async def test_a_walk_under_way_is_told_and_not_begun_twice(home: Place) -> None:
    """Page and API answer at once with how far it is; a second press changes nothing; then the result stands."""
    await declared(home)
    slow = Slow(home)
    proofs = Proofs(slow, home.store.checkpoints, home.clock)
    proofs.patience = 0.01
    there = home.having(proofs=proofs)
    proofs.begin((await home.who("audrey")).id)
    await slow.asked.wait()
    async with await there.own("audrey") as api:
        told = (await api.get("/api/verify")).json()
        assert (told["ok"], told["running"], told["done"], told["of"]) == (False, True, 0, 1)
        assert told["error"] == "not verified yet"
        assert (await api.post("/api/verify")).json()["running"] is True
        assert "0 of 1 chains walked" in (await shown(there)).text
        slow.go.set()
        await proofs.settled(5)
        told = (await api.get("/api/verify")).json()
        assert (told["ok"], told["running"], slow.walked) == (True, False, 1)
    await proofs.close()


async def test_a_look_does_not_walk_again_and_lets_go_of_nothing(home: Place) -> None:
    """While a result is fresh for what it cost, `GET /api/verify` walks nothing; incidents stay at hand."""
    name = await declared(home)
    slow = Slow(home)
    slow.go.set()
    proofs = Proofs(slow, home.store.checkpoints, home.clock)
    there = home.having(proofs=proofs)
    at_hand = home.store.log.at_hand(name)
    async with await there.own("audrey") as api:
        for _ in range(3):
            assert (await api.get("/api/verify")).json()["ok"] is True
        assert slow.walked == 1
        assert home.store.log.at_hand(name) is at_hand
        home.clock.forward(seconds=1)
        await api.get("/api/verify")
        assert slow.walked == 2
    await proofs.close()


async def test_a_walk_that_breaks_off_leaves_the_last_result(home: Place) -> None:
    """A silent database, or a fault of ours, is told beside what was known before."""
    await declared(home)
    slow = Slow(home)
    slow.go.set()
    proofs = Proofs(slow, home.store.checkpoints, home.clock)
    there = home.having(proofs=proofs)
    proofs.begin("tocsin")
    await proofs.settled(5)
    for fault, words in (
        (Unavailable("the database", "no answer in 2 s"), "no answer in 2 s"),
        (KeyError("x"), "fault of"),
    ):
        slow.fails = fault
        assert proofs.begin("tocsin")
        await proofs.settled(5)
        text = (await shown(there)).text
        assert words in text
        assert "in order" in text
    await proofs.close()


async def test_the_result_outlives_the_process(home: Place) -> None:
    """Another process, or a replica, tells the same result and heads without walking."""
    name = await declared(home)
    home.web.proofs.begin((await home.who("audrey")).id)
    await home.web.proofs.settled(5)
    later = Proofs(Slow(home), home.store.checkpoints, home.clock)
    assert await later.last() == await home.web.proofs.last()
    assert await later.heads() == {name: (await home.desk.log.load(name)).head}


async def test_the_record_is_searched(home: Place) -> None:
    """By person, kind, incident and time, alone and together; what was typed stays in the form."""
    name = await rich(home)
    other = await declared(home, fingerprint="slo/two")
    ben = await shown(home, "/audit?person=ben")
    assert "mitigation approved" in ben.text
    rows = [attrs for attrs in ben.of("td") if attrs.get("data-name") == "Who"]
    assert len(rows) == len((await home.store.audit.search(Wanted(by=(await home.who("ben")).id))).entries)
    one = await shown(home, f"/audit?incident={other}&kind=IncidentDeclared&start=2026-11-20&end=2026-11-20")
    assert len([each for each in one.of("td") if each.get("data-name") == "Entry"]) == 1
    assert f"The whole pack of {other}" in one.text
    assert one.fields("start") == ["2026-11-20"]
    none = await shown(home, "/audit?end=2026-11-19")
    assert "No such entry" in none.text
    assert name not in none.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("person=nobody", "nobody is called 'nobody'"),
        ("kind=Nothing", "no kind of entry called 'Nothing'"),
        ("incident=INC-99", "no incident called 'INC-99'"),
        ("start=soon", "from: 'soon' is no time"),
        ("end=9999-12-31", "until: '9999-12-31' is no time"),
        ("after=x", "was never given"),
    ],
)
async def test_what_cannot_be_read_is_said(home: Place, query: str, words: str) -> None:
    """The page says which field, keeps what was typed, and the API refuses in the same words."""
    await declared(home)
    browser = await home.browser("audrey")
    answer = await browser.get(f"/audit?{query}")
    assert answer.status_code == 422
    assert words in Reader(answer.text).text
    await browser.aclose()
    async with await home.own("audrey") as api:
        told = await api.get(f"/api/audit/entries?{query}")
        assert (told.status_code, words in told.json()["because"]) in {(409, True), (404, True)}


async def test_pages_of_the_record_follow_one_another(home: Place) -> None:
    """Each entry stands on one page, by page and by API."""
    for n in range(60):
        await declared(home, fingerprint=f"slo/{n}")
    first = await shown(home)
    onward = next(str(a["href"]) for a in first.of("a") if "after=" in str(a.get("href")))
    second = await shown(home, onward.partition("#")[0])
    seen = [
        attrs["href"] for page in (first, second) for attrs in page.of("a") if "/incidents/" in str(attrs.get("href"))
    ]
    assert len(seen) == len(set(seen)) == 60
    assert "Back to the newest" in second.text
    async with await home.own("audrey") as api:
        page = (await api.get("/api/audit/entries?limit=59")).json()
        rest = (await api.get("/api/audit/entries", params={"after": page["next"]})).json()
    assert (len(page["entries"]), len(rest["entries"]), rest["next"]) == (59, 1, "")


async def test_a_restricted_incident_is_in_no_search_of_an_auditor(home: Place) -> None:
    """Neither page, API, export, correction nor erasure names it; an administrator finds it, and whoever is in it."""
    await declared(home, fingerprint="slo/open")
    name = await declared(home, restricted=True, fingerprint="slo/hidden")
    await home.desk.submit(name, CorrectTime(Moment.ONSET, at(-60), "the graph"), await home.who("ida"))
    await home.store.erasure.erase(person="tocsin")
    paths = ("/audit", "/audit/entries.csv", "/audit/entries.jsonl", "/api/audit/entries", "/api/audit/erasures")
    for who, told in (("audrey", False), ("ida", True)):
        async with await home.own(who) as api:
            for path in paths:
                assert (f"{name}" in (await api.get(path)).text) is told, (who, path)
            answer = await api.get(f"/api/audit/entries?incident={name}")
            assert answer.status_code == (200 if told else 404)


async def test_what_was_found_is_taken_away(home: Place) -> None:
    """All of it, over however many pages: CSV with headings, and JSON lines with hashes that chain."""
    name = await rich(home)
    entries = await home.desk.log.entries(name)
    paged = [each.hash async for each in searching.every(home.store.audit, Wanted(incident=name), limit=7)]
    assert paged == [entry.hash for entry in reversed(entries)]
    assert len(paged) > 7
    async with await home.own("audrey") as api:
        table = (await api.get("/audit/entries.csv")).content.decode("utf-8-sig")
        lines = [
            json.loads(each) for each in (await api.get(f"/audit/entries.jsonl?incident={name}")).text.splitlines()
        ]
        assert (await api.get("/audit/entries.pdf")).status_code == 404
    rows = list(csv.DictReader(table.splitlines()))
    assert [row["hash"] for row in rows] == [entry.hash for entry in reversed(entries)]
    assert {row["by"] for row in rows} >= {"Tocsin", "Ana Ruiz", "Ben Okafor"}
    assert all(later["before"] == earlier["hash"] for later, earlier in itertools.pairwise(lines))
    assert len(lines) == len(entries)


async def test_nobodys_words_are_in_it_and_strange_ones_do_nothing(home: Place) -> None:
    """What people wrote is not shown; a hostile cause, person or field stays text."""
    name = await declared(home)
    await home.desk.submit(name, RecordFinding(HOSTILE, "deploys"), await home.who("ana"), cause=HOSTILE)
    page = await shown(home)
    assert HOSTILE in page.text
    assert not page.of("img")
    hostile = Reader(
        (await (await home.browser("audrey")).get("/audit", params={"person": HOSTILE, "start": HOSTILE})).text
    )
    assert not hostile.of("img")
    async with await home.own("audrey") as api:
        assert (await api.get("/audit/entries.csv")).text.count("<script>") == 1


async def test_corrections_and_erasures_are_listed(home: Place) -> None:
    """Both times of a correction, who made it, and how much was erased where."""
    name = await rich(home)
    await home.desk.submit(name, CorrectTime(Moment.ONSET, at(-60), "the graph"), await home.who("ana"))
    await home.store.erasure.erase(person=(await home.who("ana")).id)
    page = await shown(home)
    assert "onset: 2026-11-20 12:00:00 → 2026-11-20 11:59:00 Ana Ruiz" in page.text
    assert "pieces of words" in page.text


async def test_tampering_is_an_error_and_no_answer(home: Place) -> None:
    """What walks one chain says which entry was altered: the job relies on it."""
    name = await declared(home)
    with closing(sqlite3.connect(home.web.state.parent / "tocsin.db")) as file:
        file.execute("UPDATE entries SET hash = 'x'")
        file.commit()
    with pytest.raises(Tampered, match=f"{name}: entry 1"):
        await home.store.audit.walk(name)


async def test_who_is_no_auditor_is_told_of_what_they_may_see(home: Place) -> None:
    """How many restricted incidents there are is no answer to whether the record verifies."""
    seen = await declared(home)
    await home.desk.declare("sealed", Severity.SEV1, "visits", "", await home.who("max"), restricted=True)
    async with await home.own("otto") as own:
        told = (await own.get("/api/verify")).json()
    assert (told["ok"], told["count"], told["entries"], list(told["heads"])) == (True, 1, 0, [seen])
    async with await home.own("audrey") as own:
        assert (await own.get("/api/verify")).json()["count"] == 2
