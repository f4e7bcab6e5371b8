"""The API of access: who asks, tokens of one's own made and ended, and the people for whoever may read them."""

from __future__ import annotations

import pytest

from bot.engine.access import Scope
from tests.web.fakes import Place


async def test_it_says_who_asks(home: Place) -> None:
    """By a token with what that is for, by the machine's for whom it speaks, and by a login."""
    async with await home.own("ana") as client:
        told = (await client.get("/api/me")).json()
    assert (told["key"], told["name"], told["roles"]) == ("ana", "Ana Ruiz", ["responder"])
    assert told["scopes"] == ["approve", "read", "respond"]
    async with home.api("ben") as client:
        told = (await client.get("/api/me")).json()
    assert (told["key"], told["scopes"]) == ("ben", [])
    browser = await home.browser("ida")
    assert (await browser.get("/api/me")).json()["roles"] == ["admin"]
    await browser.aclose()


async def test_a_token_lives_and_ends(home: Place) -> None:
    """Made by a login, told once, listed without itself, used, ended by its own hand, and nobody's from then on."""
    browser = await home.browser("ana")
    made = await browser.post("/api/me/tokens", json={"name": "night report", "scopes": ["respond"], "days": 7})
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["name"], told["scopes"]) == ("night report", ["read", "respond"])
    listed = await browser.get("/api/me/tokens")
    assert [each["id"] for each in listed.json()] == [told["id"]]
    assert told["token"] not in listed.text
    async with home.client(Authorization=f"Bearer {told['token']}") as script:
        assert (await script.get("/api/me")).json()["scopes"] == ["read", "respond"]
        assert (await script.post("/api/me/tokens", json={"name": "another"})).status_code == 403
        end = {"token": told["id"]}
        assert (await script.post("/api/me/tokens/end", json=end)).json() == {"ended": True}
        assert (await script.get("/api/me")).status_code == 401
    assert (await browser.post("/api/me/tokens/end", json={"token": told["id"]})).json() == {"ended": False}
    deeds = [(each.what, each.detail) for each in await home.store.access.accounts.deeds(limit=10)]
    assert ("revoked a token", told["id"]) in deeds
    assert ("made a token", f"{told['id']}, read, respond") in deeds
    assert len([what for what, _detail in deeds if what == "revoked a token"]) == 1
    await browser.aclose()


async def test_nobody_ends_or_sees_another_ones(home: Place) -> None:
    """A token's id is no key to it, and whoever borrows a name makes and ends none."""
    _token, held = await home.app.state.console.tokens.mint((await home.who("ben")).id, scopes=[Scope.READ])
    browser = await home.browser("ana")
    assert (await browser.post("/api/me/tokens/end", json={"token": held.id})).json() == {"ended": False}
    assert held.id not in (await browser.get("/api/me/tokens")).text
    await browser.aclose()
    async with home.api("ben") as machine:
        assert (await machine.post("/api/me/tokens/end", json={"token": held.id})).status_code == 403
        assert (await machine.post("/api/me/tokens", json={"name": "x"})).status_code == 403
    assert [each.id for each in await home.app.state.console.tokens.of((await home.who("ben")).id)] == [held.id]


@pytest.mark.parametrize(
    "wrong", [{}, {"name": ""}, {"name": "x", "scopes": []}, {"name": "x", "scopes": ["root"]}, {"name": "x", "days": 0},
              {"name": "x", "days": 366}, {"name": "x", "person": "ida"}]
)  # fmt: skip
async def test_nonsense_makes_no_token(home: Place, wrong: dict[str, object]) -> None:
    """Without a name, for nothing, for what there is not, for too long, or for somebody else: 422, and none is made."""
    browser = await home.browser("ana")
    assert (await browser.post("/api/me/tokens", json=wrong)).status_code == 422
    assert (await browser.get("/api/me/tokens")).json() == []
    await browser.aclose()


async def test_a_form_from_elsewhere_makes_no_token(home: Place) -> None:
    """A login is believed from the console's own pages only."""
    browser = await home.browser("ana")
    answer = await browser.post("/api/me/tokens", json={"name": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert (await browser.get("/api/me/tokens")).json() == []
    await browser.aclose()


async def test_people_page_by_page(home: Place) -> None:
    """By key, with roles, how many tokens and when they were here; the Link leads through all of them once."""
    async with await home.own("audrey") as client:
        answer = await client.get("/api/people", params={"limit": 3})
        found = answer.json()
        while "next" in answer.links:
            answer = await client.get(answer.links["next"]["url"])
            found += answer.json()
    assert [each["key"] for each in found] == ["ana", "audrey", "ben", "cleo", "ida", "max", "otto"]
    audrey = found[1]
    assert (audrey["roles"], audrey["tokens"], audrey["by_groups"]) == (["auditor"], 1, False)
    assert audrey["seen"] is not None
    assert found[0]["seen"] is None
    async with await home.own("ana") as client:
        refused = await client.get("/api/people")
    assert refused.status_code == 403
    assert "people and their access is for" in refused.json()["because"]
