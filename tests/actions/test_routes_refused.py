"""What both routes refuse, and what they may do: in sentences, and under exactly the role that is shipped.

Tried on a server of our own and on kube-apiserver with RBAC, with definitions of our own making.
"""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.engine.values import Seen
from tests.actions.fake_mesh import GATEWAY, ISTIO, NAME, SHADOW, TO_RULES, Mesh
from tests.actions.fakes import ROLLBACK, WEIGHTS
from tests.kube.fake import NOBODY, FakeKubernetes
from tests.kube.roles import Watched, allowed, role

BOTH = ["fake", pytest.param("real", marks=[pytest.mark.real, pytest.mark.xdist_group("kubernetes")])]
MESHES = pytest.mark.parametrize("mesh", [ISTIO, GATEWAY], ids=["istio", "gateway"])
BYPASS, MIRROR = (Means.BYPASS, TO_RULES), (Means.TRAFFIC, SHADOW)


@pytest.fixture(params=BOTH)
def kube(request: pytest.FixtureRequest) -> Any:
    """A cluster, ours and the real one in turn."""
    return FakeKubernetes() if request.param == "fake" else request.getfixturevalue("cluster")


REFUSED = [
    (Means.BYPASS, {"slice": "age=old", "to": "rules"}, "no header is set for slice age=old; there is health=poor"),
    (Means.BYPASS, {"slice": "health=poor", "to": "v9"}, "there is no backend 'v9'; there is v1, v2, rules"),
    (Means.BYPASS, {"to": "v1"}, "a bypass needs the slice it is for"),
    (Means.TRAFFIC, {"weights": {"rules": 100}}, "there is no backend rules; there is v1, v2"),
    (Means.TRAFFIC, {"weights": {"v1": -1, "v2": 101}}, "the weight of v1 is a whole number from 0"),
    (Means.TRAFFIC, {}, "a change of traffic needs weights"),
    (Means.TRAFFIC, {"mirror": {"to": "v9"}}, "there is no backend 'v9'"),
    (Means.TRAFFIC, {"mirror": {"to": "v2", "percent": 0}}, "above 0 and at most 100, not 0"),
    (Means.TRAFFIC, {"mirror": {"to": "v2", "percent": True}}, "above 0 and at most 100, not True"),
    (Means.TRAFFIC, {"mirror": {"percent": 5}}, "a mirror needs to and percent"),
    (Means.TRAFFIC, {"mirror": None, "weights": {"v1": 100}}, "two changes; ask for one of them"),
    (Means.ROLLBACK, {"to": "v3"}, "there is no version 'v3' to roll back to"),
]


@MESHES
@pytest.mark.parametrize(("means", "params", "because"), REFUSED)
async def test_what_cannot_be_meant_is_refused(mesh: Mesh, means: Means, params: Any, because: str) -> None:
    """In a sentence that says what there is instead."""
    fake = FakeKubernetes()
    made = mesh.action(fake, mesh.begin(fake))
    with pytest.raises(Refused, match=because):
        await made.plan(mesh.target, means, params)
    await made.close()


@MESHES
async def test_what_is_not_there_or_not_ours_to_change_is_a_sentence(mesh: Mesh, kube: Any) -> None:
    """No such object, no such route, no right, an API that is not installed, a place that is none of the versions."""
    ns = mesh.begin(kube)
    word = "route" if mesh is ISTIO else "rule"
    with pytest.raises(Refused, match=f"there is no {mesh.kind.name} nobody in namespace {ns}"):
        await mesh.action(kube, ns, name="nobody").plan(mesh.target, *ROLLBACK)
    with pytest.raises(Refused, match=f"visits in namespace {ns} has no {word} canary; there is "):
        await mesh.action(kube, ns, **{word: "canary"}).plan(mesh.target, *ROLLBACK)
    with pytest.raises(Refused, match=f"has no {word} 3; there is"):
        await mesh.action(kube, ns, **{word: 3}).plan(mesh.target, *BYPASS)
    with pytest.raises(Unavailable, match=f"does not let us get {mesh.kind.resource} visits"):
        await mesh.action(kube, ns, token=NOBODY).plan(mesh.target, *ROLLBACK)
    if mesh is ISTIO:
        with pytest.raises(Unavailable, match=r"is networking\.istio\.io/v1alpha3 installed there"):
            await mesh.action(kube, ns, api="v1alpha3").plan(mesh.target, *ROLLBACK)
    one = {name: each for name, each in mesh.settings["versions"].items() if name == "v1"}
    with pytest.raises(Refused, match=r"also sends to visits.*v2.*, no version of ours"):
        await mesh.action(kube, ns, versions=one).plan(mesh.target, *ROLLBACK)


@MESHES
async def test_a_right_to_read_is_no_right_to_change(mesh: Mesh, kube: Any) -> None:
    """Under a role without patch the dry run is refused already, and the sentence names what is missing."""
    ns = mesh.begin(kube)
    token = kube.grant(role(mesh.name, namespace=ns, name=NAME).replace("[get, patch]", "[get]"))
    made = mesh.action(kube, ns, token=token)
    with pytest.raises(Refused, match=f"does not let us patch {mesh.kind.resource} visits in namespace {ns}"):
        await made.plan(mesh.target, *ROLLBACK)
    await made.close()


@MESHES
async def test_the_role_we_ship_is_exactly_what_is_used(mesh: Mesh, kube: Any) -> None:
    """Every means from plan to undone under that role's token: each call has its rule, and each rule its call."""
    ns = mesh.begin(kube)
    manifests = role(mesh.name, namespace=ns, name=NAME)
    watched = Watched(kube.inner())
    made = mesh.action(kube, ns, watched, token=kube.grant(manifests))
    for number, ask in enumerate((ROLLBACK, WEIGHTS, BYPASS, MIRROR)):
        plan = await made.plan(mesh.target, *ask)
        assert await made.token(plan) == plan.token
        await made.execute(plan, f"K{number}")
        mesh.settle(kube, ns)
        assert (await made.observe(plan, f"K{number}")).seen is Seen.APPLIED
        await made.undo(plan, f"K{number}/undo")
        mesh.settle(kube, ns)
        assert (await made.undone(plan, f"K{number}/undo")).seen is Seen.APPLIED
    assert watched.calls == allowed(manifests)
    await made.close()
