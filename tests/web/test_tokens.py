"""Four eyes are two people: the machine's token reads and writes for anybody, but approves for nobody."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from bot.domain.mitigation import State
from bot.web.tokens import PersonalTokens
from tests.web.fakes import FakeClock, Place
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


async def test_only_hashes_are_kept(tmp_path: Path) -> None:
    """The file names person and times, never the token; it is read again after a restart, and what ended is gone."""
    clock = FakeClock()
    token, expires = PersonalTokens(clock, tmp_path).mint("p_1")
    text = (tmp_path / "tokens.json").read_text()
    assert token not in text
    assert token.removeprefix("tocsin_") not in text
    ((row),) = json.loads(text).values()
    assert row == {"person": "p_1", "made_at": clock.now().isoformat(), "expires": expires.isoformat()}
    later = PersonalTokens(clock, tmp_path)
    assert (later.person(token), later.person(token[:-1]), later.person("")) == ("p_1", None, None)
    clock.forward(days=31)
    later.mint("p_2")
    assert [each["person"] for each in json.loads((tmp_path / "tokens.json").read_text()).values()] == ["p_2"]


@pytest.mark.parametrize("junk", ["", "[]", "{", '{"a": 1}', '{"a": {"person": "p"}}', "\x00"])
def test_a_broken_file_lets_nobody_in(tmp_path: Path, junk: str) -> None:
    """And the next token works."""
    (tmp_path / "tokens.json").write_text(junk)
    tokens = PersonalTokens(FakeClock(), tmp_path)
    assert tokens.person("tocsin_x") is None
    assert tokens.person(tokens.mint("p_1")[0]) == "p_1"
