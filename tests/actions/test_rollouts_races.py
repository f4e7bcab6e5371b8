"""A Rollout under crashes, races, a sleeping controller and statuses of other versions."""

from __future__ import annotations

from typing import Any

import pytest

from bot.actions._argo import progress
from bot.actions.rollouts import REPLACED, ROLLOUT
from bot.clients.kubernetes import REPLICA_SET, TRYING, keys_of
from bot.domain.errors import Refused, Unavailable
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK
from tests.actions.test_rollouts import ABORT, BOTH, NAME, NS, PROMOTE, TARGET, action, cluster, ship, state
from tests.kube.fake import FakeKubernetes


async def test_a_crash_between_abort_and_template_is_finished_under_the_same_key() -> None:
    """The abort is seen and said to be half of it; asked again, only the rest is done."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *BOTH)
    fake.merge(ROLLOUT, NS, NAME, {"status": {"abort": True}}, sub="status")  # we got as far as this
    seen = await made.observe(plan, "K")
    assert (seen.seen, "template is not put back" in seen.detail) == (Seen.UNKNOWN, True)
    await made.execute(plan, "K")
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED
    assert state(fake)["image"] == "visits:v1"


async def test_half_of_it_can_be_taken_back() -> None:
    """After such a crash an undo lets the update go on, and touches no template."""
    fake = cluster("visits:v1", "visits:v2")
    made, before = action(fake), state(fake)
    plan = await made.plan(TARGET, *BOTH)
    sleeping, fake.controllers = fake.controllers, []
    fake.merge(ROLLOUT, NS, NAME, {"status": {"abort": True}}, sub="status")
    assert (await made.undone(plan, "K/undo")).seen is Seen.UNKNOWN
    fake.controllers = sleeping
    await made.undo(plan, "K/undo")
    assert state(fake) == before
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED


async def test_a_key_that_was_announced_but_not_written_down_is_a_persons_matter_until_asked_again() -> None:
    """The status takes no annotation: a crash right behind it leaves the announcement, and repeating it finishes."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ABORT)
    fake.merge(ROLLOUT, NS, NAME, {"metadata": {"annotations": {TRYING: "K"}}})
    assert (await made.observe(plan, "K")).seen is Seen.NOT_APPLIED
    fake.merge(ROLLOUT, NS, NAME, {"status": {"abort": True}}, sub="status")
    assert (await made.observe(plan, "K")).seen is Seen.UNKNOWN
    assert (await made.observe(plan, "another")).seen is Seen.NOT_APPLIED
    await made.execute(plan, "K")
    found = fake.get(ROLLOUT, NS, NAME)
    assert (keys_of(found), TRYING in found["metadata"]["annotations"]) == (("K",), False)
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED


async def test_a_release_in_the_moment_of_the_change_stops_it() -> None:
    """Before the abort nothing is done; between abort and template the abort is told, because it did happen."""
    for ask in (BOTH, ABORT, PROMOTE):
        fake = cluster("visits:v1", "visits:v2")
        made = action(fake)
        plan = await made.plan(TARGET, *ask)
        fake.between = lambda fake=fake: ship(fake, "visits:v9")  # type: ignore[misc]
        with pytest.raises(Refused, match="was changed since"):
            await made.execute(plan, "K")
        assert (state(fake)["image"], state(fake)["abort"]) == ("visits:v9", False)
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *BOTH)

    def between(cluster: FakeKubernetes, kind: Any, found: dict[str, Any]) -> None:
        if found.get("status", {}).get("abort") and found["spec"]["template"]["spec"]["containers"][0]["image"] != "v9":
            cluster.controllers.remove(between)
            pod = {"containers": [{"name": "model", "image": "v9"}]}
            cluster.merge(kind, NS, NAME, {"spec": {"template": {"spec": pod}}})

    fake.controllers.append(between)
    with pytest.raises(Unavailable, match=r"aborted the update .* takes the traffic; its template stays"):
        await made.execute(plan, "K")
    assert state(fake)["image"] == "v9"


async def test_a_pruned_replica_set_stops_it_before_anything_is_aborted() -> None:
    """Refused, and the update goes on as it did."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *BOTH)
    fake.delete(REPLICA_SET, NS, str(plan.params["replica_set"]))
    with pytest.raises(Refused, match="was removed or changed since"):
        await made.execute(plan, "K")
    assert (state(fake)["abort"], fake.changes) == (False, 0)


async def test_a_controller_that_sleeps_is_on_its_way() -> None:
    """Neither an abort, a promotion nor a template is called done before the controller has acted."""
    for ask, told in (
        (ABORT, "the abort of Rollout"),
        (PROMOTE, "is on its way"),
        (ROLLBACK, "has not seen the change"),
    ):
        fake = cluster("visits:v1", "visits:v2")
        made = action(fake)
        plan = await made.plan(TARGET, *ask)
        fake.controllers.clear()
        await made.execute(plan, "K")
        seen = await made.observe(plan, "K")
        assert (seen.seen, told in seen.detail) == (Seen.MOVING, True)
    with pytest.raises(Unavailable, match="has not seen the last change"):
        await made.plan(TARGET, *BOTH)


async def test_a_rollback_to_what_cannot_start_is_never_called_done() -> None:
    """The stable pods are gone: the phase is told."""
    fake = cluster("broken:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *BOTH)
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "still becoming available" in seen.detail) == (Seen.MOVING, True)


def test_progress_is_read_as_each_version_writes_it() -> None:
    """Without a phase (before 1.0), without a router, with a hash for a generation: the same answers."""
    spec = {"replicas": 4, "strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {"duration": 60}}]}}}
    status = {"currentPodHash": "b", "stableRS": "a", "observedGeneration": "5f8c", "replicas": 4, "updatedReplicas": 1}
    held = {"metadata": {"generation": 7}, "spec": spec, "status": status}
    at = progress(held)
    assert (at.seen, at.updating, at.share, at.phase, at.stuck) == (True, True, 25, "Progressing", False)
    status |= {"pauseConditions": [{"reason": "CanaryPauseStep"}], "currentStepIndex": 1}
    assert (progress(held).phase, progress(held).stuck) == ("Paused", False)
    assert (progress({**held, "spec": {**spec, "paused": True}}).stuck, progress(held).waits) == (True, True)
    status |= {"conditions": [{"type": "Progressing", "reason": "RolloutAborted"}]}
    assert (progress(held).phase, progress(held).stuck) == ("Degraded", True)
    done = {**status, "stableRS": "b", "conditions": [], "pauseConditions": [], "updatedReplicas": 4}
    at = progress({**held, "status": {**done, "availableReplicas": 4}})
    assert (at.phase, at.updating, at.share) == ("Healthy", False, 100)
    assert progress({**held, "status": {**done, "availableReplicas": 3}}).phase == "Progressing"
    assert not progress({**held, "status": {**status, "observedGeneration": "6"}}).seen
    assert not progress({**held, "status": {}}).seen


async def test_an_abort_is_no_proof_while_its_router_still_sends_traffic() -> None:
    """Degraded already, and the weights are not back yet: on its way."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ABORT)
    await made.execute(plan, "K")
    fake.controllers.clear()
    weights = {"canary": {"weight": 20}, "stable": {"weight": 80}}
    fake.merge(ROLLOUT, NS, NAME, {"status": {"canary": {"weights": weights}}}, sub="status")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "20 % to the update" in seen.detail) == (Seen.MOVING, True)


async def test_a_broken_note_of_ours_is_no_way_back() -> None:
    """Somebody spoilt the annotation: the ReplicaSet that holds the same text is used, else it is refused."""
    for note in ("{", "[1]", None):
        fake = cluster("visits:v1", "visits:v2")
        made, before = action(fake), state(fake)
        plan = await made.plan(TARGET, *ROLLBACK)
        await made.execute(plan, "K")
        fake.merge(ROLLOUT, NS, NAME, {"metadata": {"annotations": {REPLACED: note}}})
        for each in fake.every(REPLICA_SET, NS) if note is None else []:
            each["spec"]["template"]["spec"] |= {"dnsPolicy": "ClusterFirst"}
        if note is None:
            with pytest.raises(Refused, match="was removed or changed since"):
                await made.undo(plan, "K/undo")
        else:
            await made.undo(plan, "K/undo")
            assert state(fake) == before
