"""What every Kubernetes target inherits, tried with the smallest one there is: a widget changed by JSON patches.

On a server of our own and on kube-apiserver alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bot.actions._kubernetes import Change, ObjectAction, ObjectSettings, Patch
from bot.clients.kubernetes import keys_of
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation, Seen
from tests.kube.conformance import WIDGET, WIDGETS, spec
from tests.kube.fake import FakeKubernetes
from tests.parts import Hands

TARGET = Target("parts", "widgets")
BOTH = ["fake", pytest.param("real", marks=[pytest.mark.real, pytest.mark.xdist_group("kubernetes")])]


class Widgets(ObjectAction):
    """Turns a widget's size, by a JSON patch that may name a field this cluster does not know."""

    kind = WIDGET
    can = (Means.TRAFFIC,)
    field = "size"

    async def resolve(
        self, found: Mapping[str, Any], means: Means, params: Mapping[str, object], carries: str
    ) -> Change:
        now, wanted = self.part(found, {})["size"], params["size"]
        diff = () if now == wanted else (f"size {now} → {wanted}",)
        return Change({}, {"size": wanted}, diff, f"all of {carries}", ActionClass.TRAFFIC, undo=f"size {now}")

    def part(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        return {"size": found["spec"]["size"]}

    async def patch(self, found: Mapping[str, Any], wanted: Mapping[str, Any], params: Mapping[str, Any]) -> Patch:
        return Patch([{"op": "add", "path": f"/spec/{self.field}", "value": wanted["size"]}])

    async def effective(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> Observation:
        return Observation(Seen.APPLIED, "it has that size")


class Mistaken(Widgets):
    """The same on a cluster whose kind lacks the field."""

    field = "sizes"


@pytest.fixture(params=BOTH)
def cluster(request: pytest.FixtureRequest) -> Any:
    """A cluster, ours and the real one in turn, that knows widgets."""
    found = FakeKubernetes() if request.param == "fake" else request.getfixturevalue("cluster")
    found.define(WIDGETS)
    return found


def action(kind: type[ObjectAction], cluster: Any, ns: str) -> ObjectAction:
    settings = ObjectSettings.model_validate({**cluster.settings(), "namespace": ns, "name": "w"})
    return kind(settings, clock=Hands(), transport=cluster.transport)


async def test_a_json_patch_carries_the_key_whether_or_not_there_are_annotations(cluster: Any) -> None:
    """The first key makes the annotations, the next is written beside the former; undo and undo again is one undo."""
    ns = cluster.namespace()
    cluster.create(WIDGET, ns, {"metadata": {"name": "w"}, **spec(size=1)})
    made = action(Widgets, cluster, ns)
    plan = await made.plan(TARGET, Means.TRAFFIC, {"size": 5})
    assert "annotations" not in cluster.get(WIDGET, ns, "w")["metadata"]
    for _ in range(2):
        await made.execute(plan, "K")
        assert cluster.get(WIDGET, ns, "w")["metadata"]["generation"] == 2
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED
    for _ in range(2):
        await made.undo(plan, "K/undo")
        assert cluster.get(WIDGET, ns, "w")["metadata"]["generation"] == 3
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    assert keys_of(cluster.get(WIDGET, ns, "w")) == ("K", "K/undo")
    await made.close()


async def test_a_field_the_cluster_does_not_know_is_found_out_in_the_plan(cluster: Any) -> None:
    """The server takes such a JSON patch with a 200 and drops it; what comes back is not what was wanted."""
    ns = cluster.namespace()
    cluster.create(WIDGET, ns, {"metadata": {"name": "w"}, **spec(size=1)})
    made = action(Mistaken, cluster, ns)
    with pytest.raises(Refused, match="makes something else of Widget w"):
        await made.plan(TARGET, Means.TRAFFIC, {"size": 5})
    await made.close()


async def test_a_value_the_cluster_does_not_take_is_refused_with_its_own_words(cluster: Any) -> None:
    """The dry run says what is wrong before anybody approves."""
    ns = cluster.namespace()
    cluster.create(WIDGET, ns, {"metadata": {"name": "w"}, **spec(size=1)})
    made = action(Widgets, cluster, ns)
    with pytest.raises(Refused, match="less than or equal to 100"):
        await made.plan(TARGET, Means.TRAFFIC, {"size": 101})
    await made.close()


async def test_another_hand_between_plan_change_and_undo_is_respected(cluster: Any) -> None:
    """Stale: refused. Changed since: not undone. Both leave the other hand's value."""
    ns = cluster.namespace()
    cluster.create(WIDGET, ns, {"metadata": {"name": "w"}, **spec(size=1)})
    made = action(Widgets, cluster, ns)
    plan = await made.plan(TARGET, Means.TRAFFIC, {"size": 5})
    cluster.merge(WIDGET, ns, "w", spec(size=7))
    with pytest.raises(Refused, match="changed since it was planned"):
        await made.execute(plan, "K1")
    plan = await made.plan(TARGET, Means.TRAFFIC, {"size": 5})
    await made.execute(plan, "K2")
    cluster.merge(WIDGET, ns, "w", spec(size=9))
    with pytest.raises(Refused, match="changed again since"):
        await made.undo(plan, "K2/undo")
    assert cluster.get(WIDGET, ns, "w")["spec"]["size"] == 9
    await made.close()
