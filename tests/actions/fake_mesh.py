"""A VirtualService and an HTTPRoute called visits, before a server of our own or the real one, as one thing to try."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from bot.actions.gateway import HTTP_ROUTE
from bot.actions.istio import VIRTUAL_SERVICE
from bot.clients.kubernetes import Kind
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.ports import Action
from tests.actions.fakes import ROLLBACK, WEIGHTS, Scene, make
from tests.kube.fake import FakeKubernetes
from tests.kube.mesh import HTTP_ROUTES, VIRTUAL_SERVICES, accepts, http_route, propagates, virtual_service
from tests.parts import CANARY
from tests.shelves.files import SECONDS

NAME = "visits"
SLICES = {"health=poor": {"header": "x-health", "value": "poor"}}
TO_RULES, LIFT = {"slice": "health=poor", "to": "rules"}, {"slice": "health=poor", "to": None}
SHADOW, ENTRY = {"mirror": {"to": "v2", "percent": 10}}, "tocsin-health-poor-cfcd96"


@dataclass(frozen=True)
class Mesh:
    """One of the two: what it is called, how it is installed, and what stands in it."""

    name: str
    kind: Kind
    crd: dict[str, Any]
    made: Callable[..., dict[str, Any]]
    controller: Callable[..., None]
    listed: str
    sends: str
    asks: str
    settings: Mapping[str, Any]

    @property
    def target(self) -> Target:
        return Target("visits-traffic", self.name)

    def begin(self, cluster: Any, *routes: dict[str, Any]) -> str:
        """A namespace in which visits stands, and its controller has seen it."""
        cluster.define(self.crd)
        namespace: str = cluster.namespace()
        cluster.create(self.kind, namespace, self.made(*routes))
        self.settle(cluster, namespace)
        return namespace

    def settle(self, cluster: Any, ns: str, **verdicts: str) -> None:
        """Its controller has seen the last change."""
        self.controller(cluster, self.kind, cluster.get(self.kind, ns, NAME), **verdicts)

    def anywhere(self) -> dict[str, Any]:
        """The settings that lead it to a port of this machine."""
        where = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS, "namespace": "ml"}
        return {**self.settings, **where, "name": NAME, "slices": SLICES}

    def action(
        self, cluster: Any, ns: str, transport: httpx.AsyncBaseTransport | None = None, **settings: Any
    ) -> Action:
        given = {**cluster.settings(), **self.settings, "namespace": ns, "name": NAME, "slices": SLICES, **settings}
        return make(self.name, transport or cluster.transport, **given)

    def routes(self, cluster: Any, ns: str) -> list[dict[str, Any]]:
        """Its routes, in order."""
        found: list[dict[str, Any]] = copy.deepcopy(cluster.get(self.kind, ns, NAME)["spec"][self.listed])
        return found

    def write(self, cluster: Any, ns: str, routes: list[dict[str, Any]]) -> None:
        """Somebody else writes all its routes."""
        cluster.merge(self.kind, ns, NAME, {"spec": {self.listed: routes}})

    def weights(self, cluster: Any, ns: str) -> list[int]:
        """What its own route's places weigh."""
        return [each["weight"] for each in self.routes(cluster, ns)[-1][self.sends]]

    def reweigh(self, cluster: Any, ns: str, *weights: int) -> None:
        """Somebody else changes the weights of its own route."""
        routes = self.routes(cluster, ns)
        for each, weight in zip(routes[-1][self.sends], weights, strict=True):
            each["weight"] = weight
        self.write(cluster, ns, routes)

    def meddle(self, cluster: Any, ns: str) -> None:
        """Somebody else changes all that a change may be about."""
        *_, main = self.routes(cluster, ns)
        first, second = main[self.sends]
        by_hand = {**copy.deepcopy(main), "name": ENTRY, self.sends: [{**first, "weight": 7}]}
        main[self.sends] = [{**first, "weight": 50}, {**second, "weight": 50}]
        if self.name == "istio":
            main |= {"mirror": first["destination"], "mirrorPercentage": {"value": 5}}
        else:
            backend = {name: value for name, value in first.items() if name != "weight"}
            main["filters"] = [{"type": "RequestMirror", "requestMirror": {"backendRef": backend, "percent": 5}}]
        self.write(cluster, ns, [by_hand, main])


ISTIO = Mesh(
    "istio",
    VIRTUAL_SERVICE,
    VIRTUAL_SERVICES,
    virtual_service,
    propagates,
    "http",
    "route",
    "match",
    {
        "versions": {"v1": {"host": "visits", "subset": "v1"}, "v2": {"host": "visits", "subset": "v2"}},
        "fallbacks": {"rules": {"host": "visit-rules"}},
    },
)
GATEWAY = Mesh(
    "gateway",
    HTTP_ROUTE,
    HTTP_ROUTES,
    http_route,
    accepts,
    "rules",
    "backendRefs",
    "matches",
    {
        "versions": {"v1": {"name": "visits-v1", "port": 8080}, "v2": {"name": "visits-v2", "port": 8080}},
        "fallbacks": {"rules": {"name": "visit-rules", "port": 8080}},
    },
)


def scene_of(mesh: Mesh, asks: Mapping[str, Any], impossible: Any) -> Scene:
    """What the suite in tests/shelves tries it on."""
    fake = FakeKubernetes()
    fake.controllers.append(mesh.controller)
    ns = mesh.begin(fake)
    disturb = lambda: mesh.meddle(fake, ns)  # noqa: E731
    made = mesh.action(fake, ns)
    return Scene(made, mesh.target, asks, impossible, lambda: mesh.routes(fake, ns), lambda: fake.changes, disturb)


ASKS = {"rollback": ROLLBACK, "weights": WEIGHTS, "bypass": (Means.BYPASS, TO_RULES), "shadow": (Means.TRAFFIC, SHADOW)}
"""What both kinds of route are asked for."""
