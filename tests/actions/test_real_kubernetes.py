"""Against kube-apiserver, etcd and the real deployment controller: what is planned happens, once, and is undone."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import yaml

from bot.clients.kube_access import ClusterSettings
from bot.clients.kubernetes import DEPLOYMENT, REPLICA_SET, Kubernetes, keys_of
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.engine.ports import Action
from bot.engine.values import Observation, Seen
from tests.actions.fakes import ROLLBACK, make
from tests.actions.test_kubernetes import TARGET
from tests.kube.cluster import NOBODY, Cluster
from tests.kube.conformance import deployment
from tests.kube.roles import Watched, allowed, role
from tests.parts import CANARY

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubernetes")]

NAME = "visits"


@pytest.fixture
def ns(cluster: Cluster) -> str:
    """A namespace in which visits runs v2 after v1."""
    cluster.need_controllers()
    namespace = cluster.namespace()
    cluster.create(DEPLOYMENT, namespace, deployment("visits:v1"))
    rolled_out(cluster, namespace)
    ship(cluster, namespace, "visits:v2")
    return namespace


def ship(cluster: Cluster, ns: str, image: str, *, wait: bool = True) -> None:
    pod = {"containers": [{"name": "model", "image": image}]}
    cluster.merge(DEPLOYMENT, ns, NAME, {"spec": {"template": {"spec": pod}}})
    if wait:
        rolled_out(cluster, ns)


def rolled_out(cluster: Cluster, ns: str) -> None:
    def done() -> bool:
        held = cluster.get(DEPLOYMENT, ns, NAME)
        status, wanted = held.get("status", {}), held["spec"]["replicas"]
        counts = (status.get("replicas"), status.get("updatedReplicas"), status.get("availableReplicas"))
        return status.get("observedGeneration") == held["metadata"]["generation"] and counts == (wanted,) * 3

    cluster.until(done, "the rollout")


def action(cluster: Cluster, ns: str, **settings: Any) -> Action:
    return make("kubernetes", **{**cluster.settings(), "namespace": ns, "name": NAME, **settings})


def running(cluster: Cluster, ns: str) -> set[str]:
    """Images of the pods that are there."""
    pods = cluster.call("GET", f"/api/v1/namespaces/{ns}/pods")["items"]
    return {pod["spec"]["containers"][0]["image"] for pod in pods if not pod["metadata"].get("deletionTimestamp")}


async def seen(cluster: Cluster, look: Callable[[], Awaitable[Observation]]) -> Observation:
    """What the action shows once it is no longer on its way."""
    for _ in range(2000):
        found = await look()
        if found.seen is not Seen.MOVING:
            return found
        await asyncio.to_thread(cluster.call, "GET", "/api/v1/namespaces/default")  # the real server needs its time
    pytest.fail(f"still on its way: {found.detail}")


async def test_a_rollback_replaces_the_pods_and_undo_brings_them_back(cluster: Cluster, ns: str) -> None:
    """Before: v2 runs. After: v1 alone, in the very ReplicaSet it had. Undone: v2 alone. Twice asked, once done."""
    made = action(cluster, ns)
    template = cluster.get(DEPLOYMENT, ns, NAME)["spec"]["template"]
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.diff == ("revision 2 → 1", "image of model: visits:v2 → visits:v1")
    assert (await made.observe(plan, "K")).seen is Seen.NOT_APPLIED
    await made.execute(plan, "K")
    generation = cluster.get(DEPLOYMENT, ns, NAME)["metadata"]["generation"]
    await made.execute(plan, "K")
    assert cluster.get(DEPLOYMENT, ns, NAME)["metadata"]["generation"] == generation
    assert (await seen(cluster, lambda: made.observe(plan, "K"))).seen is Seen.APPLIED
    assert running(cluster, ns) == {"visits:v1"}
    assert len(cluster.call("GET", REPLICA_SET.path(ns))["items"]) == 2
    with pytest.raises(Refused, match="no revision before 3"):
        await made.plan(TARGET, *ROLLBACK)
    await made.undo(plan, "K/undo")
    await made.undo(plan, "K/undo")
    assert (await seen(cluster, lambda: made.undone(plan, "K/undo"))).seen is Seen.APPLIED
    assert running(cluster, ns) == {"visits:v2"}
    held = cluster.get(DEPLOYMENT, ns, NAME)
    assert held["spec"]["template"] == template
    assert keys_of(held) == ("K", "K/undo")
    await made.close()


async def test_planning_is_a_dry_run_that_changes_nothing(cluster: Cluster, ns: str) -> None:
    """Not even the version moves; the server itself says whether it would take the change."""
    before = cluster.get(DEPLOYMENT, ns, NAME)["metadata"]
    made = action(cluster, ns)
    for means in (Means.ROLLBACK, Means.RESTART, Means.PAUSE):
        assert "dry run" in (await made.plan(TARGET, means, {})).dry_run
    after = cluster.get(DEPLOYMENT, ns, NAME)["metadata"]
    assert (after["resourceVersion"], after["generation"]) == (before["resourceVersion"], before["generation"])
    await made.close()


async def test_a_stale_plan_and_somebody_elses_release_are_left_alone(cluster: Cluster, ns: str) -> None:
    """Released since the plan: refused. Released since the change: undo is refused. The release stands both times."""
    made = action(cluster, ns)
    stale = await made.plan(TARGET, *ROLLBACK)
    ship(cluster, ns, "visits:v3")
    assert await made.token(stale) != stale.token
    with pytest.raises(Refused, match="changed since it was planned"):
        await made.execute(stale, "K1")
    assert running(cluster, ns) == {"visits:v3"}
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, "K2")
    ship(cluster, ns, "visits:v4")
    with pytest.raises(Refused, match="changed again since"):
        await made.undo(plan, "K2/undo")
    assert running(cluster, ns) == {"visits:v4"}
    await made.close()


async def test_a_rollback_to_what_cannot_start_is_never_called_done(cluster: Cluster, ns: str) -> None:
    """The pods of the wanted revision are not ready: on its way, with the counts; then past its deadline, and told."""
    cluster.merge(DEPLOYMENT, ns, NAME, {"spec": {"progressDeadlineSeconds": 1}})
    ship(cluster, ns, "broken:v3", wait=False)
    made = action(cluster, ns)
    cluster.until(lambda: len(cluster.call("GET", REPLICA_SET.path(ns))["items"]) == 3, "the third revision")
    back = await made.plan(TARGET, *ROLLBACK)
    assert "image of model: broken:v3 → visits:v2" in back.diff
    await made.execute(back, "K1")
    assert (await seen(cluster, lambda: made.observe(back, "K1"))).seen is Seen.APPLIED
    forth = await made.plan(TARGET, Means.ROLLBACK, {"to": 3})
    await made.execute(forth, "K2")

    def stuck() -> bool:
        reasons = [each.get("reason") for each in cluster.get(DEPLOYMENT, ns, NAME)["status"]["conditions"]]
        return "ProgressDeadlineExceeded" in reasons

    cluster.until(stuck, "the deadline")
    late = await made.observe(forth, "K2")
    assert late.seen is Seen.UNKNOWN
    assert "of 2 pods" in late.detail
    assert "stuck (ProgressDeadlineExceeded)" in late.detail
    await made.undo(forth, "K2/undo")
    assert (await seen(cluster, lambda: made.undone(forth, "K2/undo"))).seen is Seen.APPLIED
    await made.close()


async def test_a_restart_replaces_every_pod(cluster: Cluster, ns: str) -> None:
    """Other pods, the same images; under one key once; no way back."""

    def names() -> set[str]:
        return {pod["metadata"]["name"] for pod in cluster.call("GET", f"/api/v1/namespaces/{ns}/pods")["items"]}

    made, before = action(cluster, ns), names()
    plan = await made.plan(TARGET, Means.RESTART, {})
    await made.execute(plan, "K")
    await made.execute(plan, "K")
    assert (await seen(cluster, lambda: made.observe(plan, "K"))).seen is Seen.APPLIED
    cluster.until(lambda: not names() & before, "the old pods to go")
    assert running(cluster, ns) == {"visits:v2"}
    with pytest.raises(Refused, match="no way back"):
        await made.undo(plan, "K/undo")
    await made.close()


async def test_paused_rollouts_hold_a_release_back(cluster: Cluster, ns: str) -> None:
    """A release while paused starts no pod; resumed, it goes out."""
    made = action(cluster, ns)
    plan = await made.plan(TARGET, Means.PAUSE, {})
    await made.execute(plan, "K")
    assert (await seen(cluster, lambda: made.observe(plan, "K"))).seen is Seen.APPLIED
    ship(cluster, ns, "visits:v3", wait=False)
    assert running(cluster, ns) == {"visits:v2"}
    await made.undo(plan, "K/undo")
    rolled_out(cluster, ns)
    assert running(cluster, ns) == {"visits:v3"}
    await made.close()


async def test_refusals_are_sentences(cluster: Cluster, ns: str) -> None:
    """Nothing of that name, no right, a wrong token, another authority: each says what is the matter."""
    with pytest.raises(Refused, match=f"there is no Deployment nobody in namespace {ns}"):
        await action(cluster, ns, name="nobody").plan(TARGET, *ROLLBACK)
    with pytest.raises(Unavailable, match=rf"does not let us get deployments\.apps visits in namespace {ns}"):
        await action(cluster, ns, token=NOBODY).plan(TARGET, *ROLLBACK)
    with pytest.raises(Unavailable, match="did not accept our credentials"):
        await action(cluster, ns, token="nonsense").plan(TARGET, *ROLLBACK)
    with pytest.raises(Unavailable, match="could not be reached"):
        await action(cluster, ns, ca="").plan(TARGET, *ROLLBACK)


async def test_an_object_quoted_in_a_refusal_shows_none_of_its_variables(cluster: Cluster, ns: str) -> None:
    """Of a value of the wrong type the server repeats the whole Deployment; we repeat what it says of it."""
    pod = {"containers": [{"name": "model", "image": "visits:v2", "env": [{"name": "SALT", "value": CANARY}]}]}
    cluster.merge(DEPLOYMENT, ns, NAME, {"spec": {"template": {"spec": pod}}})
    client = Kubernetes(ClusterSettings.model_validate(cluster.settings()))
    with pytest.raises(Refused, match=r'invalid: patch: Invalid value: "…"') as caught:
        await client.merge(DEPLOYMENT, ns, NAME, {"spec": {"replicas": "many"}})
    assert CANARY not in str(caught.value)
    with pytest.raises(Refused, match=r'Deployment.apps "visits" is invalid: spec.replicas: Invalid value: -1'):
        await client.merge(DEPLOYMENT, ns, NAME, {"spec": {"replicas": -1}})
    await client.close()


async def test_a_right_to_read_is_no_right_to_change(cluster: Cluster, ns: str) -> None:
    """Under a role without patch even the dry run is refused, and the sentence names what is missing."""
    text = role("kubernetes", namespace=ns, name=NAME).replace("[get, patch]", "[get]")
    made = action(cluster, ns, token=cluster.grant(text))
    with pytest.raises(Refused, match=rf"does not let us patch deployments\.apps visits in namespace {ns}"):
        await made.plan(TARGET, *ROLLBACK)
    await made.close()


async def test_the_role_we_ship_is_exactly_what_is_used(cluster: Cluster, ns: str) -> None:
    """Every means from plan to undone under that role's token: each call has its rule, and each rule its call."""
    manifests = role("kubernetes", namespace=ns, name=NAME)
    watched = Watched(cluster.inner())
    made = make("kubernetes", watched, **cluster.settings(cluster.grant(manifests)), namespace=ns, name=NAME)

    async def through(means: Means) -> Plan:
        plan = await made.plan(TARGET, means, {})
        assert await made.token(plan) == plan.token
        await made.execute(plan, means)
        assert (await seen(cluster, lambda: made.observe(plan, means))).seen is Seen.APPLIED
        if plan.reversible:
            await made.undo(plan, f"{means}/undo")
            assert (await seen(cluster, lambda: made.undone(plan, f"{means}/undo"))).seen is Seen.APPLIED
        return plan

    for means in (Means.ROLLBACK, Means.PAUSE, Means.RESTART):
        await through(means)
    assert watched.calls == allowed(manifests)
    await made.close()


async def test_a_kubeconfig_leads_there_by_certificate_and_by_token(cluster: Cluster, ns: str) -> None:
    """A client certificate written into it, one that stands beside it, a token, a token's file: each is let in."""
    papers, file = cluster.papers, cluster.folder / "config.yaml"
    (cluster.folder / "token").write_text("token-of-the-admin\n")
    inline = [base64.b64encode(each.read_bytes()).decode() for each in (papers.client_certificate, papers.client_key)]
    ways: list[dict[str, Any]] = [
        {"client-certificate-data": inline[0], "client-key-data": inline[1]},
        {"client-certificate": papers.client_certificate.name, "client-key": papers.client_key.name},
        {"token": "token-of-the-admin"},
        {"tokenFile": "token"},
    ]
    for user in ways:
        file.write_text(yaml.safe_dump(papers.kubeconfig(cluster.url, user)))
        made = make("kubernetes", kubeconfig=str(file), namespace=ns, name=NAME, timeout_seconds=20)
        assert (await made.plan(TARGET, *ROLLBACK)).diff
        await made.close()
    file.write_text(yaml.safe_dump(papers.kubeconfig(cluster.url, {})))
    with pytest.raises(Unavailable, match="does not let us get"):
        await make("kubernetes", kubeconfig=str(file), namespace=ns, name=NAME).plan(TARGET, *ROLLBACK)
