"""The post-mortem: everything the log holds and nothing it does not, on the page, as a file, and by the API."""

from __future__ import annotations

from bot.domain.five_whys import AddWhy, StrikeWhy
from bot.domain.lifecycle import Resolve
from bot.domain.policy import Severity
from bot.domain.saying import KeepNote, TakeBack
from bot.domain.sli import Judged
from bot.engine.talk import Saying
from tests.kit import at
from tests.web.fakes import Place
from tests.web.legal import TEMPLATE, breach, privileged
from tests.web.rich import HOSTILE, rich
from tests.web.test_pages import sound


async def test_a_rich_incident_is_told_whole(home: Place) -> None:
    """Measures with their definitions, notes under their time, approvals, causes with evidence, whys, promises."""
    name = await rich(home)
    ana = await home.who("ana")
    incident = await home.desk.log.load(name)
    assert incident.sli.judged is Judged.MET
    home.clock.forward(minutes=5)
    await home.desk.submit(name, KeepNote("the dashboard was red", "C1/1", ana.id, at(60)), ana)
    await home.desk.submit(name, KeepNote("it is the network", "C1/2", ana.id, at(70)), ana)
    await home.desk.submit(name, TakeBack("C1/2"), ana)
    link = "https://chat.example/archives/C1/p3"
    await home.desk.submit(name, KeepNote("see the board", "C1/3", ana.id, at(80), link), ana)
    for ts, author in (("3", ana.id), ("4", "p_ben")):
        await home.desk.talk.keep(Saying(name, "C1", ts, "1", author, "", "see the board", at(80)))
    await home.desk.submit(name, AddWhy("Nobody owns the export", "W1"), ana)
    await home.desk.submit(name, StrikeWhy("W3", "the platform team does"), ana)
    await home.desk.submit(name, Resolve("v1 is back and serves all"), ana)
    text = await home.desk.postmortem(name)
    for words in (
        "v1 is back and serves all",
        "Time to mitigate: 3 min 20 s (from the onset",
        "| 2026-11-20 12:01:00 | T1, Ana Ruiz said: the dashboard was red *(written down 2026-11-20 12:10:15)* |",
        f"Ana Ruiz said: see the board [message]({link})",
        "2 messages by 2 people in the thread.",
        "~~T2, Ana Ruiz said: it is the network (taken back by Ana Ruiz, ",
        "code change, 82 %; for it: F1: v2 was released at 11:58",
        "- **W1** The recall fell (rests on F1: v2 was released at 11:58)",
        "  - **W2** v2 was released at 11:58 (assumed; **root cause**, answered by U1)",
        "~~**W3** Nobody owns the export~~ (struck: the platform team does)",
        "approved 2026-11-20 12:01 UTC by Ben Okafor (digest ",
        "weight v1 0 → 100",
        "**U1** v2 was released at 11:58, Ben Okafor, by 27 November 2026 (open; answers W2)",
        "Notices begun: 2, filed: 0",
        "- Not known: people: no ids yet",
        "412",
    ):
        assert words in text, words
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| 2026")]
    assert rows == sorted(rows)
    assert "It began (estimated from the data)" in text
    assert "eu_gdpr" not in text  # what is told to whom is read where it is worked on
    assert "p_" not in text


async def test_an_empty_incident_says_what_is_missing_and_who_can_fill_it(home: Place) -> None:
    """Declared a moment ago by hand: no sentence is invented."""
    made = await home.desk.declare("Something is odd", Severity.SEV4, "", "", await home.who("ana"))
    text = await home.desk.postmortem(made.id)
    for words in (
        "[[ not yet investigated: summary ]] *Whoever resolves the incident says it in a sentence.*",
        "Assess impact, in Slack or on the console",
        "[[ not yet investigated: cause ]]",
        "No why was answered yet. Any responder can begin",
        "No change of production was proposed",
        "Those who were there say it in the review",
        "No notice was begun",
        "Nothing was promised yet.",
        "Time to resolve: not known",
    ):
        assert words in text, words


async def test_the_page_and_the_file_say_the_same(home: Place) -> None:
    """Read on the console, taken away as Markdown, asked of the API; the page leads there."""
    name = await rich(home)
    browser = await home.browser("ana")
    assert f'href="/incidents/{name}/postmortem"' in (await browser.get(f"/incidents/{name}")).text
    page = sound(await browser.get(f"/incidents/{name}/postmortem"))
    assert "Post-mortem draft" in page.text
    assert "3 min 20 s" in page.text
    taken = await browser.get(f"/incidents/{name}/postmortem.md")
    assert taken.headers["content-type"] == "text/markdown; charset=utf-8"
    assert f"{name}-postmortem.md" in taken.headers["content-disposition"]
    async with home.api("ana") as api:
        told = (await api.get(f"/api/incidents/{name}/postmortem")).json()
    assert told["markdown"] == taken.text == await home.desk.postmortem(name)
    assert told["as_of"].startswith("2026-11-20T12:")
    await browser.aclose()


async def test_whatever_was_typed_stays_text(home: Place) -> None:
    """Markup, mentions and handlers are shown letter by letter, and break no table."""
    name = await rich(home, HOSTILE + " | a | b\n# heading")
    browser = await home.browser("ana")
    answer = await browser.get(f"/incidents/{name}/postmortem")
    page = sound(answer)
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "# heading" in page.text
    assert len(page.of("table")) == 1
    await browser.aclose()


async def test_a_restricted_one_is_for_those_it_names(home: Place) -> None:
    """On the page, as a file and by the API, others get the answer of one which never was."""
    made = await home.desk.declare("Secret", Severity.SEV1, "", "", await home.who("max"), restricted=True)
    for path in ("/incidents/{}/postmortem", "/incidents/{}/postmortem.md", "/api/incidents/{}/postmortem"):
        async with home.api("ana") as api:
            answer = await api.get(path.format(made.id))
            assert answer.status_code == 404
            assert "Secret" not in answer.text
            assert answer.status_code == (await api.get(path.format("INC-99"))).status_code
        async with home.api("max") as api:
            assert "Secret" in (await api.get(path.format(made.id))).text


async def test_correcting_on_the_console(home: Place) -> None:
    """A why revised and struck, a promise moved, a check waived by its key, a war room asked for: each by its form."""
    name = await rich(home)
    browser = await home.browser("ana")
    page = sound(await browser.get(f"/incidents/{name}"))
    assert "Open a war room" in page.text

    async def send(verb: str, **words: str) -> None:
        answer = await browser.post(f"/incidents/{name}/{verb}", data=words)
        assert answer.status_code in {200, 303}, answer.text[-800:]

    await send("revise", why="W1", text="The recall fell for the sick", evidence="")
    await send("move", followup="U1", owner=(await home.who("ana")).id, due="2026-12-24")
    await send("room")
    incident = await home.desk.log.load(name)
    assert (incident.whys["W1"].text, incident.whys["W1"].evidence) == ("The recall fell for the sick", "")
    assert incident.followups["U1"].due.isoformat() == "2026-12-24"
    assert incident.room.pending
    assert "The war room is being opened" in sound(await browser.get(f"/incidents/{name}")).text
    await send("strike", why="W1", because="nobody is sure")
    assert (await home.desk.log.load(name)).whys == {}
    refused = await browser.post(f"/incidents/{name}/strike", data={"why": "W9", "because": "x"})
    assert "there is no why W9" in refused.text
    await browser.aclose()


async def test_a_privileged_notice_is_not_counted(home: Place) -> None:
    """Whoever may not know that it is there learns it from no number either."""
    name = await breach(home)
    await home.desk.request_notice(name, TEMPLATE, await home.who("cleo"))
    assert "Notices begun: 1" in await home.desk.postmortem(name)
    await privileged(home, name)
    assert "Notices begun: 0" in await home.desk.postmortem(name)
