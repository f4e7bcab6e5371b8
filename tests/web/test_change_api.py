"""Everything the frame of changes can do, by API: the right person once, everybody else a sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.approval import LeaveToPeople
from bot.domain.execution import ReportVerification
from bot.domain.guard import Freeze, TargetRules
from bot.domain.hold import ReportHold
from bot.domain.mitigation import State
from bot.domain.policy import ActionClass
from tests.kit import NOON, held, plan
from tests.web.changes import INCIDENT, WHY, applied, claimed, mitigation, post, proposed, told, under
from tests.web.fakes import Place
from tests.web.rich import declared

PREVIEW = f"/api/incidents/{INCIDENT}/preview"


async def seq(home: Place) -> int:
    return (await home.desk.log.load(INCIDENT)).seq


# -- looking first ---------------------------------------------------------------------------------------------------


async def test_a_preview_tells_the_plan_and_records_nothing(home: Place) -> None:
    """What changes field by field, how wide, who must approve; the same digest as the proposal that follows."""
    await declared(home)
    before = await seq(home)
    async with home.api("ana") as api:
        found = (await api.get(PREVIEW, params={"offer": "back-to-v1"})).json()
    assert await seq(home) == before
    assert found["changes"] == [
        {"what": "weights.v1", "before": "0", "after": "100"},
        {"what": "weights.v2", "before": "100", "after": "0"},
    ]
    assert (found["label"], found["klass"], found["share"], found["refused"]) == ("Roll back to v1", 2, 1.0, "")
    assert (found["needs"], found["approve_by"], found["code_wanted"]) == (1, ["admin", "approver"], False)
    asked = await post(home, "ana", "propose", offer="back-to-v1")
    assert asked["mitigations"][0]["digest"] == found["digest"]


async def test_a_preview_says_why_it_could_not_be_proposed(home: Place) -> None:
    """The rule's own sentence: for who may not, for what is too wide, and while another is under way."""
    await declared(home)

    async def refused(who: str) -> str:
        async with home.api(who) as api:
            return str((await api.get(PREVIEW, params={"offer": "back-to-v1"})).json()["refused"])

    assert await refused("cleo") == "only admin or approver or responder may propose a mitigation; your roles: counsel"
    under(home, widest={ActionClass.TRAFFIC: 0.5})
    assert await refused("ana") == "it may reach all of production; the policy allows 50 % of visits-router at once"
    under(home, widest={})
    await claimed(home)
    assert "M1 is under way on visits-router (claimed)" in await refused("ana")


async def test_a_preview_of_what_cannot_be_asked(home: Place) -> None:
    """An unknown offer names those there are; a silent target is 503; neither is a fault."""
    await declared(home)
    async with home.api("ana") as api:
        nothing = await api.get(PREVIEW, params={"offer": "turn-it-off"})
        assert (nothing.status_code, nothing.json()["because"]) == (
            404,
            "no prepared mitigation called 'turn-it-off'; there is back-to-v1",
        )
        assert (await api.get(PREVIEW)).status_code == 422
        home.desk.changes.actions["visits-router"].down = True
        assert (await api.get(PREVIEW, params={"offer": "back-to-v1"})).status_code == 503


# -- several people --------------------------------------------------------------------------------------------------


async def test_a_quorum_counts_people(home: Place) -> None:
    """Two must; the same one twice is one, and the API tells how far it is."""
    under(home, quorum={ActionClass.TRAFFIC: 2})
    digest = await proposed(home)
    for _ in range(2):
        after = await post(home, "ben", "approve", mitigation="M1", digest=digest)
        assert (after["mitigations"][0]["approved"], after["mitigations"][0]["needs"]) == (1, 2)
        assert after["mitigations"][0]["state"] == "proposed"
    after = await post(home, "ida", "approve", mitigation="M1", digest=digest)
    assert (after["mitigations"][0]["approved"], after["mitigations"][0]["state"]) == (2, "approved")
    assert [each["person"] for each in after["mitigations"][0]["approvals"]] == ["Ben Okafor", "Ida Novak"]


async def test_who_is_on_call_may_where_the_policy_says_so(home: Place) -> None:
    """A badge of the moment: ana is on call for the service, otto with the same roles is not."""
    under(home, targets={"visits-router": TargetRules(approve=frozenset({"on-call"}))})
    digest = await proposed(home, "ben")
    said = await post(home, "otto", "approve", 409, mitigation="M1", digest=digest)
    assert said == "only on-call may approve a class 2 change of visits-router; your roles: responder"
    await post(home, "ana", "approve", mitigation="M1", digest=digest)
    assert (await mitigation(home)).state is State.APPROVED


async def test_other_rules_void_what_was_proposed(home: Place) -> None:
    """It is told to be outdated, and approving it is refused."""
    digest = await proposed(home)
    assert (await told(home))["outdated"] is False
    under(home, soak=timedelta(minutes=2))
    assert (await told(home))["outdated"] is True
    said = await post(home, "ben", "approve", 409, mitigation="M1", digest=digest)
    assert said == "the rules of the house changed since it was proposed; propose it again"


# -- alone -----------------------------------------------------------------------------------------------------------


async def test_one_person_alone_is_heard_of_and_reviewed(home: Place) -> None:
    """It takes the right person and a sentence; managers and on-call are paged; somebody else reviews it, once."""
    digest = await proposed(home)
    body = {"mitigation": "M1", "digest": digest}
    assert "only admin or approver may act alone" in await post(home, "ana", "alone", 409, because=WHY, **body)
    assert "say in a sentence" in await post(home, "ben", "alone", 409, because="now", **body)
    stale = {**body, "digest": "0" * 64}
    assert "read it again" in await post(home, "ben", "alone", 409, because=WHY, **stale)
    for _ in range(2):
        after = await post(home, "ben", "alone", because=WHY, **body)
        assert (after["mitigations"][0]["glass"], after["mitigations"][0]["state"]) == (WHY, "approved")
    incident = await home.desk.log.load(INCIDENT)
    called = {call.person for call in incident.calls}
    assert called == {(await home.who(key)).id for key in ("max", "ida", "ana")}
    assert len(incident.calls) == 3
    own = await post(home, "ben", "review", 409, mitigation="M1", justified=True, words="it was right")
    assert own == "you acted in M1; somebody else must review it"
    assert await post(home, "ida", "review", 409, mitigation="M1", justified=True, words=" ") == "say what you found"
    after = await post(home, "ida", "review", mitigation="M1", justified=False, words="ben could have called me")
    assert after["mitigations"][0]["reviewed_by"] == "Ida Novak"
    assert any("not justified: ben could have called me" in line["text"] for line in after["timeline"])
    again = await post(home, "ida", "review", mitigation="M1", justified=True, words="on second thoughts")
    assert again["seq"] == after["seq"]


# -- holds -----------------------------------------------------------------------------------------------------------


async def test_counsel_holds_and_releases(home: Place) -> None:
    """Only counsel, with a reason; what is held is told with its hold, and twice is once."""
    await proposed(home)
    assert "only counsel may place a legal hold" in await post(home, "ben", "hold", 409, because="x")
    assert await post(home, "cleo", "hold", 409, because="") == "say why nothing may be altered"
    for _ in range(2):
        after = await post(home, "cleo", "hold", because="the authority asked")
    assert after["legal_hold"] == {
        "by": "Cleo Martin",
        "at": "2026-11-20T12:00:05.000Z",
        "because": "the authority asked",
    }
    assert sum(line["name"] == "HoldPlaced" for line in after["timeline"]) == 1
    assert after["mitigations"][0]["held_back"] is True
    assert "only counsel may release" in await post(home, "ben", "release", 409, because="x")
    after = await post(home, "cleo", "release", because="copied")
    assert (after["legal_hold"], after["mitigations"][0]["held_back"]) == (None, False)


async def test_a_hold_is_overridden_for_one_change(home: Place) -> None:
    """By an approver who did not propose it, with a reason; not where there is none to override."""
    await proposed(home, "ben")
    body = {"mitigation": "M1", "because": "people are turned away"}
    assert await post(home, "ida", "override", 409, **body) == f"there is no legal hold on {INCIDENT}"
    await post(home, "cleo", "hold", because="the authority asked")
    assert "only admin or approver may override" in await post(home, "ana", "override", 409, **body)
    assert "you proposed M1" in await post(home, "ben", "override", 409, **body)
    assert await post(home, "ida", "override", 409, mitigation="M1") == "say why it cannot wait for counsel"
    after = await post(home, "ida", "override", **body)
    assert (after["mitigations"][0]["override"], after["mitigations"][0]["held_back"]) == (body["because"], False)
    assert after["legal_hold"] is not None


async def test_people_at_risk_do_not_wait_for_the_evidence(home: Place) -> None:
    """With a reason, by who may approve; what is held is told with its hashes, and what is missing."""
    await proposed(home)
    assert (await told(home))["hold_finished"] is False
    body = {"mitigation": "M1", "because": "two patients wait"}
    assert "only admin or approver may skip the evidence hold" in await post(home, "ana", "go-ahead", 409, **body)
    assert await post(home, "ben", "go-ahead", 409, mitigation="M1") == "say why people are at risk"
    after = await post(home, "ben", "go-ahead", **body)
    assert (after["mitigations"][0]["hold_waived"], after["mitigations"][0]["hold_finished"]) == (body["because"], True)
    await home.desk.submit(INCIDENT, ReportHold("M1", held("router.json"), ("lineage: no answer",)))
    found = await told(home)
    assert (found["held"], found["not_held"]) == (["router.json"], ["lineage: no answer"])
    assert found["held_as"] == [{"name": "router.json", "sha256": held("router.json")[0].sha256}]
    await post(home, "ben", "decline", mitigation="M1")
    said = await post(home, "ben", "go-ahead", 409, **body)
    assert said == "M1 is declined; it does not wait for a hold"


# -- telling ---------------------------------------------------------------------------------------------------------


async def test_the_whole_plan_is_told(home: Place) -> None:
    """Every field the digest covers, and what the policy says of it."""
    made = plan(
        share=0.25,
        serves={"v1": 0.9, "v2": 0.1},
        dry_run="the router took it as a dry run",
        managed_by="Argo CD",
        warnings=("v1 is old",),
    )
    fields = ("share", "serves", "dry_run", "managed_by", "warnings")
    await proposed(home, **{name: getattr(made, name) for name in fields})
    found = await told(home)
    assert {name: found[name] for name in fields} == {
        "share": 0.25,
        "serves": {"v1": 0.9, "v2": 0.1},
        "dry_run": "the router took it as a dry run",
        "managed_by": "Argo CD",
        "warnings": ["v1 is old"],
    }
    assert (found["token"], found["params"], found["before"]["weights"]) == ("7", {"to": "v1"}, {"v1": 0, "v2": 100})
    assert (found["automatic"], found["glass"], found["override"], found["undos"]) == (False, "", "", 0)


async def test_what_does_not_help_is_told_and_undone(home: Place) -> None:
    """With why, and the undo counts; the second asking is the same one."""
    await applied(home)
    await home.desk.submit(INCIDENT, ReportVerification("M1", helped=False, because="burns on"))
    found = await told(home)
    assert (found["state"], found["detail"]) == ("not helping", "burns on")
    for _ in range(2):
        after = await post(home, "ben", "undo", mitigation="M1", because="no use")
        assert (after["mitigations"][0]["state"], after["mitigations"][0]["undos"]) == ("undoing", 1)


@pytest.mark.parametrize("verb", ["approve", "alone", "review", "go-ahead", "hold", "release", "override"])
async def test_the_machines_token_is_nobodys_own_hand(home: Place, verb: str) -> None:
    """One pair of hands could be both of four eyes, or counsel too; nothing is recorded."""
    digest = await proposed(home)
    before = await seq(home)
    body: dict[str, object] = {"because": WHY} if verb != "approve" else {}
    if verb not in {"hold", "release"}:
        body["mitigation"] = "M1"
    if verb in {"approve", "alone"}:
        body["digest"] = digest
    if verb == "review":
        body = {"mitigation": "M1", "justified": True, "words": "x"}
    for who in ("ben", "cleo"):
        async with home.api(who) as machine:
            answer = await machine.post(f"/api/incidents/{INCIDENT}/{verb}", json=body)
            assert (answer.status_code, answer.json()["because"]) == (
                403,
                f"this needs your own token or login: ask for one with `tocsin token {who}`",
            )
    assert await seq(home) == before


async def test_a_freeze_holds_an_approval_back(home: Place) -> None:
    """What is frozen may be proposed; approving says until when it waits."""
    freeze = Freeze("launch week", "nobody deploys", NOON, NOON + timedelta(hours=2))
    under(home, freezes=(freeze,))
    digest = await proposed(home)
    said = await post(home, "ben", "approve", 409, mitigation="M1", digest=digest)
    assert said == "launch week holds until 2026-11-20 14:00 UTC: nobody deploys"


async def test_openapi_describes_every_verb(home: Place) -> None:
    """Its body, its answer, and the refusals; nothing is asked that is not written down."""
    async with home.api("ana") as api:
        paths = (await api.get("/api/openapi.json")).json()["paths"]
    for verb in ("approve", "alone", "review", "go-ahead", "hold", "release", "override", "code"):
        described = paths[f"/api/incidents/{{incident}}/{verb}"]["post"]
        assert described["requestBody"]["required"], verb
        assert {"200", "403", "404", "409", "422", "503"} <= described["responses"].keys(), verb
    assert "get" in paths["/api/incidents/{incident}/preview"]


async def test_an_offer_left_to_people_is_told(home: Place) -> None:
    """What is approved beforehand and could not be done by itself stands in the API by name."""
    await declared(home)
    await home.desk.submit(INCIDENT, LeaveToPeople("back-to-v1", "nobody has seen it taken back lately"))
    async with home.api("ana") as api:
        assert (await api.get(f"/api/incidents/{INCIDENT}")).json()["left_to_people"] == ["back-to-v1"]
