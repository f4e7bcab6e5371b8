"""What both routes promise: planned, carried out, proved, undone, and nothing of anybody else's touched.

Each is tried on a server of our own and on kube-apiserver with etcd, with definitions of our own making; the controllers
(Istio's status, a gateway's verdict) are played by tests/kube/mesh.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from bot.clients.kubernetes import keys_of
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.engine.values import Seen
from tests.actions.fake_mesh import ENTRY, GATEWAY, ISTIO, LIFT, NAME, SHADOW, TO_RULES, Mesh
from tests.actions.fakes import ROLLBACK, WEIGHTS
from tests.kube.fake import FakeKubernetes

BOTH = ["fake", pytest.param("real", marks=[pytest.mark.real, pytest.mark.xdist_group("kubernetes")])]
MESHES = pytest.mark.parametrize("mesh", [ISTIO, GATEWAY], ids=["istio", "gateway"])
BYPASS, BACK, MIRROR = (Means.BYPASS, TO_RULES), (Means.BYPASS, LIFT), (Means.TRAFFIC, SHADOW)
NO_MIRROR = (Means.TRAFFIC, {"mirror": None})


@pytest.fixture(params=BOTH)
def kube(request: pytest.FixtureRequest) -> Any:
    """A cluster, ours and the real one in turn."""
    return FakeKubernetes() if request.param == "fake" else request.getfixturevalue("cluster")


async def walk(mesh: Mesh, kube: Any, ns: str, means: Means, params: Any) -> Any:
    """Plan, execute twice, observe, undo twice, undone; the plan. What stood there stands there again."""
    made, before = mesh.action(kube, ns), mesh.routes(kube, ns)
    plan = await made.plan(mesh.target, means, params)
    assert mesh.routes(kube, ns) == before
    assert "dry run" in plan.dry_run
    await made.execute(plan, "K")
    after = mesh.routes(kube, ns)
    await made.execute(plan, "K")
    assert mesh.routes(kube, ns) == after != before
    assert (await made.observe(plan, "K")).seen is Seen.MOVING  # its controller has not seen it
    mesh.settle(kube, ns)
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED
    await made.undo(plan, "K/undo")
    await made.undo(plan, "K/undo")
    assert (await made.undone(plan, "K/undo")).seen is Seen.MOVING
    mesh.settle(kube, ns)
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    assert mesh.routes(kube, ns) == before
    assert keys_of(kube.get(mesh.kind, ns, NAME)) == ("K", "K/undo")
    await made.close()
    return plan


# -- weights ---------------------------------------------------------------------------------------------------------


@MESHES
async def test_a_rollback_moves_the_weights_and_undo_puts_them_back(mesh: Mesh, kube: Any) -> None:
    """v2 takes all; rolled back v1 does, and the plan says how wide, how back and who serves then."""
    ns = mesh.begin(kube)
    plan = await walk(mesh, kube, ns, *ROLLBACK)
    assert plan.diff == ("weight v1 0 → 100", "weight v2 100 → 0")
    assert (plan.blast_radius, plan.klass, plan.share) == ("100 % of visits-traffic traffic", ActionClass.TRAFFIC, 1.0)
    assert plan.serves == {"v1": 1.0, "v2": 0.0}
    assert plan.undo == "put the weights back: v1 0, v2 100"
    assert plan.warnings == ()


@MESHES
async def test_weights_are_moved_as_asked(mesh: Mesh, kube: Any) -> None:
    """90 to 10, and nothing else of the route is changed."""
    ns = mesh.begin(kube)
    made, main = mesh.action(kube, ns), mesh.routes(kube, ns)[-1]
    plan = await made.plan(mesh.target, *WEIGHTS)
    await made.execute(plan, "K")
    assert mesh.weights(kube, ns) == [90, 10]
    (now,) = mesh.routes(kube, ns)
    assert {**now, mesh.sends: ...} == {**main, mesh.sends: ...}
    assert plan.share == 0.9
    await made.close()


@MESHES
async def test_a_version_the_route_does_not_know_yet_is_added(mesh: Mesh, kube: Any) -> None:
    """Only v2 stands there: a rollback adds v1 with all the weight, undo leaves it with none."""
    ns = mesh.begin(kube)
    main = mesh.routes(kube, ns)[-1]
    mesh.write(kube, ns, [{**main, mesh.sends: main[mesh.sends][1:]}])
    made = mesh.action(kube, ns)
    plan = await made.plan(mesh.target, *ROLLBACK)
    await made.execute(plan, "K")
    assert mesh.weights(kube, ns) == [0, 100]
    assert mesh.routes(kube, ns)[-1][mesh.sends][0] == {**main[mesh.sends][1], "weight": 0}
    await made.undo(plan, "K/undo")
    mesh.settle(kube, ns)
    assert mesh.weights(kube, ns) == [100, 0]
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    await made.close()


@MESHES
async def test_a_stale_plan_is_refused_and_somebody_elses_weights_stay(mesh: Mesh, kube: Any) -> None:
    """Changed since the plan: not executed. Changed since the change: not undone. Each refusal says so."""
    ns = mesh.begin(kube)
    made = mesh.action(kube, ns)
    stale = await made.plan(mesh.target, *ROLLBACK)
    mesh.reweigh(kube, ns, 30, 70)
    assert await made.token(stale) != stale.token
    with pytest.raises(Refused, match="was changed since it was planned; nothing was done"):
        await made.execute(stale, "K1")
    assert mesh.weights(kube, ns) == [30, 70]
    plan = await made.plan(mesh.target, *ROLLBACK)
    await made.execute(plan, "K2")
    mesh.reweigh(kube, ns, 60, 40)
    with pytest.raises(Refused, match="was changed again since; undoing would take that back too"):
        await made.undo(plan, "K2/undo")
    assert mesh.weights(kube, ns) == [60, 40]
    assert "changed again since" in (await made.observe(plan, "K2")).detail
    await made.close()


@MESHES
async def test_what_somebody_else_did_elsewhere_stays_through_execute_and_undo(mesh: Mesh, kube: Any) -> None:
    """A label and a longer timeout put there between plan, execution and undo are in nobody's way and stay."""
    ns = mesh.begin(kube)
    made = mesh.action(kube, ns)
    plan = await made.plan(mesh.target, *ROLLBACK)
    kube.merge(mesh.kind, ns, NAME, {"metadata": {"labels": {"team": "ml"}}})
    await made.execute(plan, "K")
    routes = mesh.routes(kube, ns)
    longer = {"timeout": "9s"} if mesh is ISTIO else {"timeouts": {"request": "9s"}}
    mesh.write(kube, ns, [routes[0] | longer])
    await made.undo(plan, "K/undo")
    assert mesh.weights(kube, ns) == [0, 100]
    assert mesh.routes(kube, ns)[0].items() >= longer.items()
    assert kube.get(mesh.kind, ns, NAME)["metadata"]["labels"] == {"team": "ml"}
    await made.close()


@MESHES
async def test_somebody_who_comes_between_is_met_before_the_write(mesh: Mesh) -> None:
    """Between our look and our patch: what has nothing to do with it is no hindrance, other weights are."""
    fake = FakeKubernetes()
    ns = mesh.begin(fake)
    made = mesh.action(fake, ns)
    plan = await made.plan(mesh.target, *ROLLBACK)
    fake.between = lambda: fake.merge(mesh.kind, ns, NAME, {"metadata": {"labels": {"team": "ml"}}}) and None
    await made.execute(plan, "K")
    assert mesh.weights(fake, ns) == [100, 0]
    fake.between = lambda: mesh.reweigh(fake, ns, 20, 80)
    with pytest.raises(Refused, match="changed again since"):
        await made.undo(plan, "K/undo")
    assert mesh.weights(fake, ns) == [20, 80]
    again = await made.plan(mesh.target, *ROLLBACK)
    # so that a test of our patch fails as well: the server then tells that and not the version
    fake.between = lambda: mesh.write(fake, ns, [{**each, mesh.sends: []} for each in mesh.routes(fake, ns)])
    with pytest.raises(Refused, match="was changed since it was planned"):
        await made.execute(again, "K3")
    await made.close()


@MESHES
async def test_a_route_that_took_its_place_is_another(mesh: Mesh, kube: Any) -> None:
    """Somebody put one in front that weighs the same: what was planned for the first route is not done to that one."""
    ns = mesh.begin(kube)
    made = mesh.action(kube, ns)
    stale = await made.plan(mesh.target, *ROLLBACK)
    (main,) = mesh.routes(kube, ns)
    path = {"uri": {"exact": "/new"}} if mesh is ISTIO else {"path": {"type": "Exact", "value": "/new"}}
    front = {**main, "name": "canary", mesh.asks: [path]}
    mesh.write(kube, ns, [front, main])
    with pytest.raises(Refused, match="was changed since it was planned"):
        await made.execute(stale, "K")
    mesh.write(kube, ns, [main])
    plan = await made.plan(mesh.target, *ROLLBACK)
    await made.execute(plan, "K1")
    (done,) = mesh.routes(kube, ns)
    mesh.write(kube, ns, [{**front, mesh.sends: done[mesh.sends]}, done])
    with pytest.raises(Refused, match="was changed again since"):
        await made.undo(plan, "K1/undo")
    await made.close()


@MESHES
async def test_a_route_that_was_taken_away_is_nobodys_success(mesh: Mesh) -> None:
    """After the plan it is not carried out, after the change not undone; nothing is put there in its place."""
    fake = FakeKubernetes()
    ns = mesh.begin(fake)
    made = mesh.action(fake, ns)
    for number, ask in enumerate((ROLLBACK, MIRROR, NO_MIRROR)):
        routes = mesh.routes(fake, ns)
        plan = await made.plan(mesh.target, *ask)
        mesh.write(fake, ns, [])
        assert await made.token(plan) != plan.token
        with pytest.raises(Refused, match="was changed since it was planned"):
            await made.execute(plan, f"K{number}")
        assert (await made.undone(plan, f"K{number}/undo")).seen is Seen.NOT_APPLIED
        mesh.write(fake, ns, routes)
        await made.execute(plan, f"K{number}")
        changed = mesh.routes(fake, ns)
        mesh.write(fake, ns, [])
        with pytest.raises(Refused, match="was changed again since"):
            await made.undo(plan, f"K{number}/undo")
        assert mesh.routes(fake, ns) == []
        mesh.write(fake, ns, changed)
    await made.close()


# -- a slice ---------------------------------------------------------------------------------------------------------


@MESHES
async def test_a_slice_is_sent_elsewhere_by_its_header_and_comes_back(mesh: Mesh, kube: Any) -> None:
    """A named copy of the route stands in front of it, asks for the header besides, and sends to one backend."""
    ns = mesh.begin(kube)
    made, main = mesh.action(kube, ns), mesh.routes(kube, ns)[0]
    plan = await made.plan(mesh.target, *BYPASS)
    assert plan.diff == ("slice health=poor: goes by weight → sent to rules",)
    assert plan.blast_radius == "only the slice health=poor of visits-traffic traffic (x-health: poor)"
    assert (plan.klass, plan.undo) == (ActionClass.SMALL, "let slice health=poor go by weight again")
    await made.execute(plan, "K")
    copy, behind = mesh.routes(kube, ns)
    assert (behind, copy["name"], len(copy[mesh.sends])) == (main, ENTRY, 1)
    asked = mesh.settings["fallbacks"]["rules"]
    assert {**copy[mesh.sends][0], **copy[mesh.sends][0].get("destination", {})}.items() >= asked.items()
    kept = {"timeout": "2s"} if mesh is ISTIO else {"timeouts": {"request": "2s"}}
    assert copy.items() >= kept.items()
    assert (await made.plan(mesh.target, *BYPASS)).diff == ()
    await made.close()
    await walk(mesh, kube, mesh.begin(kube), *BYPASS)


@MESHES
async def test_lifting_takes_away_ours_by_name_and_once(mesh: Mesh, kube: Any) -> None:
    """Wherever it stands by then: other people's routes in front and behind stay, and a second undo does nothing."""
    ns = mesh.begin(kube)
    made = mesh.action(kube, ns)
    plan = await made.plan(mesh.target, *BYPASS)
    await made.execute(plan, "K")
    routes = mesh.routes(kube, ns)
    others = [{**routes[1], "name": "canary"}, {**routes[1], "name": "beta"}]
    mesh.write(kube, ns, [others[0], *routes, others[1]])
    await made.undo(plan, "K/undo")
    assert mesh.routes(kube, ns) == [others[0], routes[1], others[1]]
    await made.undo(plan, "K/undo")
    await made.undo(plan, "K/another")
    assert mesh.routes(kube, ns) == [others[0], routes[1], others[1]]
    await made.close()


@MESHES
async def test_a_bypass_can_be_lifted_moved_and_brought_back(mesh: Mesh, kube: Any) -> None:
    """To rules, then to v1, then lifted: each undo restores the one before, and weights move beside it."""
    ns = mesh.begin(kube)
    made = mesh.action(kube, ns)
    first = await made.plan(mesh.target, *BYPASS)
    await made.execute(first, "K1")
    at_rules = mesh.routes(kube, ns)
    moved = await made.plan(mesh.target, Means.BYPASS, {"slice": "health=poor", "to": "v1"})
    assert moved.diff == ("slice health=poor: sent to rules → sent to v1",)
    await made.execute(moved, "K2")
    assert len(mesh.routes(kube, ns)) == 2
    with pytest.raises(Refused, match="changed again since"):
        await made.undo(first, "K1/undo")
    await made.undo(moved, "K2/undo")
    assert mesh.routes(kube, ns) == at_rules
    beside = await made.plan(mesh.target, *ROLLBACK)
    assert "a slice goes on being sent to rules" in beside.warnings
    assert beside.serves == {}
    await made.execute(beside, "K3")
    assert mesh.weights(kube, ns) == [100, 0]
    await made.undo(beside, "K3/undo")
    lift = await made.plan(mesh.target, *BACK)
    assert lift.diff == ("slice health=poor: no longer sent to rules, goes by weight again",)
    await made.execute(lift, "K4")
    assert mesh.routes(kube, ns) == at_rules[1:]
    await made.undo(lift, "K4/undo")
    assert mesh.routes(kube, ns) == at_rules
    await made.close()


@MESHES
async def test_a_copy_that_was_edited_is_not_ours_to_take_back(mesh: Mesh, kube: Any) -> None:
    """Edited since, undo is refused; lifting it anew is possible, says that there is no way back, and is class 2."""
    ns = mesh.begin(kube)
    made = mesh.action(kube, ns)
    plan = await made.plan(mesh.target, *BYPASS)
    await made.execute(plan, "K")
    copy, main = mesh.routes(kube, ns)
    edited = copy | ({"timeout": "9s"} if mesh is ISTIO else {"timeouts": {"request": "9s"}})
    mesh.write(kube, ns, [edited, main])
    with pytest.raises(Refused, match="changed again since"):
        await made.undo(plan, "K/undo")
    assert mesh.routes(kube, ns) == [edited, main]
    anew = await made.plan(mesh.target, *BYPASS)
    assert anew.diff == ("slice health=poor: what sends it to rules is not as it should be → made anew",)
    lift = await made.plan(mesh.target, *BACK)
    assert (lift.klass, lift.reversible) == (ActionClass.TRAFFIC, False)
    assert "would be made otherwise now: it cannot be put back" in lift.warnings[0]
    await made.execute(lift, "K2")
    assert mesh.routes(kube, ns) == [main]
    with pytest.raises(Refused, match="there is no way back"):
        await made.undo(lift, "K2/undo")
    await made.close()


@MESHES
async def test_a_bypass_of_a_route_that_changed_since_is_refused(mesh: Mesh, kube: Any) -> None:
    """What the copy is made from was changed after the approval: nothing is written."""
    ns = mesh.begin(kube)
    made = mesh.action(kube, ns)
    plan = await made.plan(mesh.target, *BYPASS)
    (main,) = mesh.routes(kube, ns)
    changed = main | ({"timeout": "9s"} if mesh is ISTIO else {"timeouts": {"request": "9s"}})
    mesh.write(kube, ns, [changed])
    with pytest.raises(Refused, match=r"0 of .* was changed since; nothing was done"):
        await made.execute(plan, "K")
    assert mesh.routes(kube, ns) == [changed]
    await made.close()


async def test_where_rules_have_no_names_ours_is_known_by_what_it_asks(kube: Any) -> None:
    """A CRD that has no name for a rule drops it: put there, moved, lifted and undone all the same, and no rule is miscounted."""
    ns = GATEWAY.begin(kube)
    made = GATEWAY.action(kube, ns, api="v1beta1")
    before = GATEWAY.routes(kube, ns)
    first = await made.plan(GATEWAY.target, *BYPASS)
    await made.execute(first, "K1")
    front, main = GATEWAY.routes(kube, ns)
    assert ("name" in front, main) == (False, before[0])
    assert (await made.plan(GATEWAY.target, *BYPASS)).diff == ()
    moved = await made.plan(GATEWAY.target, Means.BYPASS, {"slice": "health=poor", "to": "v1"})
    assert moved.diff == ("slice health=poor: sent to rules → sent to v1",)
    await made.execute(moved, "K2")
    assert len(GATEWAY.routes(kube, ns)) == 2
    await made.execute(await made.plan(GATEWAY.target, *ROLLBACK), "K3")
    assert GATEWAY.weights(kube, ns) == [100, 0]
    await made.undo(moved, "K2/undo")
    await made.undo(first, "K1/undo")
    await made.undo(first, "K1/again")
    assert len(GATEWAY.routes(kube, ns)) == 1
    await made.close()


# -- a shadow --------------------------------------------------------------------------------------------------------


@MESHES
async def test_traffic_is_copied_and_no_more(mesh: Mesh, kube: Any) -> None:
    """A tenth goes to v2 besides: small, no answer changes, and writing twice is warned of."""
    ns = mesh.begin(kube)
    plan = await walk(mesh, kube, ns, *MIRROR)
    assert plan.diff == ("shadow: none → 10 % to v2",)
    assert plan.blast_radius == "no answer to anybody: 10 % of visits-traffic requests are copied to v2"
    assert (plan.klass, plan.share, plan.undo) == (ActionClass.SMALL, 0.1, "copy nothing any more")
    assert "written twice" in plan.warnings[0]


@MESHES
async def test_a_shadow_is_ended_and_brought_back(mesh: Mesh, kube: Any) -> None:
    """All of it to rules, then a tenth to v2, then none; undo brings the last one back."""
    ns = mesh.begin(kube)
    made = mesh.action(kube, ns)
    for key, asked in (("K1", {"to": "rules"}), ("K2", SHADOW["mirror"])):
        plan = await made.plan(mesh.target, Means.TRAFFIC, {"mirror": asked})
        await made.execute(plan, key)
    assert plan.diff == ("shadow: 100 % to rules → 10 % to v2",)
    there = mesh.routes(kube, ns)
    none = await made.plan(mesh.target, *NO_MIRROR)
    assert (none.diff, none.share, none.undo) == (("shadow: 10 % to v2 → none",), 0.0, "copy 10 % to v2 again")
    await made.execute(none, "K3")
    assert (await made.plan(mesh.target, *NO_MIRROR)).diff == ()
    await made.undo(none, "K3/undo")
    assert mesh.routes(kube, ns) == there
    mesh.meddle(kube, ns)
    with pytest.raises(Refused, match="changed again since"):
        await made.undo(plan, "K2/undo")
    await made.close()


@MESHES
async def test_what_goes_elsewhere_is_not_copied(mesh: Mesh, kube: Any) -> None:
    """The copy for a slice has no shadow, though the route has one."""
    ns = mesh.begin(kube)
    made = mesh.action(kube, ns)
    await made.execute(await made.plan(mesh.target, *MIRROR), "K1")
    await made.execute(await made.plan(mesh.target, *BYPASS), "K2")
    copy, main = mesh.routes(kube, ns)
    shadow = "mirror" if mesh is ISTIO else "filters"
    assert (shadow in copy, shadow in main) == (False, True)
    await made.close()
