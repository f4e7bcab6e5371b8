"""The pages: they show everything, keep what was typed, and let nothing that was typed come alive."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx
import pytest

from bot.domain.lifecycle import Resolve
from bot.domain.policy import Severity
from bot.domain.runbook import Kind, Runbook, StartRunbook, Step
from bot.web.app import STATIC
from bot.words import Words
from tests.web.fakes import HOME, Place, leads
from tests.web.rich import HOSTILE, declared, rich

EVERYBODY = ("ana", "ben", "cleo", "max", "audrey", "ida")


class Reader(HTMLParser):
    """Reads a page as a browser would: tags, attributes, the values of fields. A time stands in its sentence."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = [""]
        self._goes_on = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._goes_on = tag == "time"

    def handle_endtag(self, tag: str) -> None:
        self._goes_on = tag == "time"

    def handle_data(self, data: str) -> None:
        if self._goes_on:
            self.words[-1] += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def fields(self, name: str) -> list[str | None]:
        return [attrs.get("value") for attrs in self.of("input") if attrs.get("name") == name]


def sound(answer: httpx.Response) -> Reader:
    """A page as it must be: whole, with one main part, nothing inline, nothing from elsewhere, no id twice."""
    assert answer.status_code == 200, answer.text[:500]
    page = Reader(answer.text)
    assert len(page.of("main")) == 1
    assert len(page.of("h1")) >= 1
    for tag, attrs in page.tags:
        assert "style" not in attrs, tag
        assert not [name for name in attrs if name.startswith("on")], (tag, attrs)
        for name in ("href", "src", "action"):
            assert (attrs.get(name) or "/").startswith(("/", "#")), (tag, attrs)
    assert [attrs["src"] for attrs in page.of("script")] == ["/static/live.js"]
    assert "style" not in [tag for tag, _ in page.tags]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {(attrs.get("href") or "")[1:] for attrs in page.of("a") if (attrs.get("href") or "").startswith("#")}
    assert links <= set(ids), links - set(ids)
    return page


@pytest.mark.parametrize("who", EVERYBODY)
async def test_an_empty_house(home: Place, who: str) -> None:
    """Nothing is open: the page says so, and that the sources were not asked yet."""
    browser = await home.browser(who)
    assert "Nothing is open." in sound(await browser.get("/")).text
    assert "not been asked yet" in sound(await browser.get("/slos")).text
    await browser.aclose()


@pytest.mark.parametrize("who", EVERYBODY)
async def test_a_bare_incident(home: Place, who: str) -> None:
    """Declared by hand a moment ago, of no service: every part says what it lacks."""
    made = await home.desk.declare("Something is odd", Severity.SEV4, "", "", await home.who("ana"))
    browser = await home.browser(who)
    page = sound(await browser.get(f"/incidents/{made.id}"))
    for words in (
        "Nothing has been proposed",
        "Nothing has been found yet",
        "No regime has been asked",
        "Not assessed",
    ):
        assert words in page.text
    assert "nothing could be estimated" in sound(await browser.get(f"/incidents/{made.id}/impact")).text
    await browser.aclose()


@pytest.mark.parametrize("who", EVERYBODY)
async def test_a_rich_incident(home: Place, who: str) -> None:
    """Everything that happened is there, for each role, on every page of it."""
    name = await rich(home)
    home.watch.poll()
    browser = await home.browser(who)
    page = sound(await browser.get(f"/incidents/{name}"))
    for words in ("3 min 20 s", "code change", "weight v1 0 → 100", "approved by Ben Okafor", "root cause", "412",
                  "v2 was released at 11:58", "Did v2 change the features?", "GDPR", "recorded 12:00:45",
                  "Time to detect 5 s from the onset"):  # fmt: skip
        assert words in page.text, words
    assert "p_" not in re.sub(r"\bp_\w+\b(?=\")", "", page.text)
    labels = {attrs.get("class") for attrs in page.of("line")}
    assert {"mark bad", "mark seen", "mark person", "mark change", "mark good", "objective"} <= labels
    for notice in ("N1", "N2"):
        text = sound(await browser.get(f"/incidents/{name}/notices/{notice}")).text
        assert "not yet investigated" in text
    sound(await browser.get(f"/incidents/{name}/impact"))
    sound(await browser.get("/"))
    sound(await browser.get("/slos"))
    await browser.aclose()


async def test_whatever_was_typed_stays_text(home: Place) -> None:
    """Markup, mentions and handlers are shown letter by letter, on every page and in what is taken away."""
    name = await rich(home, HOSTILE)
    for who in ("ana", "cleo"):
        browser = await home.browser(who)
        for path in ("/", f"/incidents/{name}", f"/incidents/{name}/impact", f"/incidents/{name}/notices/N1",
                     f"/incidents/{name}/notices/N2"):  # fmt: skip
            answer = await browser.get(path)
            sound(answer)
            assert "<script>alert" not in answer.text
            assert "<img" not in answer.text
        again = await browser.post(f"/incidents/{name}/fact", data={"fact": HOSTILE, "value": "x" * 20_001})
        assert "<script>alert" not in again.text
        assert "<script>alert" not in (await browser.get(f"/incidents/{HOSTILE}")).text
        await browser.aclose()


async def test_exports_open(home: Place) -> None:
    """Each kind begins as its format does, is saved and not shown, and says what the words are worth."""
    name = await rich(home)
    starts = {"pdf": b"%PDF", "docx": b"PK", "md": b"<!--", "json": b"{", "csv": b""}
    browser = await home.browser("cleo")
    for notice, mark in (("N1", "v1"), ("N2", "draft")):
        for kind, start in starts.items():
            answer = await browser.get(f"/incidents/{name}/notices/{notice}/export.{kind}")
            assert answer.status_code == 200
            assert answer.content.startswith(start)
            assert len(answer.content) > 100
            assert f'filename="INC-1-{notice}-{mark}.{kind}"' in answer.headers["content-disposition"]
            assert answer.headers["x-content-type-options"] == "nosniff"
    said = (await browser.get(f"/incidents/{name}/notices/N1/export.json")).text
    assert "waiting for approval" in said
    assert (await browser.get(f"/incidents/{name}/notices/N1/export.exe")).status_code == 404
    await browser.aclose()


async def test_exhibits_are_saved_never_shown(home: Place) -> None:
    """HTML kept as evidence leaves as an attachment, byte for byte, whatever its name."""
    name = await rich(home, HOSTILE)
    browser = await home.browser("ana")
    exhibit = (await home.store.exhibits.of(name))[0].id
    answer = await browser.get(f"/incidents/{name}/exhibits/{exhibit}")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert "<" not in answer.headers["content-disposition"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await browser.get(f"/incidents/{name}/exhibits/none")).status_code == 404
    await browser.aclose()


async def test_a_refused_form_keeps_every_word(home: Place) -> None:
    """The rule's own sentence stands on the page, with what was typed in its field."""
    name = await declared(home)
    browser = await home.browser("ana")
    words = {"summary": 'it\'s over, "really"', "waive": ""}
    answer = await browser.post(f"/incidents/{name}/resolve", data=words)
    assert answer.status_code == 409
    page = Reader(answer.text)
    assert "not yet: recall is breached. Waive with a reason to resolve all the same" in page.text
    assert page.fields("summary") == [words["summary"]]
    late = {"text": "warm the cache", "owner": (await home.who("ben")).id, "due": "2020-01-01", "why": ""}
    answer = await browser.post(f"/incidents/{name}/followup", data=late)
    assert "the due date 2020-01-01 has passed already" in answer.text
    assert Reader(answer.text).fields("due") == ["2020-01-01"]
    answer = await browser.post(
        f"/incidents/{name}/impact", data={"events": "many", "people": "3", "money": "", "note": "n"}
    )
    assert answer.status_code == 422
    assert Reader(answer.text).fields("events") == ["many"]
    assert Reader(answer.text).fields("people") == ["3"]
    answer = await browser.post("/incidents", data={"title": "", "severity": "SEV2", "because": "seen"})
    assert answer.status_code == 409
    assert "an incident needs a title that says what is broken" in answer.text
    assert "seen" in answer.text
    await browser.aclose()


async def test_roles_are_refused_with_the_rules_sentence(home: Place) -> None:
    """By form as by API: the console adds no rule of its own and forgets none."""
    name = await rich(home)
    browser = await home.browser("audrey")
    answer = await browser.post(f"/incidents/{name}/update", data={"text": "hello"})
    assert answer.status_code == 409
    assert "only admin or approver or manager or responder may post an update; your roles: auditor" in answer.text
    await browser.aclose()


async def test_a_walk_by_forms(home: Place) -> None:
    """Declared, acknowledged, proposed by one, approved by another with the digest of the page, and told."""
    ana, ben, cleo = await home.browser("ana"), await home.browser("ben"), await home.browser("cleo")
    made = await ana.post("/incidents", data={"title": "Slow", "severity": "SEV2", "service": "visits", "once": "a"})
    page = made.headers["location"]
    taken = await ana.post(f"{page}/acknowledge", data={"once": "b"})
    assert leads(taken) == f"{page}?done=acknowledge#top"
    assert "paging stops" in (await ana.get(taken.headers["location"])).text
    await ana.post(f"{page}/propose", data={"offer": "back-to-v1", "because": "v2"})
    assert not Reader((await ana.get(page)).text).fields("digest")
    digest = Reader((await ben.get(page)).text).fields("digest")[0]
    assert (await ben.post(f"{page}/approve", data={"mitigation": "M1", "digest": digest})).status_code == 303
    await ana.post(f"{page}/notice", data={"template": "stakeholders/update"})
    asked = await ana.post(f"{page}/ask-approval", data={"notice": "N1"})
    assert leads(asked) == f"{page}/notices/N1?done=ask-approval#decide"
    review = sound(await cleo.get(f"{page}/notices/N1"))
    assert (
        await cleo.post(f"{page}/approve-notice", data={"notice": "N1", "digest": review.fields("digest")[0]})
    ).status_code == 303
    incident = await home.desk.log.load("INC-1")
    assert (incident.mitigations["M1"].state, incident.notices["N1"].standing) == ("approved", "approved")
    for browser in (ana, ben, cleo):
        await browser.aclose()


async def test_counsel_reads_what_changed(home: Place) -> None:
    """A later fact: the redline shows the words that came and went, against the version before."""
    name = await rich(home)
    ana = await home.who("ana")
    home.clock.forward(minutes=1)
    await home.desk.submit(name, Resolve("v1 serves all", ""), ana)
    await home.desk.ask_approval(name, "N1", ana)
    cleo = await home.browser("cleo")
    page = sound(await cleo.get(f"/incidents/{name}/notices/N1"))
    assert "version 2 against version 1" in page.text
    assert page.of("ins")
    assert page.of("del")
    old = (await home.desk.log.load(name)).notices["N1"].versions[0].digest
    answer = await cleo.post(f"/incidents/{name}/approve-notice", data={"notice": "N1", "digest": old})
    assert answer.status_code == 409
    assert "N1 is at version 2 now; read it again" in answer.text
    await cleo.aclose()


async def test_a_notice_that_cannot_be_filled_says_so_on_its_page(home: Place) -> None:
    """Its template is wrong: the incident's page stands, the notice's page and API say where, no button freezes it."""
    name = await declared(home)
    await home.desk.request_notice(name, "stakeholders/update", await home.who("ana"))
    own = home.web.state / "templates" / "stakeholders" / "update.md.j2"
    own.parent.mkdir(parents=True)
    own.write_text("# Update\n{{ incident.wat }}\n", encoding="utf-8")
    home.desk.drafter.templates = Words(home.web.state / "templates")
    browser = await home.browser("ana")
    sound(await browser.get(f"/incidents/{name}"))
    page = sound(await browser.get(f"/incidents/{name}/notices/N1"))
    assert "cannot be filled" in page.text
    assert "update.md.j2:2:1" in page.text
    assert f"/incidents/{name}/ask-approval" not in [form.get("action") for form in page.of("form")]
    refused = await browser.get(f"/incidents/{name}/notices/N1/export.md")
    assert (refused.status_code, "cannot be filled" in refused.text) == (409, True)
    await browser.aclose()
    async with home.api("ana") as api:
        (told,) = (await api.get(f"/api/incidents/{name}")).json()["notices"]
        assert "cannot be filled" in told["unfilled"]


async def test_a_runbooks_words_are_shown_as_they_are_meant(home: Place) -> None:
    """Its Markdown is rendered, not shown letter by letter; HTML in it stays text."""
    name = await declared(home)
    step = Step("s", Kind.READ, "Look", "Find out *which slice*.\n\n- first <b>x</b>\n- second")
    await home.desk.submit(name, StartRunbook(Runbook("r", "R", "", (step,))), await home.who("ana"))
    browser = await home.browser("ana")
    shown = (await browser.get(f"/incidents/{name}")).text
    await browser.aclose()
    assert "<em>which slice</em>" in shown
    assert "<li>first &lt;b&gt;x&lt;/b&gt;</li>" in shown


async def test_the_second_click(home: Place) -> None:
    """The same form sent twice is one update; corrected words after a refusal are a new one."""
    name = await declared(home)
    browser = await home.browser("ana")
    for _ in range(2):
        assert (
            await browser.post(f"/incidents/{name}/update", data={"text": "looking", "once": "x"})
        ).status_code == 303
    assert [
        entry.event.text for entry in await home.desk.log.entries(name) if type(entry.event).__name__ == "UpdatePosted"
    ] == ["looking"]
    for _ in range(2):
        assert (await browser.post(f"/incidents/{name}/update", data={"text": " ", "once": "y"})).status_code == 409
    assert (await browser.post(f"/incidents/{name}/update", data={"text": "found", "once": "y"})).status_code == 303
    await browser.aclose()


async def test_what_is_not_there(home: Place) -> None:
    """Pages that are not there say so in words, with the way back; so do forms nobody knows."""
    name = await declared(home)
    browser = await home.browser("ana")
    for path in ("/nowhere", "/incidents/INC-9", f"/incidents/{name}/notices/N9", f"/incidents/{name}/dance"):
        answer = await browser.get(path)
        assert answer.status_code == 404, path
        assert "To the overview" in answer.text
    assert (await browser.post(f"/incidents/{name}/dance")).status_code == 404
    assert (await browser.get(f"/incidents/{name}/approve")).headers["location"] == f"/incidents/{name}"
    upload = await browser.post(f"/incidents/{name}/update", files={"text": ("a.txt", b"x")})
    assert upload.status_code in {400, 422}
    await browser.aclose()


async def test_the_page_watches_its_incident(home: Place) -> None:
    """It names the head it shows, so that the script knows when there is more; a page with typed words is left alone."""
    name = await declared(home)
    browser = await home.browser("ana")
    head = (await home.desk.log.load(name)).head
    page = Reader((await browser.get(f"/incidents/{name}")).text)
    assert page.of("main")[0]["data-head"] == head
    assert (await browser.get(page.of("main")[0]["data-watch"])).json()["head"] == head
    refused = Reader((await browser.post(f"/incidents/{name}/update", data={"text": ""})).text)
    assert "data-watch" not in refused.of("main")[0]
    await browser.aclose()


async def test_files_of_the_console_are_there(home: Place) -> None:
    """Style, script and icon, from this console and without a login."""
    async with home.client() as client:
        kinds = {".css": "text/css", ".js": "javascript", ".svg": "image/svg+xml", ".json": "json"}
        names = {path.name: kinds[path.suffix] for path in STATIC.iterdir()}
        assert {"style.css", "live.js", "icon.svg"} <= names.keys()
        for name, kind in names.items():
            answer = await client.get(f"{HOME}/static/{name}")
            assert answer.status_code == 200
            assert kind in answer.headers["content-type"]
            known = answer.text.replace("http://www.w3.org/2000/svg", "").replace("https://json-schema.org/draft/", "")
            assert "http" not in known
