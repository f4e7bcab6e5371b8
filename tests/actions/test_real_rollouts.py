"""A Rollout on kube-apiserver and on the server of our own alike, by a definition of ours; its controller is played."""

from __future__ import annotations

from typing import Any

import pytest

from bot.actions.rollouts import REPLACED, ROLLOUT
from bot.clients.kubernetes import REPLICA_SET, keys_of
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.engine.ports import Action
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK, make
from tests.actions.test_rollouts import ABORT, BOTH, NAME, PROMOTE, TARGET
from tests.kube.argo import DEFINITION, rollout, steps
from tests.kube.conformance import JSON_PATCH, Step, expected
from tests.kube.either import SERVERS, answered, either
from tests.kube.fake import NOBODY
from tests.kube.roles import Watched, allowed, role

_R: dict[str, Any] = {"kind": ROLLOUT, "object": "visits"}
_NEW: dict[str, Any] = {"kind": ROLLOUT, "object": "", "method": "POST", "media": "application/json"}
_ABORT = {"status": {"abort": True}}
_NO_IMAGE = {"spec": {"template": {"spec": {"containers": [{"name": "model"}]}}}}

SCRIPT = (
    Step("make it", 201, 1, **_NEW, body={**rollout("visits:v1"), **_ABORT}, shows=("status", None)),
    Step("make it again", 409, **_NEW, body=rollout("visits:v1")),
    Step("make one without an image", 422, **_NEW, body={"metadata": {"name": "x"}, **_NO_IMAGE}),
    Step("abort by the main way", 200, 1, **_R, body=_ABORT, shows=("status", None)),
    Step("abort", 200, 1, **_R, sub="status", body=_ABORT, shows=("status.abort", True)),
    Step("abort again", 200, 1, **_R, sub="status", body=_ABORT, shows=("status.abort", True)),
    Step("abort with a word", 422, **_R, sub="status", body={"status": {"abort": "yes"}}),
    Step("abort of old", 409, **_R, sub="status", body={"metadata": {"resourceVersion": "1"}, **_ABORT}),
    Step("abort, tried dry", 200, 1, **_R, sub="status", body={"status": {"abort": False}}, query="dryRun=All"),
    Step("it stays aborted", 200, 1, "GET", **_R, shows=("status.abort", True)),
    Step("no template by way of the status", 200, 1, **_R, sub="status", body={"spec": {"paused": True}}),
    Step("retry", 200, 1, **_R, sub="status", body={"status": {"abort": False}}, shows=("status.abort", False)),
    Step("promote", 200, 1, **_R, sub="status", body={"status": {"promoteFull": True}}),
    Step("a generation as a number", 422, **_R, sub="status", body={"status": {"observedGeneration": 1}}),
    Step("pause", 200, 2, **_R, body={"spec": {"paused": True}}, shows=("spec.paused", True)),
    Step("pause again", 200, 2, **_R, body={"spec": {"paused": True}}),
    Step("pause with a word", 422, **_R, body={"spec": {"paused": "yes"}}),
    Step("another template", 200, 3, **_R, body={"spec": {"template": rollout("visits:v2")["spec"]["template"]}}),
    Step(
        "another template, if it is still the first",
        422,
        **_R,
        media=JSON_PATCH,
        body=[
            {"op": "test", "path": "/spec/template/spec/containers/0/image", "value": "visits:v1"},
            {"op": "replace", "path": "/spec/template", "value": rollout("visits:v3")["spec"]["template"]},
        ],
    ),
    Step("no image", 422, **_R, body=_NO_IMAGE),
    Step("one that is not there", 404, kind=ROLLOUT, object="nobody", sub="status", body=_ABORT),
    Step("abort without the right", 403, **_R, sub="status", body=_ABORT, token=NOBODY),
    Step("read without the right", 403, None, "GET", **_R, token=NOBODY),
)


@pytest.fixture(params=SERVERS)
def kube(request: pytest.FixtureRequest) -> Any:
    """A cluster, ours and the real one in turn, that knows Rollouts."""
    return either(request, [DEFINITION])


@pytest.fixture
def ns(kube: Any) -> str:
    """A namespace in which v2 takes 20 % beside v1."""
    namespace: str = kube.namespace()
    kube.create(ROLLOUT, namespace, rollout("visits:v1"))
    acts(kube, namespace)
    ship(kube, namespace, "visits:v2")
    return namespace


def acts(kube: Any, ns: str) -> None:
    """The controller's turn."""
    steps(kube, ROLLOUT, kube.get(ROLLOUT, ns, NAME))


def ship(kube: Any, ns: str, image: str) -> None:
    pod = {"containers": [{"name": "model", "image": image}]}
    kube.merge(ROLLOUT, ns, NAME, {"spec": {"template": {"spec": pod}}})
    acts(kube, ns)


def action(kube: Any, ns: str, **settings: Any) -> Action:
    return make("rollouts", kube.transport, **{**kube.settings(), "namespace": ns, "name": NAME, **settings})


def image(kube: Any, ns: str) -> str:
    held: str = kube.get(ROLLOUT, ns, NAME)["spec"]["template"]["spec"]["containers"][0]["image"]
    return held


async def test_both_servers_answer_as_the_script_says(kube: Any) -> None:
    """Abort, retry, promote, pause, template: happy, repeated, stale, wrong, missing, forbidden; the same statuses."""
    assert await answered(kube, SCRIPT) == expected(SCRIPT)


async def test_an_update_is_aborted_and_put_back_and_comes_back_as_it_was(kube: Any, ns: str) -> None:
    """Plan, execute twice, observe, undo twice, undone; the template comes back to the letter."""
    made, before = action(kube, ns), kube.get(ROLLOUT, ns, NAME)["spec"]
    plan = await made.plan(TARGET, *BOTH)
    assert plan.diff[1:] == ("revision 2 → 1", "image of model: visits:v2 → visits:v1")
    assert await made.token(plan) == plan.token
    assert (await made.observe(plan, "K")).seen is Seen.NOT_APPLIED
    await made.execute(plan, "K")
    version = kube.get(ROLLOUT, ns, NAME)["metadata"]["resourceVersion"]
    await made.execute(plan, "K")
    assert kube.get(ROLLOUT, ns, NAME)["metadata"]["resourceVersion"] == version
    assert (await made.observe(plan, "K")).seen is Seen.MOVING
    acts(kube, ns)
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED
    assert len(kube.every(REPLICA_SET, ns)) == 2
    with pytest.raises(Refused, match="no revision before 3"):
        await made.plan(TARGET, *ROLLBACK)
    await made.undo(plan, "K/undo")
    assert (await made.undone(plan, "K/undo")).seen is Seen.MOVING
    acts(kube, ns)
    await made.undo(plan, "K/undo")
    found = kube.get(ROLLOUT, ns, NAME)
    assert found["spec"] == before
    assert REPLACED not in found["metadata"]["annotations"]
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    await made.close()


async def test_an_abort_and_a_promotion_by_the_status_alone(kube: Any, ns: str) -> None:
    """Neither touches the spec; the key stands on the object once it is done, and a second time nothing is written."""
    made, before = action(kube, ns), kube.get(ROLLOUT, ns, NAME)["spec"]
    plan = await made.plan(TARGET, *ABORT)
    await made.execute(plan, "K1")
    assert (await made.observe(plan, "K1")).seen is Seen.MOVING
    acts(kube, ns)
    assert (await made.observe(plan, "K1")).seen is Seen.APPLIED
    await made.undo(plan, "K1/undo")
    acts(kube, ns)
    assert (await made.undone(plan, "K1/undo")).seen is Seen.APPLIED
    forth = await made.plan(TARGET, *PROMOTE)
    await made.execute(forth, "K2")
    acts(kube, ns)
    assert (await made.observe(forth, "K2")).seen is Seen.APPLIED
    await made.execute(forth, "K2")
    found = kube.get(ROLLOUT, ns, NAME)
    assert (found["spec"], keys_of(found)) == (before, ("K1", "K1/undo", "K2"))
    with pytest.raises(Refused, match="no way back"):
        await made.undo(forth, "K2/undo")
    await made.close()


async def test_a_stale_plan_and_somebody_elses_release_are_left_alone(kube: Any, ns: str) -> None:
    """Released since the plan: refused, nothing aborted. Released since the change: undo is refused. It stands."""
    made = action(kube, ns)
    for ask in (BOTH, ABORT, PROMOTE, ROLLBACK):
        stale = await made.plan(TARGET, *ask)
        ship(kube, ns, f"visits:{ask[1]}")
        assert await made.token(stale) != stale.token
        with pytest.raises(Refused, match="changed since it was planned"):
            await made.execute(stale, "K1")
        assert image(kube, ns) == f"visits:{ask[1]}"
        assert not kube.get(ROLLOUT, ns, NAME)["status"]["abort"]
    plan = await made.plan(TARGET, *BOTH)
    await made.execute(plan, "K2")
    ship(kube, ns, "visits:v9")
    with pytest.raises(Refused, match="changed again since"):
        await made.undo(plan, "K2/undo")
    assert image(kube, ns) == "visits:v9"
    await made.close()


async def test_refusals_are_sentences(kube: Any, ns: str) -> None:
    """Nothing of that name, no right to read, no right to the status: each says what is the matter."""
    with pytest.raises(Refused, match=f"there is no Rollout nobody in namespace {ns}"):
        await action(kube, ns, name="nobody").plan(TARGET, *BOTH)
    with pytest.raises(Unavailable, match=rf"does not let us get rollouts\.argoproj\.io visits in namespace {ns}"):
        await action(kube, ns, token=NOBODY).plan(TARGET, *BOTH)
    less = role("rollouts", namespace=ns, name=NAME).replace("rollouts/status]", "rollouts/scale]")
    with pytest.raises(Refused, match=r"does not let us patch the status of rollouts\.argoproj\.io visits"):
        await action(kube, ns, token=kube.grant(less)).plan(TARGET, *ABORT)


async def test_the_role_we_ship_is_exactly_what_is_used(kube: Any, ns: str) -> None:
    """Every ask from plan to undone under that role's token: each call has its rule, and each rule its call."""
    manifests = role("rollouts", namespace=ns, name=NAME)
    watched = Watched(kube.inner())
    made = make("rollouts", watched, **kube.settings(kube.grant(manifests)), namespace=ns, name=NAME)

    async def through(means: Means, params: dict[str, Any], key: str) -> Plan:
        plan = await made.plan(TARGET, means, params)
        assert await made.token(plan) == plan.token
        await made.execute(plan, key)
        acts(kube, ns)
        assert (await made.observe(plan, key)).seen is Seen.APPLIED
        if plan.reversible:
            await made.undo(plan, f"{key}/undo")
            acts(kube, ns)
            assert (await made.undone(plan, f"{key}/undo")).seen is Seen.APPLIED
        return plan

    for place, (means, params) in enumerate((BOTH, ABORT, (Means.PAUSE, {}), PROMOTE)):
        await through(means, dict(params), f"K{place}")
    assert watched.calls == allowed(manifests)
    await made.close()
