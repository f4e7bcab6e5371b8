"""What only an HTTPRoute has; what it shares with a VirtualService stands in tests/actions/test_routes.py."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.actions.gateway import COPIES
from bot.domain.errors import Refused
from bot.domain.mitigation import Means, Plan
from bot.engine.ports import Action
from bot.engine.values import Seen
from tests.actions.fake_mesh import ASKS, GATEWAY, NAME, SHADOW, scene_of
from tests.actions.fakes import ROLLBACK, Scene
from tests.kube.fake import FakeKubernetes
from tests.kube.mesh import http_routes

SETTINGS = GATEWAY.anywhere()


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    found = scene_of(GATEWAY, ASKS, Means.RETRAIN)
    yield found
    await found.action.close()


# -- what its parents say of it --------------------------------------------------------------------------------------


async def carried_out() -> tuple[FakeKubernetes, str, Action, Plan]:
    """A rollback that was carried out and that no gateway has seen yet."""
    fake = FakeKubernetes()
    ns = GATEWAY.begin(fake)
    made = GATEWAY.action(fake, ns)
    plan = await made.plan(GATEWAY.target, *ROLLBACK)
    await made.execute(plan, "K")
    return fake, ns, made, plan


VERDICTS = [
    ({}, Seen.APPLIED, "accepts it and knows its backends"),
    ({"Accepted": "Unknown"}, Seen.MOVING, "Gateway public has not judged"),
    ({"Accepted": "False"}, Seen.UNKNOWN, "Gateway public does not accept .*: NotSo .Accepted is False."),
    ({"ResolvedRefs": "False"}, Seen.UNKNOWN, "Gateway public does not find every backend of"),
    ({"PartiallyInvalid": "True"}, Seen.UNKNOWN, "Gateway public leaves out a part of"),
    ({"PartiallyInvalid": "False"}, Seen.APPLIED, "accepts it and knows its backends"),
]


@pytest.mark.parametrize(("verdicts", "seen", "words"), VERDICTS)
async def test_a_route_its_gateway_refuses_is_no_success(verdicts: dict[str, str], seen: Seen, words: str) -> None:
    """Accepted and ResolvedRefs of this generation, and nothing left out; undone is judged alike."""
    fake, ns, made, plan = await carried_out()
    GATEWAY.settle(fake, ns, **verdicts)
    found = await made.observe(plan, "K")
    assert found.seen is seen
    assert re.search(words, found.detail)
    await made.undo(plan, "K/undo")
    GATEWAY.settle(fake, ns, **verdicts)
    assert (await made.undone(plan, "K/undo")).seen is seen
    await made.close()


async def test_an_older_verdict_is_none() -> None:
    """Accepted at the generation before: the change is on its way, however good that verdict was."""
    _, _, made, plan = await carried_out()
    found = await made.observe(plan, "K")
    assert (found.seen, "has not judged" in found.detail) == (Seen.MOVING, True)
    await made.close()


async def test_every_parent_has_to_say_so() -> None:
    """One gateway accepts it and another has said nothing; then that one refuses; a route without any goes nowhere."""
    fake, ns, made, plan = await carried_out()
    GATEWAY.settle(fake, ns)
    fake.merge(
        GATEWAY.kind, ns, NAME, {"spec": {"parentRefs": [{"name": "public"}, {"name": "mesh", "kind": "Service"}]}}
    )
    found = fake.get(GATEWAY.kind, ns, NAME)
    (first,) = found["status"]["parents"]
    current = [each | {"observedGeneration": found["metadata"]["generation"]} for each in first["conditions"]]
    first = first | {"conditions": current}
    fake.merge(GATEWAY.kind, ns, NAME, {"status": {"parents": [first]}}, sub="status")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "Service mesh has said nothing of" in seen.detail) == (Seen.MOVING, True)
    refused = [each | {"status": "False", "reason": "NotAllowed"} for each in current]
    second = {"parentRef": {"name": "mesh", "kind": "Service", "namespace": ns}, "conditions": refused}
    fake.merge(GATEWAY.kind, ns, NAME, {"status": {"parents": [first, second]}}, sub="status")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "Service mesh does not accept" in seen.detail) == (Seen.UNKNOWN, True)
    fake.merge(GATEWAY.kind, ns, NAME, {"spec": {"parentRefs": []}})
    seen = await made.observe(plan, "K")
    assert (seen.seen, "no parent, so no gateway carries it out" in seen.detail) == (Seen.UNKNOWN, True)
    await made.close()


async def test_a_plan_says_that_the_route_is_refused_already() -> None:
    """Whoever approves reads that the gateway does not carry the route out as it is."""
    fake = FakeKubernetes()
    ns = GATEWAY.begin(fake)
    GATEWAY.settle(fake, ns, ResolvedRefs="False")
    for ask in ASKS.values():
        plan = await GATEWAY.action(fake, ns).plan(GATEWAY.target, *ask)
        assert any(each.startswith("already now: Gateway public does not find") for each in plan.warnings)


async def test_a_backend_nobody_knows_is_found_out() -> None:
    """The server takes a Service that is not there; the gateway's verdict is what counts."""
    fake = FakeKubernetes()
    fake.controllers.append(GATEWAY.controller)
    ns = GATEWAY.begin(fake)
    made = GATEWAY.action(fake, ns, fallbacks={"rules": {"name": "nowhere", "port": 80}})
    plan = await made.plan(GATEWAY.target, *ASKS["bypass"])
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "does not find every backend" in seen.detail) == (Seen.UNKNOWN, True)
    await made.undo(plan, "K/undo")
    assert (await made.undone(plan, "K/undo")).seen is Seen.APPLIED
    await made.close()


# -- how an HTTPRoute is written -------------------------------------------------------------------------------------


def to(name: str, **more: Any) -> dict[str, Any]:
    return {"name": f"visits-{name}", "port": 8080, **more}


async def planned(*rules: dict[str, Any], ask: Any = ROLLBACK, **settings: Any) -> Plan:
    """The plan for an HTTPRoute with these rules."""
    fake = FakeKubernetes()
    made = GATEWAY.action(fake, GATEWAY.begin(fake, *rules), **settings)
    try:
        return await made.plan(GATEWAY.target, *ask)
    finally:
        await made.close()


async def test_weights_are_relative() -> None:
    """Any sum will do; the same shares in other numbers are no change, and a share is told as one."""
    rule = {"backendRefs": [to("v1", weight=1), to("v2", weight=3)]}
    plan = await planned(rule, ask=(Means.TRAFFIC, {"weights": {"v1": 1, "v2": 1}}))
    assert (plan.diff, plan.share, plan.serves) == (("weight v2 3 → 1",), 0.25, {"v1": 0.5, "v2": 0.5})
    assert (await planned(rule, ask=(Means.TRAFFIC, {"weights": {"v1": 250, "v2": 750}}))).diff == ()
    with pytest.raises(Refused, match="a whole number from 0 to 1000000"):
        await planned(rule, ask=(Means.TRAFFIC, {"weights": {"v1": 1_000_001}}))
    alike = {"backendRefs": [to("v1"), to("v2")]}
    assert (await planned(alike)).before["weights"] == {"v1": 1, "v2": 1}


async def test_a_copy_is_more_exact_than_its_rule_and_as_exact_in_its_path() -> None:
    """An HTTPRoute's longest path wins before the most headers: path, method and headers are kept, ours is added."""
    fake = FakeKubernetes()
    path = {"type": "Exact", "value": "/predict"}
    tenant = {"type": "Exact", "name": "X-Tenant", "value": "t"}
    matches = [{"path": path, "method": "POST", "headers": [tenant]}, {"path": path}]
    rewrite = {"type": "URLRewrite", "urlRewrite": {"hostname": "visits"}}
    ns = GATEWAY.begin(
        fake,
        {"name": "other", "backendRefs": [to("v1")]},
        {"name": "main", "matches": matches, "filters": [rewrite], "backendRefs": [to("v1"), to("v2")]},
    )
    made = GATEWAY.action(fake, ns, rule="main")
    await made.execute(await made.plan(GATEWAY.target, *ASKS["bypass"]), "K")
    _, front, main = GATEWAY.routes(fake, ns)
    poor = {"type": "Exact", "name": "x-health", "value": "poor"}
    assert front["matches"] == [
        {"path": path, "method": "POST", "headers": [tenant, poor]},
        {"path": path, "headers": [poor]},
    ]
    assert (front["filters"], main["name"]) == ([rewrite], "main")
    await made.close()


async def test_a_rule_that_asks_for_the_header_itself_is_not_narrowed() -> None:
    """Of two matches for one header only the first counts, whatever case it is written in."""
    asks = {"matches": [{"headers": [{"type": "RegularExpression", "name": "X-Health", "value": ".*"}]}]}
    with pytest.raises(Refused, match=r"rule 0 of HTTPRoute visits .* asks for header x-health itself"):
        await planned({**asks, "backendRefs": [to("v1"), to("v2")]}, ask=ASKS["bypass"])
    plan = await planned(
        {"backendRefs": [to("v1"), to("v2")]}, {**asks, "name": "beta", "backendRefs": [to("v2")]}, ask=ASKS["bypass"]
    )
    assert plan.warnings == ("rule beta asks for header x-health too, and may take its requests",)


@pytest.mark.parametrize("names", [True, False], ids=["named", "nameless"])
async def test_a_rule_for_a_header_that_we_did_not_write_is_not_ours(names: bool) -> None:
    """Just as we would write it, in an object we changed: it counts as a rule and stays, with and without names."""
    fake = FakeKubernetes()
    fake.define(http_routes() if names else http_routes(name={}))
    asks = {
        "matches": [{"path": {"type": "Exact", "value": "/v1"}, "headers": [{"name": "x-health", "value": "poor"}]}]
    }
    ns = fake.namespace()
    rules = [{**asks, "backendRefs": [to("v1")]}, {"backendRefs": [to("v1", weight=0), to("v2", weight=9)]}]
    fake.create(GATEWAY.kind, ns, GATEWAY.made(*rules))
    made, before = GATEWAY.action(fake, ns, rule=1), GATEWAY.routes(fake, ns)
    for number, ask in enumerate((ROLLBACK, ASKS["bypass"], ROLLBACK)):
        plan = await made.plan(GATEWAY.target, *ask)
        await made.execute(plan, f"K{number}")
        assert GATEWAY.routes(fake, ns)[0] == before[0]
        await made.undo(plan, f"K{number}/undo")
        assert [each["backendRefs"][0]["name"] for each in GATEWAY.routes(fake, ns)] == ["visits-v1", "visits-v1"]
    await made.close()


async def test_a_broken_note_makes_nothing_ours() -> None:
    """Somebody wrote over the annotation that remembers our nameless rules: they are theirs by then."""
    fake = FakeKubernetes()
    fake.define(http_routes(name={}))
    ns = fake.namespace()
    fake.create(GATEWAY.kind, ns, GATEWAY.made())
    made = GATEWAY.action(fake, ns)
    await made.execute(await made.plan(GATEWAY.target, *ASKS["bypass"]), "K")
    for broken in ("{", "[1]", ""):
        fake.merge(GATEWAY.kind, ns, NAME, {"metadata": {"annotations": {COPIES: broken}}})
        with pytest.raises(Refused, match="also sends to rules, no version of ours"):
            await made.plan(GATEWAY.target, *ROLLBACK)
    await made.close()


async def test_a_shadow_of_a_part_needs_a_definition_that_knows_it() -> None:
    """Dropped in silence the percentage would be all: the dry run finds that out; all of it works everywhere."""
    older = http_routes()
    rule = older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["rules"]
    mirror = copy.deepcopy(rule["items"]["properties"]["filters"])
    del mirror["items"]["properties"]["requestMirror"]["properties"]["percent"]
    fake = FakeKubernetes()
    fake.define(http_routes(filters=mirror))
    ns = fake.namespace()
    fake.create(GATEWAY.kind, ns, GATEWAY.made())
    made = GATEWAY.action(fake, ns)
    with pytest.raises(Refused, match=r"makes something else of HTTPRoute visits .* than was asked; nothing was done"):
        await made.plan(GATEWAY.target, Means.TRAFFIC, SHADOW)
    whole = await made.plan(GATEWAY.target, Means.TRAFFIC, {"mirror": {"to": "v2"}})
    await made.execute(whole, "K")
    assert GATEWAY.routes(fake, ns)[0]["filters"][0]["requestMirror"]["backendRef"]["name"] == "visits-v2"
    await made.close()


async def test_shadows_that_are_there_are_read_and_other_filters_stay() -> None:
    """A fraction is a percentage; several are not ours to change; half a per cent cannot be asked for."""
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("v1"), "fraction": {"numerator": 1}}}
    header = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": []}}
    rule: dict[str, Any] = {"filters": [header, mirror], "backendRefs": [to("v1"), to("v2")]}
    none: Any = (Means.TRAFFIC, {"mirror": None})
    assert (await planned(rule, ask=none)).before["mirror"] == {"to": "v1", "percent": 1}
    fake = FakeKubernetes()
    ns = GATEWAY.begin(fake, rule)
    made = GATEWAY.action(fake, ns)
    await made.execute(await made.plan(GATEWAY.target, *none), "K")
    assert GATEWAY.routes(fake, ns)[0]["filters"] == [header]
    await made.execute(await made.plan(GATEWAY.target, Means.TRAFFIC, SHADOW), "K2")
    assert [each["type"] for each in GATEWAY.routes(fake, ns)[0]["filters"]] == [header["type"], "RequestMirror"]
    await made.close()
    with pytest.raises(Refused, match="is copied to v1 and v1, which is no one backend of ours; end that first"):
        await planned(rule | {"filters": [mirror, mirror]}, ask=none)
    with pytest.raises(Refused, match=r"copies whole per cents, not 0\.5"):
        await planned(rule, ask=(Means.TRAFFIC, {"mirror": {"to": "v2", "percent": 0.5}}))


async def test_a_backend_need_not_be_a_service_nor_stand_beside_the_route() -> None:
    """Another namespace and another kind are told apart, and named in words where nobody knows them."""
    pool = {"name": "visits-v1", "kind": "InferencePool", "group": "inference.networking.k8s.io"}
    rule = {"backendRefs": [to("v2", namespace="models", weight=1), {**pool, "weight": 0}]}
    versions = {"v1": pool, "v2": to("v2", namespace="models")}
    plan = await planned(rule, versions=versions)
    assert plan.diff == ("weight v1 0 → 100", "weight v2 1 → 0")
    with pytest.raises(Refused, match="also sends to InferencePool visits-v1, models/visits-v2:8080, no version"):
        await planned(rule)
    fake = FakeKubernetes()
    ns = GATEWAY.begin(fake)
    made = GATEWAY.action(fake, ns, fallbacks={"rules": {**pool, "namespace": "models"}})
    await made.execute(await made.plan(GATEWAY.target, *ASKS["bypass"]), "K")
    assert GATEWAY.routes(fake, ns)[0]["backendRefs"] == [{**pool, "namespace": "models", "weight": 1}]
    await made.close()
