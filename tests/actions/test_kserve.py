"""An InferenceService in front of a server of our own, with KServe's habits; test_real_kserve.py asks kube-apiserver."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from bot.actions._isvc import INFERENCE_SERVICE, SOURCE, safe
from bot.actions._isvc_past import KNATIVE_REVISION, NOTES
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


# -- a canary by Knative ---------------------------------------------------------------------------------------------


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


async def test_a_model_that_loads_slowly_is_on_its_way() -> None:
    """Until the restored revision is ready the bad one serves, and that is told."""
    fake = cluster("v1", "v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.controllers[:] = [partial(serves, slowly=True)]
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert seen.seen is Seen.MOVING
    assert f"revision {R3} has the model; the traffic goes to {R2} 100 %" in seen.detail
    serves(fake, INFERENCE_SERVICE, found(fake), slowly=True)
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED


async def test_a_restored_model_is_in_effect_once_it_is_ready_and_counts_as_rolled_out() -> None:
    """All traffic alone is no proof: KServe must call it ready, and go back to it from now on."""
    for status in (
        {"conditions": [{"type": "Ready", "status": "False"}]},
        {"components": {"predictor": {"latestRolledoutRevision": R2}}},
        {"components": {"predictor": {"latestReadyRevision": R2}}},
    ):
        fake = cluster("v1", "v2")
        made = action(fake)
        plan = await made.plan(TARGET, *ROLLBACK)
        await made.execute(plan, "K")
        assert (await made.observe(plan, "K")).seen is Seen.APPLIED
        fake.controllers.clear()
        fake.merge(INFERENCE_SERVICE, NS, NAME, {"status": status}, sub="status")
        assert (await made.observe(plan, "K")).seen is Seen.MOVING


async def test_a_revision_that_does_not_tell_its_model_proves_nothing() -> None:
    """Nobody can tell what serves: unknown, not done."""
    fake = cluster("v1", "v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, "K")
    fake.merge(KNATIVE_REVISION, NS, R3, {"metadata": {"annotations": {SOURCE: None}}})
    seen = await made.observe(plan, "K")
    assert (seen.seen, "does not tell which model" in seen.detail) == (Seen.UNKNOWN, True)


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


# -- a version that is rolled out ------------------------------------------------------------------------------------


async def test_a_rolled_out_version_is_replaced_by_the_one_before() -> None:
    """The model of Knative's revision before it, as a new revision with all traffic; twice asked it never goes forward."""
    fake = cluster("v1", "v2")
    made, before = action(fake), found(fake)["spec"]
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == (f"predictor: the model of Knative revision {R1}", f"model: {V2} → {V1}")
    assert f"until it is ready {R2} goes on serving" in plan.warnings[0]
    assert (plan.share, plan.undo) == (1.0, f"put the present predictor back ({V2})")
    assert (await made.observe(plan, "K")).seen is Seen.NOT_APPLIED
    await made.execute(plan, "K")
    changes = fake.changes
    await made.execute(plan, "K")
    assert fake.changes == changes
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED
    assert traffic(fake) == {R3: 100}
    with pytest.raises(Refused, match=f"{R2} is what was rolled back from before"):
        await made.plan(TARGET, *ROLLBACK)
    await made.undo(plan, "K/undo")
    await made.undo(plan, "K/undo")
    assert found(fake)["spec"] == before
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    assert json.loads(found(fake)["metadata"]["annotations"][NOTES]) == {}
    assert (await made.plan(TARGET, *ROLLBACK)).reversible


async def test_the_setting_names_what_knative_no_longer_has() -> None:
    """Its revisions are gone: the settings say where to go; without them it is refused with what was looked for."""
    fake = cluster("v1", "v2")
    fake.delete(KNATIVE_REVISION, NS, R1)
    with pytest.raises(
        Refused, match=f"nothing is noted.*; the setting previous names nothing.*; revision {R1} is gone"
    ):
        await action(fake).plan(TARGET, *ROLLBACK)
    made = action(fake, previous={"storageUri": V1, "runtime": "sk-old"})
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == ("predictor: as the setting previous says", f"model: {V2} → {V1}", "runtime: sk → sk-old")
    assert await done(made, plan, "K") is Seen.APPLIED
    with pytest.raises(Refused, match=f"the setting previous names what it has now; {R2} is what was rolled back from"):
        await made.plan(TARGET, *ROLLBACK)


async def test_a_share_in_the_spec_is_lifted_so_that_the_older_model_takes_all() -> None:
    """With 20 % written the restored revision would take 20 %: the plan says that it is set to 100."""
    fake = cluster("v1", "v2", share=100)
    fake.merge(INFERENCE_SERVICE, NS, NAME, {"spec": {"predictor": {"canaryTrafficPercent": 20}}})
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff[-1] == "canaryTrafficPercent: 20 → 100"
    assert await done(made, plan, "K") is Seen.APPLIED
    assert traffic(fake) == {R3: 100}


async def test_a_release_that_never_came_up_goes_back_to_what_serves() -> None:
    """v1 still takes everything: that is what is put back, not the version before v1."""
    fake = cluster("v0", "v1", "broken")
    plan = await action(fake).plan(TARGET, *ROLLBACK)
    assert f"model: gs://models/visits/broken → {V1}" in plan.diff


async def test_a_model_that_does_not_load_is_never_called_restored() -> None:
    """The spec reads as wanted, and the bad revision goes on serving: on its way, with who serves and why."""
    fake = cluster("v1", "v2")
    made = action(fake, previous={"storageUri": "gs://models/visits/broken"})
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert seen.seen is Seen.MOVING
    assert f"the traffic goes to {R2} 100 % (BlockedByFailedLoad: ModelLoadFailed)" in seen.detail


async def test_a_controller_that_sleeps_is_on_its_way() -> None:
    """Nothing is read off the spec: before KServe has acted neither a share nor a model is in effect."""
    for fake, told in (
        (cluster("v1", "v2"), "has not made its revision yet"),
        (cluster("v1", "v2", share=20), "wanted"),
    ):
        made = action(fake)
        plan = await made.plan(TARGET, *ROLLBACK)
        fake.controllers.clear()
        await made.execute(plan, "K")
        seen = await made.observe(plan, "K")
        assert (seen.seen, told in seen.detail) == (Seen.MOVING, True)


async def test_a_predictor_of_ones_own_goes_back_by_its_image() -> None:
    """Containers in place of a model: the image of the revision before."""
    fake = empty()
    own = [{"name": "kserve-container", "image": "visits:v1", "env": [{"name": "API_TOKEN", "value": CANARY}]}]
    fake.create(INFERENCE_SERVICE, NS, service({"containers": own}))
    fake.merge(INFERENCE_SERVICE, NS, NAME, {"spec": {"predictor": {"containers": [{**own[0], "image": "visits:v2"}]}}})
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff[1:] == ("image of kserve-container: visits:v2 → visits:v1",)
    assert CANARY not in repr(plan)
    assert await done(made, plan, "K") is Seen.APPLIED
    assert found(fake)["spec"]["predictor"]["containers"][0]["env"] == own[0]["env"]


async def test_another_runtime_image_is_warned_of() -> None:
    """The runtime chooses it, so going back to the model does not bring it back."""
    fake = cluster("v1", "v2")
    held = [{"name": "kserve-container", "image": "sk:0"}]
    fake.merge(KNATIVE_REVISION, NS, R1, {"spec": {"containers": held}})
    plan = await action(fake).plan(TARGET, *ROLLBACK)
    assert "it ran in sk:0 and will run in sk:1" in plan.warnings[1]


async def test_what_was_to_be_gone_back_to_may_vanish() -> None:
    """The revision is collected between plan and execution: nothing is done."""
    fake = cluster("v1", "v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.delete(KNATIVE_REVISION, NS, R1)
    with pytest.raises(Refused, match=f"was removed since \\({R1}\\)"):
        await made.execute(plan, "K")
    assert (state(fake)["model"], fake.changes) == (V2, 0)


async def test_an_unknown_revision_is_refused_with_those_there_are() -> None:
    """Named, and none of another service."""
    fake = cluster("v1", "v2")
    with pytest.raises(Refused, match=f"has no revision nonsense of visits.*; there is {R1}, {R2}"):
        await action(fake).plan(TARGET, Means.ROLLBACK, {"to": "nonsense"})


async def test_a_first_version_has_nothing_before_it() -> None:
    """Every place that was looked at is named."""
    with pytest.raises(Refused, match="Knative had no revision rolled out before"):
        await action(cluster("v1")).plan(TARGET, *ROLLBACK)


# -- plain deployments -----------------------------------------------------------------------------------------------


async def test_canaries_of_plain_deployments_go_back_together() -> None:
    """Every canary with traffic goes to 0 %, each tested by its name; undone, each has its own share again."""
    fake = plain(*CANARIES)
    made, before = action(fake), state(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == ("canary v2: 20 % → 0 %", "canary trial: 5 % → 0 %")
    assert (plan.share, plan.serves) == (0.25, {"stable": 1.0, "v2": 0.0, "trial": 0.0})
    assert await done(made, plan, "K") is Seen.APPLIED
    assert state(fake)["canaries"] == [0, 0]
    await made.undo(plan, "K/undo")
    assert state(fake) == before
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED


async def test_one_canary_is_moved_by_its_name() -> None:
    """Of several one must be named; together they take no more than everything; the server refuses what is beyond."""
    made = action(plain(*CANARIES))
    plan = await made.plan(TARGET, Means.TRAFFIC, {"percent": 50, "canary": "v2"})
    assert plan.serves == {"stable": 0.45, "v2": 0.5, "trial": 0.05}
    assert (plan.diff, plan.undo) == (("canary v2: 20 % → 50 %",), "canary v2 back to 20 %")
    for params, told in (
        ({"percent": 10}, "there is v2, trial; name one"),
        ({"percent": 10, "canary": "v7"}, "has no canary v7; there is v2, trial"),
        ({"percent": 99, "canary": "v2"}, "would take 104 % together"),
        ({"percent": 150, "canary": "v2"}, "trafficPercent: Invalid value: 150"),
    ):
        with pytest.raises(Refused, match=told):
            await made.plan(TARGET, Means.TRAFFIC, params)
    with pytest.raises(Refused, match="there is none"):
        await action(plain()).plan(TARGET, Means.TRAFFIC, {"percent": 10})


async def test_a_canary_that_was_moved_in_the_list_is_not_mistaken() -> None:
    """Somebody puts another one in front between plan and execution: refused, and no wrong one is moved."""
    fake = plain(*CANARIES)
    made = action(fake)
    plan = await made.plan(TARGET, Means.TRAFFIC, {"percent": 50, "canary": "v2"})
    turned = [{"trafficPercent": 1, "predictor": {"name": "v7", **model("v7")}}, *CANARIES]
    fake.between = lambda: fake.merge(INFERENCE_SERVICE, NS, NAME, {"spec": {"canary": turned}})
    with pytest.raises(Refused, match="was changed since"):
        await made.execute(plan, "K")
    assert state(fake)["canaries"] == [1, 20, 5]


async def test_a_promoted_canary_is_replaced_by_what_was_noted_beside_it() -> None:
    """Plain deployments keep no revisions: the stable predictor noted at the last change of traffic is put back."""
    fake = plain(CANARIES[0])
    made = action(fake)
    await made.execute(await made.plan(TARGET, Means.TRAFFIC, {"percent": 80}), "K1")
    fake.merge(INFERENCE_SERVICE, NS, NAME, {"spec": {"predictor": {"name": "v2", **model("v2")}, "canary": None}})
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == (
        "predictor: as noted when it was stable",
        f"model: {V2} → {V1}",
        "also changes: name",
    )
    await made.execute(plan, "K2")
    assert (await made.observe(plan, "K2")).seen is Seen.APPLIED
    assert state(fake)["model"] == V1
    with pytest.raises(Refused, match="there is nothing visits could go back to"):
        await made.plan(TARGET, *ROLLBACK)
    await made.undo(plan, "K2/undo")
    assert found(fake)["spec"]["predictor"] == {"name": "v2", **model("v2")}


async def test_pods_that_do_not_come_up_are_no_rollback() -> None:
    """The Deployment has the wanted model and not one pod of it is available."""
    fake = plain()
    made = action(fake, previous={"storageUri": "gs://models/visits/broken"})
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "Deployment visits-predictor serves the model, and is on its way" in seen.detail) == (
        Seen.MOVING,
        True,
    )
    fake.controllers.clear()
    await made.undo(plan, "K/undo")
    seen = await made.undone(plan, "K/undo")
    assert (seen.seen, "no Deployment of InferenceService visits" in seen.detail) == (Seen.MOVING, True)


async def test_plain_deployments_have_no_revision_to_name() -> None:
    """Only `previous`."""
    with pytest.raises(Refused, match="plain deployments keep no revisions"):
        await action(plain()).plan(TARGET, Means.ROLLBACK, {"to": R1})


# -- what it is not --------------------------------------------------------------------------------------------------


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


async def test_a_broken_note_of_ours_is_as_good_as_none() -> None:
    """Somebody spoilt the annotation: nothing is guessed from it, neither the way back nor the way to go back."""
    for note in ("{", "[1]", '{"stable": 1, "left": 2}', '{"replaced": "v2"}'):
        fake = cluster("v1", "v2")
        made = action(fake)
        fake.merge(INFERENCE_SERVICE, NS, NAME, {"metadata": {"annotations": {NOTES: note}}})
        plan = await made.plan(TARGET, *ROLLBACK)
        assert plan.diff[0] == f"predictor: the model of Knative revision {R1}"
        await made.execute(plan, "K")
        fake.merge(INFERENCE_SERVICE, NS, NAME, {"metadata": {"annotations": {NOTES: note}}})
        with pytest.raises(Refused, match="is no longer noted"):
            await made.undo(plan, "K/undo")


async def test_a_canary_of_plain_deployments_is_read_off_its_status() -> None:
    """Written and not shown, or shown and not ready: on its way."""
    for shown in ([], [{"name": "v2", "ready": False, "trafficPercent": 50}], [{"name": "v2", "ready": True}]):
        fake = plain(CANARIES[0])
        made = action(fake)
        plan = await made.plan(TARGET, Means.TRAFFIC, {"percent": 50})
        await made.execute(plan, "K")
        fake.controllers.clear()
        fake.merge(INFERENCE_SERVICE, NS, NAME, {"status": {"canaryStatuses": shown}}, sub="status")
        assert (await made.observe(plan, "K")).seen is Seen.MOVING
