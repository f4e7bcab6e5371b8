"""A Deployment in front of a server of our own; tests/actions/test_real_kubernetes.py asks kube-apiserver itself."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from bot.actions._change import READ_ONLY
from bot.actions.kubernetes import RESTARTED
from bot.clients.kubernetes import DEPLOYMENT, REPLICA_SET, keys_of
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.ports import Action
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK, Scene, make
from tests.kube.builtin import rolls_out
from tests.kube.conformance import deployment
from tests.kube.fake import FakeKubernetes
from tests.kube.roles import Watched, allowed, role
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS, "namespace": "ml", "name": "visits"}
TARGET = Target("visits-pods", "kubernetes")
NS, NAME = "ml", "visits"


def cluster(*images: str) -> FakeKubernetes:
    """A cluster in which the Deployment was rolled out with these images, one after another."""
    fake = FakeKubernetes()
    fake.controllers.append(rolls_out)
    fake.create(DEPLOYMENT, NS, deployment(images[0]))
    for image in images[1:]:
        ship(fake, image)
    return fake


def ship(fake: FakeKubernetes, image: str, **container: Any) -> None:
    """Somebody releases this image."""
    release(fake, {"containers": [{"name": "model", "image": image, **container}]})


def release(fake: FakeKubernetes, pod: Mapping[str, Any]) -> None:
    fake.merge(DEPLOYMENT, NS, NAME, {"spec": {"template": {"spec": dict(pod)}}})


def action(fake: FakeKubernetes, **settings: Any) -> Action:
    given = {**fake.settings(), "namespace": NS, "name": NAME, **settings}
    return make("kubernetes", fake.transport, **given)


def image(fake: FakeKubernetes) -> str:
    held: str = fake.get(DEPLOYMENT, NS, NAME)["spec"]["template"]["spec"]["containers"][0]["image"]
    return held


def state(fake: FakeKubernetes) -> dict[str, Any]:
    spec = fake.get(DEPLOYMENT, NS, NAME)["spec"]
    restarted = spec["template"]["metadata"].get("annotations", {}).get(RESTARTED)
    return {"image": image(fake), "paused": spec.get("paused", False), "restarted": restarted}


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    asks = {
        "rollback": ROLLBACK,
        "rollback to revision 1": (Means.ROLLBACK, {"to": 1}),
        "restart": (Means.RESTART, {}),
        "pause": (Means.PAUSE, {}),
    }
    always = frozenset({"restart"})
    disturb = lambda: ship(fake, "visits:v9")  # noqa: E731
    yield Scene(made, TARGET, asks, Means.TRAFFIC, lambda: state(fake), lambda: fake.changes, disturb, always)
    await made.close()


# -- rollback --------------------------------------------------------------------------------------------------------


async def test_a_plan_says_what_a_person_needs_to_decide() -> None:
    """Images, variables and arguments that change, how wide, how back, who serves then; no template is kept."""
    fake = cluster("visits:v1")
    fake.merge(DEPLOYMENT, NS, NAME, {"spec": {"template": {"metadata": {"labels": {"version": "v1"}}}}})
    fake.merge(DEPLOYMENT, NS, NAME, {"spec": {"template": {"metadata": {"labels": {"version": "v2"}}}}})
    ship(fake, "visits:v2", args=["--threshold", "0.5"], env=[{"name": "FEATURES", "value": "2026-11"}])
    plan = await action(fake, version_label="version", carries="visit").plan(TARGET, Means.ROLLBACK, {"to": "v1"})
    assert plan.diff == (
        "revision 4 → 2",
        "image of model: visits:v2 → visits:v1",
        "variable FEATURES of model: 2026-11 → not set",
        "args of model: --threshold 0.5 → none",
        "also changes: labels",
    )
    assert plan.blast_radius == "every request of visit: all 2 pods are replaced"
    assert (plan.klass, plan.share, plan.serves) == (ActionClass.TRAFFIC, 1.0, {"v1": 1.0})
    assert "dry run" in plan.dry_run
    assert plan.undo.startswith("roll back to the template of revision 4")
    assert plan.before["images"] == {"model": "visits:v2"}
    assert plan.managed_by == ""


async def test_what_may_be_secret_is_never_told() -> None:
    """Neither a variable, nor an argument, nor an address with a password comes into a plan, whole or in part."""
    fake = cluster("visits:v1")
    env = [{"name": "API_TOKEN", "value": CANARY}, {"name": "STORE", "value": f"redis://:{CANARY}@cache"}]
    ship(fake, "visits:v2", env=env, args=[f"--password={CANARY}", "--secret", CANARY, f"--url=http://u:{CANARY}@x"])
    plan = await action(fake).plan(TARGET, Means.ROLLBACK, {})
    assert CANARY not in repr(plan)
    assert "variable API_TOKEN of model: … → not set" in plan.diff
    assert "args of model: --password=… --secret … --url=… → none" in plan.diff


async def test_previous_is_the_revision_last_in_use_before_this_one() -> None:
    """v1, v2, back to v1, then v3: before v3 it was v1, and before v1 there was none, restarted or not."""
    fake = cluster("visits:v1", "visits:v2", "visits:v1", "visits:v3")
    made = action(fake)
    await made.execute(await made.plan(TARGET, *ROLLBACK), "K1")
    assert image(fake) == "visits:v1"
    await made.execute(await made.plan(TARGET, Means.RESTART, {}), "K2")
    with pytest.raises(Refused, match=r"no revision before .*; there is .*visits:v3"):
        await made.plan(TARGET, *ROLLBACK)


async def test_a_restart_is_no_earlier_version() -> None:
    """After v2 was restarted twice, previous is v1 and not v2 as it was before the restarts."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    for key in ("K1", "K2"):
        fake.merge(DEPLOYMENT, NS, NAME, {"spec": {"template": {"metadata": {"annotations": {RESTARTED: key}}}}})
    await made.execute(await made.plan(TARGET, *ROLLBACK), "K3")
    assert image(fake) == "visits:v1"


async def test_a_revision_is_found_by_every_number_it_had() -> None:
    """Revision 1 that became revision 3 is both; one that never was is refused with those there are."""
    fake = cluster("visits:v1", "visits:v2", "visits:v1", "visits:v3")
    made = action(fake)
    for to in (1, "1", 3):
        assert "image of model: visits:v3 → visits:v1" in (await made.plan(TARGET, Means.ROLLBACK, {"to": to})).diff
    for wrong in (9, "v1", "", "../secrets"):
        with pytest.raises(Refused, match=r"has no revision .*; there is 4 \(visits:v3\), 3 \(visits:v1\), 2"):
            await made.plan(TARGET, Means.ROLLBACK, {"to": wrong})
    for wrong in (True, None, [1]):
        with pytest.raises(Refused, match="to is previous, a revision or a version"):
            await made.plan(TARGET, Means.ROLLBACK, {"to": wrong})


async def test_what_is_new_in_the_template_goes_with_it() -> None:
    """A rollback takes away what the older template did not have: it is that template, not a mixture of both."""
    fake = cluster("visits:v1")
    release(fake, {"nodeSelector": {"gpu": "yes"}, "containers": [{"name": "model", "image": "visits:v2"}]})
    before = fake.get(DEPLOYMENT, NS, NAME)["spec"]["template"]
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    assert "also changes: nodeSelector" in plan.diff
    await made.execute(plan, "K")
    assert "nodeSelector" not in fake.get(DEPLOYMENT, NS, NAME)["spec"]["template"]["spec"]
    await made.undo(plan, "K/undo")
    assert fake.get(DEPLOYMENT, NS, NAME)["spec"]["template"] == before


async def test_a_new_template_without_a_replica_set_is_told() -> None:
    """The controller has not caught up: nothing is planned on a state that has no way back."""
    fake = cluster("visits:v1")
    fake.controllers.clear()
    ship(fake, "visits:v2")
    with pytest.raises(Unavailable, match="no ReplicaSet for the present template"):
        await action(fake).plan(TARGET, *ROLLBACK)


async def test_without_kept_revisions_there_is_no_way_back() -> None:
    """The plan says so and undo is refused."""
    fake = cluster("visits:v1", "visits:v2")
    fake.merge(DEPLOYMENT, NS, NAME, {"spec": {"revisionHistoryLimit": 0}})
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    assert not plan.reversible
    assert any("no way back" in warning for warning in plan.warnings)
    await made.execute(plan, "K")
    with pytest.raises(Refused, match="no way back"):
        await made.undo(plan, "K/undo")


async def test_a_removed_replica_set_is_refused_not_guessed() -> None:
    """The template to go to was pruned between plan and execution: nothing is done."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.delete(REPLICA_SET, NS, str(plan.params["replica_set"]))
    with pytest.raises(Refused, match="was removed or changed since"):
        await made.execute(plan, "K")
    assert (image(fake), fake.changes) == ("visits:v2", 0)


# -- keys, races, effects --------------------------------------------------------------------------------------------


async def test_somebody_elses_identical_change_is_not_ours() -> None:
    """The state reads as wanted, but without our key it is not taken for our doing."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    ship(fake, "visits:v1")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "by another hand" in seen.detail) == (Seen.NOT_APPLIED, True)


async def test_the_key_is_written_with_the_change_and_proves_it() -> None:
    """One write holds both; asked again, also by a process that knows nothing, nothing more is written."""
    fake = cluster("visits:v1", "visits:v2")
    plan = await action(fake).plan(TARGET, *ROLLBACK)
    await action(fake).execute(plan, "INC-1/M1/abc")
    assert keys_of(fake.get(DEPLOYMENT, NS, NAME)) == ("INC-1/M1/abc",)
    assert fake.changes == 1
    ship(fake, "visits:v9")
    await action(fake).execute(plan, "INC-1/M1/abc")
    seen = await action(fake).observe(plan, "INC-1/M1/abc")
    assert (image(fake), seen.seen, "changed again since" in seen.detail) == ("visits:v9", Seen.APPLIED, True)


async def test_a_status_or_a_size_that_changes_meanwhile_does_not_stop_it() -> None:
    """An autoscaler between read and write moves the version; the state approved is the same, so it goes through."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.between = lambda: fake.merge(DEPLOYMENT, NS, NAME, {"spec": {"replicas": 5}})
    await made.execute(plan, "K")
    held = fake.get(DEPLOYMENT, NS, NAME)["spec"]
    assert (held["replicas"], image(fake)) == (5, "visits:v1")
    fake.between = lambda: fake.merge(DEPLOYMENT, NS, NAME, {"spec": {"replicas": 6}})
    await made.undo(plan, "K/undo")
    assert (fake.get(DEPLOYMENT, NS, NAME)["spec"]["replicas"], image(fake)) == (6, "visits:v2")


async def test_a_release_between_read_and_write_stops_it() -> None:
    """What was approved no longer holds in the very moment of writing: refused, and the release stands."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.between = lambda: ship(fake, "visits:v9")
    with pytest.raises(Refused, match="was changed since"):
        await made.execute(plan, "K")
    assert (image(fake), fake.changes) == ("visits:v9", 0)


async def test_an_object_that_never_stands_still_is_unavailable() -> None:
    """After a few rounds it is told, and nothing was written."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    sizes = iter(range(3, 30))

    def again() -> None:
        fake.merge(DEPLOYMENT, NS, NAME, {"spec": {"replicas": next(sizes)}})
        fake.between = again

    fake.between = again
    with pytest.raises(Unavailable, match="changing faster"):
        await made.execute(plan, "K")
    assert (image(fake), fake.changes) == ("visits:v2", 0)


async def test_a_rollout_that_hangs_is_told_and_is_no_success() -> None:
    """Past its deadline the Deployment took our change, and nobody serves the new template."""
    fake = cluster("broken:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert seen.seen is Seen.UNKNOWN
    assert "0 of 2 pods" in seen.detail
    assert "ProgressDeadlineExceeded" in seen.detail


async def test_a_rollout_that_hung_before_ours_is_not_held_against_it() -> None:
    """The deadline told of may be that of the release rolled back: until it names our ReplicaSet, we are on our way."""
    fake = cluster("visits:v1", "broken:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    stuck = fake.get(DEPLOYMENT, NS, NAME)["status"]
    fake.controllers.clear()
    await made.execute(plan, "K")
    generation = fake.get(DEPLOYMENT, NS, NAME)["metadata"]["generation"]
    fake.merge(DEPLOYMENT, NS, NAME, {"status": {**stuck, "observedGeneration": generation}}, sub="status")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "it is stuck" in seen.detail) == (Seen.MOVING, True)


async def test_a_change_the_controller_has_not_seen_is_on_its_way() -> None:
    """Neither done nor not done."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.controllers.clear()
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "not seen the change" in seen.detail) == (Seen.MOVING, True)


async def test_a_deployment_made_anew_is_another_one() -> None:
    """Deleted and made again with the same name and template, a plan of the former one is refused."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    fake.delete(DEPLOYMENT, NS, NAME)
    fake.create(DEPLOYMENT, NS, deployment("visits:v2"))
    with pytest.raises(Refused, match="was changed since"):
        await made.execute(plan, "K")


# -- restart and pause -----------------------------------------------------------------------------------------------


async def test_a_restart_keeps_the_template_and_has_no_way_back() -> None:
    """The clock's time is written once for a key; nothing else of the template changes."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, Means.RESTART, {})
    assert (plan.reversible, plan.klass) == (False, ActionClass.SMALL)
    await made.execute(plan, "K")
    held = state(fake)
    assert held["image"] == "visits:v2"
    assert held["restarted"].startswith("20")
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED


async def test_while_rollouts_are_paused_nothing_is_rolled_out() -> None:
    """Rollback and restart would not follow, so they are refused, also where somebody paused after the plan."""
    fake = cluster("visits:v1", "visits:v2")
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(await made.plan(TARGET, Means.PAUSE, {}), "K1")
    with pytest.raises(Refused, match="paused since"):
        await made.execute(plan, "K2")
    for means in (Means.ROLLBACK, Means.RESTART):
        with pytest.raises(Refused, match="resume them first"):
            await made.plan(TARGET, means, {})
    resume = await made.plan(TARGET, Means.PAUSE, {"resume": True})
    assert resume.diff == ("rollouts: paused → going on",)
    await made.execute(resume, "K3")
    assert (await made.observe(resume, "K3")).seen is Seen.APPLIED
    with pytest.raises(Refused, match="resume is true or false"):
        await made.plan(TARGET, Means.PAUSE, {"resume": "yes"})


async def test_recreate_is_warned_of() -> None:
    """Every pod stops before a new one starts: whoever approves must know."""
    fake = cluster("visits:v1", "visits:v2")
    fake.merge(DEPLOYMENT, NS, NAME, {"spec": {"strategy": {"type": "Recreate"}}})
    for means in (Means.ROLLBACK, Means.RESTART):
        assert any("Recreate" in warning for warning in (await action(fake).plan(TARGET, means, {})).warnings)


async def test_the_role_we_ship_is_exactly_what_is_used() -> None:
    """Under its rules every means goes through, from plan to undone; none is left over and none is missing."""
    fake = cluster("visits:v1", "visits:v2")
    manifests = role("kubernetes", namespace=NS, name=NAME)
    watched = Watched(fake.inner())
    made = make("kubernetes", watched, **fake.settings(fake.grant(manifests)), namespace=NS, name=NAME)
    for means in (Means.ROLLBACK, Means.PAUSE, Means.RESTART):
        plan = await made.plan(TARGET, means, {})
        await made.execute(plan, means)
        assert (await made.observe(plan, means)).seen is Seen.APPLIED
        if plan.reversible:
            await made.undo(plan, f"{means}/undo")
            assert (await made.undone(plan, f"{means}/undo")).seen is Seen.APPLIED
    assert watched.calls == allowed(manifests)


class Strict(httpx.AsyncBaseTransport):
    """A cluster whose admission webhook does not allow dry runs."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "dryRun=All" in request.url.query.decode():
            said = "admission webhook mesh does not support dry run"
            return httpx.Response(400, json={"kind": "Status", "message": said, "reason": "BadRequest", "code": 400})
        return await self._inner.handle_async_request(request)


async def test_a_webhook_that_forbids_dry_runs_forbids_no_plan() -> None:
    """The plan says that it was reckoned and not tried, and is carried out all the same."""
    fake = cluster("visits:v1", "visits:v2")
    made = make("kubernetes", Strict(fake.inner()), **fake.settings(), namespace=NS, name=NAME)
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.dry_run == READ_ONLY
    assert any("does not allow dry runs" in warning for warning in plan.warnings)
    await made.execute(plan, "K")
    assert image(fake) == "visits:v1"


async def test_a_webhook_that_changes_the_template_is_found_out() -> None:
    """What comes back is not what was asked: dry it is refused, so nobody approves what would not happen."""
    fake = cluster("visits:v1", "visits:v2")

    class Meddling(Strict):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await self._inner.handle_async_request(request)
            told = json.loads(await answer.aread())
            if request.method == "PATCH":
                told["spec"]["template"]["spec"]["containers"][0]["image"] = "mirror/visits:v1"
            return httpx.Response(answer.status_code, json=told)

    made = make("kubernetes", Meddling(fake.inner()), **fake.settings(), namespace=NS, name=NAME)
    with pytest.raises(Refused, match="does not keep spec"):
        await made.plan(TARGET, *ROLLBACK)


async def test_a_deployment_that_is_not_there_is_refused_by_name() -> None:
    """The sentence names it and its namespace."""
    fake = cluster("visits:v1")
    with pytest.raises(Refused, match="there is no Deployment nobody in namespace ml"):
        await action(fake, name="nobody").plan(TARGET, *ROLLBACK)


async def test_a_record_that_kubectl_wipes_is_not_believed() -> None:
    """`kubectl rollout undo` writes the annotations of the old ReplicaSet over ours: nothing says then that it was done."""
    fake = cluster("visits:v1", "visits:v2")
    door, known = action(fake), fake.get(DEPLOYMENT, NS, NAME)["spec"]["template"]
    plan = await door.plan(TARGET, *ROLLBACK)
    await door.execute(plan, "K")
    notes = dict.fromkeys(
        name for name in fake.get(DEPLOYMENT, NS, NAME)["metadata"]["annotations"] if "tocsin" in name
    )
    assert notes
    fake.merge(DEPLOYMENT, NS, NAME, {"metadata": {"annotations": notes}, "spec": {"template": known}})
    assert image(fake) == "visits:v2"
    assert (await door.observe(plan, "K")).seen is Seen.NOT_APPLIED
    assert not door.keyed_for(plan)
