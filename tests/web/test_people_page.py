"""One's own access and everybody's: who may see and do what, what is shown once, and what is written down."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from bot.domain.policy import Role
from bot.engine.access import Account, Scope
from tests.web.fakes import Place
from tests.web.test_pages import sound

TOKEN = re.compile(r"tocsin_[A-Za-z0-9_-]{43}")
ISSUER = "https://login.example.com"


def said(answer: httpx.Response) -> str:
    """A page's text, once it is known to be sound."""
    sound(answer)
    return answer.text


async def deeds(home: Place) -> list[str]:
    return [each.what for each in await home.store.access.accounts.deeds()]


async def test_one_makes_sees_and_revokes_ones_own_tokens(home: Place) -> None:
    """The secret is shown once, works within its scopes, stands in the list by its name, and ends with one press."""
    ana = await home.browser("ana")
    assert "You have none." in said(await ana.get("/me"))
    form = {"name": "the night script", "days": "90", "scopes": ["read"]}
    made = await ana.post("/me/tokens", data=form)
    (token,) = set(TOKEN.findall(said(made)))
    page = said(await ana.get("/me"))
    assert "the night script" in page
    assert TOKEN.search(page) is None
    (held,) = await home.app.state.console.tokens.of()
    assert (held.scopes, (held.expires - held.made).days) == (frozenset({Scope.READ}), 90)
    async with home.client(Authorization=f"Bearer {token}") as script:
        assert (await script.get("/api/incidents")).status_code == 200
        assert (await script.post("/api/incidents", json={"title": "x"})).status_code == 403
        for _ in range(2):
            ended = await ana.post("/me/tokens/end", data={"token": held.id})
            assert ended.status_code == 303
        assert (await script.get("/api/incidents")).status_code == 401
    assert (await deeds(home))[:2] == ["revoked a token", "made a token"]
    assert "That token has ended." in said(await ana.get(ended.headers["location"]))
    await ana.aclose()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "", "scopes": ["read"]}, "say where the token is used"),
        ({"name": "x", "scopes": []}, "say what the token is for"),
        ({"name": "x", "scopes": ["all"]}, "not for all"),
        ({"name": "x", "scopes": ["read"], "days": "366"}, "366 is not that"),
        ({"name": "x", "scopes": ["read"], "days": "-1"}, "from 1 to 365"),
        ({"name": "x", "scopes": ["read"], "days": "0"}, "0 is not that"),
    ],
)
async def test_a_token_that_means_nothing_is_refused(home: Place, form: dict[str, object], words: str) -> None:
    """With every word typed, and none is made."""
    ana = await home.browser("ana")
    answer = await ana.post("/me/tokens", data=form)
    assert answer.status_code == 409
    assert words in answer.text
    assert await home.app.state.console.tokens.of() == []
    await ana.aclose()


async def test_a_token_makes_no_tokens(home: Place) -> None:
    """Neither a personal one, which could outlive and outgrow itself, nor the machine's in somebody's name."""
    form = {"name": "more", "scopes": ["approve"]}
    async with await home.own("ana") as own, home.api("ana") as machine:
        for client in (own, machine):
            assert (await client.post("/me/tokens", data=form)).status_code == 403
        assert (await machine.post("/me/sessions/end")).status_code == 403
        (held,) = await home.app.state.console.tokens.of()
        assert (await machine.post("/me/tokens/end", data={"token": held.id})).status_code == 403
    ben = await home.browser("ben")
    assert (await ben.post("/me/tokens/end", data={"token": held.id})).status_code == 303
    assert await home.app.state.console.tokens.of() == [held]  # it is not his
    await ben.aclose()


async def test_one_ends_ones_other_sessions(home: Place) -> None:
    """The one that asked stays; nobody else's is touched."""
    one, two, ben = await home.browser("ana"), await home.browser("ana"), await home.browser("ben")
    assert "End the others" in said(await one.get("/me"))
    ended = await one.post("/me/sessions/end")
    assert [(await each.get("/slos")).status_code for each in (one, two, ben)] == [200, 303, 200]
    page = said(await one.get(ended.headers["location"]))
    assert "Your other sessions have ended." in page
    assert "End the others" not in page
    for client in (one, two, ben):
        await client.aclose()


@pytest.mark.parametrize(
    ("key", "status"), [("ana", 403), ("ben", 403), ("cleo", 403), ("max", 200), ("audrey", 200), ("ida", 200)]
)
async def test_who_sees_everybodys_access(home: Place, key: str, status: int) -> None:
    """Managers, auditors and administrators, and only these find it in their bar; buttons are an administrator's."""
    somebody, reader = await home.browser("otto"), await home.browser(key)
    page = await reader.get("/people")
    assert page.status_code == status
    assert ('href="/people"' in (await reader.get("/slos")).text) is (status == 200)
    if status == 200:
        text = said(page)
        for each in ("Ana Ruiz", "Ida Novak", "people.yaml", "logged in with a link"):
            assert each in text
        assert ('action="/people/sessions"' in text) is (key == "ida")
    for deed in ("sessions", "tokens", "token", "link", "unlink"):
        answer = await reader.post(f"/people/{deed}", data={"person": "otto"})
        assert (answer.status_code == 403) is (key != "ida"), deed
    assert (await somebody.get("/slos")).status_code == (303 if key == "ida" else 200)
    for client in (somebody, reader):
        await client.aclose()


async def test_an_administrator_ends_sessions_and_tokens(home: Place) -> None:
    """At once and everywhere; who did it to whom is written down, and an auditor reads it."""
    ida, otto = await home.browser("ida"), await home.browser("otto")
    tokens = home.app.state.console.tokens
    for name in ("one", "two", "three"):
        await tokens.mint((await home.who("otto")).id, name=name)
    page = said(await ida.get("/people"))
    for name in ("one", "two", "three"):
        assert f"<b>{name}</b>" in page
    assert (await ida.post("/people/sessions", data={"person": "otto"})).status_code == 303
    assert (await otto.get("/slos")).status_code == 303
    first = (await tokens.of())[0]
    for _ in range(2):
        assert (await ida.post("/people/token", data={"token": first.id})).status_code == 303
    assert len(await tokens.of()) == 2
    assert (await ida.post("/people/tokens", data={"person": "otto"})).status_code == 303
    assert await tokens.of() == []
    assert (await deeds(home))[:3] == ["tokens revoked", "revoked a token", "ended sessions"]
    audrey = await home.browser("audrey")
    record = said(await audrey.get("/people")).partition("What was done")[2]
    assert re.search(r"Ida Novak</td>.*ended sessions <small>1 of them</small></td>.*Otto Brandt", record)
    for client in (ida, otto, audrey):
        await client.aclose()


async def test_the_operators_deeds_are_written_down_too(home: Place) -> None:
    """Links and tokens made with the machine's token are whoever's who runs the machine."""
    async with home.api("ana") as operator:
        await operator.post("/api/login", json={"person": "ben"})
        await operator.post("/api/tokens", json={"person": "ben"})
        await operator.post("/api/tokens/revoke", json={"person": "ben"})
        assert (await operator.post("/people/sessions", data={"person": "ben"})).status_code == 403
    assert await deeds(home) == ["tokens revoked", "given a token", "given a login link"]
    ida = await home.browser("ida")
    assert said(await ida.get("/people")).count("whoever runs the machine") == 3
    await ida.aclose()


async def test_an_administrators_token_needs_the_scope(home: Place) -> None:
    """One for responding and approving ends nobody's sessions; one for administration does, and approves nothing."""
    ida = (await home.who("ida")).id
    tokens = home.app.state.console.tokens
    for scopes, status in (({Scope.APPROVE}, 403), ({Scope.ADMIN}, 303)):
        made, _ = await tokens.mint(ida, scopes=scopes)
        async with home.client(Authorization=f"Bearer {made}") as client:
            assert (await client.post("/people/sessions", data={"person": "otto"})).status_code == status
            assert (await client.post("/api/incidents", json={"title": "x"})).status_code == (
                403 if status == 303 else 201
            )


async def strangers(home: Place, *subjects: str) -> None:
    for subject in subjects:
        await home.store.access.accounts.met(Account(ISSUER, subject, f"Name of {subject}", home.clock.now()))


async def test_an_administrator_links_an_account_and_takes_it_away(home: Place) -> None:
    """It is somebody's then; taken away, their sessions end and roles its groups gave are theirs no more."""
    home = home.having(sign_in=replace(home.web.sign_in, subjects={"sub-max": "max"}))
    await strangers(home, "sub-1", "sub-max")
    ida, accounts = await home.browser("ida"), home.store.access.accounts
    assert "Name of sub-1" in said(await ida.get("/people"))
    form = {"account": f"{ISSUER} sub-1", "person": "otto"}
    for _ in range(2):
        assert (await ida.post("/people/link", data=form)).status_code == 303
    linked = await accounts.account(ISSUER, "sub-1")
    assert linked is not None
    assert linked.person == (await home.who("otto")).id
    for wrong, words in (
        ({**form, "person": "ana"}, "is somebody's; take it from them first"),
        ({**form, "person": "nobody"}, "say who"),
        ({"account": f"{ISSUER} sub-9", "person": "ana"}, "not known any more"),
        ({"account": "", "person": "ana"}, "not known any more"),
        ({"account": f"{ISSUER} sub-max", "person": "max"}, "change it there"),
    ):
        refused = await ida.post("/people/link", data=wrong)
        assert (refused.status_code, words in refused.text.replace("&#39;", "'")) == (409, True), words
    await accounts.met(replace(linked, roles=frozenset({Role.ADMIN})))
    home.clock.forward(seconds=6)
    assert (await home.who("otto")).roles == {Role.ADMIN}
    otto = await home.browser("otto")
    for _ in range(2):
        assert (await ida.post("/people/unlink", data={"account": form["account"]})).status_code == 303
    assert (await otto.get("/slos")).status_code == 303
    home.clock.forward(seconds=6)
    assert (await home.who("otto")).roles == {Role.RESPONDER}
    assert [each for each in await deeds(home) if "account" in each] == ["took an account away", "linked an account"]
    for client in (ida, otto):
        await client.aclose()


async def test_strangers_are_forgotten(home: Place) -> None:
    """Anybody with the provider can try: the newest two hundred are kept, and nobody who is somebody is lost."""
    accounts, ana = home.store.access.accounts, await home.who("ana")
    await accounts.met(Account(ISSUER, "sub-ana", "Ana", home.clock.now(), ana.id))
    for n in range(205):
        home.clock.forward(seconds=1)
        await strangers(home, f"s{n}")
    kept = await accounts.accounts()
    assert len([each for each in kept if not each.person]) == 200
    assert [each.subject for each in kept if each.person] == ["sub-ana"]
    assert {"s204", "s5"} <= {each.subject for each in kept}
    assert "s4" not in {each.subject for each in kept}


async def test_hostile_names_stay_words(home: Place) -> None:
    """What a provider or a person writes is shown as it is, and is no markup."""
    evil = "<script>alert(1)</script>"
    await home.store.access.accounts.met(Account(ISSUER, f"s{evil}", evil, home.clock.now()))
    ida = await home.browser("ida")
    made: httpx.Response = await ida.post("/me/tokens", data={"name": evil, "scopes": ["read"]})
    for page in (said(made), said(await ida.get("/people"))):
        assert evil not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    await ida.aclose()


async def test_an_erased_person_leaves_no_access(home: Place) -> None:
    """Sessions, tokens and accounts go; the record keeps that something was done to somebody."""
    otto = await home.who("otto")
    browser = await home.browser("otto")
    await home.app.state.console.tokens.mint(otto.id)
    await home.store.access.accounts.met(
        Account(ISSUER, "sub-otto", "Otto <otto@example.com>", home.clock.now(), otto.id)
    )
    await home.store.people.enrol([each for each in await home.store.people.everyone() if each.key != "otto"])
    await home.store.people.erase(otto.id)
    assert await home.store.access.accounts.accounts() == []
    assert await home.app.state.console.tokens.of() == []
    assert await home.app.state.console.door.visits.of() == []
    ida = await home.browser("ida")
    page = said(await ida.get("/people"))
    assert "Otto" not in page
    assert "[erased]" in page
    for client in (browser, ida):
        await client.aclose()
