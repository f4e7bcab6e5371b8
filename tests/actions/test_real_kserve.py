"""An InferenceService on kube-apiserver and on the server of our own alike, by definitions of ours; KServe is played.

Deployed plainly, the real deployment controller carries its Deployment out.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.actions._isvc import INFERENCE_SERVICE
from bot.actions._isvc_past import KNATIVE_REVISION
from bot.clients.kubernetes import DEPLOYMENT, keys_of
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.engine.ports import Action
from bot.engine.values import Observation, Seen
from tests.actions.fakes import ROLLBACK, make
from tests.actions.test_kserve import CANARIES, NAME, R1, R2, R3, TARGET, V1, V2
from tests.kube.conformance import JSON_PATCH, Step, expected
from tests.kube.either import SERVERS, answered, either
from tests.kube.fake import NOBODY, FakeKubernetes
from tests.kube.kserve import DEFINITIONS, model, serves, service
from tests.kube.roles import Watched, allowed, role

_S: dict[str, Any] = {"kind": INFERENCE_SERVICE, "object": "visits"}
_NEW: dict[str, Any] = {"kind": INFERENCE_SERVICE, "object": "", "method": "POST", "media": "application/json"}
TRAFFIC = (Means.TRAFFIC, {"percent": 50})


def _predictor(**fields: Any) -> dict[str, Any]:
    return {"spec": {"predictor": fields}}


def _moves(name: str, share: int) -> list[dict[str, Any]]:
    return [
        {"op": "test", "path": "/spec/canary/0/predictor/name", "value": name},
        {"op": "add", "path": "/spec/canary/0/trafficPercent", "value": share},
    ]


SCRIPT = (
    Step("make it", 201, 1, **_NEW, body=service(model("v1"), canary=list(CANARIES))),
    Step("make it again", 409, **_NEW, body=service(model("v1"))),
    Step("make one with too much", 422, **_NEW, body=service(model("v1", canaryTrafficPercent=101))),
    Step("a share", 200, 2, **_S, body=_predictor(canaryTrafficPercent=20)),
    Step("the same share", 200, 2, **_S, body=_predictor(canaryTrafficPercent=20)),
    Step("the model stays", 200, 2, "GET", **_S, shows=("spec.predictor.model.storageUri", V1)),
    Step("more than all", 422, **_S, body=_predictor(canaryTrafficPercent=150)),
    Step("less than nothing", 422, **_S, body=_predictor(canaryTrafficPercent=-1)),
    Step("a share in words", 422, **_S, body=_predictor(canaryTrafficPercent="all")),
    Step("a share, tried dry", 200, 3, **_S, body=_predictor(canaryTrafficPercent=0), query="dryRun=All"),
    Step("it was not done", 200, 2, "GET", **_S, shows=("spec.predictor.canaryTrafficPercent", 20)),
    Step(
        "a share of old", 409, **_S, body={"metadata": {"resourceVersion": "1"}, **_predictor(canaryTrafficPercent=0)}
    ),
    Step("no share", 200, 3, **_S, body=_predictor(canaryTrafficPercent=None)),
    Step("another model", 200, 4, **_S, body=_predictor(**model("v2"))),
    Step("a canary's share", 200, 5, **_S, media=JSON_PATCH, body=_moves("v2", 0)),
    Step("a canary's same share", 200, 5, **_S, media=JSON_PATCH, body=_moves("v2", 0)),
    Step("another canary's share", 422, **_S, media=JSON_PATCH, body=_moves("v7", 0)),
    Step("a canary's share beyond all", 422, **_S, media=JSON_PATCH, body=_moves("v2", 101)),
    Step("a merge replaces all canaries", 200, 6, **_S, body={"spec": {"canary": [CANARIES[1]]}}),
    Step("so none is left there", 422, **_S, media=JSON_PATCH, body=_moves("v2", 5)),
    Step("the status", 200, 6, **_S, sub="status", body={"status": {"deploymentMode": "Standard"}}),
    Step("one that is not there", 404, kind=INFERENCE_SERVICE, object="nobody", body=_predictor(minReplicas=1)),
    Step("a share without the right", 403, **_S, body=_predictor(canaryTrafficPercent=0), token=NOBODY),
    Step("read without the right", 403, None, "GET", **_S, token=NOBODY),
    Step("revisions without the right", 403, None, "GET", kind=KNATIVE_REVISION, object="", token=NOBODY),
    Step("no revisions", 200, None, "GET", kind=KNATIVE_REVISION, object="", shows=("items", [])),
)


@pytest.fixture(params=SERVERS)
def kube(request: pytest.FixtureRequest) -> Any:
    """A cluster, ours and the real one in turn, that knows KServe and Knative."""
    return either(request, DEFINITIONS)


@pytest.fixture
def ns(kube: Any) -> str:
    """A namespace in which v2 takes 20 % beside v1."""
    namespace: str = kube.namespace()
    kube.create(INFERENCE_SERVICE, namespace, service(model("v1")))
    acts(kube, namespace)
    ship(kube, namespace, "v2", 20)
    return namespace


def acts(kube: Any, ns: str) -> None:
    """KServe's turn."""
    serves(kube, INFERENCE_SERVICE, kube.get(INFERENCE_SERVICE, ns, NAME))


def ship(kube: Any, ns: str, version: str, share: int | None = None) -> None:
    patch = {"spec": {"predictor": model(version, canaryTrafficPercent=share)}}
    kube.merge(INFERENCE_SERVICE, ns, NAME, patch)
    acts(kube, ns)


def action(kube: Any, ns: str, **settings: Any) -> Action:
    return make("kserve", kube.transport, **{**kube.settings(), "namespace": ns, "name": NAME, **settings})


def predictor(kube: Any, ns: str) -> dict[str, Any]:
    held: dict[str, Any] = kube.get(INFERENCE_SERVICE, ns, NAME)["spec"]["predictor"]
    return held


def traffic(kube: Any, ns: str) -> dict[str, int]:
    held = kube.get(INFERENCE_SERVICE, ns, NAME)["status"]["components"]["predictor"]["traffic"]
    return {each["revisionName"]: each["percent"] for each in held if each["percent"]}


async def settled(kube: Any, look: Any) -> Observation:
    """What the action shows once it is no longer on its way."""
    for _ in range(2000):
        found: Observation = await look()
        if found.seen is not Seen.MOVING:
            return found
        await asyncio.to_thread(kube.call, "GET", "/api/v1/namespaces/default")  # the real server needs its time
    pytest.fail(f"still on its way: {found.detail}")


async def test_both_servers_answer_as_the_script_says(kube: Any) -> None:
    """Shares, models, canaries: happy, repeated, stale, wrong, beyond, missing, forbidden; the same statuses."""
    assert await answered(kube, SCRIPT) == expected(SCRIPT)


async def test_a_canary_goes_back_and_comes_back_as_it_was(kube: Any, ns: str) -> None:
    """Plan, execute twice, observe, undo twice, undone: by the traffic the status tells, not by the spec."""
    made, before = action(kube, ns), predictor(kube, ns)
    plan = await made.plan(TARGET, *ROLLBACK)
    assert "dry run" in plan.dry_run
    assert plan.serves == {R2: 0.0, R1: 1.0}
    assert await made.token(plan) == plan.token
    assert (await made.observe(plan, "K")).seen is Seen.NOT_APPLIED
    await made.execute(plan, "K")
    version = kube.get(INFERENCE_SERVICE, ns, NAME)["metadata"]["resourceVersion"]
    await made.execute(plan, "K")
    assert kube.get(INFERENCE_SERVICE, ns, NAME)["metadata"]["resourceVersion"] == version
    assert (await made.observe(plan, "K")).seen is Seen.MOVING
    acts(kube, ns)
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED
    assert traffic(kube, ns) == {R1: 100}
    await made.undo(plan, "K/undo")
    await made.undo(plan, "K/undo")
    assert (await made.undone(plan, "K/undo")).seen is Seen.MOVING
    acts(kube, ns)
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    assert predictor(kube, ns) == before
    await made.close()


async def test_a_rolled_out_version_is_replaced_and_comes_back_as_it_was(kube: Any, ns: str) -> None:
    """The model of Knative's revision before it serves as a new revision; undone, the very predictor is back."""
    ship(kube, ns, "v2")
    made, before = action(kube, ns), predictor(kube, ns)
    assert traffic(kube, ns) == {R2: 100}
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == (f"predictor: the model of Knative revision {R1}", f"model: {V2} → {V1}")
    await made.execute(plan, "K")
    assert (await made.observe(plan, "K")).seen is Seen.MOVING
    acts(kube, ns)
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED
    assert traffic(kube, ns) == {R3: 100}
    with pytest.raises(Refused, match=f"{R2} is what was rolled back from before"):
        await made.plan(TARGET, *ROLLBACK)
    await made.undo(plan, "K/undo")
    acts(kube, ns)
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    assert predictor(kube, ns) == before
    assert keys_of(kube.get(INFERENCE_SERVICE, ns, NAME)) == ("K", "K/undo")
    await made.close()


async def test_a_stale_plan_and_somebody_elses_release_are_left_alone(kube: Any, ns: str) -> None:
    """Released since the plan: refused. Released since the change: undo is refused. The release stands both times."""
    made = action(kube, ns)
    for version, ask in (("v3", ROLLBACK), ("v4", TRAFFIC), ("v5", (Means.ROLLBACK, {"to": R1}))):
        stale = await made.plan(TARGET, *ask)
        ship(kube, ns, version, 20)
        assert await made.token(stale) != stale.token
        with pytest.raises(Refused, match="changed since it was planned"):
            await made.execute(stale, "K1")
        assert predictor(kube, ns) == model(version, canaryTrafficPercent=20)
    for place, ask in enumerate((ROLLBACK, (Means.ROLLBACK, {"to": R1}))):
        plan = await made.plan(TARGET, *ask)
        await made.execute(plan, f"K{place}")
        ship(kube, ns, f"w{place}", 20)
        with pytest.raises(Refused, match="changed again since"):
            await made.undo(plan, f"K{place}/undo")
        assert predictor(kube, ns) == model(f"w{place}", canaryTrafficPercent=20)
    await made.close()


async def test_refusals_are_sentences(kube: Any, ns: str) -> None:
    """Nothing of that name, too much, no right to read, to the revisions, to change: each says what is the matter."""
    with pytest.raises(Refused, match=f"there is no InferenceService nobody in namespace {ns}"):
        await action(kube, ns, name="nobody").plan(TARGET, *ROLLBACK)
    with pytest.raises(
        Refused, match=r"canaryTrafficPercent: Invalid value: 150: .*should be less than or equal to 100"
    ):
        await action(kube, ns).plan(TARGET, Means.TRAFFIC, {"percent": 150})
    with pytest.raises(Unavailable, match=r"does not let us get inferenceservices\.serving\.kserve\.io visits"):
        await action(kube, ns, token=NOBODY).plan(TARGET, *ROLLBACK)
    text = role("kserve", namespace=ns, name=NAME)
    less = action(kube, ns, token=kube.grant(text.replace("[revisions]", "[routes]").replace("patch", "list")))
    with pytest.raises(Unavailable, match=r"does not let us list revisions\.serving\.knative\.dev"):
        await less.plan(TARGET, Means.ROLLBACK, {"to": R1})
    with pytest.raises(Refused, match=r"does not let us patch inferenceservices\.serving\.kserve\.io visits"):
        await less.plan(TARGET, *ROLLBACK)


async def test_plain_deployments_end_to_end_under_the_role_we_ship(kube: Any) -> None:
    """Both ways of deploying, every ask from plan to undone under that role's token: each call its rule, and back."""
    if not isinstance(kube, FakeKubernetes):
        kube.need_controllers()
    ns = kube.namespace()
    kube.create(INFERENCE_SERVICE, ns, service(model("v1"), mode="Standard", canary=list(CANARIES)))
    acts(kube, ns)
    manifests = role("kserve", namespace=ns, name=NAME)
    watched = Watched(kube.inner())
    settings = {**kube.settings(kube.grant(manifests)), "namespace": ns, "name": NAME}
    made = make("kserve", watched, **settings, previous={"storageUri": "gs://models/visits/v0"})

    async def through(key: str, means: Means, params: dict[str, Any]) -> None:
        plan = await made.plan(TARGET, means, params)
        assert await made.token(plan) == plan.token
        await made.execute(plan, key)
        acts(kube, ns)
        assert (await settled(kube, lambda: made.observe(plan, key))).seen is Seen.APPLIED
        await made.undo(plan, f"{key}/undo")
        acts(kube, ns)
        assert (await settled(kube, lambda: made.undone(plan, f"{key}/undo"))).seen is Seen.APPLIED

    before = kube.get(INFERENCE_SERVICE, ns, NAME)["spec"]
    await through("K1", Means.TRAFFIC, {"percent": 50, "canary": "v2"})
    await through("K2", Means.ROLLBACK, {})
    assert kube.get(INFERENCE_SERVICE, ns, NAME)["spec"] == before
    kube.merge(INFERENCE_SERVICE, ns, NAME, {"spec": {"canary": None}})
    await through("K3", Means.ROLLBACK, {})
    assert predictor(kube, ns) == model("v1")
    held = kube.get(DEPLOYMENT, ns, f"{NAME}-predictor")
    assert held["status"]["availableReplicas"] == 2
    changed = {"metadata": {"annotations": {"serving.kserve.io/deploymentMode": "Serverless"}}}
    kube.merge(INFERENCE_SERVICE, ns, NAME, changed)
    acts(kube, ns)
    ship(kube, ns, "v2", 20)
    await through("K4", *TRAFFIC)
    ship(kube, ns, "v2", 100)
    await through("K5", Means.ROLLBACK, {"to": R1})
    assert watched.calls == allowed(manifests)
    await made.close()
