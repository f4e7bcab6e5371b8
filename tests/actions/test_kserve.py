"""An InferenceService in front of a server of our own, with KServe's habits; test_real_kserve.py asks kube-apiserver."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from bot.actions._isvc import INFERENCE_SERVICE, safe
from bot.actions._isvc_past import KNATIVE_REVISION
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.ports import Action
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK, Scene, make
from tests.kube.fake import FakeKubernetes
from tests.kube.kserve import DEFINITIONS, model, serves, service
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS, "namespace": "ml", "name": "visits"}
TARGET = Target("visits-model", "kserve")
NS, NAME = "ml", "visits"
R1, R2, R3 = (f"visits-predictor-0000{number}" for number in (1, 2, 3))
V1, V2 = "gs://models/visits/v1", "gs://models/visits/v2"
CANARIES = (
    {"trafficPercent": 20, "predictor": {"name": "v2", **model("v2")}},
    {"trafficPercent": 5, "predictor": {"name": "trial", **model("trial")}},
)


def empty() -> FakeKubernetes:
    """A cluster with KServe and nothing on it."""
    fake = FakeKubernetes()
    for each in DEFINITIONS:
        fake.define(each)
    fake.controllers.append(serves)
    return fake


def cluster(*versions: str, share: int | None = None) -> FakeKubernetes:
    """A cluster of Knative in which these versions were released one after another; the last one with this share."""
    fake = empty()
    fake.create(INFERENCE_SERVICE, NS, service(model(versions[0])))
    for each in versions[1:]:
        ship(fake, each, share if each == versions[-1] else None)
    return fake


def plain(*canaries: dict[str, Any]) -> FakeKubernetes:
    """A cluster of plain Deployments: v1 with these canaries."""
    fake = empty()
    fake.create(INFERENCE_SERVICE, NS, service(model("v1"), mode="Standard", canary=list(canaries)))
    return fake


def ship(fake: FakeKubernetes, version: str, share: int | None = None) -> None:
    """Somebody releases this version."""
    fake.merge(INFERENCE_SERVICE, NS, NAME, {"spec": {"predictor": model(version, canaryTrafficPercent=share)}})


def action(fake: FakeKubernetes, **settings: Any) -> Action:
    return make("kserve", fake.transport, **{**fake.settings(), "namespace": NS, "name": NAME, **settings})


def found(fake: FakeKubernetes) -> dict[str, Any]:
    return fake.get(INFERENCE_SERVICE, NS, NAME)


def state(fake: FakeKubernetes) -> dict[str, Any]:
    spec = found(fake)["spec"]
    return {
        "model": spec["predictor"]["model"]["storageUri"],
        "share": spec["predictor"].get("canaryTrafficPercent"),
        "canaries": [each.get("trafficPercent") for each in spec.get("canary") or []],
    }


def traffic(fake: FakeKubernetes) -> dict[str, int]:
    held = found(fake)["status"]["components"]["predictor"]["traffic"]
    return {each["revisionName"]: each["percent"] for each in held if each["percent"]}


async def done(made: Action, plan: Any, key: str) -> Seen:
    await made.execute(plan, key)
    return (await made.observe(plan, key)).seen


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on: v2 takes 20 % beside v1."""
    fake = cluster("v1", "v2", share=20)
    made = action(fake)
    asks = {"traffic": (Means.TRAFFIC, {"percent": 50}), "rollback": ROLLBACK}
    disturb = lambda: ship(fake, "v9", 20)  # noqa: E731
    yield Scene(made, TARGET, asks, Means.BYPASS, lambda: state(fake), lambda: fake.changes, disturb)
    await made.close()


# -- a canary by Knative -----------------------------------------------------------------------------------------------


async def test_a_live_canary_goes_back_by_its_share() -> None:
    """Its 20 % go to the stable revision at once; no model is loaded, and the plan says that the spec stays."""
    fake = cluster("v1", "v2", share=20)
    made = action(fake, carries="visit")
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == (f"canary {R2}: 20 % → 0 %", f"revision {R1}: 80 % → 100 %")
    assert (plan.blast_radius, plan.share, plan.klass) == ("20 % of visit", 0.2, ActionClass.TRAFFIC)
    assert plan.serves == {R2: 0.0, R1: 1.0}
    assert "the spec still is the canary's" in plan.warnings[0]
    assert await done(made, plan, "K") is Seen.APPLIED
    assert traffic(fake) == {R1: 100}
    with pytest.raises(Refused, match=rf'takes no traffic already; \{{"to": "{R1}"\}} puts the stable model back'):
        await made.plan(TARGET, *ROLLBACK)


async def test_the_stable_model_is_put_back_beside_a_live_canary_without_traffic_for_it() -> None:
    """With any share the canary would take it until the new revision is ready: it stays at 0 %, the stable one serves."""
    fake = cluster("v1", "v2", share=20)
    made, before = action(fake, carries="visit"), found(fake)["spec"]
    plan = await made.plan(TARGET, Means.ROLLBACK, {"to": R1})
    assert plan.diff == (
        f"predictor: the model of Knative revision {R1}",
        f"model: {V2} → {V1}",
        "canaryTrafficPercent: 20 → 0",
    )
    assert (plan.share, plan.blast_radius, plan.serves) == (0.2, "20 % of visit", {R1: 1.0})
    assert f"until it is ready {R1} goes on serving, and after it until it is promoted" in plan.warnings[0]
    fake.controllers[:] = [partial(serves, slowly=True)]
    await made.execute(plan, "K")
    assert traffic(fake) == {R1: 100}
    seen = await made.observe(plan, "K")
    assert (seen.seen, f"the traffic goes to {R1} 100 %" in seen.detail) == (Seen.APPLIED, True)
    await made.undo(plan, "K/undo")
    assert found(fake)["spec"] == before
    assert (await made.undone(plan, "K/undo")).seen is Seen.MOVING
    serves(fake, INFERENCE_SERVICE, found(fake))
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    assert traffic(fake) == {"visits-predictor-00004": 20, R1: 80}


async def test_routes_that_are_not_ready_are_no_proof() -> None:
    """The share is told and its route is not there yet."""
    for ask in (ROLLBACK, (Means.ROLLBACK, {"to": R1})):
        fake = cluster("v1", "v2", share=20)
        made = action(fake)
        plan = await made.plan(TARGET, *ask)
        await made.execute(plan, "K")
        conditions = [{"type": "RoutesReady", "status": "Unknown"}, {"type": "Ready", "status": "True"}]
        fake.controllers.clear()
        fake.merge(INFERENCE_SERVICE, NS, NAME, {"status": {"conditions": conditions}}, sub="status")
        assert (await made.observe(plan, "K")).seen is Seen.MOVING


async def test_a_canary_that_never_came_up_goes_back_too() -> None:
    """It takes nothing while it is not ready; at 0 % it may stay as broken as it is."""
    fake = cluster("v1", "broken", share=20)
    made = action(fake)
    assert any(
        "is not ready yet" in each for each in (await made.plan(TARGET, Means.TRAFFIC, {"percent": 50})).warnings
    )
    plan = await made.plan(TARGET, *ROLLBACK)
    assert await done(made, plan, "K") is Seen.APPLIED


async def test_a_broken_canary_with_more_traffic_is_never_called_done() -> None:
    """The share is written, nobody serves it: on its way, with the reason."""
    fake = cluster("v1", "broken", share=20)
    made = action(fake)
    plan = await made.plan(TARGET, Means.TRAFFIC, {"percent": 50})
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert seen.seen is Seen.MOVING
    assert "takes 0 % of the traffic" in seen.detail
    assert "BlockedByFailedLoad: ModelLoadFailed" in seen.detail


async def test_a_promotion_has_no_way_back_by_its_share() -> None:
    """At 100 % KServe counts it as rolled out; a rollback then knows from our note what was stable, Revision or not."""
    fake = cluster("v1", "v2", share=20)
    made = action(fake)
    plan = await made.plan(TARGET, Means.TRAFFIC, {"percent": 100})
    assert (plan.reversible, "rollback of its own" in plan.warnings[0]) == (False, True)
    assert await done(made, plan, "K") is Seen.APPLIED
    assert (await made.plan(TARGET, Means.TRAFFIC, {"percent": 100})).diff == ()
    fake.delete(KNATIVE_REVISION, NS, R1)  # Knative collects what is old
    back = await made.plan(TARGET, *ROLLBACK)
    assert back.diff == ("predictor: as noted when it was stable", f"model: {V2} → {V1}")
    assert await done(made, back, "K2") is Seen.APPLIED
    assert (traffic(fake), state(fake)["share"]) == ({R3: 100}, 100)


async def test_a_note_of_long_ago_is_not_gone_back_to() -> None:
    """What was stable beside v2 says nothing once v3 was released: then it is Knative's revision before v3."""
    fake = cluster("v1", "v2", share=20)
    made = action(fake)
    await made.execute(await made.plan(TARGET, Means.TRAFFIC, {"percent": 100}), "K")
    ship(fake, "v3", 100)
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff[:2] == (f"predictor: the model of Knative revision {R2}", f"model: gs://models/visits/v3 → {V2}")


async def test_without_a_live_canary_a_share_moves_nothing() -> None:
    """Refused, naming what is rolled out."""
    with pytest.raises(Refused, match=f"its newest revision {R2} is rolled out, so a share moves nothing"):
        await action(cluster("v1", "v2")).plan(TARGET, Means.TRAFFIC, {"percent": 10})


async def test_more_than_everything_is_refused_by_the_server() -> None:
    """Its own 422 is told, and nothing was done."""
    fake = cluster("v1", "v2", share=20)
    with pytest.raises(Refused, match=r"canaryTrafficPercent: Invalid value: 150"):
        await action(fake).plan(TARGET, Means.TRAFFIC, {"percent": 150})
    assert state(fake)["share"] == 20


# -- what it is not ----------------------------------------------------------------------------------------------------


async def test_what_kserve_cannot_is_refused_with_where_to_do_it() -> None:
    """Mirrors, other modes, a stopped service, words that mean nothing."""
    fake = cluster("v1", "v2", share=20)
    for params, told in (
        ({"mirror": 10}, "use a target of Istio or the Gateway API"),
        ({"shadow": True}, "use a target of Istio or the Gateway API"),
        ({"percent": "10"}, "the whole per cent of the canary"),
        ({"percent": -1}, "the whole per cent of the canary"),
        ({"percent": True}, "the whole per cent of the canary"),
        ({}, "the whole per cent of the canary"),
    ):
        with pytest.raises(Refused, match=told):
            await action(fake).plan(TARGET, Means.TRAFFIC, params)
    fake.merge(INFERENCE_SERVICE, NS, NAME, {"metadata": {"annotations": {"serving.kserve.io/stop": "true"}}})
    with pytest.raises(Refused, match="is stopped; nothing would follow"):
        await action(fake).plan(TARGET, *ROLLBACK)
    mesh = empty()
    mesh.controllers.clear()
    mesh.create(INFERENCE_SERVICE, NS, service(model("v1"), mode="ModelMesh"))
    with pytest.raises(Refused, match="mode ModelMesh"):
        await action(mesh).plan(TARGET, *ROLLBACK)


async def test_where_git_holds_it_the_change_is_for_git() -> None:
    """The proposal has the model and none of our notes."""
    fake = cluster("v1", "v2")
    fake.merge(INFERENCE_SERVICE, NS, NAME, {"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}})
    with pytest.raises(Refused, match=r"change it in git:[\s\S]*storageUri: gs://models/visits/v1") as caught:
        await action(fake, gitops="propose").plan(TARGET, *ROLLBACK)
    assert "tocsin.dev" not in str(caught.value)


def test_an_address_is_told_without_what_may_be_secret() -> None:
    """Neither a password nor a signature; all else as it is."""
    assert safe("https://me:secret@store/visits/v1?sig=secret") == "https://store/visits/v1"
    assert safe("gs://Models/visits/v1") == "gs://Models/visits/v1"
    assert safe("pvc://claim/visits") == "pvc://claim/visits"
    assert safe("") == ""
