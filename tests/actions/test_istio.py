"""What only a VirtualService has; what it shares with an HTTPRoute stands in tests/actions/test_routes.py."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bot.actions.istio import IstioSettings
from bot.domain.errors import Refused
from bot.domain.mitigation import Means, Plan
from bot.engine.values import Seen
from tests.actions.fake_mesh import ASKS, ISTIO, NAME, scene_of
from tests.actions.fakes import ROLLBACK, WEIGHTS, Scene
from tests.kube.fake import FakeKubernetes
from tests.parts import CANARY

SETTINGS = ISTIO.anywhere()


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    found = scene_of(ISTIO, ASKS, Means.RETRAIN)
    yield found
    await found.action.close()


# -- what Istio says of it -------------------------------------------------------------------------------------------


async def test_without_a_status_the_traffic_is_the_proof() -> None:
    """Istio's status is off by default: the API server's word is all there is, and the sentence says so."""
    fake = FakeKubernetes()
    fake.define(ISTIO.crd)
    ns = fake.namespace()
    fake.create(ISTIO.kind, ns, ISTIO.made())
    made = ISTIO.action(fake, ns)
    plan = await made.plan(ISTIO.target, *ROLLBACK)
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert seen.seen is Seen.APPLIED
    assert "Istio does not tell when its proxies do, the traffic per version will" in seen.detail
    await made.close()


async def test_with_a_status_every_proxy_has_to_have_it() -> None:
    """Seen at an older generation, or by half of the proxies, it is on its way; analysed and found wanting, it is told."""
    fake = FakeKubernetes()
    ns = ISTIO.begin(fake)
    made = ISTIO.action(fake, ns)
    plan = await made.plan(ISTIO.target, *ROLLBACK)
    await made.execute(plan, "K")
    seen = await made.observe(plan, "K")
    assert (seen.seen, "has not seen the change" in seen.detail) == (Seen.MOVING, True)
    ISTIO.settle(fake, ns, status="False", message="61/122 complete")
    seen = await made.observe(plan, "K")
    assert (seen.seen, seen.detail.endswith("on its way to Istio's proxies: 61/122 complete")) == (Seen.MOVING, True)
    ISTIO.settle(fake, ns, message="122/122")
    assert (await made.observe(plan, "K")).seen is Seen.APPLIED
    wrong = [{"type": {"name": "ReferencedResourceNotFound", "code": "IST0101"}, "level": "ERROR"}]
    minor = [{"type": {"name": "Deprecated", "code": "IST0002"}, "level": "WARNING"}]
    fake.merge(ISTIO.kind, ns, NAME, {"status": {"validationMessages": wrong + minor}}, sub="status")
    warned = (await made.plan(ISTIO.target, *WEIGHTS)).warnings
    assert warned == (f"Istio's analysis finds errors in VirtualService visits in namespace {ns}: IST0101",)
    await made.close()


# -- how a VirtualService is written ---------------------------------------------------------------------------------


async def planned(*routes: dict[str, Any], ask: Any = ROLLBACK, **settings: Any) -> Plan:
    """The plan for a VirtualService with these routes."""
    fake = FakeKubernetes()
    made = ISTIO.action(fake, ISTIO.begin(fake, *routes), **settings)
    try:
        return await made.plan(ISTIO.target, *ask)
    finally:
        await made.close()


def to(subset: str, **more: Any) -> dict[str, Any]:
    return {"destination": {"host": "visits", "subset": subset}, **more}


async def test_weights_sum_to_a_hundred() -> None:
    """Istio takes other sums as relative or refuses them, depending on its version; we ask for what all take."""
    with pytest.raises(Refused, match="weights sum to 100, not 90"):
        await planned(ask=(Means.TRAFFIC, {"weights": {"v1": 80, "v2": 10}}))


async def test_a_place_alone_takes_all_whatever_it_weighs() -> None:
    """Without a weight, and with one of 0, which Istio reads as none."""
    for more in ({}, {"weight": 0}, {"weight": 100}):
        plan = await planned({"route": [to("v2", **more)]})
        assert plan.before["weights"] == {"v1": 0, "v2": 100}
    assert (await planned({"route": [to("v1"), to("v2", weight=100)]})).before["weights"] == {"v1": 0, "v2": 100}


async def test_a_host_is_the_same_short_and_in_full() -> None:
    """A short name is one of the VirtualService's own namespace; the full name of another is another."""
    fake = FakeKubernetes()
    ns = ISTIO.begin(fake)
    full = f"visits.{ns}.svc.cluster.local"
    versions = {name: {"host": full, "subset": name} for name in ("v1", "v2")}
    made = ISTIO.action(fake, ns, versions=versions)
    assert (await made.plan(ISTIO.target, *ROLLBACK)).before["weights"] == {"v1": 0, "v2": 100}
    await made.close()
    other = {name: {"host": "visits.other.svc.cluster.local", "subset": name} for name in ("v1", "v2")}
    with pytest.raises(Refused, match="also sends to visits/v1, visits/v2, no version of ours"):
        await planned(versions=other)


async def test_a_port_tells_versions_apart_where_it_is_set() -> None:
    """Where the settings name a port it must be that one; where they do not, any will do and is kept."""
    port = {"destination": {"host": "visits", "port": {"number": 80}}, "weight": 100}
    one = {"v1": {"host": "visits", "port": 81}, "v2": {"host": "visits", "port": 80}}
    assert (await planned({"route": [port]}, versions=one)).before["weights"] == {"v1": 0, "v2": 100}
    with pytest.raises(Refused, match="also sends to visits:80"):
        await planned({"route": [port]}, versions={"v1": {"host": "visits", "port": 82}})


async def test_a_route_that_sends_nowhere_by_weight_is_left_alone() -> None:
    """A redirect has no weights, and a version named twice has none of its own."""
    with pytest.raises(Refused, match=r"route 0 of VirtualService visits .* sends requests to no backend"):
        await planned({"redirect": {"uri": "/new"}})
    with pytest.raises(Refused, match="no slice goes elsewhere"):
        await planned({"redirect": {"uri": "/new"}}, ask=ASKS["bypass"])
    with pytest.raises(Refused, match="names a version twice"):
        await planned({"route": [to("v1", weight=50), to("v1", weight=50)]})


async def test_a_copy_asks_what_its_route_asks_and_stands_right_in_front_of_it() -> None:
    """Each of its matches is kept and narrowed; a route for other paths before it is not passed by."""
    fake = FakeKubernetes()
    special = {"name": "special", "match": [{"uri": {"exact": "/predict/batch"}}], "route": [to("v1")]}
    both = [{"uri": {"prefix": "/a"}, "headers": {"x-tenant": {"exact": "t"}}}, {"uri": {"prefix": "/b"}}]
    main = {"name": "main", "match": both, "rewrite": {"uri": "/"}, "route": [to("v1", weight=0), to("v2", weight=100)]}
    ns = ISTIO.begin(fake, special, main)
    made = ISTIO.action(fake, ns, route="main")
    plan = await made.plan(ISTIO.target, Means.BYPASS, {"slice": "health=poor", "to": "v1"})
    await made.execute(plan, "K")
    poor = {"x-health": {"exact": "poor"}}
    first, made_for_it, last = ISTIO.routes(fake, ns)
    assert (first, last) == (special, main)
    assert made_for_it["name"].startswith("tocsin-health-poor-")
    assert made_for_it["match"] == [
        {"uri": {"prefix": "/a"}, "headers": {"x-tenant": {"exact": "t"}, **poor}},
        {"uri": {"prefix": "/b"}, "headers": poor},
    ]
    assert (made_for_it["rewrite"], made_for_it["route"]) == ({"uri": "/"}, [to("v1", weight=100)])
    await made.close()


async def test_a_route_for_all_becomes_one_for_the_header() -> None:
    """A route that asks nothing is copied with the header alone, named after the slice where that is a label."""
    fake = FakeKubernetes()
    ns = ISTIO.begin(fake, {"route": [to("v2")]})
    made = ISTIO.action(fake, ns, header="x-slice")
    await made.execute(await made.plan(ISTIO.target, Means.BYPASS, {"slice": "poor", "to": "rules"}), "K")
    front, _ = ISTIO.routes(fake, ns)
    assert (front["name"], front["match"]) == ("tocsin-poor", [{"headers": {"x-slice": {"exact": "poor"}}}])
    other = await made.plan(ISTIO.target, Means.BYPASS, {"slice": "Poor", "to": "rules"})
    assert other.diff == ("slice Poor: goes by weight → sent to rules",)
    await made.close()


async def test_two_routes_of_one_object_have_copies_of_their_own() -> None:
    """The same slice sent elsewhere on both: each is lifted by itself, and neither counts as a route."""
    fake = FakeKubernetes()
    first = {"name": "a", "match": [{"uri": {"prefix": "/a"}}], "route": [to("v1", weight=100), to("v2", weight=0)]}
    ns = ISTIO.begin(fake, first, first | {"name": "b", "match": [{"uri": {"prefix": "/b"}}]})
    one, two = ISTIO.action(fake, ns, route=0), ISTIO.action(fake, ns, route=1)
    plans = [await one.plan(ISTIO.target, *ASKS["bypass"])]
    await one.execute(plans[0], "K1")
    plans.append(await two.plan(ISTIO.target, *ASKS["bypass"]))
    assert plans[1].diff == ("slice health=poor: goes by weight → sent to rules",)
    await two.execute(plans[1], "K2")
    names = [each["name"] for each in ISTIO.routes(fake, ns)]
    assert (names[1::2], len({*names})) == (["a", "b"], 4)
    await one.undo(plans[0], "K1/undo")
    assert [each["name"] for each in ISTIO.routes(fake, ns)] == ["a", names[2], "b"]
    for each in (one, two):
        await each.close()


async def test_a_header_somebody_else_asks_for_is_told() -> None:
    """Another route that asks for it may be first; the route itself asking for it leaves nothing to narrow."""
    asks = {"match": [{"headers": {"X-Health": {"prefix": "p"}}}], "route": [to("v2")]}
    plan = await planned(
        {"name": "beta", **asks}, {"name": "main", "route": [to("v2")]}, route="main", ask=ASKS["bypass"]
    )
    assert plan.warnings == ("route beta asks for header x-health too, and may take its requests",)
    with pytest.raises(Refused, match=r"route 0 of VirtualService visits .* asks for header x-health itself"):
        await planned(asks, ask=ASKS["bypass"])


async def test_older_ways_to_copy_traffic_are_read() -> None:
    """No percentage is all of it, the older field counts where the newer is missing; a list is not ours to change."""
    mirror = {"route": [to("v1")], "mirror": to("v2")["destination"]}
    none: Any = (Means.TRAFFIC, {"mirror": None})
    for more, percent in (({}, 100), ({"mirrorPercent": 20}, 20), ({"mirrorPercentage": {"value": 2.5}}, 2.5)):
        assert (await planned(mirror | more, ask=none)).before["mirror"] == {"to": "v2", "percent": percent}
    with pytest.raises(Refused, match="copied to elsewhere, which is no one backend of ours; end that first"):
        await planned(mirror | {"mirror": {"host": "elsewhere"}}, ask=none)
    with pytest.raises(Refused, match="has a list of mirrors; change that by hand"):
        await planned({"route": [to("v1")], "mirrors": [to("v2")]}, ask=none)


async def test_what_git_is_handed_holds_no_secret_of_the_route() -> None:
    """Where git holds the object the copy is proposed: names, matches and backends, and no header that is set."""
    fake = FakeKubernetes()
    told = {"request": {"set": {"authorization": CANARY}}}
    main = {"name": "main", "headers": told, "route": [to("v1", weight=0, headers=told), to("v2", weight=100)]}
    ns = ISTIO.begin(fake, main)
    fake.merge(ISTIO.kind, ns, NAME, {"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}})
    made = ISTIO.action(fake, ns, gitops="propose")
    with pytest.raises(Refused, match=r"Argo CD application shop .* change it in git") as caught:
        await made.plan(ISTIO.target, Means.BYPASS, {"slice": "health=poor", "to": "v1"})
    written = yaml.safe_load(caught.value.because.partition("git:\n")[2])
    (operation,) = written["patch"]
    assert operation["value"]["route"] == [to("v1", weight=100)]
    assert operation["value"]["match"] == [{"headers": {"x-health": {"exact": "poor"}}}]
    assert CANARY not in caught.value.because
    plan = await ISTIO.action(fake, ns).plan(ISTIO.target, Means.BYPASS, {"slice": "health=poor", "to": "v1"})
    assert CANARY not in repr(plan)
    assert plan.managed_by == "Argo CD application shop (namespace argocd)"
    await made.close()


async def test_older_versions_of_the_api_are_spoken() -> None:
    """v1 came with Istio 1.22; before that it is v1beta1."""
    fake = FakeKubernetes()
    crd = copy.deepcopy(ISTIO.crd)
    crd["spec"]["versions"][0]["name"] = "v1beta1"
    fake.define(crd)
    old = replace(ISTIO.kind, api="networking.istio.io/v1beta1")
    fake.create(old, "ml", ISTIO.made())
    made = ISTIO.action(fake, "ml", api="v1beta1")
    await made.execute(await made.plan(ISTIO.target, *ROLLBACK), "K")
    assert [each["weight"] for each in fake.get(old, "ml", NAME)["spec"]["http"][0]["route"]] == [100, 0]
    await made.close()


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ({"versions": {}}, "at least 1 item"),
        ({"versions": {"v1": {"subset": "v1"}}}, "host"),
        ({"fallbacks": {"v1": {"host": "rules"}}}, "v1 cannot be a version and a fallback"),
        ({"fallbacks": {"v0": {"host": "visits", "subset": "v1"}}}, "two names lead to the same place"),
        ({"slices": {"a": {"header": "X-Health", "value": "a"}}}, "header"),
        ({"slices": {"a": {"header": "x-health", "value": ""}}}, "value"),
        ({"route": -1}, "route"),
        ({"api": "v2"}, "api"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any], because: str) -> None:
    """Before anything is asked of a cluster."""
    with pytest.raises(ValidationError, match=because):
        IstioSettings.model_validate({**ISTIO.settings, "namespace": "ml", "name": NAME, **given})
