"""Four eyes are two people: the machine's token reads and writes for anybody, but approves for nobody."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from bot.domain.mitigation import State
from bot.domain.policy import Role
from bot.web.sessions import hashed
from tests.web.fakes import Place
from tests.web.rich import declared, rich

OWN_TOKEN = "this needs your own token or login: ask for one with `tocsin token {}`"


async def causes(home: Place, incident: str = "INC-1") -> list[str]:
    return [entry.cause for entry in await home.desk.log.entries(incident)]


async def proposed(client: httpx.AsyncClient) -> str:
    """A rollback is proposed; the digest of its plan."""
    told = await client.post("/api/incidents/INC-1/propose", json={"offer": "back-to-v1", "because": "v2 is bad"})
    assert told.status_code == 200, told.text
    return str(told.json()["mitigations"][0]["digest"])


async def test_one_holder_is_not_two_people(home: Place) -> None:
    """With the machine's token ana proposes, but the same hands cannot approve as ben; ben with his own token can."""
    await declared(home)
    async with home.api("ana") as ana, home.api("ben") as ben:
        digest = await proposed(ana)
        body = {"mitigation": "M1", "digest": digest}
        refused = await ben.post("/api/incidents/INC-1/approve", json=body)
        assert (refused.status_code, refused.json()["because"]) == (403, OWN_TOKEN.format("ben"))
        form = await ben.post("/incidents/INC-1/approve", data=body)
        assert form.status_code == 403
        assert "tocsin token ben" in form.text
    assert (await home.desk.log.load("INC-1")).mitigations["M1"].state is State.PROPOSED
    async with await home.own("ben") as ben:
        assert (await ben.post("/api/incidents/INC-1/approve", json=body)).status_code == 200
    assert (await home.desk.log.load("INC-1")).mitigations["M1"].state is State.APPROVED


@pytest.mark.parametrize(
    ("who", "verb", "body"),
    [
        ("ben", "undo", {"mitigation": "M1"}),
        ("ben", "settle", {"mitigation": "M1", "outcome": "applied"}),
        ("cleo", "approve-notice", {"notice": "N1", "digest": "0" * 64}),
        ("cleo", "file", {"notice": "N1", "where": "by letter"}),
        ("cleo", "decide-duty", {"regime": "eu_gdpr_art33", "answer": "no", "because": "none left"}),
    ],
)
async def test_what_only_a_person_does(home: Place, who: str, verb: str, body: dict[str, str]) -> None:
    """Refused to the machine's token by API and by form, and nothing is recorded; a session gets to the rule itself."""
    await rich(home)
    before = (await home.desk.log.load("INC-1")).seq
    async with home.api(who) as machine:
        refused = await machine.post(f"/api/incidents/INC-1/{verb}", json=body)
        assert (refused.status_code, refused.json()["because"]) == (403, OWN_TOKEN.format(who))
        assert (await machine.post(f"/incidents/INC-1/{verb}", data=body)).status_code == 403
    assert (await home.desk.log.load("INC-1")).seq == before
    browser = await home.browser(who)
    assert (await browser.post(f"/api/incidents/INC-1/{verb}", json=body)).status_code in {200, 409}
    await browser.aclose()


async def test_the_record_tells_how_a_person_came_in(home: Place) -> None:
    """The cause of what came by the machine's token says so, with a key and without; a person's own says nothing."""
    async with home.api("ana") as ana:
        made = await ana.post("/api/incidents", json={"title": "Slow", "service": "visits"})
        assert made.status_code == 201
        assert (await ana.post("/api/incidents/INC-1/acknowledge", json={})).status_code == 200
        keyed = {"Idempotency-Key": "k1"}
        seqs = set()
        for _ in range(2):
            told = await ana.post("/api/incidents/INC-1/update", json={"text": "looking"}, headers=keyed)
            seqs.add(told.json()["seq"])
        assert len(seqs) == 1
        await proposed(ana)
        assert (await ana.post("/incidents/INC-1/update", data={"text": "a form"})).status_code == 303
    found = await causes(home)
    assert {each.partition(":")[0] for each in found} == {"machine"}
    async with await home.own("ben") as ben:
        await ben.post("/api/incidents/INC-1/update", json={"text": "so am I"})
        await ben.post("/api/incidents/INC-1/update", json={"text": "still"}, headers=keyed)
    assert [each.partition(":")[0] for each in (await causes(home))[len(found) :]] == ["", "web"]


async def test_a_token_of_ones_own(home: Place) -> None:
    """It acts as its owner with no name given, agrees with that name alone, and ends after thirty days."""
    async with await home.own("ana") as ana:
        made = await ana.post("/api/incidents", json={"title": "Slow"})
        assert made.json()["declared_by"] == "Ana Ruiz"
        named = await ana.get("/api/incidents", headers={"X-Tocsin-Person": "ana"})
        assert named.status_code == 200
        other = await ana.get("/api/incidents", headers={"X-Tocsin-Person": "ben"})
        assert other.status_code == 403
        assert other.json()["because"] == "that token is not 'ben''s own, and a personal token speaks for nobody else"
        for path in ("/api/login", "/api/tokens", "/api/tokens/revoke"):
            assert (await ana.post(path, json={"person": "ben"})).status_code == 401, path
        home.clock.forward(days=29, hours=23)
        assert (await ana.get("/api/incidents")).status_code == 200
        home.clock.forward(hours=1)
        ended = await ana.get("/api/incidents")
        assert ended.status_code == 401
        assert "tocsin token NAME" in ended.json()["because"]


async def test_who_is_named_no_more_has_no_token(home: Place) -> None:
    """It does not outlive its owner's place in people.yaml; for nobody none is made."""
    async with await home.own("ana") as ana, home.api("ben") as operator:
        await home.store.people.enrol([await home.who("ben")])
        assert (await ana.get("/api/incidents")).status_code == 401
        nobody = await operator.post("/api/tokens", json={"person": "ana"})
        assert nobody.status_code == 404
        assert nobody.json()["because"] == "no person called 'ana'; there is ben"


async def test_tokens_are_ended(home: Place) -> None:
    """All of one person's at once, and nobody else's."""
    async with (
        await home.own("ana") as one,
        await home.own("ana") as two,
        await home.own("ben") as ben,
        home.api("ben") as operator,
    ):
        assert (await operator.post("/api/tokens/revoke", json={"person": "ana"})).json() == {"ended": 2}
        assert [(await each.get("/api/incidents")).status_code for each in (one, two, ben)] == [401, 401, 200]


async def test_only_hashes_are_kept(home: Place) -> None:
    """The database names person, scopes and times, never the token; a restart and another replica know it as well."""
    token, held = await home.app.state.console.tokens.mint("p_1")
    rows = await home.store.database.read(lambda c: c.execute(text("SELECT * FROM tokens")))
    kept = str(rows.all())
    assert "p_1" in kept
    assert token.removeprefix("tocsin_") not in kept
    replica = home.having().app.state.console.tokens
    assert (await replica.held(token), await replica.held(token[:-1]), await replica.held("")) == (held, None, None)
    home.clock.forward(days=30)
    assert await replica.held(token) is None


async def test_what_a_file_held_is_taken_over_once(home: Place) -> None:
    """The tokens of an earlier version work on, with the scopes they had all along, and the file is gone."""
    now = home.clock.now()
    rows = {
        hashed("tocsin_old"): {
            "person": (await home.who("ana")).id,
            "made_at": now.isoformat(),
            "expires": (now + timedelta(days=3)).isoformat(),
        },
        hashed("tocsin_over"): {"person": "p_9", "made_at": now.isoformat(), "expires": now.isoformat()},
    }
    path = home.web.state / "tokens.json"
    path.write_text(json.dumps(rows))
    for _ in range(2):
        async with home.app.router.lifespan_context(home.app):
            assert not path.exists()
    async with home.client(Authorization="Bearer tocsin_old") as old:
        assert (await old.get("/api/incidents")).status_code == 200
        assert (await old.post("/api/incidents", json={"title": "Slow"})).status_code == 201
    assert [each.person for each in await home.app.state.console.tokens.of()] == [(await home.who("ana")).id]


@pytest.mark.parametrize("junk", ["", "[]", "{", '{"a": 1}', '{"a": {"person": "p"}}', "\x00"])
async def test_a_broken_file_lets_nobody_in(home: Place, junk: str) -> None:
    """It is put aside, the console starts, and the next token works."""
    (home.web.state / "tokens.json").write_text(junk)
    async with home.app.router.lifespan_context(home.app):
        tokens = home.app.state.console.tokens
        assert await tokens.person("tocsin_x") == ""
        assert await tokens.person((await tokens.mint("p_1"))[0]) == "p_1"
    assert (home.web.state / "tokens.unreadable").read_text() == junk


async def scoped(home: Place, key: str, *scopes: str) -> httpx.AsyncClient:
    """Somebody with a token for these things alone."""
    async with home.client(Authorization=f"Bearer {home.token}") as operator:
        made = await operator.post("/api/tokens", json={"person": key, "scopes": list(scopes), "name": "a script"})
    assert made.status_code == 201, made.text
    return home.client(Authorization=f"Bearer {made.json()['token']}")


async def test_a_token_does_no_more_than_its_scopes(home: Place) -> None:
    """One for reading changes nothing; one for responding proposes and does not approve; refused is not recorded."""
    await declared(home)
    async with (
        await scoped(home, "ben", "read") as reads,
        await scoped(home, "ben", "respond") as responds,
        await scoped(home, "ben", "approve") as approves,
        await home.own("ana") as ana,
    ):
        digest = await proposed(ana)
        before = (await home.desk.log.load("INC-1")).seq
        body = {"mitigation": "M1", "digest": digest}
        assert (await reads.get("/api/incidents/INC-1")).status_code == 200
        for path in ("acknowledge", "approve", "update"):
            refused = await reads.post(f"/api/incidents/INC-1/{path}", json={"text": "x"} if path == "update" else body)
            assert (refused.status_code, "lacks the scope respond" in refused.text) == (403, True), path
        assert (await reads.post("/incidents/INC-1/update", data={"text": "x"})).status_code == 403
        refused = await responds.post("/api/incidents/INC-1/approve", json=body)
        assert (refused.status_code, "lacks the scope approve" in refused.text) == (403, True)
        assert (await home.desk.log.load("INC-1")).seq == before
        assert (await responds.post("/api/incidents/INC-1/update", json={"text": "looking"})).status_code == 200
        assert (await approves.post("/api/incidents/INC-1/approve", json=body)).status_code == 200


async def test_a_token_does_no_more_than_its_person_now_may(home: Place) -> None:
    """Whoever is an approver no more approves nothing with a token made before."""
    await declared(home)
    async with await home.own("ana") as ana, await home.own("ben") as ben:
        digest = await proposed(ana)
        everybody = [
            replace(each, roles=frozenset({Role.RESPONDER})) if each.key == "ben" else each
            for each in await home.store.people.everyone()
        ]
        await home.store.people.enrol(everybody)
        refused = await ben.post("/api/incidents/INC-1/approve", json={"mitigation": "M1", "digest": digest})
        assert refused.status_code == 409, refused.text
    assert (await home.desk.log.load("INC-1")).mitigations["M1"].state is State.PROPOSED


@pytest.mark.parametrize(
    "wanted", [{"scopes": []}, {"scopes": ["everything"]}, {"days": 0}, {"days": 366}, {"name": "x" * 81}]
)
async def test_no_token_without_end_or_meaning(home: Place, wanted: dict[str, object]) -> None:
    """A scope there is not, none at all, more than a year: refused, and none is made."""
    async with home.client(Authorization=f"Bearer {home.token}") as operator:
        assert (await operator.post("/api/tokens", json={"person": "ana", **wanted})).status_code == 422
    assert await home.app.state.console.tokens.of() == []


async def test_it_is_seen_when_a_token_was_used_last(home: Place) -> None:
    """To the minute, so that not every request is a write."""
    async with await home.own("ana") as ana:
        tokens = home.app.state.console.tokens
        assert [each.used for each in await tokens.of()] == [None]
        first = home.clock.now()
        for seconds in (0, 30):
            home.clock.forward(seconds=seconds)
            await ana.get("/api/incidents")
            assert [each.used for each in await tokens.of()] == [first]
        home.clock.forward(minutes=1)
        await ana.get("/api/incidents")
        assert [each.used for each in await tokens.of()] == [home.clock.now()]


async def test_a_form_sent_twice_makes_one_token(home: Place) -> None:
    """Loaded again, it says that the token was shown; a new form makes another."""
    browser = await home.browser("ana")
    words = {"name": "ci", "scopes": "read", "days": "30"}

    async def once() -> str:
        found = re.search(r'action="/me/tokens">\s*<input type="hidden" name="once" value="([^"]+)"', await me())
        assert found is not None
        return found[1]

    async def me() -> str:
        return (await browser.get("/me")).text

    form = {**words, "once": await once()}
    assert (await browser.post("/me/tokens", data=form)).status_code == 200
    again = await browser.post("/me/tokens", data=form)
    assert again.status_code == 409
    assert "made a moment ago" in again.text
    tokens, ana = home.app.state.console.tokens, await home.who("ana")
    assert len(await tokens.of(ana.id)) == 1
    assert (await browser.post("/me/tokens", data={**words, "once": await once()})).status_code == 200
    assert len(await tokens.of(ana.id)) == 2
    await browser.aclose()
