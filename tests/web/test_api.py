"""The API: every verb does what the desk does, and says why not in the rule's own words."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from datetime import datetime, timedelta

from bot.domain.claim import ClaimMitigation
from bot.domain.execution import ReportOutcome
from bot.domain.hold import ReportHold
from bot.domain.mitigation import Outcome
from bot.domain.notice import Standing
from bot.domain.phase import Phase
from tests.kit import held
from tests.web.fakes import Place
from tests.web.rich import declared, rich


async def post(home: Place, who: str, verb: str, status: int = 200, /, incident: str = "INC-1", **body: object):
    async with await home.own(who) as api:
        sent = {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        answer = await api.post(f"/api/incidents/{incident}/{verb}", **sent)
        assert answer.status_code == status, answer.text
        return answer.json()


async def test_nothing_is_open(home: Place) -> None:
    """An empty house answers with empty lists."""
    async with home.api("audrey") as api:
        assert (await api.get("/api/incidents")).json() == []
        told = (await api.get("/api/verify")).json()
        assert (told["ok"], told["count"], told["heads"], told["error"]) == (True, 0, {}, "")
        assert (await api.get("/api/slos")).json()[0]["because"] == "not asked yet"
        for never in ("INC-1", "%00", "INC-1%00", "x" * 300, "%F0%9F%94%94"):
            assert (await api.get(f"/api/incidents/{never}")).status_code == 404, never
        assert (await api.get("/api/incidents", params={"limit": "all"})).json()["fields"].keys() == {"limit"}


async def test_everything_is_told(home: Place) -> None:
    """One incident in full: names for people, times with a Z, digests, drafts, the chart."""
    await rich(home)
    async with home.api("ana") as api:
        told = (await api.get("/api/incidents/INC-1")).json()
        listed = (await api.get("/api/incidents")).json()
    assert told["onset"] == "2026-11-20T12:00:00.000Z"
    assert told["acknowledged_by"] == "Ana Ruiz"
    assert told["measures"] == {"ttd_s": 5.0, "tta_s": 40.0, "ttm_s": 200.0, "ttr_s": None, "corrected": []}
    assert told["hypotheses"][0]["cause"] == "code_change"
    assert told["mitigations"][0]["approvals"][0]["person"] == "Ben Okafor"
    assert told["mitigations"][0]["diff"] == ["weight v1 0 → 100", "weight v2 100 → 0"]
    assert told["run"]["step"]["options"][0] == {"value": "yes", "label": "Yes, it did"}
    assert told["whys"][1]["root"] is True
    assert told["impact"]["money"] == "1030.00"
    assert {duty["answer"] for duty in told["duties"]} <= {"yes", "no", "unknown"}
    assert told["notices"][0]["standing"] == "waiting for approval"
    assert told["notices"][1]["gaps"]
    assert told["chart"]["bars"][0]["at"].endswith("Z")
    assert told["timeline"][0]["at"] < told["timeline"][0]["recorded"]
    assert "p_" not in " ".join(line["text"] for line in told["timeline"])
    assert listed[0]["id"] == "INC-1"
    assert listed[0]["severity"] == "SEV2"


async def test_a_life_by_api(home: Place) -> None:
    """Declared, acknowledged, worked on, resolved with a waiver, closed, re-opened."""
    async with home.api("ana") as api:
        made = await api.post("/api/incidents", json={"title": "Slow", "severity": "SEV3", "service": "visits"})
    assert made.status_code == 201
    assert made.json()["declared_by"] == "Ana Ruiz"
    await post(home, "ana", "acknowledge")
    told = await post(home, "ana", "update", text="looking", next="2h", broadcast=True)
    assert datetime.fromisoformat(told["update_due"]) - home.clock.now() == timedelta(hours=2)
    told = await post(home, "ana", "update", text="still looking", next="never")
    assert told["update_due"] is None
    await post(home, "ana", "severity", severity="sev1", because="it spreads")
    await post(home, "ana", "assign", part="operations lead", person="ben")
    await post(home, "ana", "page", person="ben", because="you know the router")
    told = await post(home, "ana", "finding", text="the cache is cold")
    assert told["findings"][0]["source"] == "responder"
    await post(home, "ana", "why", text="The cache was emptied", evidence="F1")
    await post(home, "ana", "root", why="W1")
    due = (home.clock.now() + timedelta(days=3)).date().isoformat()
    told = await post(home, "ana", "followup", text="warm the cache", owner="ben", due=due, why="W1")
    assert told["followups"][0]["owner"] == "Ben Okafor"
    await post(home, "ben", "finish", followup="U1")
    await post(home, "ana", "impact", events=10, people=None, money="25.00", unknowns=["people: not counted"])
    await post(home, "cleo", "fact", fact="personal_data_breach", value=False)
    await post(home, "ana", "correct", moment="onset", to="2026-11-20T11:50:00Z", because="the graph")
    await post(home, "ana", "resolve", summary="the cache is warm")
    await post(home, "ana", "close")
    told = await post(home, "ana", "reopen", because="cold again")
    assert told["phase"] == Phase.ACKNOWLEDGED
    assert told["onset"] == "2026-11-20T11:50:00.000Z"
    assert told["facts"] == {"personal_data_breach": False}
    assert told["parts"]["operations lead"] == "Ben Okafor"


async def test_a_change_by_api(home: Place) -> None:
    """Proposed, read, approved by digest, of unknown outcome, settled, undone; a second one is withdrawn."""
    await declared(home)
    told = await post(home, "ana", "propose", offer="back-to-v1", because="v2 is bad")
    digest = told["mitigations"][0]["digest"]
    own = await post(home, "ana", "approve", 409, mitigation="M1", digest=digest)
    assert (
        own["because"] == "only admin or approver may approve a class 2 change of visits-router; your roles: responder"
    )
    other = await post(home, "ben", "approve", 409, mitigation="M1", digest="0" * 64)
    assert other["because"] == "the plan of M1 changed since you opened it; read it again"
    await post(home, "ben", "approve", mitigation="M1", digest=digest)
    ben = await home.who("ben")
    await home.desk.submit("INC-1", ReportHold("M1", held("all")))
    await home.desk.submit("INC-1", ClaimMitigation("M1", "7", (ben.person,)))
    await home.desk.submit("INC-1", ReportOutcome("M1", Outcome.UNKNOWN, "time-out"))
    await post(home, "ben", "settle", mitigation="M1", outcome="applied", detail="I looked")
    told = await post(home, "ben", "undo", mitigation="M1", because="wrong version")
    assert told["mitigations"][0]["state"] == "undoing"
    nothing = await post(home, "ana", "propose", 404, offer="turn-it-off")
    assert nothing["because"] == "no prepared mitigation called 'turn-it-off'; there is back-to-v1"


async def test_the_proposer_never_approves(home: Place) -> None:
    """Not even one whose role would allow it."""
    await declared(home)
    digest = (await post(home, "ben", "propose", offer="back-to-v1"))["mitigations"][0]["digest"]
    said = await post(home, "ben", "approve", 409, mitigation="M1", digest=digest)
    assert said["because"] == "you proposed M1; a second person must approve it"
    told = await post(home, "ben", "decline", mitigation="M1", because="changed my mind")
    assert told["mitigations"][0]["state"] == "declined"


async def test_a_notice_by_api(home: Place) -> None:
    """Begun, frozen, sent back, frozen again, approved by counsel, filed; duties decided with a reason."""
    await rich(home)
    told = (await post(home, "cleo", "changes", notice="N1", because="say who is affected"))["notices"][0]
    assert (told["standing"], told["note"]) == (Standing.CHANGES, "say who is affected")
    digest = (await post(home, "ana", "ask-approval", notice="N1"))["notices"][0]["digest"]
    refused = await post(home, "ana", "approve-notice", 409, notice="N1", digest=digest)
    assert refused["because"] == "only counsel may approve a notice; your roles: responder"
    await post(home, "cleo", "approve-notice", notice="N1", digest=digest)
    told = await post(home, "cleo", "file", notice="N1", where="the mailing list", reference="42")
    assert told["notices"][0]["standing"] == "filed"
    regime = told["duties"][0]["regime"]
    decided = await post(home, "cleo", "decide-duty", regime=regime, answer="no", because="not ours")
    assert (decided["duties"][0]["answer"], decided["duties"][0]["decided_by"]) == ("no", "Cleo Martin")


async def test_runbook_by_api(home: Place) -> None:
    """Started and answered; an answer it does not take is refused with those it takes."""
    await declared(home)
    await post(home, "ana", "runbook", name="bad-release")
    await post(home, "ana", "step", step="look", answer="done", note="read")
    said = await post(home, "ana", "step", 409, step="same", answer="maybe")
    assert said["because"] == "step 'same' takes yes, no; not 'maybe'"
    assert (await post(home, "ana", "step", step="same", answer="yes"))["run"]["current"] == ""


async def test_wrong_bodies_name_their_fields(home: Place) -> None:
    """422 says which field, and what was expected; nothing is recorded."""
    await declared(home)
    before = (await home.desk.log.load("INC-1")).seq
    for verb, body, field in (
        ("update", {}, "text"),
        ("update", {"text": "x", "colour": "red"}, "colour"),
        ("severity", {"severity": "SEV9"}, "severity"),
        ("assign", {"part": "king", "person": "ana"}, "part"),
        ("impact", {"events": "many"}, "events"),
        ("impact", {"money": "NaN"}, "money"),
        ("followup", {"text": "x", "owner": "ana", "due": "soon"}, "due"),
        ("update", {"text": "half a letter \ud800"}, "text"),
        ("update", {"text": "nothing \x00"}, "text"),
        ("update", {"text": "x", "broadcast": "loud"}, "broadcast"),
        ("propose", {"offer": "\x00"}, "offer"),
        ("why", {"text": "x", "parent": "\x00"}, "parent"),
        ("impact", {"money": "1e400"}, "money"),
        ("impact", {"money": -0.00001}, "money"),
        ("correct", {"moment": "birth", "to": "2026-11-20T12:00:00Z"}, "moment"),
        ("settle", {"mitigation": "M1", "outcome": "perhaps"}, "outcome"),
    ):
        said = await post(home, "ana", verb, 422, **body)
        assert field in said["fields"], (verb, said)
        assert field in said["because"]
    async with home.api("ana") as api:
        junk = await api.post("/api/incidents/INC-1/update", content=b"{", headers={"Content-Type": "application/json"})
        assert junk.status_code == 422
    assert (await home.desk.log.load("INC-1")).seq == before


async def test_the_same_request_twice_has_one_effect(home: Place) -> None:
    """With an Idempotency-Key; a refusal is heard again as a refusal."""
    await declared(home)
    async with home.api("ana") as api:
        keyed = {"Idempotency-Key": "k1"}
        first = await api.post("/api/incidents/INC-1/update", json={"text": "looking"}, headers=keyed)
        second = await api.post("/api/incidents/INC-1/update", json={"text": "looking"}, headers=keyed)
        assert first.json()["seq"] == second.json()["seq"]
        assert second.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        for _ in range(2):
            no = await api.post("/api/incidents/INC-1/close", json={}, headers={"Idempotency-Key": "k2"})
            assert no.status_code == 409
            assert no.json()["because"] == "INC-1 is declared; resolve it first"
        for text, status in ((" ", 409), (" ", 409), ("corrected", 200)):
            again = await api.post(
                "/api/incidents/INC-1/update", json={"text": text}, headers={"Idempotency-Key": "k4"}
            )
            assert again.status_code == status
        made = [
            (await api.post("/api/incidents", json={"title": "Slow"}, headers={"Idempotency-Key": "k3"})).json()["id"]
            for _ in range(2)
        ]
        assert made == ["INC-2", "INC-2"]


async def test_a_replayed_declaration_never_shows_anothers(home: Place) -> None:
    """The retry is answered with the incident it opened, whatever was declared since."""
    async with home.api("otto") as otto, home.api("max") as other:
        keyed = {"Idempotency-Key": "k1"}
        assert (await otto.post("/api/incidents", json={"title": "Slow"}, headers=keyed)).status_code == 201
        await other.post("/api/incidents", json={"title": "A secret", "restricted": True})
        again = await otto.post("/api/incidents", json={"title": "Slow"}, headers=keyed)
        assert again.json()["title"] == "Slow"
        assert len((await otto.get("/api/incidents")).json()) == 1


async def test_a_rewritten_record_is_found(home: Place) -> None:
    """Verify names the entry that does not follow."""
    await rich(home)
    async with home.api("audrey") as api:
        good = (await api.get("/api/verify")).json()
        assert good["heads"]["INC-1"] == (await home.desk.log.load("INC-1")).head
        assert (await api.get("/api/incidents/INC-1/head")).json()["head"] == good["heads"]["INC-1"]
        with contextlib.closing(sqlite3.connect(home.web.state.parent / "tocsin.db")) as file:
            file.execute("UPDATE entries SET stored = CAST(stored || ' ' AS BLOB) WHERE seq = 3")
            file.commit()
        bad = (await api.post("/api/verify")).json()
        assert (bad["ok"], bad["heads"]) == (False, {})
        assert "INC-1: entry 3" in bad["error"]
    async with await home.own("otto") as api:
        assert (await api.post("/api/verify")).status_code == 403


async def test_a_silent_target_is_said_and_may_be_asked_again(home: Place) -> None:
    """503 with the reason; the page keeps what was typed; nothing was recorded."""
    await declared(home)
    home.desk.changes.actions["visits-router"].down = True
    said = await post(home, "ana", "propose", 503, offer="back-to-v1", because="v2 is bad")
    assert said["because"] == "visits-router: no answer in 2 s; nothing was recorded, try again"
    browser = await home.browser("ana")
    page = await browser.post("/incidents/INC-1/propose", data={"offer": "back-to-v1", "because": "v2 is bad"})
    assert page.status_code == 503
    assert "no answer in 2 s" in page.text
    assert 'value="v2 is bad"' in page.text
    await browser.aclose()
    assert not (await home.desk.log.load("INC-1")).mitigations


async def test_estimate_and_objectives(home: Place) -> None:
    """The impact by the data alone, and each objective's verdict."""
    await declared(home)
    home.watch.poll()
    async with home.api("ana") as api:
        estimate = (await api.get("/api/incidents/INC-1/impact")).json()
        assert estimate["events"] > 0
        assert estimate["people"] == estimate["events"]
        slo = (await api.get("/api/slos")).json()[0]
        assert (slo["state"], slo["value"], slo["budget_spent"]) == ("breached", 0.6, 0.4)
