"""Who sees what: every route of the console against every role, for open and restricted, plain and privileged."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC

import pytest
from starlette.routing import BaseRoute, Mount, Route

from bot.domain.alerts import AttachAlerts
from bot.domain.notice import DropNotice
from bot.domain.policy import Policy
from bot.domain.signing import RequestChanges
from bot.domain.wording import OF_NOTICES, CommentNotice, EnterField, WaivePrivilege
from bot.engine.draft import DraftingRoom
from bot.web.calendars import given
from tests.inbox import alert
from tests.web.fakes import Place
from tests.web.legal import TEMPLATE, UPDATE, answered, breach, privileged
from tests.web.speaking import drafted, speaking

SECRET, WORDS = "zzz-sealed-title", "zzz-privileged-words"
FILL = {
    "incident": "INC-1", "name": "INC-1", "notice": "N1", "number": "1", "version": "1", "verb": "comment",
    "offer": "back-to-v1", "cover": "cover-1", "rota": "ml",
}  # fmt: skip
"""A value for every parameter of a route; `kind` and `exhibit` are made up where they are used."""
ROLES = ("ana", "ben", "cleo", "max", "audrey", "ida")
OPEN_DOORS = frozenset({"/healthz", "/readyz", "/metrics", "/slack/events", "/login"})


def routes(home: Place) -> set[str]:
    """Every path the app answers to a GET, as the app itself says."""
    found = set(_paths(home.app.routes))
    assert {
        "/notices",
        "/api/notices",
        "/alerts",
        "/api/alerts",
        "/incidents/{name}",
        "/api/incidents/{incident}",
        "/metrics",
        "/status",
    } <= found
    return found


def _paths(known: Iterable[BaseRoute]) -> Iterator[str]:
    for route in known:
        if isinstance(route, Mount):
            assert route.path == "/static", "a mounted app is shown to everybody: say here what is in it"
        elif isinstance(route, Route):
            yield from [route.path] if "GET" in (route.methods or {"GET"}) else []
        else:
            yield from _paths(route.original_router.routes)  # as FastAPI keeps a router that was included


async def addresses(home: Place, name: str) -> list[str]:
    """Those paths filled in for one incident; a parameter nobody knows fails."""
    exhibits = await home.store.exhibits.of(name)
    token = home.app.state.page_links.link(name, "page:0", (await home.who("otto")).id).rpartition("/")[2]
    calendar = await given(home.app.state.console, await home.who("otto"))
    secret = calendar.url.rpartition("/")[2].removesuffix(".ics")
    found = []
    for path in sorted(routes(home)):
        if path in OPEN_DOORS or path == "/logout":
            continue
        names = re.findall(r"\{(\w+)(?::\w+)?\}", path)
        fill = {
            **FILL,
            "incident": name,
            "name": name,
            "exhibit": exhibits[0].id if exhibits else "none",
            "token": token,
            "secret": secret,
        }
        kinds = [each.suffix.lstrip(".") for each in home.web.documents.values()] if "kind" in names else [""]
        for kind in kinds:
            known = {**fill, "kind": kind}
            assert set(names) <= known.keys(), f"{path}: say in FILL what to ask it with"
            query = "?offer=back-to-v1" if path.endswith("preview") else ""
            found.append(re.sub(r"\{(\w+)(?::\w+)?\}", lambda hit, known=known: known[hit[1]], path) + query)
    return found


def everything(content: bytes) -> str:
    """What an answer says, also inside of a zip."""
    if not content.startswith(b"PK"):
        return content.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(content)) as parcel:
        return "\n".join(everything(parcel.read(each)) for each in parcel.namelist())


async def scene(home: Place, *, restricted: bool, sealed: bool) -> str:
    """An incident of max's with a notice in which the secret words stand wherever words may stand."""
    max_, ana, cleo = await home.who("max"), await home.who("ana"), await home.who("cleo")
    name = await breach(home, title=SECRET, service="", restricted=restricted)
    desk = home.desk
    await desk.request_notice(name, TEMPLATE, cleo)
    await desk.submit(name, EnterField("N1", "likely_consequences", WORDS), cleo)
    await desk.submit(name, EnterField("N1", "record_categories", "", WORDS), cleo)
    await desk.submit(name, CommentNotice("N1", WORDS, WORDS), cleo)
    read = (await desk.situation(name)).drafts["N1"]
    await desk.reword(name, "N1", f"# {WORDS}\n\n{read.text}", read.digest, cleo)
    await desk.ask_approval(name, "N1", cleo)
    await desk.submit(name, RequestChanges("N1", WORDS), cleo)
    await desk.ask_approval(name, "N1", cleo)
    await desk.request_notice(name, UPDATE, ana)
    await desk.request_notice(name, "eu_gdpr_art33/sa_follow_up", ana)
    await home.store.alerts.accept([alert("a")])
    await desk.submit(name, AttachAlerts((alert("a"),)))
    await home.store.exhibits.put(name, "names.txt", "text/plain", SECRET.encode(), home.clock.now())
    if sealed:
        await privileged(home, name)
    await answered(home, name)
    assert max_.id not in (await desk.log.load(name)).parts.values()
    return name


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "privileged"])
@pytest.mark.parametrize("restricted", [False, True], ids=["open", "restricted"])
async def test_every_route_for_every_role(home: Place, who: str, restricted: bool, sealed: bool) -> None:
    """A restricted incident is there for counsel and administrators; words of a privileged notice for counsel alone."""
    home = speaking(home.having(inbox=home.store.alerts))
    name = await scene(home, restricted=restricted, sealed=sealed)
    await drafted(home, name, title=SECRET, text=SECRET)
    sees_incident = not restricted or who in {"cleo", "ida"}
    sees_words = sees_incident and (not sealed or who == "cleo")
    shown, worded = set(), set()
    async with await home.own(who) as client:
        for address in await addresses(home, name):
            answer = await client.get(address)
            assert answer.status_code < 500, address
            said = everything(answer.content)
            shown |= {address} if SECRET in said or (answer.status_code == 200 and name in address) else set()
            worded |= {address} if WORDS in said else set()
            if not sees_words and "/notices/N1" in address:
                assert answer.status_code == 404, address
    assert bool(shown) is sees_incident, shown
    assert ("/alerts" in shown) is (sees_incident and who not in {"cleo", "audrey"})
    assert bool(worded) is sees_words, worded
    if sees_words:
        page = f"/incidents/{name}/notices/N1"
        assert {page, f"{page}/export.md", f"{page}/versions/1", f"/api/incidents/{name}"} <= worded


@pytest.mark.parametrize("who", ["ana", "ben", "max", "audrey", "ida"])
async def test_no_verb_reaches_a_privileged_notice(home: Place, who: str) -> None:
    """By API and form it is there for nobody but counsel: the answer is that of a notice which never was."""
    from bot.web.verbs import VERBS

    name = await scene(home, restricted=False, sealed=True)
    before = (await home.desk.log.load(name)).seq
    verbs = [kind for kind in VERBS.values() if "notice" in kind.model_fields]
    assert len(verbs) >= 11
    words = {
        "digest": "0" * 64, "because": "x", "where": "x", "key": "likely_consequences", "text": "x", "comment": "C1",
        "basis": "x", "purpose": "x",
    }  # fmt: skip
    browser = await home.browser(who)
    async with await home.own(who) as api:
        for kind in verbs:
            body = {field: words[field] for field in kind.model_fields if field in words}
            for notice in ("N1", "N9"):
                answer = await api.post(f"/api/incidents/{name}/{kind.verb}", json={**body, "notice": notice})
                assert answer.status_code == 404, (kind.verb, answer.text)
                assert answer.json()["because"] == f"no notice called {notice!r}; there is N2, N3"
            page = await browser.post(f"/incidents/{name}/{kind.verb}", data={**body, "notice": "N1"})
            assert (page.status_code, WORDS in page.text) == (404, False), kind.verb
    await browser.aclose()
    assert (await home.desk.log.load(name)).seq == before


async def test_what_stands_in_a_privileged_notice_is_in_no_other(home: Place) -> None:
    """A line entered in one notice fills the same line of another, but never out of a privileged one."""
    name = await breach(home)
    cleo, desk = await home.who("cleo"), home.desk
    for template in (TEMPLATE, "eu_gdpr_art33/sa_follow_up"):
        await desk.request_notice(name, template, cleo)
    await desk.submit(name, EnterField("N1", "prior_breach_id", WORDS), cleo)
    assert WORDS in (await desk.situation(name)).drafts["N2"].text
    await privileged(home, name)
    situation = await desk.situation(name)
    assert WORDS in "".join(str(item.value) for item in situation.drafts["N1"].items)
    assert WORDS not in situation.drafts["N2"].text


async def test_a_waived_privilege_shows_it_again(home: Place) -> None:
    """With its whole history, to everybody who reads the incident."""
    name = await scene(home, restricted=False, sealed=True)
    async with await home.own("ana") as api:
        assert WORDS not in (await api.get(f"/api/incidents/{name}")).text
        waiver = WaivePrivilege("N1", "the authority asked for it")
        await home.desk.submit(name, waiver, await home.who("cleo"))
        told = (await api.get(f"/api/incidents/{name}")).text
        assert WORDS in told
        assert "the authority asked for it" in told


async def test_a_look_back_tells_no_notice_work(home: Place) -> None:
    """The post-mortem is read by everybody: what was written, remarked or given up on a notice is not in it."""
    name = await scene(home, restricted=False, sealed=False)
    await home.desk.submit(name, DropNotice("N1", WORDS), await home.who("cleo"))
    async with await home.own("ana") as api:
        assert WORDS not in (await api.get(f"/incidents/{name}/postmortem.md")).text
        assert WORDS not in (await api.get(f"/api/incidents/{name}/postmortem")).text


def test_every_event_of_a_notice_names_it() -> None:
    """What hides a privileged notice's entries reads `id`: an event of those topics without one would be shown."""
    from bot.domain.log import Event

    events = [each for each in Event.__subclasses__() if each.__module__ in OF_NOTICES]
    assert len(events) >= 13
    assert all("id" in each.__dataclass_fields__ for each in events)


async def test_the_latest_reading_of_a_date_is_for_counsel(home: Place) -> None:
    """Everybody aims at the strict date; page, API and queue tell the latest arguable one to counsel alone."""
    name = await breach(home)
    assert isinstance(home.desk.drafter, DraftingRoom)
    incident = await home.desk.log.load(name)
    outer = {
        due.outer for duty in incident.duties.values() for due in duty.dues if due.outer and due.outer != due.strict
    }
    assert outer
    for who, told in (("cleo", True), ("ana", False), ("ida", False)):
        async with await home.own(who) as api:
            duties = (await api.get(f"/api/incidents/{name}")).json()["duties"]
            dues = [due for duty in duties for due in duty["dues"]]
            assert any(due["outer"] for due in dues) is told
            assert any(row["outer"] for due in dues for row in due["history"]) is told
            assert any(row["outer"] for row in (await api.get("/api/notices")).json()) is told
            assert ("latest reading" in (await api.get(f"/incidents/{name}")).text) is told
    assert Policy().approve_notice == {"counsel"}


async def test_a_notice_to_the_board_holds_no_date_of_counsels(home: Place) -> None:
    """Taken as a file by a responder it names the target date; the latest reading stands in it for nobody."""
    name = await breach(home)
    duty = (await home.desk.log.load(name)).duties["eu_gdpr_art33"]
    assert duty.strict is not None
    assert duty.outer is not None
    target, latest = (f"{each.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for each in (duty.strict, duty.outer))
    assert target != latest
    await home.desk.request_notice(name, "stakeholders/board", await home.who("ana"))
    for who in ("ana", "cleo"):
        async with home.api(who) as api:
            text = (await api.get(f"/incidents/{name}/notices/N1/export.md")).text
        assert target in text
        assert latest not in text
        assert "for counsel" not in text
