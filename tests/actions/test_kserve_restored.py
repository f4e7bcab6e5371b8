"""A version of an InferenceService that is rolled out is replaced by the one before, wherever that is known from."""

from __future__ import annotations

import json
from functools import partial

import pytest

from bot.actions._isvc import INFERENCE_SERVICE, SOURCE
from bot.actions._isvc_past import KNATIVE_REVISION, NOTES
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK
from tests.actions.test_kserve import (
    NAME,
    NS,
    R1,
    R2,
    R3,
    TARGET,
    V1,
    V2,
    action,
    cluster,
    done,
    empty,
    found,
    state,
    traffic,
)
from tests.kube.kserve import serves, service
from tests.parts import CANARY


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
