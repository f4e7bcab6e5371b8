"""Moves traffic with a Gateway API HTTPRoute: weights per version, a shadow, a slice sent elsewhere by its header.

A change counts once every parent of the route says, of this generation, that it accepts the route and knows its
backends; a route its gateway refuses is no success, whatever the API server holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field

from bot.actions._reroute import RouteAction
from bot.actions._routes import RouteSettings, SliceHeader, whole
from bot.clients.kubernetes import Kind, keys_of
from bot.clock import Clock
from bot.domain.errors import Refused
from bot.engine.values import Observation, Seen

HTTP_ROUTE = Kind("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute")
_WHOLE = 100
_MIRROR = "RequestMirror"
_SERVICE = ("", "Service")


class Backend(BaseModel):
    """Where a version answers."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: str = Field(min_length=1)
    """The Service's name."""

    port: int | None = Field(default=None, ge=1, le=65535)
    """Its port; a Service needs one."""

    namespace: str = ""
    """Its namespace where that is another than the route's; a ReferenceGrant must allow it."""

    group: str = ""
    """The API group where it is no Service, such as `inference.networking.k8s.io`."""

    kind: str = "Service"
    """The kind where it is no Service, such as `InferencePool`."""


class GatewaySettings(RouteSettings):
    """Which HTTPRoute, and which of its rules."""

    versions: Mapping[str, Backend] = Field(min_length=1)
    """What the rule sends traffic to, such as `v1: {name: visits-v1, port: 8080}`."""

    fallbacks: Mapping[str, Backend] = Field(default_factory=dict)
    """What a slice or a shadow may be sent to besides, such as `rules: {name: visit-rules, port: 8080}`; no version."""

    rule: Annotated[int, Field(ge=0)] | str = 0
    """The rule: its name where it has one, or its place from 0 among those Tocsin did not put there."""

    api: Literal["v1", "v1beta1"] = "v1"
    """The version of the Gateway API; v1 needs Gateway API 1.0."""


class Gateway(RouteAction):
    """One rule of one HTTPRoute."""

    shelf: ClassVar[str] = "actions"
    Settings = GatewaySettings
    kind = HTTP_ROUTE
    word = "rule"
    listed, sends, asks, tested, most = "rules", "backendRefs", "matches", "name", 1_000_000
    _held: GatewaySettings

    def __init__(
        self, settings: GatewaySettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.kind = replace(HTTP_ROUTE, api=f"{HTTP_ROUTE.group}/{settings.api}")
        super().__init__(settings, clock=clock, transport=transport)

    @property
    def at(self) -> int | str:
        return self._held.rule

    async def effective(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> Observation:
        trouble = next(self._troubles(found), "")
        if trouble:
            return Observation(Seen.UNKNOWN, trouble)
        return Observation(Seen.APPLIED, f"every parent of {self._words} accepts it and knows its backends")

    def cautions(self, found: Mapping[str, Any]) -> tuple[str, ...]:
        """What its parents have against the route as it is."""
        return tuple(f"already now: {each}" for each in self._troubles(found))

    def named(self, reference: Mapping[str, Any]) -> str:
        """A Service's namespace is the route's where it is left out."""
        here = self._place_named(reference)
        for name, known in {**self._held.versions, **self._held.fallbacks}.items():
            if here == self._place_named(known.model_dump()):
                return name
        kind, namespace, service, port = here[1:]
        said = f"{service}{f':{port}' if port else ''}"
        said = said if namespace == self._held.namespace else f"{namespace}/{said}"
        return said if kind == "Service" else f"{kind} {said}"

    def reference(self, name: str) -> dict[str, Any]:
        """Neither group nor kind for a Service: older servers take an empty group for none at all."""
        known = {**self._held.versions, **self._held.fallbacks}[name]
        written: dict[str, Any] = {"name": known.name, "weight": 1}
        if (known.group, known.kind) != _SERVICE:
            written |= {"group": known.group, "kind": known.kind}
        written |= {"namespace": known.namespace} if known.namespace else {}
        return written | ({"port": known.port} if known.port else {})

    def weighed(self, route: Mapping[str, Any]) -> list[int]:
        """A weight left out is 1."""
        return [int(each.get("weight", 1)) for each in route.get("backendRefs") or []]

    def check_percent(self, percent: float) -> None:
        if percent != int(percent):
            raise Refused(f"the Gateway API copies whole per cents, not {percent:g}")

    def mirror(self, route: Mapping[str, Any]) -> dict[str, Any] | None:
        """Of several the words of all."""
        held = [each.get("requestMirror") or {} for _, each in _mirrors(route)]
        if not held:
            return None
        to = " and ".join(self.named(each.get("backendRef") or {}) for each in held)
        return {"to": to, "percent": _percent(held[0]) if len(held) == 1 else 0}

    def mirroring(self, route: Mapping[str, Any], path: str, wanted: Mapping[str, Any] | None) -> Sequence[Any]:
        held = [*_mirrors(route)]
        if len(held) > 1:
            raise Refused(f"{self._called} of {self._words} has several mirrors; change that by hand")
        alone = len(held) == len(route.get("filters") or [])
        ended = [{"op": "remove", "path": f"{path}/filters{'' if alone else f'/{place}'}"} for place, _ in held]
        if wanted is None:
            return ended
        to = {name: value for name, value in self.reference(wanted["to"]).items() if name != "weight"}
        # all is copied where no percentage stands, and CRDs before 1.3 know none
        share = {} if wanted["percent"] == _WHOLE else {"percent": wanted["percent"]}
        new = {"type": _MIRROR, "requestMirror": {"backendRef": to, **share}}
        if alone:
            return [{"op": "add", "path": f"{path}/filters", "value": [new]}]
        return [*ended, {"op": "add", "path": f"{path}/filters/-", "value": new}]

    def unshadowed(self, route: Mapping[str, Any]) -> dict[str, Any]:
        kept = [each for each in route.get("filters") or [] if each.get("type") != _MIRROR]
        rest = {name: value for name, value in route.items() if name != "filters"}
        return rest | ({"filters": kept} if kept else {})

    def header_of(self, match: Mapping[str, Any], header: str) -> str | None:
        for each in match.get("headers") or []:
            if str(each.get("name", "")).lower() == header:
                return str(each.get("value", "")) if each.get("type", "Exact") == "Exact" else ""
        return None

    def narrowed(self, match: Mapping[str, Any], mark: SliceHeader) -> dict[str, Any]:
        """Its path and all else stay: a rule for a longer path wins over one with more headers."""
        asked = {"type": "Exact", "name": mark.header, "value": mark.value}
        return {**match, "headers": [*(match.get("headers") or []), asked]}

    def plain(self, route: Mapping[str, Any]) -> dict[str, Any]:
        """The places it sends to by what tells them apart and their weight: a server fills in the rest."""
        sent = [[*self._place_named(each), each.get("weight", 1)] for each in route.get("backendRefs") or []]
        return {**super().plain(route), "backendRefs": sent}

    def ours(self, found: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
        """By name. CRDs before 1.2 drop it: there, what asks for a slice's header and sends to one backend."""
        routes = self.routes(found)
        if not keys_of(found) or any("name" in each for each in routes):
            return super().ours(found)
        return {place: each for place, each in enumerate(routes) if self._looks_ours(each)}

    def is_slice(self, route: Mapping[str, Any], name: str, mark: SliceHeader) -> bool:
        if "name" in route:
            return super().is_slice(route, name, mark)
        return self._all_ask(route, mark.header, mark.value)

    def _looks_ours(self, route: Mapping[str, Any]) -> bool:
        marks: list[tuple[str, str | None]] = [(each.header, each.value) for each in self._held.slices.values()]
        marks += [(self._held.header, None)] if self._held.header else []
        sent = [self.named(each) for each in route.get("backendRefs") or []]
        known = {*self._held.versions, *self._held.fallbacks}
        return len(sent) == 1 and sent[0] in known and any(self._all_ask(route, *mark) for mark in marks)

    def _all_ask(self, route: Mapping[str, Any], header: str, value: str | None) -> bool:
        """Whether every match asks for that header, with that value where one is given."""
        asked = [self.header_of(each, header) for each in route.get("matches") or []]
        return bool(asked) and all(each and value in {None, each} for each in asked)

    def _place_named(self, reference: Mapping[str, Any]) -> tuple[str, str, str, str, Any]:
        group, kind = reference.get("group", _SERVICE[0]), reference.get("kind", _SERVICE[1])
        namespace = reference.get("namespace") or self._held.namespace
        return (group, kind, namespace, str(reference.get("name", "?")), reference.get("port"))

    def _troubles(self, found: Mapping[str, Any]) -> Iterator[str]:
        """What stands between the route as written and its parents doing it, in sentences."""
        told = (found.get("status") or {}).get("parents") or []
        parents = (found.get("spec") or {}).get("parentRefs") or []
        if not parents:
            yield f"{self._words} has no parent, so no gateway carries it out"
        for parent in parents:
            here = [each for each in told if self._parent(each.get("parentRef") or {}) == self._parent(parent)]
            if not here:
                yield f"{_called(parent)} has said nothing of {self._words} yet"
            for each in here:
                yield from self._said(_called(parent), each.get("conditions") or [], found["metadata"]["generation"])

    def _said(self, parent: str, conditions: Sequence[Mapping[str, Any]], generation: int) -> Iterator[str]:
        known = {str(each.get("type")): each for each in conditions}
        for name, refusal in (("Accepted", "does not accept"), ("ResolvedRefs", "does not find every backend of")):
            condition = known.get(name, {})
            if condition.get("status") == "Unknown" or condition.get("observedGeneration", 0) < generation:
                yield f"{parent} has not judged {self._words} as it is now"
                return
            if condition.get("status") != "True":
                yield f"{parent} {refusal} {self._words}: {_why(condition)}"
        if known.get("PartiallyInvalid", {}).get("status") == "True":
            yield f"{parent} leaves out a part of {self._words}: {_why(known['PartiallyInvalid'])}"

    def _parent(self, reference: Mapping[str, Any]) -> tuple[Any, ...]:
        group = reference.get("group", HTTP_ROUTE.group)
        namespace = reference.get("namespace") or self._held.namespace
        which = (reference.get("name"), reference.get("sectionName"), reference.get("port"))
        return (group, reference.get("kind", "Gateway"), namespace, *which)


def _mirrors(route: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The filters that copy traffic, with their places."""
    for place, each in enumerate(route.get("filters") or []):
        if each.get("type") == _MIRROR:
            yield place, each


def _percent(mirror: Mapping[str, Any]) -> float:
    """How much is copied: all where nothing is said."""
    if fraction := mirror.get("fraction"):
        return whole(_WHOLE * fraction.get("numerator", 0) / fraction.get("denominator", _WHOLE))
    return whole(mirror.get("percent", _WHOLE))


def _called(parent: Mapping[str, Any]) -> str:
    return f"{parent.get('kind', 'Gateway')} {parent.get('name', '?')}"


def _why(condition: Mapping[str, Any]) -> str:
    return f"{condition.get('reason', 'no reason')} ({str(condition.get('message', ''))[:200]})"
