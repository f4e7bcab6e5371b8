"""The status page: from draft to resolved, shown to anybody or to those signed in, and nothing before it was approved."""

from __future__ import annotations

import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import httpx
import pytest

from bot.domain.lifecycle import Resolve
from bot.domain.stating import ApproveStatement, FreezeStatement, WithdrawStatement
from bot.domain.status import Kind, State, statement_of
from bot.domain.status_page import Announced
from tests.kit import NOON
from tests.web.fakes import HOME, Place, leads
from tests.web.legal import privileged
from tests.web.rich import HOSTILE, declared
from tests.web.speaking import drafted, published, speaking
from tests.web.test_pages import Reader
from tests.web.test_sight import addresses

DOORS = ("/status", "/status.json", "/status.atom")
ATOM = "{http://www.w3.org/2005/Atom}"


def whole(answer: httpx.Response, *, inside: bool = False) -> Reader:
    """The page as it must be: no script, nothing inline, nothing from elsewhere, and for strangers no way inside."""
    assert answer.status_code == 200, answer.text[:500]
    page = Reader(answer.text)
    assert [len(page.of(tag)) for tag in ("main", "h1", "script", "style", "form", "img")] == [1, 1, 0, 0, 0, 0]
    for tag, attrs in page.tags:
        assert "style" not in attrs, tag
        assert not [name for name in attrs if name.startswith("on")], (tag, attrs)
        for name in ("href", "src"):
            if tag != "a" or not (attrs.get(name) or "").startswith("https://"):
                to = attrs.get(name) or "/status"
                assert to.startswith(("/status", "/static/", "#")) or (inside and to == "/"), (tag, attrs)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    return page


async def read(home: Place) -> Reader:
    async with home.client() as stranger:
        return whole(await stranger.get("/status"))


async def everything(home: Place) -> str:
    """All that somebody without a session is told, in every form."""
    async with home.client() as stranger:
        return "\n".join([(await stranger.get(door)).text for door in DOORS])


# -- the story -------------------------------------------------------------------------------------------------------


async def test_from_draft_to_resolved_with_a_correction(home: Place) -> None:
    """By forms alone: ana drafts from the log, max approves what he read, strangers see exactly that, in its turn."""
    home = speaking(home)
    name = await declared(home)
    page = f"/incidents/{name}"
    ana, max_ = await home.browser("ana"), await home.browser("max")

    async def say(who: httpx.AsyncClient, verb: str, **words: object) -> httpx.Response:
        answer = await who.post(f"{page}/{verb}", data={"once": verb + str(words), **words})
        assert answer.status_code == 303, re.findall(r'class="why-not">([^<]*)', answer.text) or answer.text[:300]
        assert leads(answer) == f"{page}?done={verb}#status"
        return answer

    async def digest(statement: str) -> str:
        return statement_of(await home.desk.log.load(name), statement).said

    assert (await read(home)).text.count("All components operational") == 1
    form = (await ana.get(page)).text
    assert "Draft a statement" in form
    assert "[[ not yet investigated: what a user notices, in one sentence ]]" in form
    await say(ana, "draft-statement", kind="investigating", states=["predictions=partial outage", "", ""])
    refused = await ana.post(f"{page}/freeze-statement", data={"statement": "S1", "digest": await digest("S1")})
    assert (refused.status_code, "S1 has gaps" in refused.text) == (409, True)
    text = "Some predictions are wrong since noon.\r\n\r\nWe are looking into it."
    words = {
        "kind": "investigating",
        "title": "Wrong predictions",
        "text": text,
        "states": "predictions=partial outage",
    }
    await say(ana, "draft-statement", statement="S1", **words)
    await say(ana, "freeze-statement", statement="S1", digest=await digest("S1"))
    assert "a second person" in (await ana.get(page)).text
    assert "Approve exactly these words" in (await max_.get(page)).text
    await say(max_, "approve-statement", statement="S1", digest=await digest("S1"))
    assert "Wrong predictions" not in await everything(home)
    await say(ana, "publish-statement", statement="S1", digest=await digest("S1"))
    shown = await read(home)
    assert "Partial outage" in shown.text
    assert "Some predictions are wrong since noon." in shown.text

    home.clock.forward(minutes=20)
    words = {**words, "text": "Only for visits rated poor.", "states": "predictions=degraded performance"}
    await say(ana, "correct-statement", statement="S1", **words)
    for verb, who in (("freeze", ana), ("approve", max_), ("publish", ana)):
        await say(who, f"{verb}-statement", statement="S2", digest=await digest("S2"))
    shown = await read(home)
    assert "Degraded performance" in shown.text
    assert "the words below no longer hold" in shown.text
    assert "Some predictions are wrong since noon." in shown.text

    await home.desk.submit(name, Resolve("the release was taken back", waive="told by hand"), await home.who("ana"))
    late = (await max_.get(page)).text
    assert "The status page still says trouble" in late
    assert "Ana Ruiz published it" in late
    home.clock.forward(minutes=5)
    over = {
        "kind": "resolved",
        "title": "Right again",
        "text": "All is as it was.",
        "states": "predictions=operational",
    }
    await say(ana, "draft-statement", **over)
    for verb, who in (("freeze", ana), ("approve", max_), ("publish", ana)):
        await say(who, f"{verb}-statement", statement="S3", digest=await digest("S3"))
    assert "The status page still says trouble" not in (await max_.get(page)).text
    shown = await read(home)
    assert "All components operational" in shown.text
    assert "25 min of trouble reported" in shown.text
    for client in (ana, max_):
        await client.aclose()


async def test_what_is_shown_is_what_was_approved(home: Place) -> None:
    """The words on the page have the digest that was approved, computed by whoever reads them."""
    from bot.domain.status import digest

    home = speaking(home)
    name = await declared(home)
    await published(home, name)
    async with home.client() as stranger:
        (said,) = (await stranger.get("/status.json")).json()["now"][0]["statements"]
    known = statement_of(await home.desk.log.load(name), "S1")
    assert said["digest"] == digest(Kind(said["kind"]), said["title"], said["text"], known.states)
    assert said["states"] == {"Predictions": "partial outage"}


async def test_a_refused_form_keeps_what_was_typed(home: Place) -> None:
    """Words, kind and components stand there as they were sent, with the reason beside them."""
    home = speaking(home)
    name = await declared(home)
    ana = await home.browser("ana")
    words = {"kind": "resolved", "title": "zzz-title", "text": "zzz-text", "states": ["predictions=major outage", ""]}
    answer = await ana.post(f"/incidents/{name}/draft-statement", data=words)
    assert answer.status_code == 409
    assert "what is resolved is operational again" in answer.text
    assert "zzz-title" in answer.text
    assert '<option value="predictions=major outage" selected>' in answer.text
    strange = await ana.post(f"/incidents/{name}/draft-statement", data={**words, "states": "predictions=broken"})
    assert strange.status_code == 422
    assert "is no state of a component" in strange.text
    await ana.aclose()


async def test_the_api_takes_the_same_words(home: Place) -> None:
    """States as an object; what only a person does takes their own token; a key sent twice is one draft."""
    home = speaking(home)
    name = await declared(home)
    body = {"kind": "identified", "title": "t", "text": "x", "states": {"predictions": "degraded"}}
    async with home.api("ana") as machine, await home.own("max") as max_:
        for _ in range(2):
            key = {"Idempotency-Key": "one"}
            made = await machine.post(f"/api/incidents/{name}/draft-statement", json=body, headers=key)
            assert made.status_code == 200, made.text
        (one,) = made.json()["statements"]
        assert (one["step"], one["states"]) == ("draft", {"predictions": "degraded performance"})
        ask = {"statement": "S1", "digest": one["digest"]}
        assert (await machine.post(f"/api/incidents/{name}/freeze-statement", json=ask)).status_code == 200
        assert (await machine.post(f"/api/incidents/{name}/approve-statement", json=ask)).status_code == 403
        assert (await max_.post(f"/api/incidents/{name}/approve-statement", json=ask)).status_code == 200
        assert (await machine.post(f"/api/incidents/{name}/publish-statement", json=ask)).status_code == 403
        done = await max_.post(f"/api/incidents/{name}/publish-statement", json=ask)
        assert done.json()["statements"][0]["published_by"] == "Max Weber"


async def test_whoever_may_not_approve_is_remembered(home: Place) -> None:
    """As with every approval: the timeline says that ben tried."""
    home = speaking(home)
    name = await declared(home)
    await drafted(home, name)
    digest = statement_of(await home.desk.log.load(name), "S1").said
    await home.desk.submit(name, FreezeStatement("S1", digest), await home.who("ana"))
    async with await home.own("ben") as ben:
        answer = await ben.post(f"/api/incidents/{name}/approve-statement", json={"statement": "S1", "digest": digest})
        assert answer.status_code == 409
        told = (await ben.get(f"/api/incidents/{name}")).json()["timeline"]
    assert any("tried to approve S1 and was refused" in line["text"] for line in told)


# -- who sees it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("public", [True, False], ids=["public", "internal"])
@pytest.mark.parametrize("restricted", [True, False], ids=["restricted", "open"])
async def test_strangers_see_nothing_that_was_not_published(home: Place, restricted: bool, public: bool) -> None:
    """Every route of the console without a session: no draft, no frozen or approved words, no incident, no name."""
    home = speaking(home, public=public)
    name = await declared(home, title="zzz-title", restricted=restricted)
    for step in range(3):
        made = await drafted(home, name, title="zzz-draft", text=f"zzz-words {step}")
        digest = statement_of(await home.desk.log.load(name), made).said
        if step > 0:
            await home.desk.submit(name, FreezeStatement(made, digest), await home.who("ana"))
        if step > 1:
            await home.desk.submit(name, ApproveStatement(made, digest), await home.who("max"))
    await published(home, name, title="Wrong predictions", text="Words for everybody.")
    gone = await published(home, name, text="zzz-withdrawn", title="zzz-gone")
    await home.desk.submit(name, WithdrawStatement(gone, "zzz-reason"), await home.who("max"))
    readable = set()
    async with home.client() as stranger:
        for address in await addresses(home, name):
            if address.startswith("/p/"):
                continue  # a secret address, for whom it was sent
            answer = await stranger.get(address)
            assert "zzz" not in answer.text, address
            if address not in DOORS:
                continue
            for secret in (name, "Ana", "Max", "visits-router"):
                assert secret not in answer.text, (address, secret)
            readable |= {address} if answer.status_code == 200 else set()
            assert ("Words for everybody." in answer.text) is public, address
        refused = {door: (await stranger.get(door)).status_code for door in DOORS}
    assert readable == (set(DOORS) if public else set())
    if not public:
        assert refused == {"/status": 303, "/status.json": 401, "/status.atom": 401}


async def test_no_page_no_door(home: Place) -> None:
    """Without one, strangers are asked to sign in as everywhere, and who is signed in is told that there is none."""
    async with home.client() as stranger, await home.own("ana") as ana:
        assert [(await stranger.get(door)).status_code for door in DOORS] == [303, 401, 401]
        assert [(await ana.get(door)).status_code for door in (*DOORS, "/status/all")] == [404] * 4
    name = await declared(home)
    async with await home.own("ana") as ana:
        assert 'id="status"' not in (await ana.get(f"/incidents/{name}")).text


async def test_hidden_components_are_for_those_signed_in(home: Place) -> None:
    """The public's page knows nothing of them; /status/all shows them to whoever is signed in."""
    home = speaking(home)
    name = await declared(home)
    await published(home, name, text="zzz-hidden", states=(("backoffice", State.MAJOR),))
    told = await everything(home)
    assert "zzz-hidden" not in told
    assert "Back office" not in told
    async with await home.own("audrey") as audrey, home.client() as stranger:
        answer = await audrey.get("/status/all")
        assert (await stranger.get("/status/all")).status_code == 303
    assert "zzz-hidden" in whole(answer, inside=True).text
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_a_privileged_notice_is_never_quoted(home: Place) -> None:
    """The draft of the template holds none of its words, and who types them in is refused without being told more."""
    from tests.web.test_sight import WORDS, scene

    home = speaking(home)
    name = await scene(home, restricted=False, sealed=False)
    await privileged(home, name)
    secret = f"{WORDS} are long enough to be known again"
    from bot.domain.wording import EnterField

    await home.desk.submit(name, EnterField("N1", "likely_consequences", secret), await home.who("cleo"))
    async with await home.own("ana") as ana:
        begun = await ana.post(
            f"/api/incidents/{name}/draft-statement", json={"kind": "investigating", "states": {"portal": "major"}}
        )
        assert begun.status_code == 200
        assert WORDS not in begun.text
        said = await ana.post(
            f"/api/incidents/{name}/draft-statement",
            json={"kind": "investigating", "title": "x", "text": secret.upper(), "states": {"portal": "major"}},
        )
        ask = {"statement": "S2", "digest": said.json()["statements"][1]["digest"]}
        refused = await ana.post(f"/api/incidents/{name}/freeze-statement", json=ask)
    assert refused.json() == {"because": "S2 holds words that are for counsel alone; they are never published"}


async def test_hostile_words_do_nothing(home: Place) -> None:
    """Script, pictures, links that run: shown as letters in the page, and in the feed too."""
    text = f"{HOSTILE}\n\n[x](javascript:alert(1)) ![y](https://evil.example/p.png)\n\n# zzz\x0b]]>&amp;"
    home = speaking(home, title=HOSTILE, announced=[
        Announced(NOON + timedelta(hours=1), NOON + timedelta(hours=2), ("portal",), text),
    ])  # fmt: skip
    name = await declared(home)
    await published(home, name, title=HOSTILE, text=text.replace("]]>", "]>"))
    page = await read(home)
    assert not [attrs for attrs in page.of("a") if "javascript" in (attrs.get("href") or "")]
    async with home.client() as stranger:
        answer = await stranger.get("/status")
        feed = ET.fromstring((await stranger.get("/status.atom")).content)
    assert "<script" not in answer.text
    assert "'strict-dynamic'" in answer.headers["content-security-policy"]
    (content,) = feed.iter(f"{ATOM}content")
    inner = Reader(content.text or "")
    assert inner.of("script") == inner.of("img") == []


async def test_the_feed_is_an_atom_feed(home: Place) -> None:
    """RFC 4287: what a feed and an entry must have, ids that stay, times with their zone, the newest change on top."""
    home = speaking(home)
    name = await declared(home)
    await published(home, name)
    home.clock.forward(minutes=10)
    await published(home, name, text="Only some.", corrects="S1")
    home.clock.forward(minutes=10)
    gone = await published(home, name, title="zzz", text="zzz", kind=Kind.IDENTIFIED)
    async with home.client() as stranger:
        before = ET.fromstring((await stranger.get("/status.atom")).content)
        home.clock.forward(minutes=10)
        await home.desk.submit(name, WithdrawStatement(gone, "x"), await home.who("max"))
        answer = await stranger.get("/status.atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = ET.fromstring(answer.content)
    assert feed.tag == f"{ATOM}feed"
    for must in ("id", "title", "updated", "author"):
        assert len(feed.findall(f"{ATOM}{must}")) == 1, must
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links == {"alternate": f"{HOME}/status", "self": f"{HOME}/status.atom"}
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        "Predictions are wrong for some visits",
        "Investigating: Predictions are wrong for some visits",
        "Corrected: Investigating: Predictions are wrong for some visits",
    ]
    for entry in entries:
        for must in ("id", "title", "published", "updated", "content"):
            assert len(entry.findall(f"{ATOM}{must}")) == 1, must
        assert re.fullmatch(r"[-\dT:.]+Z", entry.findtext(f"{ATOM}updated") or "")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == 3
    assert set(ids) == {entry.findtext(f"{ATOM}id") for entry in before.findall(f"{ATOM}entry")}
    assert feed.findtext(f"{ATOM}updated") == entries[0].findtext(f"{ATOM}updated")
    assert b"zzz" not in answer.content
