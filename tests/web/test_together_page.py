"""On an incident's page: its alerts, what it has to do with others, and whom its page climbs to, without JavaScript."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from bot.domain.alert import Alert
from bot.domain.alerts import AttachAlerts, DeclareForAlerts, EndAlerts, Over
from bot.domain.errors import NotFound
from bot.domain.escalation import ReportUnanswered
from bot.domain.lifecycle import Declare
from bot.domain.paging import Receipt, ReportPage
from bot.domain.policy import Severity
from bot.domain.storm import BeginStorm
from bot.rota.escalation import Escalation
from bot.web.verbs.group import boxed
from tests.inbox import alert
from tests.kit import NOON
from tests.web.fakes import Place, leads
from tests.web.test_oncall_page import plain, using
from tests.web.test_pages import sound

ODD = "disk; /dev/ß\n <b>100 %</b> "


def odd(minutes: float = 0) -> Alert:
    """An alert whose fingerprint is as strange as senders may make it."""
    return alert(ODD, minutes=minutes, title="The <i>disk</i> is full", url="https://am.example/x")


async def opened(home: Place, *alerts: Alert, umbrella: str = "") -> str:
    made = await home.desk.handler.open(DeclareForAlerts(alerts, "new", NOON, umbrella=umbrella))
    return made.id


async def post(client: httpx.AsyncClient, name: str, verb: str, **words: object) -> httpx.Response:
    return await client.post(f"/incidents/{name}/{verb}", data={"once": "k", **words})


async def test_its_alerts_stand_on_the_page(home: Place) -> None:
    """Those that fire before those that are over, with how often and since when, and that one comes and goes."""
    name = await opened(home, alert("a", severity=3), alert("b", severity=1))
    for minute in range(2, 12, 2):
        home.clock.forward(minutes=2)
        await home.desk.submit(name, AttachAlerts((alert("a", minutes=minute, severity=3),)))
    await home.desk.submit(name, EndAlerts((Over(alert("b").key, NOON, NOON + timedelta(minutes=4)),)))
    async with using(home, "audrey") as audrey:
        page = (await audrey.get(f"/incidents/{name}")).text
    said = plain(page)
    assert "Alerts 2, 1 firing" in said
    assert "a is broken SEV3 visits fires comes and goes 2026-11-20 12:10:00 6 times" in said
    assert "b is broken SEV1 visits over 2026-11-20 12:00:00 to 2026-11-20 12:04:00 once" in said
    assert "Split some off" not in said
    assert 'id="merge"' not in page


async def test_alerts_are_chosen_and_split_off_by_a_form(home: Place) -> None:
    """By boxes, whatever their fingerprints hold; the second click changes nothing, and both pages tell of each other."""
    name = await opened(home, odd(), alert("b"), alert("c"))
    async with using(home, "ben") as ben:
        page = sound_but_links(await ben.get(f"/incidents/{name}"))
        assert f'value="{html.escape(boxed(odd().key))}"' in page
        for _ in range(2):
            answer = await post(ben, name, "split", alerts=[boxed(odd().key), boxed(alert("b").key)], because="a disk")
            assert leads(answer) == f"/incidents/{name}?done=split#alerts"
        said = plain((await ben.get(f"/incidents/{name}")).text)
        assert "Split off: INC-2" in said
        assert "(2 alerts)" in said
        assert "Alerts 1, 1 firing" in said
        other = (await ben.get("/incidents/INC-2")).text
    assert "The &lt;i&gt;disk&lt;/i&gt; is full" in other
    assert set((await home.desk.log.load("INC-2")).alerts) == {odd().key, alert("b").key}


def sound_but_links(answer: httpx.Response) -> str:
    """The page, sound but for the link to the alert's sender, which leads elsewhere."""
    text = answer.text.replace('href="https://am.example/x"', 'href="/"')
    sound(httpx.Response(200, text=text))
    return answer.text


@pytest.mark.parametrize(
    ("verb", "words", "status", "says"),
    [
        ("split", {}, 409, "name the alerts that are another thing"),
        ("split", {"alerts": [boxed(alert("b").key), boxed(alert("c").key)]}, 409, "leave at least one"),
        ("split", {"alerts": "alert/am/zz"}, 409, "INC-1 has no alert alert/am/zz"),
        ("merge", {"into": "INC-1"}, 409, "INC-1 cannot be merged into itself"),
        ("merge", {"into": "INC-77"}, 404, "no incident called"),
        ("merge", {"into": ""}, 422, "into:"),
    ],
)
async def test_what_was_refused_stands_beside_its_form(
    home: Place, verb: str, words: dict[str, object], status: int, says: str
) -> None:
    """The form is open, with every word and tick that was there."""
    name = await opened(home, alert("b"), alert("c"))
    async with using(home, "ben") as ben:
        answer = await post(ben, name, verb, because="my <b>own</b> words", **words)
        page = answer.text
    assert answer.status_code == status
    beside = page[page.index(f'action="/incidents/{name}/{verb}"') :]
    assert says in html.unescape(beside[: beside.index("</form>")])
    assert 'value="my &lt;b&gt;own&lt;/b&gt; words"' in beside
    assert page.count(" checked") == (2 if isinstance(words.get("alerts"), list) else 0)
    assert (await home.desk.log.load(name)).alerts.keys() == {alert("b").key, alert("c").key}


async def test_two_hundred_boxes_are_one_form(home: Place) -> None:
    """As many as the page shows can be ticked; what is not shown is counted."""
    alerts = [alert(f"a{n:03}") for n in range(203)]
    name = await opened(home, *alerts[:100])
    for start in (100, 200):
        await home.desk.submit(name, AttachAlerts(tuple(alerts[start : start + 100])))
    async with using(home, "ben") as ben:
        page = (await ben.get(f"/incidents/{name}")).text
        assert page.count('type="checkbox" name="alerts"') == 200
        assert "And 3 more" in page
        answer = await post(ben, name, "split", alerts=[boxed(each.key) for each in alerts[:200]])
        assert answer.status_code == 303, answer.text
    assert len((await home.desk.log.load("INC-2")).alerts) == 200


async def test_an_incident_is_merged_by_a_form(home: Place) -> None:
    """Open ones are offered by name; this one is resolved and points to the other, which names it."""
    one, two = await opened(home, alert("a")), await opened(home, alert("b", service="loans"))
    async with using(home, "ben") as ben:
        assert f'<option value="{two}">b is broken</option>' in (await ben.get(f"/incidents/{one}")).text
        merged = await post(ben, one, "merge", into=two, because="one disk")
        said = plain((await ben.get(merged.headers["location"])).text)
        assert f"It is the same thing as another: it goes on in {two} b is broken" in said
        assert "Merged." in said
        assert f"Merged into it: {one} a is broken" in plain((await ben.get(f"/incidents/{two}")).text)


async def test_an_umbrella_and_its_child(home: Place) -> None:
    """The umbrella counts its children and names the critical ones; a child points to it and is given a card by hand."""
    above = await home.desk.handler.open(
        Declare("Many things fail at once", Severity.SEV1, "visits", "12 in a minute", NOON, NOON, fingerprint="storm")
    )
    await home.desk.submit(above.id, BeginStorm(12, NOON))
    home.clock.forward(minutes=1)
    bad = await opened(home, alert("bad", severity=1), umbrella=above.id)
    child = await opened(home, alert("mild", severity=3), umbrella=above.id)
    async with using(home, "ben") as ben:
        page = (await ben.get(f"/incidents/{above.id}")).text
        said = plain(page)
        assert "2 incidents came since 2026-11-20 12:00:00 UTC, 2 are open" in said
        assert "SEV1 1 · SEV3 1" in said
        assert f"The newest critical ones SEV1 {bad} bad is broken" in said
        assert 'id="merge"' not in page
        said = plain((await ben.get(f"/incidents/{child}")).text)
        assert f"It came in a storm, which {above.id} Many things fail at once stands for." in said
        assert "It has no card of its own and pages nobody" in said
        promoted = await post(ben, child, "promote", because="our best customer")
        said = plain((await ben.get(promoted.headers["location"])).text)
        assert "It has a card of its own now." in said
        assert "Why it needs its own people" not in said
    async with using(home, "audrey") as audrey:
        assert "Why it needs its own people" not in (await audrey.get(f"/incidents/{bad}")).text
        refused = await post(audrey, bad, "promote")
        assert (refused.status_code, "give an incident a card of its own" in refused.text) == (409, True)


async def test_whom_it_climbs_to_next_stands_on_the_page(home: Place) -> None:
    """With the time; when nobody answered that is said aloud, until somebody acknowledges."""
    name = await opened(home, alert("a"))
    ana, ben = await home.who("ana"), await home.who("ben")
    async with using(home, "max") as max_:
        assert "Ana Ruiz is being paged now." in plain((await max_.get(f"/incidents/{name}")).text)
        await home.desk.submit(name, ReportPage(f"page:{name}:0", ana.id, "slack", Receipt.ACCEPTED))
        said = plain((await max_.get(f"/incidents/{name}")).text)
        within = home.desk.handler.policy.acknowledge_within[Severity.SEV2]
        assert f"Ben Okafor is paged at {home.clock.now() + within:%H:%M} UTC if nobody answers." in said
        assert "Nobody answered" not in said
        await home.desk.submit(name, ReportPage(f"page:{name}:1", ben.id, "slack", Receipt.ACCEPTED))
        await home.desk.submit(name, ReportUnanswered(3))
        page = await max_.get(f"/incidents/{name}")
        assert "Nobody answered: since 12:00 UTC everybody on the escalation has been paged." in plain(page.text)
        assert 'class="note bad loud" role="alert"' in page.text
    async with using(home, "ben") as browser:
        assert (await post(browser, name, "acknowledge")).status_code == 303
        said = plain((await browser.get(f"/incidents/{name}")).text)
    assert "Nobody answered:" not in said
    assert "if nobody answers" not in said


async def test_an_incident_nobody_is_on_call_for_says_so(home: Place) -> None:
    """It names no service: who is paged instead, and where nobody is, that somebody must be paged by name."""
    made = await home.desk.declare("Something", Severity.SEV1, "", "", await home.who("ana"))
    async with using(home, "ana") as ana:
        said = plain((await ana.get(f"/incidents/{made.id}")).text)
    why = "No service says who is on call for this"
    assert f"{why}, and nobody could be paged instead. Page somebody by name." in said
    home.desk.roster.plans = replace(home.desk.roster.plans, instead=(Escalation.of("instead", ("max",)),))
    async with using(home, "ana") as ana:
        said = plain((await ana.get(f"/incidents/{made.id}")).text)
    assert f"{why}: Max Weber is paged instead." in said


async def test_restricted_kin_is_named_to_nobody_else(home: Place) -> None:
    """Neither offered for a merge nor pointed to; whoever names it learns nothing."""
    ida = await home.who("ida")
    secret = await home.desk.declare("zzz-secret", Severity.SEV2, "", "", ida, restricted=True)
    name = await opened(home, alert("a"), umbrella=secret.id)
    async with using(home, "ben") as ben:
        page = (await ben.get(f"/incidents/{name}")).text
        refused = await post(ben, name, "merge", into=secret.id)
        unknown = await post(ben, name, "merge", into="INC-99")
    assert "zzz-secret" not in page
    assert secret.id not in page
    assert "It came in a storm." in plain(page)
    assert (refused.status_code, "zzz-secret" in refused.text) == (404, False)
    assert html.unescape(unknown.text).count("no incident called 'INC-99'") == html.unescape(refused.text).count(
        f"no incident called '{secret.id}'"
    )
    with pytest.raises(NotFound):
        await home.desk.merge(name, secret.id, await home.who("ben"))
    async with using(home, "ida") as browser:
        assert "zzz-secret" in (await browser.get(f"/incidents/{name}")).text


async def test_a_silent_child_presses_nobody(home: Place) -> None:
    """In front and in the list it stands below the others as part of its storm, calls nobody late, waits for nobody."""
    storm = Declare("Many things fail at once", Severity.SEV2, "visits", "40 a minute", NOON, NOON, fingerprint="storm")
    above = (await home.desk.handler.open(storm)).id
    await home.desk.submit(above, BeginStorm(40, NOON))
    silent = await opened(home, alert("n", severity=2), umbrella=above)
    assert (await home.desk.log.load(silent)).is_silent
    async with using(home, "ana") as ana:
        front, listed = [plain((await ana.get(path)).text) for path in ("/", "/incidents")]
    assert "Open 2, 1 of them part of a storm" in front
    assert front.index("Many things fail at once INC-1") < front.index(f"n is broken {silent}")
    assert front.count("Nobody has it yet") == 1
    for page in (front, listed):
        assert page.count("nobody yet") == 1
        assert f"{silent} · visits · part of a storm SEV2 declared 2026-11-20 12:00 0 s so far with the storm" in page


async def test_more_alerts_than_one_reads_are_folded(home: Place) -> None:
    """Five stand on the page, the rest one press below, each of them once."""
    name = await opened(home, *(alert(f"a{n}") for n in range(8)))
    async with using(home, "audrey") as audrey:
        page = (await audrey.get(f"/incidents/{name}")).text
    said = plain(page)
    assert "Alerts 8, 8 firing" in said
    assert said.index("a4 is broken SEV2") < said.index("3 more alerts") < said.index("a5 is broken SEV2")
    assert [said.count(f"a{n} is broken SEV2") for n in range(1, 8)] == [1] * 7
