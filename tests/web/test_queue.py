"""The queue beside its clocks: words to others that wait for the reader, each with whom it waits for alone."""

from __future__ import annotations

from bot.domain.clocks import called
from bot.domain.stating import FreezeStatement
from bot.domain.status import statement_of
from bot.engine.waits import Kind, waiting
from bot.slack.views.home import waiting as at_home
from tests.web.fakes import Place
from tests.web.legal import UPDATE
from tests.web.rich import declared
from tests.web.speaking import approved, drafted, speaking


async def asked(home: Place, **more: object) -> str:
    """An incident with a statement of ana's that waits for approval."""
    name = await declared(home, **more)
    statement = await drafted(home, name)
    said = statement_of(await home.desk.log.load(name), statement).said
    await home.desk.submit(name, FreezeStatement(statement, said), await home.who("ana"))
    return name


async def seen(home: Place, who: str, path: str) -> str:
    browser = await home.browser(who)
    text = (await browser.get(path)).text
    await browser.aclose()
    return text


async def whom(home: Place, name: str, kind: Kind) -> set[str]:
    """The keys of those for whom that waits."""
    people = await home.store.people.everyone()
    keys = {each.id: each.key for each in people}
    incident = await home.desk.log.load(name)
    found = waiting(incident, [each.person for each in people], (), home.desk.handler.policy, home.clock.now())
    return {keys[each] for wait, theirs in found if wait.kind is kind for each in theirs}


async def test_a_statement_waits_for_who_may_approve_it(home: Place) -> None:
    """Managers and counsel, never who wrote it; once approved it waits for who asked, and then for nobody."""
    home = speaking(home)
    name = await asked(home)
    assert await whom(home, name, Kind.STATEMENT) == {"max", "cleo"}
    for who in ("max", "cleo"):
        assert "for the status page, waits for your approval" in await seen(home, who, "/notices")
        assert "Words for the status page wait for approval" in await seen(home, who, "/")
    assert "waits for your approval" not in await seen(home, "ana", "/notices")
    assert "nobody who could" not in await seen(home, "ana", "/")
    await approved(home, name, "S1")
    assert await whom(home, name, Kind.STATEMENT) == set()
    assert await whom(home, name, Kind.PUBLISHING) == {"ana"}
    assert "is approved and not published" in await seen(home, "ana", "/notices")


async def test_one_of_a_hidden_incident_waits_for_nobody_else(home: Place) -> None:
    """Of a restricted incident a manager who is not named in it sees nothing, wherever they look."""
    home = speaking(home)
    await asked(home, restricted=True, title="zzz-sealed-title", service="")
    for path in ("/", "/notices"):
        assert "status page, waits" not in await seen(home, "max", path)
        assert "zzz-sealed-title" not in await seen(home, "max", path)
    assert "waits for your approval" in await seen(home, "cleo", "/notices")


async def test_a_notice_without_a_clock_waits_too(home: Place) -> None:
    """One to stakeholders, which no law dates, stands with who may sign it."""
    name = await declared(home)
    await home.desk.request_notice(name, UPDATE, await home.who("ana"))
    await home.desk.ask_approval(name, "N1", await home.who("ana"))
    assert "waits for your signature" in await seen(home, "cleo", "/notices")
    assert 'id="waits"' not in await seen(home, "max", "/notices")


async def test_slack_says_it_too(home: Place) -> None:
    """On the Home tab of whoever may approve, in words; the deed itself is done on the console."""
    home = speaking(home)
    name = await asked(home)
    situation = await home.desk.situation(name)
    policy = home.desk.handler.policy
    found = at_home([situation], (await home.who("cleo")).person, policy)
    assert [each.label for each in found if "S1 for the status page waits for approval" in each.words] == [""]
    assert not [each for each in at_home([situation], (await home.who("ana")).person, policy) if "S1" in each.words]


def test_a_notice_is_named_once() -> None:
    """By its regime and stage, and by the regime alone where that says already which notice it is."""
    assert called("NIS2", "Early warning") == "NIS2: Early warning"
    named = "GDPR, notice to the supervisory authority"
    assert called(named, "Notice to the supervisory authority") == named
