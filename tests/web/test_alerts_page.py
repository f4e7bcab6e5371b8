"""The page of what fires: each alert with its incident, what is held and set aside, and every sender's last word."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.alerts import AttachAlerts
from bot.domain.grouping import Window
from bot.domain.lifecycle import Resolve
from bot.domain.policy import Severity
from bot.engine.intake import Aside, Intake
from bot.engine.storm import Storm
from bot.web.pages.alerts import HOW
from tests.inbox import alert
from tests.kit import NOON
from tests.web.alerting import BEARER, SENDERS, am, am_alert
from tests.web.fakes import HOME, Place, place
from tests.web.test_oncall_page import plain, using
from tests.web.test_pages import sound

HOUR = timedelta(hours=1)
WORK = Window(NOON - HOUR, NOON + HOUR, frozenset({"gate"}), "new disks", "max")
LATER = Window(NOON + HOUR, NOON + 2 * HOUR, frozenset({"visits"}), "tomorrow's work", "ana")


class Leads:
    """Whether this replica takes in."""

    def __init__(self) -> None:
        self.so = True

    async def holds(self) -> bool:
        return self.so


def taking(home: Place, *, leads: Leads | None = None, senders: bool = True) -> Place:
    """With an inbox, what takes it in, and whoever may send."""
    handler = home.desk.handler
    intake = Intake(home.store.alerts, handler, {}, Storm(handler, {}), leads or Leads(), (WORK, LATER))
    return home.having(inbox=home.store.alerts, intake=intake, senders=SENDERS if senders else ())


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Place]:
    async with place(tmp_path) as made:
        yield taking(made)


async def test_an_empty_house_says_how_to_connect_a_sender(home: Place) -> None:
    """Each with its address and where that goes; without any, where one is named; nothing is good news unheard."""
    async with using(home, "ana") as ana:
        page = sound(await ana.get("/alerts"))
        assert "Nothing fires. That is good news only while every sender below is heard." in page.text
        for sender in SENDERS:
            assert f"{HOME}/alerts/{sender.name}" in page.text
            assert HOW[sender.kind] in page.text
        assert page.text.count("never 0 taken") == len(SENDERS)
        assert "s3cret" not in page.text
    bare = home.having(inbox=None, intake=None, senders=())
    async with using(bare, "ana") as ana:
        assert "No sender is connected: name one under alerts: in tocsin.yaml" in sound(await ana.get("/alerts")).text


async def test_every_alert_stands_with_its_incident(home: Place) -> None:
    """Open or resolved; one that waits says so; whatever a sender wrote stays text."""
    evil = "<script>alert(1)</script>"
    await home.store.alerts.accept([alert("a", severity=1, title=evil, text=evil, url="javascript:alert(1)")])
    await home.web.intake.round()
    home.clock.forward(minutes=20)
    async with using(home, "ana") as ana:
        answer = await ana.get("/alerts")
        page = sound(answer)
        assert (evil in answer.text, html.escape(evil) in answer.text, "javascript:" in answer.text) == (
            False, True, False,
        )  # fmt: skip
        assert f"SEV1 {evil} {evil} am visits 2026-11-20 12:00 20 min INC-1 {evil}" in page.text
        assert "Firing 1" in page.text
        await home.desk.submit("INC-1", Resolve("we know", "it is noise"), await home.who("ana"))
        await home.store.alerts.accept([alert("late")])
        page = sound(await ana.get("/alerts"))
        assert ": resolved, and it fires on" in page.text
        assert "late is broken am visits 2026-11-20 12:00 20 min waits to be taken in" in page.text


async def test_it_is_read_page_by_page_of_one_sender_or_service(home: Place) -> None:
    """Every alert once, the worst first; the choice goes along; a place that is none is refused with a way back."""
    await home.store.alerts.accept([alert(f"a{n:03}", severity=1 + n % 4) for n in range(120)])
    seen: list[str] = []
    async with using(home, "ana") as ana:
        address = "/alerts?service=visits"
        while address:
            page = (await ana.get(address)).text
            seen += re.findall(r"<b>(a\d+) is broken</b>", page)
            onward = re.search(r'href="([^"]+)">Next page', page)
            address = html.unescape(onward[1]) if onward else ""
            assert not address or "service=visits" in address
        assert len(seen) == len(set(seen)) == 120
        assert [int(each[1:]) % 4 for each in seen] == sorted(int(each[1:]) % 4 for each in seen)
        assert "Back to the worst" in page
        other = await ana.get("/alerts?source=grafana&service=loans")
        assert "Nothing else fires of grafana for loans." in plain(other.text)
        junk = await ana.get("/alerts?after=junk")
        assert (junk.status_code, "begin with the first page" in junk.text) == (409, True)


async def test_what_planned_work_holds_is_named(home: Place) -> None:
    """With its reason, who answers for it and until when; work to come holds nothing."""
    await home.store.alerts.accept([alert("held", service="gate", severity=1)])
    await home.web.intake.round()
    async with using(home, "ana") as ana:
        said = sound(await ana.get("/alerts")).text
    assert "new disks until 2026-11-20 13:00:00 UTC gate · Max Weber answers for it · 1 h left" in said
    assert "SEV1 held is broken gate, am, since" in said
    assert "held by maintenance until 2026-11-20 13:00 UTC" in said
    assert "tomorrow's work" not in said


async def test_a_replica_that_stands_by_says_what_it_does_not_know(home: Place) -> None:
    """The window is known here as well, the alerts it holds are not."""
    standby = taking(home, leads=(leads := Leads()))
    leads.so = False
    await standby.store.alerts.accept([alert("held", service="gate")])
    await standby.web.intake.round()
    async with using(standby, "ana") as ana:
        said = sound(await ana.get("/alerts")).text
    assert "This replica stands by: which alerts are held knows the one that leads." in said
    assert "It holds no alert now." not in said
    assert "held by maintenance until" in said


async def test_what_was_set_aside_is_loud(home: Place) -> None:
    """On top, with why and what to do, and as a number for machines; never with its words there."""
    bad = alert("zzz-bad", severity=1)
    await home.store.alerts.accept([bad])
    home.web.intake.aside[bad.key, bad.starts] = Aside(bad, "ZeroDivisionError: <b>", home.clock.now())
    home.watch.poll()
    home.clock.forward(minutes=5)
    async with using(home, "ana") as ana:
        page = sound(await ana.get("/alerts"))
        ready = await ana.get("/readyz")
    assert "set aside 5 min ago: ZeroDivisionError: <b>" in page.text
    assert "If one is real, declare an incident ." in page.text
    assert "20 min" not in page.text
    assert (ready.status_code, ready.json()["alerts"]["aside"], ready.json()["alerts"]["held"]) == (200, 1, 0)
    assert "zzz" not in ready.text


async def test_each_senders_last_word_and_its_age(home: Place) -> None:
    """Also of one that another replica heard, or this one before it was started anew; and what came of it here."""
    async with home.client() as sender:
        assert (await sender.post("/alerts/prod", json=am(am_alert()), headers=BEARER)).status_code == 200
        assert (await sender.post("/alerts/prod", content=b"{", headers=BEARER)).status_code == 400
    home.clock.forward(minutes=7)
    async with using(home, "ana") as ana:
        said = html.unescape(plain((await ana.get("/alerts")).text))
    assert (
        f"prod alertmanager {HOME}/alerts/prod {HOW['alertmanager']} 7 min ago 2026-11-20 12:00:00 UTC 1 taken" in said
    )
    assert "1 refused" in said
    async with using(taking(home), "ana") as ana:
        said = html.unescape(plain((await ana.get("/alerts")).text))
    assert f"{HOW['alertmanager']} 7 min ago 2026-11-20 12:00:00 UTC 0 taken" in said


@pytest.mark.parametrize(
    ("who", "may"), [("ana", True), ("max", True), ("ida", True), ("cleo", False), ("audrey", False)]
)
async def test_it_is_for_responders(home: Place, who: str, may: bool) -> None:
    """Nobody else is shown the way there, or what fires."""
    await home.store.alerts.accept([alert("a")])
    async with using(home, who) as browser:
        answer = await browser.get("/alerts")
        assert answer.status_code == (200 if may else 403)
        assert ("a is broken" in answer.text) is may
        assert ('href="/alerts"' in (await browser.get("/")).text) is may


async def test_an_alert_of_a_restricted_incident_names_it_to_nobody_else(home: Place) -> None:
    """Whoever may not see the incident learns neither its number nor its title."""
    ida = await home.who("ida")
    secret = await home.desk.declare("zzz-secret", Severity.SEV2, "", "", ida, restricted=True)
    await home.store.alerts.accept([alert("a")])
    await home.desk.submit(secret.id, AttachAlerts((alert("a"),)))
    async with using(home, "ana") as ana:
        page = sound(await ana.get("/alerts"))
    async with using(home, "ida") as browser:
        assert "zzz-secret" in sound(await browser.get("/alerts")).text
    assert "none that you can open" in page.text
    assert "zzz-secret" not in page.text
    assert secret.id not in page.text
