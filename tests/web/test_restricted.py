"""A restricted incident is there for the people it names, counsel and administrators, and for nobody else."""

from __future__ import annotations

from bot.domain.policy import Severity
from tests.web.fakes import Place

SECRET = "Patient names in the log"


async def hidden(home: Place) -> str:
    max_ = await home.who("max")
    made = await home.desk.declare(SECRET, Severity.SEV1, "", "seen", max_, restricted=True)
    await home.store.exhibits.put(made.id, "names.txt", "text/plain", b"Anna", home.clock.now())
    await home.desk.request_notice(made.id, "stakeholders/update", max_)
    return made.id


async def test_strangers_see_nothing(home: Place) -> None:
    """Not in lists, not by name, not by any verb, not its files; the answer is that of one which never was."""
    name = await hidden(home)
    exhibit = (await home.store.exhibits.of(name))[0].id
    async with home.api("ana") as api:
        assert (await api.get("/api/incidents")).json() == []
        for path in (
            f"/api/incidents/{name}",
            f"/api/incidents/{name}/head",
            f"/api/incidents/{name}/impact",
            f"/incidents/{name}",
            f"/incidents/{name}/impact",
            f"/incidents/{name}/notices/N1",
            f"/incidents/{name}/notices/N1/export.md",
            f"/incidents/{name}/exhibits/{exhibit}",
            f"/api/incidents/{name}/preview?offer=back-to-v1",
            f"/incidents/{name}/preview?offer=back-to-v1",
        ):
            answer = await api.get(path)
            assert answer.status_code == 404, path
            assert SECRET not in answer.text
            never = await api.get(path.replace(name, "INC-99"))
            assert never.status_code == 404
        for verb, body in (
            ("acknowledge", {}),
            ("update", {"text": "x"}),
            ("assign", {"part": "operations lead", "person": "ana"}),
        ):
            assert (await api.post(f"/api/incidents/{name}/{verb}", json=body)).status_code == 404
    browser = await home.browser("ana")
    assert SECRET not in (await browser.get("/")).text
    assert (await browser.post(f"/incidents/{name}/acknowledge")).status_code == 404
    await browser.aclose()
    assert (await home.desk.log.load(name)).acknowledged is None


async def test_strangers_change_nothing(home: Place) -> None:
    """No verb of a change, no code, by API or by form: the answer is that of an incident which never was."""
    name = await hidden(home)
    before = (await home.desk.log.load(name)).seq
    words = {"mitigation": "M1", "because": "x"}
    bodies: dict[str, dict[str, object]] = {
        **dict.fromkeys(("decline", "undo", "go-ahead", "override"), words),
        **{verb: {"because": "x"} for verb in ("hold", "release")},
        "propose": {"offer": "back-to-v1"},
        "approve": {"mitigation": "M1", "digest": "0" * 64},
        "alone": {**words, "digest": "0" * 64},
        "review": {"mitigation": "M1", "justified": True, "words": "x"},
        "settle": {"mitigation": "M1", "outcome": "applied"},
        "code": {"mitigation": "M1"},
    }
    async with await home.own("ben") as api:
        token = str(api.headers["Authorization"].removeprefix("Bearer "))
        for verb, body in bodies.items():
            answer = await api.post(f"/api/incidents/{name}/{verb}", json=body)
            never = await api.post(f"/api/incidents/INC-99/{verb}", json=body)
            assert (answer.status_code, never.status_code) == (404, 404), (verb, answer.text)
            assert answer.json()["because"] == never.json()["because"].replace("INC-99", name)
    browser = await home.browser("ben")
    for verb, body in {**bodies, "code": {"mitigation": "M1", "token": token}}.items():
        sent = {field: "yes" if value is True else str(value) for field, value in body.items()}
        answer = await browser.post(f"/incidents/{name}/{verb}", data=sent)
        assert (answer.status_code, SECRET in answer.text) == (404, False), verb
    await browser.aclose()
    assert (await home.desk.log.load(name)).seq == before


async def test_the_named_see_it(home: Place) -> None:
    """Who declared it, counsel, administrators, and whoever is given a part."""
    name = await hidden(home)
    for key in ("max", "cleo", "ida"):
        async with home.api(key) as api:
            assert (await api.get(f"/api/incidents/{name}")).json()["title"] == SECRET
            assert len((await api.get("/api/incidents")).json()) == 1
    async with home.api("max") as api:
        given = {"part": "operations lead", "person": "ana"}
        assert (await api.post(f"/api/incidents/{name}/assign", json=given)).status_code == 200
    async with home.api("ana") as api:
        assert (await api.get(f"/api/incidents/{name}")).status_code == 200


async def test_verifying_names_it_to_nobody_else(home: Place) -> None:
    """Auditors and administrators are told of all and have it walked, as has whoever holds the machine's token."""
    name = await hidden(home)
    seen = await home.desk.declare("Slow", Severity.SEV3, "", "", await home.who("ana"))
    for key in ("otto", "ben"):
        async with await home.own(key) as api:
            answer = await api.get("/api/verify")
            assert (answer.status_code, name in answer.text) == (200, False), key
            walked = await api.post("/api/verify")
            assert walked.status_code == 403
            assert "auditor" in walked.json()["because"]
    for key in ("audrey", "ida"):
        async with await home.own(key) as api:
            assert (await api.get("/api/verify")).json()["heads"].keys() == {name, seen.id}
    async with home.api("otto") as machine:
        assert (await machine.get("/api/verify")).json()["heads"].keys() == {name, seen.id}


async def test_another_incidents_exhibit_is_not_there(home: Place) -> None:
    """An exhibit is reached through its own incident alone, so that no open one leads to a hidden one's files."""
    name = await hidden(home)
    exhibit = (await home.store.exhibits.of(name))[0].id
    open_one = await home.desk.declare("Slow", Severity.SEV3, "", "", await home.who("ana"))
    async with home.api("ana") as api:
        assert (await api.get(f"/incidents/{open_one.id}/exhibits/{exhibit}")).status_code == 404


async def test_metrics_name_no_incident(home: Place) -> None:
    """Numbers alone leave by that door, and one that is sealed is in none of them."""
    await hidden(home)
    async with home.client() as client:
        text = (await client.get("/metrics")).text
    assert "tocsin_open_incidents 0.0" in text
    assert SECRET not in text
    assert "INC-" not in text
