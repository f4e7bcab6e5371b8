"""Who else holds a Kubernetes object: told, paused while a change stands, or given the change to make in git.

What is paused is tried on a server of our own and on kube-apiserver, with definitions of our own making.
"""

from __future__ import annotations

from typing import Any

import pytest

from bot.actions._gitops import APPLICATION, HELM_RELEASE, KUSTOMIZATION, PAUSED, Owner, owner_of
from bot.clients.kubernetes import DEPLOYMENT, Kind
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK, make
from tests.kube.builtin import rolls_out
from tests.kube.conformance import deployment
from tests.kube.fake import FakeKubernetes
from tests.kube.owners import DEFINITIONS
from tests.kube.roles import Watched, allowed, role
from tests.parts import CANARY

TARGET, NAME, OWNER = Target("visits-pods", "kubernetes"), "visits", "shop"
BOTH = ["fake", pytest.param("real", marks=[pytest.mark.real, pytest.mark.xdist_group("kubernetes")])]
AUTOMATED = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": ["CreateNamespace=true"]}
OWNERS = {
    "argocd": (APPLICATION, {"project": "ml", "syncPolicy": AUTOMATED}),
    "flux-kustomization": (KUSTOMIZATION, {"path": "./visits", "suspend": False}),
    "flux-helm": (HELM_RELEASE, {"releaseName": "visits", "suspend": False}),
}


@pytest.fixture(params=BOTH)
def kube(request: pytest.FixtureRequest) -> Any:
    """A cluster, ours and the real one in turn, that knows Argo CD's and Flux's kinds."""
    found = FakeKubernetes() if request.param == "fake" else request.getfixturevalue("cluster")
    for each in DEFINITIONS:
        found.define(each)
    return found


@pytest.fixture
def fake() -> FakeKubernetes:
    """A cluster of our own in which v2 runs after v1, held by an Argo CD application."""
    found = FakeKubernetes()
    for each in DEFINITIONS:
        found.define(each)
    found.controllers.append(rolls_out)
    held(found, "ml", "argocd", "argocd")
    pod = {"containers": [{"name": "model", "image": "visits:v2", "env": [{"name": "SALT", "value": CANARY}]}]}
    found.merge(DEPLOYMENT, "ml", NAME, {"spec": {"template": {"spec": pod}}})
    return found


def held(cluster: Any, ns: str, file: str, where: str) -> Kind:
    """Make the Deployment and its owner; the owner's kind."""
    kind, spec = OWNERS[file]
    labels = {f"{kind.group}/name": OWNER, f"{kind.group}/namespace": where}
    marks = (
        {"annotations": {"argocd.argoproj.io/tracking-id": f"{where}_{OWNER}:apps/Deployment:{ns}/{NAME}"}}
        if kind == APPLICATION
        else {"labels": labels}
    )
    made = deployment("visits:v1")
    cluster.create(DEPLOYMENT, ns, {**made, "metadata": {**made["metadata"], **marks}})
    cluster.create(kind, where, {"metadata": {"name": OWNER}, "spec": spec})
    return kind


def action(cluster: Any, ns: str = "ml", **settings: Any):
    given = {**cluster.settings(), "namespace": ns, "name": NAME, "gitops": "pause", **settings}
    return make("kubernetes", cluster.transport, **given)


def spec_of(cluster: Any, kind: Kind, where: str) -> dict[str, Any]:
    spec: dict[str, Any] = cluster.get(kind, where, OWNER)["spec"]
    return spec


def stands(cluster: Any, kind: Kind, where: str) -> bool:
    """Whether the owner does nothing by itself."""
    spec = spec_of(cluster, kind, where)
    return "automated" not in spec["syncPolicy"] if kind == APPLICATION else spec.get("suspend") is True


def note(cluster: Any, kind: Kind, where: str) -> str:
    found: str = cluster.get(kind, where, OWNER)["metadata"].get("annotations", {}).get(PAUSED, "")
    return found


# -- who holds it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "annotations", "owner"),
    [
        ({}, {}, None),
        ({"app.kubernetes.io/instance": "shop"}, {}, None),
        ({"argocd.argoproj.io/instance": "shop"}, {}, Owner(APPLICATION, "argocd", "shop")),
        (
            {},
            {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:ml/visits"},
            Owner(APPLICATION, "argocd", "shop"),
        ),
        ({}, {"argocd.argoproj.io/tracking-id": "a_shop:apps/Deployment:ml/visits"}, Owner(APPLICATION, "a", "shop")),
        ({}, {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:ml/other"}, None),
        ({}, {"argocd.argoproj.io/tracking-id": "nonsense"}, None),
        ({"kustomize.toolkit.fluxcd.io/name": "shop"}, {}, Owner(KUSTOMIZATION, "ml", "shop")),
        (
            {"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "flux"},
            {},
            Owner(HELM_RELEASE, "flux", "shop"),
        ),
    ],
)
def test_an_owner_is_known_by_its_own_marks(labels: dict, annotations: dict, owner: Owner | None) -> None:
    """Argo CD by its tracking id for this very object or its label, Flux by its labels; Helm's label alone is nobody."""
    meta = {"name": NAME, "namespace": "ml", "labels": labels, "annotations": annotations}
    assert owner_of({"metadata": meta}, DEPLOYMENT, "argocd") == owner


async def test_an_owner_is_told_and_left_alone(fake: FakeKubernetes) -> None:
    """By default the plan names it and warns; it goes on syncing."""
    made = action(fake, gitops="warn")
    plan = await made.plan(TARGET, *ROLLBACK)
    assert plan.managed_by == "Argo CD application shop (namespace argocd)"
    assert any("may put git's state back within minutes" in warning for warning in plan.warnings)
    await made.execute(plan, "K")
    assert not stands(fake, APPLICATION, "argocd")


async def test_the_change_is_proposed_for_git_instead(fake: FakeKubernetes) -> None:
    """Refused with a few lines of YAML and no secret; what holds already is no proposal."""
    made = action(fake, gitops="propose")
    with pytest.raises(Refused, match="Argo CD application shop") as caught:
        await made.plan(TARGET, *ROLLBACK)
    said = caught.value.because
    assert "kind: Deployment" in said
    assert "image: visits:v1" in said
    with pytest.raises(Refused) as caught:
        await made.plan(TARGET, Means.PAUSE, {})
    assert "paused: true" in caught.value.because
    ship_back = {"containers": [{"name": "model", "image": "visits:v1", "env": [{"name": "N", "value": CANARY}]}]}
    fake.merge(DEPLOYMENT, "ml", NAME, {"spec": {"template": {"spec": ship_back}}})
    with pytest.raises(Refused) as caught:
        await made.plan(TARGET, Means.ROLLBACK, {"to": 2})
    assert "- name: SALT\n          value: …" in caught.value.because
    assert CANARY not in said + caught.value.because
    assert (await made.plan(TARGET, Means.PAUSE, {"resume": True})).diff == ()
    assert fake.changes == 0


# -- paused while the change stands ----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", OWNERS)
async def test_an_owner_is_paused_first_and_goes_on_as_before(kube: Any, file: str) -> None:
    """The plan says so; paused with the change, resumed with the undo exactly as it was; each twice, once done."""
    ns, where = kube.namespace(), kube.namespace()
    kind = held(kube, ns, file, where)
    before, made = spec_of(kube, kind, where), action(kube, ns)
    plan = await made.plan(TARGET, Means.PAUSE, {})
    assert any("syncs by itself → paused" in line for line in plan.diff)
    assert "sync again" in plan.undo
    assert plan.params["pauses"] == {"kind": kind.name, "namespace": where, "name": OWNER}
    for _ in range(2):
        await made.execute(plan, "K")
        assert stands(kube, kind, where)
        assert kube.get(DEPLOYMENT, ns, NAME)["spec"]["paused"] is True
    for _ in range(2):
        await made.undo(plan, "K/undo")
        assert spec_of(kube, kind, where) == before
        assert note(kube, kind, where) == ""
        assert not kube.get(DEPLOYMENT, ns, NAME)["spec"].get("paused")
    await made.close()


@pytest.mark.parametrize("file", OWNERS)
async def test_the_role_for_pausing_is_exactly_what_is_used(kube: Any, file: str) -> None:
    """Under the target's role and the owner's, every call has its rule and every rule of the owner's its call."""
    ns, where = kube.namespace(), kube.namespace()
    kind = held(kube, ns, file, where)
    target = role("kubernetes", namespace=ns, name=NAME)
    more = role(file, owner=OWNER, owner_namespace=where, account=f"tocsin-{NAME}", namespace=ns)
    watched = Watched(kube.inner())
    given = {**kube.settings(kube.grant(target, more)), "namespace": ns, "name": NAME, "gitops": "pause"}
    made = make("kubernetes", watched, **given)
    plan = await made.plan(TARGET, Means.PAUSE, {})
    await made.execute(plan, "K")
    await made.undo(plan, "K/undo")
    assert {call for call in watched.calls if call.namespace == where} == allowed(more)
    assert watched.calls <= allowed(target) | allowed(more)
    assert not stands(kube, kind, where)
    await made.close()


async def test_paused_for_two_it_goes_on_after_the_last(fake: FakeKubernetes) -> None:
    """Two changes hold it; the first one taken back does not let it go on."""
    made = action(fake)
    first = await made.plan(TARGET, *ROLLBACK)
    await made.execute(first, "K1")
    second = await made.plan(TARGET, Means.PAUSE, {})
    await made.execute(second, "K2")
    await made.undo(second, "K2/undo")
    assert stands(fake, APPLICATION, "argocd")
    await made.undo(first, "K1/undo")
    assert spec_of(fake, APPLICATION, "argocd")["syncPolicy"] == AUTOMATED


async def test_a_refused_change_leaves_no_owner_paused(fake: FakeKubernetes) -> None:
    """Somebody released between our pause and our write: refused, and the owner goes on as before."""
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    pod = {"containers": [{"name": "model", "image": "visits:v9"}]}

    def then() -> None:  # the first write is the owner's, the second the Deployment's
        fake.between = lambda: fake.merge(DEPLOYMENT, "ml", NAME, {"spec": {"template": {"spec": pod}}})

    fake.between = then
    with pytest.raises(Refused, match="changed since"):
        await made.execute(plan, "K")
    assert spec_of(fake, APPLICATION, "argocd")["syncPolicy"] == AUTOMATED
    assert note(fake, APPLICATION, "argocd") == ""


async def test_a_crash_between_the_two_writes_is_made_good(fake: FakeKubernetes) -> None:
    """Paused and not changed: executing again changes. Put back and still paused: not undone yet, undo resumes it."""
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    await made._pause.begin(Owner.of(plan.params["pauses"]), plan.digest[:16])
    assert (await made.observe(plan, "K")).seen is Seen.NOT_APPLIED
    await made.execute(plan, "K")
    tag_kept = note(fake, APPLICATION, "argocd")
    await made.undo(plan, "K/undo")
    marks = {"metadata": {"annotations": {PAUSED: tag_kept}}, "spec": {"syncPolicy": {"automated": None}}}
    fake.merge(APPLICATION, "argocd", OWNER, marks)
    undone = await made.undone(plan, "K/undo")
    assert (undone.seen, "still paused" in undone.detail) == (Seen.NOT_APPLIED, True)
    await made.undo(plan, "K/undo")
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    assert spec_of(fake, APPLICATION, "argocd")["syncPolicy"] == AUTOMATED


async def test_an_owner_left_paused_is_told_to_whoever_settles_it(fake: FakeKubernetes) -> None:
    """Died between the two writes: nothing lets it go on by itself, so what is seen says so, or that it cannot be read."""
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    assert "paused" not in (await made.observe(plan, "K")).detail
    await made._pause.begin(Owner.of(plan.params["pauses"]), plan.digest[:16])
    seen = await made.observe(plan, "K")
    assert seen.seen is Seen.NOT_APPLIED
    assert seen.detail.endswith(
        "Argo CD application shop (namespace argocd) is paused for it and stays so: let it sync again by hand"
    )
    apart = action(fake, token=fake.grant(role("kubernetes", namespace="ml", name=NAME)))
    assert "is paused for it could not be read" in (await apart.observe(plan, "K")).detail
    await made.execute(plan, "K")
    assert "by hand" not in (await made.observe(plan, "K")).detail


async def test_what_a_person_did_to_the_owner_stays(fake: FakeKubernetes) -> None:
    """Paused by hand before, it stays paused; switched on again by hand meanwhile, it stays as that person has it."""
    made = action(fake)
    plan = await made.plan(TARGET, *ROLLBACK)
    await made.execute(plan, "K1")
    own = {"prune": False, "selfHeal": False}
    fake.merge(APPLICATION, "argocd", OWNER, {"spec": {"syncPolicy": {"automated": own}}})
    await made.undo(plan, "K1/undo")
    assert spec_of(fake, APPLICATION, "argocd")["syncPolicy"]["automated"] == own
    assert note(fake, APPLICATION, "argocd") == ""
    fake.merge(APPLICATION, "argocd", OWNER, {"spec": {"syncPolicy": {"automated": {"enabled": False}}}})
    again = await made.plan(TARGET, *ROLLBACK)
    assert "pauses" not in again.params
    assert any("does not sync by itself now" in warning for warning in again.warnings)
    await made.execute(again, "K2")
    await made.undo(again, "K2/undo")
    assert spec_of(fake, APPLICATION, "argocd")["syncPolicy"]["automated"] == own | {"enabled": False}


async def test_an_owner_out_of_reach_is_told(fake: FakeKubernetes) -> None:
    """Not there, or not ours to touch: the plan fails and says which object it was about."""
    made = action(fake, token=fake.grant(role("kubernetes", namespace="ml", name=NAME)))
    with pytest.raises(Unavailable, match=r"does not let us get applications\.argoproj\.io shop in namespace argocd"):
        await made.plan(TARGET, *ROLLBACK)
    fake.delete(APPLICATION, "argocd", OWNER)
    with pytest.raises(Unavailable, match="has no Application shop in namespace argocd"):
        await action(fake).plan(TARGET, *ROLLBACK)
