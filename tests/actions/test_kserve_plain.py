"""An InferenceService deployed without Knative: named canaries, and a Deployment that must come up."""

from __future__ import annotations

import pytest

from bot.actions._isvc import INFERENCE_SERVICE
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK
from tests.actions.test_kserve import (
    CANARIES,
    NAME,
    NS,
    R1,
    TARGET,
    V1,
    V2,
    action,
    done,
    found,
    plain,
    state,
)
from tests.kube.kserve import model


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
