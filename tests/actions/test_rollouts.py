"""A Rollout in front of a server of our own, with its controller's habits; test_real_rollouts.py asks kube-apiserver."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.actions.rollouts import REPLACED, ROLLOUT
from bot.clients.kubernetes import REPLICA_SET, keys_of
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.ports import Action
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK, Scene, make
from tests.kube.argo import DEFINITION, OLD_DEFINITION, rollout, steps
from tests.kube.fake import FakeKubernetes
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS, "namespace": "ml", "name": "visits"}
TARGET = Target("visits-rollout", "rollouts")
NS, NAME = "ml", "visits"
BOTH = (Means.ROLLBACK, {})
ABORT = (Means.ROLLBACK, {"abort": True})
PROMOTE = (Means.TRAFFIC, {"promote": True})
RESUME = (Means.PAUSE, {"resume": True})


def cluster(*images: str, definition: dict[str, Any] = DEFINITION, **spec: Any) -> FakeKubernetes:
    """A cluster in which these images were released, each but the last promoted: that one waits at 20 %."""
    fake = FakeKubernetes()
    fake.define(definition)
    fake.controllers.append(steps)
    fake.create(ROLLOUT, NS, rollout(images[0], **spec))
    for image in images[1:]:
        promote(fake)
        ship(fake, image)
    return fake


def ship(fake: FakeKubernetes, image: str, **container: Any) -> None:
    """Somebody releases this image."""
    pod = {"containers": [{"name": "model", "image": image, **container}]}
    fake.merge(ROLLOUT, NS, NAME, {"spec": {"template": {"spec": pod}}})


def promote(fake: FakeKubernetes) -> None:
    fake.merge(ROLLOUT, NS, NAME, {"status": {"promoteFull": True}}, sub="status")


def action(fake: FakeKubernetes, **settings: Any) -> Action:
    return make("rollouts", fake.transport, **{**fake.settings(), "namespace": NS, "name": NAME, **settings})


def state(fake: FakeKubernetes) -> dict[str, Any]:
    found = fake.get(ROLLOUT, NS, NAME)
    spec, status = found["spec"], found["status"]
    image = spec["template"]["spec"]["containers"][0]["image"]
    return {
        "image": image,
        "paused": spec.get("paused", False),
        "abort": status.get("abort", False),
        "rolled out": status["stableRS"] == status["currentPodHash"],
        "weight": status["canary"]["weights"]["canary"]["weight"],
    }


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on: v2 at 20 % beside v1."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    asks = {"rollback": ROLLBACK, "pause": (Means.PAUSE, {}), "both": BOTH, "abort": ABORT, "promote": PROMOTE}
    disturb = lambda: ship(fake, "visits:v9")  # noqa: E731
    other = frozenset({"both", "abort", "promote"})  # these need an update, which the rollback ends
    yield Scene(made, TARGET, asks, Means.RESTART, lambda: state(fake), lambda: fake.changes, disturb, other)
    await made.close()


# -- what a plan says --------------------------------------------------------------------------------------------------


async def test_a_plan_says_both_steps_and_how_little_moves() -> None:
    """While v2 has 20 %, `{}` aborts it and puts v1's template back: those 20 % move, at once."""
    fake = cluster("visits:v1", "visits:v2")
    plan = await action(fake, carries="visit").plan(TARGET, *BOTH)
    update = fake.get(ROLLOUT, NS, NAME)["status"]["currentPodHash"]
    assert plan.diff == (
        f"update {update}: aborted first, 20 % → 0 % of the traffic",
        "revision 2 → 1",
        "image of model: visits:v2 → visits:v1",
    )
    assert plan.blast_radius == "the 20 % of visit that go to the update"
    assert (plan.klass, plan.share, plan.warnings) == (ActionClass.TRAFFIC, 0.2, ())
    assert "dry run" in plan.dry_run


async def test_an_abort_alone_says_that_the_template_stays() -> None:
    """Traffic is with the stable revision, the Rollout is Degraded, and whoever approves knows it beforehand."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ABORT)
    assert any("stays Degraded until that is put back" in each for each in plan.warnings)
    await made.execute(plan, "K")
    assert state(fake) | {"abort": True, "weight": 0, "image": "visits:v2"} == state(fake)
    seen = await made.observe(plan, "K")
    assert (seen.seen, "takes no traffic" in seen.detail) == (Seen.APPLIED, True)
    after = await made.plan(TARGET, *BOTH)
    assert after.diff == ("revision 2 → 1", "image of model: visits:v2 → visits:v1")
    await made.execute(after, "K2")
    assert fake.get(ROLLOUT, NS, NAME)["status"]["phase"] == "Healthy"


async def test_what_is_done_already_needs_no_change() -> None:
    """An abort of what is aborted and a promotion of what is promoted have an empty diff."""
    for ask in (ABORT, PROMOTE):
        made = action(cluster("visits:v1", "visits:v2"))
        await made.execute(await made.plan(TARGET, *ask), "K")
        assert (await made.plan(TARGET, *ask)).diff == ()


async def test_the_way_back_of_a_finished_rollout_goes_by_steps() -> None:
    """v2 is rolled out: the older template takes the canary steps again and waits, which is said before and observed."""
    fake = cluster("visits:v1", "visits:v2")
    promote(fake)
    made = action(fake)
    plan = await made.plan(TARGET, *BOTH)
    assert plan.diff[0] == "revision 2 → 1"
    assert plan.share == 1.0
    assert any("4 canary steps again and waits at 1 of them" in each for each in plan.warnings)
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert seen.seen is Seen.UNKNOWN
    told = "does not get there by itself: Paused at step 2 of 4, 20 % to the update (CanaryPauseStep)"
    assert told in seen.detail
    status = {"currentStepIndex": 3, "pauseConditions": [{"reason": "CanaryPauseStep"}]}
    fake.merge(ROLLOUT, NS, NAME, {"status": status}, sub="status")
    assert (await made.observe(plan, "K")).seen is Seen.MOVING  # that step ends after ten minutes
    await made.execute(await made.plan(TARGET, *PROMOTE), "K2")
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED


async def test_a_rollback_window_goes_at_once() -> None:
    """Within spec.rollbackWindow the controller skips the steps: no warning of them."""
    fake = cluster("visits:v1", "visits:v2", rollbackWindow={"revisions": 3})
    promote(fake)
    assert (await action(fake).plan(TARGET, *ROLLBACK)).warnings == ()


async def test_previous_is_what_was_stable_not_an_update_that_failed() -> None:
    """v2 was aborted, v3 is under way: going back means v1, the only one that was ever rolled out."""
    fake = cluster("visits:v1", "visits:v2")
    ship(fake, "visits:v3")
    for ask in (ROLLBACK, BOTH):
        assert "image of model: visits:v3 → visits:v1" in (await action(fake).plan(TARGET, *ask)).diff
    assert "revision 3 → 2" in (await action(fake).plan(TARGET, Means.ROLLBACK, {"to": 2})).diff
    with pytest.raises(Refused, match=r"has no revision 9; there is 3 \(visits:v3\), 2 \(visits:v2\), 1"):
        await action(fake).plan(TARGET, Means.ROLLBACK, {"to": 9})


async def test_versions_are_named_by_their_label() -> None:
    """With a label that says the version, the plan says who serves afterwards."""
    fake = cluster("visits:v1")
    label = {"metadata": {"labels": {"version": "v2"}}}
    fake.merge(ROLLOUT, NS, NAME, {"spec": {"template": label}})
    plan = await action(fake, version_label="version").plan(TARGET, *PROMOTE)
    assert plan.serves == {"v2": 1.0}
    assert not plan.reversible
    assert "analysis" in plan.warnings[0]


# -- an undo brings back exactly what was ------------------------------------------------------------------------------


async def test_an_undo_brings_back_the_template_as_it_was_written() -> None:
    """ReplicaSets hold it with defaults filled in; the very text comes back, and our copy of it goes."""
    fake = cluster("visits:v1", "visits:v2")
    made, before = action(fake), fake.get(ROLLOUT, NS, NAME)["spec"]
    for each in fake.every(REPLICA_SET, NS):  # as the API server does
        each["spec"]["template"]["spec"] |= {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}
    plan = await made.plan(TARGET, *BOTH)
    await made.execute(plan, "K")
    found = fake.get(ROLLOUT, NS, NAME)
    assert found["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"
    assert json.loads(found["metadata"]["annotations"][REPLACED]) == before["template"]
    await made.undo(plan, "K/undo")
    found = fake.get(ROLLOUT, NS, NAME)
    assert found["spec"] == before
    assert REPLACED not in found["metadata"]["annotations"]
    seen = await made.undone(plan, "K/undo")
    assert (seen.seen, "goes on with the update" in seen.detail) == (Seen.APPLIED, True)


async def test_an_undo_after_a_finished_rollout_is_done_when_it_is_rolled_out_again() -> None:
    """v2 took all traffic before; under way again at 20 % it is not as before yet."""
    fake = cluster("visits:v1", "visits:v2")
    promote(fake)
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, "K")
    promote(fake)
    await made.undo(plan, "K/undo")
    assert (await made.undone(plan, "K/undo")).seen is Seen.UNKNOWN
    promote(fake)
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED


async def test_an_undone_abort_tries_the_update_again() -> None:
    """Retry starts the update from its first step; asked twice it does so once."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ABORT)
    await made.execute(plan, "K")
    await made.undo(plan, "K/undo")
    changes = fake.changes
    await made.undo(plan, "K/undo")
    assert (fake.changes, state(fake)["abort"], state(fake)["weight"]) == (changes, False, 20)
    seen = await made.undone(plan, "K/undo")
    assert (seen.seen, "goes on with the update" in seen.detail) == (Seen.APPLIED, True)


# -- refusals ----------------------------------------------------------------------------------------------------------


async def test_what_would_not_follow_is_refused() -> None:
    """Paused by hand, aborted, under nobody's update, owned elsewhere: each says what to do instead."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    await made.execute(await made.plan(TARGET, Means.PAUSE, {}), "K1")
    for ask in (BOTH, ABORT, PROMOTE, ROLLBACK):
        with pytest.raises(Refused, match="paused by hand; resume it first"):
            await made.plan(TARGET, *ask)
    resume = await made.plan(TARGET, *RESUME)
    assert resume.diff == ("rollout: paused → going on",)
    assert "pause of its own steps" in resume.warnings[0]
    await made.execute(resume, "K2")
    assert (await made.observe(resume, "K2")).seen is Seen.APPLIED
    await made.execute(await made.plan(TARGET, *ABORT), "K3")
    with pytest.raises(Refused, match="a promotion would bring it back"):
        await made.plan(TARGET, *PROMOTE)
    done = cluster("visits:v1")
    with pytest.raises(Refused, match="no update of Rollout visits in namespace ml is under way"):
        await action(done).plan(TARGET, *ABORT)
    with pytest.raises(Refused, match="no revision before 1"):
        await action(done).plan(TARGET, *BOTH)


async def test_wrong_words_are_refused() -> None:
    """Weights, mirrors, an abort that is not true: a sentence each."""
    made = action(cluster("visits:v1", "visits:v2"))
    for means, params, told in (
        (Means.TRAFFIC, {"weights": {"v1": 100}}, "weights belong to its own steps"),
        (Means.TRAFFIC, {"mirror": 10}, "use a target of Istio or the Gateway API"),
        (Means.TRAFFIC, {"promote": "yes"}, "promote: true"),
        (Means.ROLLBACK, {"abort": False}, "abort is true, and stands alone"),
        (Means.ROLLBACK, {"abort": True, "to": 1}, "stands alone"),
        (Means.ROLLBACK, {"to": [1]}, "to is previous, a revision or a version"),
        (Means.PAUSE, {"resume": "yes"}, "resume is true or false"),
    ):
        with pytest.raises(Refused, match=told):
            await made.plan(TARGET, means, params)


async def test_a_template_that_stands_elsewhere_is_rolled_back_there() -> None:
    """With workloadRef the Rollout has no template of its own; an abort still works."""
    fake = cluster("visits:v1", "visits:v2")
    fake.merge(ROLLOUT, NS, NAME, {"spec": {"workloadRef": {"kind": "Deployment", "name": "visits-pods"}}})
    with pytest.raises(Refused, match="stands in Deployment visits-pods: roll that back, or abort this"):
        await action(fake).plan(TARGET, *BOTH)
    assert (await action(fake).plan(TARGET, *ABORT)).diff


async def test_where_git_holds_it_an_abort_alone_is_left_alone() -> None:
    """Argo CD puts the update's template back, which starts it again: said, and an abort is no matter of git's."""
    fake = cluster("visits:v1", "visits:v2")
    fake.merge(ROLLOUT, NS, NAME, {"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}})
    both = await action(fake).plan(TARGET, *BOTH)
    assert "Argo CD application shop" in both.managed_by
    assert any("{abort: true} alone is left alone" in each for each in both.warnings)
    alone = await action(fake, gitops="propose").plan(TARGET, *ABORT)
    assert (alone.managed_by, bool(alone.diff)) == ("", True)
    with pytest.raises(Refused, match=r"change it in git:[\s\S]*visits:v1"):
        await action(fake, gitops="propose").plan(TARGET, *BOTH)


async def test_before_its_status_was_a_subresource_it_is_written_with_the_rest() -> None:
    """Argo Rollouts before 0.10 answers 404 for /status: abort, retry and promotion work all the same, once per key."""
    for ask in (ABORT, BOTH, PROMOTE):
        fake = cluster("visits:v1", "visits:v2", definition=OLD_DEFINITION)
        plan = await action(fake).plan(TARGET, *ask)
        made = action(fake)
        await made.execute(plan, "K")
        changes = fake.changes
        await made.execute(plan, "K")
        assert fake.changes == changes
        assert keys_of(fake.get(ROLLOUT, NS, NAME)) == ("K",)
        assert (await made.observe(plan, "K")).seen is Seen.APPLIED


async def test_blue_green_moves_by_its_selector() -> None:
    """No step has moved any traffic: an abort moves none, a promotion all of it."""
    strategy = {"canary": None, "blueGreen": {"activeService": "visits", "autoPromotionEnabled": False}}
    fake = cluster("visits:v1", strategy={key: value for key, value in strategy.items() if value})
    ship(fake, "visits:v2")
    made = action(fake)
    assert (await made.plan(TARGET, *ABORT)).share == 0
    plan = await made.plan(TARGET, *PROMOTE)
    assert plan.share == 1.0
    await made.execute(plan, "K")
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED
    assert any("waits for a person" in each for each in (await made.plan(TARGET, *ROLLBACK)).warnings)
