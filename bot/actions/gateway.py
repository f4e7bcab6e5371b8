"""Moves traffic with a Gateway API HTTPRoute: weights per version, a shadow, a slice sent elsewhere by its header.

A change counts once every parent of the route says, of this generation, that it accepts the route and knows its
backends; a route its gateway refuses is no success, whatever the API server holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field

from bot.actions import _change as change
from bot.actions._reroute import RouteAction
from bot.actions._routes import RouteSettings, SliceHeader, whole
from bot.clients.kubernetes import Kind
from bot.clock import Clock
from bot.domain.errors import Refused
from bot.engine.values import Observation, Seen

HTTP_ROUTE = Kind("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute")
COPIES = "tocsin.dev/copies"
"""The annotation that remembers our rules where the CRD is older and has no name for one."""
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
        """A parent's no to this generation does not go away by waiting; a verdict that is not there yet may come."""
        troubles = [*self._troubles(found)]
        for seen in (Seen.UNKNOWN, Seen.MOVING):
            if said := [sentence for kind, sentence in troubles if kind is seen]:
                return Observation(seen, "; ".join(said))
        return Observation(Seen.APPLIED, f"every parent of {self._words} accepts it and knows its backends")

    def cautions(self, found: Mapping[str, Any]) -> tuple[str, ...]:
        """What its parents have against the route as it is."""
        return tuple(f"already now: {each}" for _, each in self._troubles(found))

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
        alone = len(held) == len(route.get("filters") or [])
        ended = [{"op": "remove", "path": f"{path}/filters{'' if alone else f'/{place}'}"} for place, _ in held]
        if wanted is None:
            return ended
        to = {name: value for name, value in self.reference(wanted["to"]).items() if name != "weight"}
        # all is copied where no percentage stands, and older CRDs know none
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
        """The places it sends to by what tells them apart and what they do: a server fills in the rest."""
        sent = [
            [*self._place_named(each), each.get("weight", 1), each.get("filters") or []]
            for each in route.get("backendRefs") or []
        ]
        return {**super().plain(route), "backendRefs": sent}

    def slice_of(self, found: Mapping[str, Any], route: Mapping[str, Any]) -> str:
        """By its name. CRDs that have none for a rule drop it: there, by what it asks, as we remember it."""
        if "name" in route:
            return super().slice_of(found, route)
        asked = change.fingerprint(route.get("matches"))
        return next((name for name, remembered in _remembered(found).items() if remembered == asked), "")

    def noting(self, found: Mapping[str, Any], name: str, entry: Mapping[str, Any] | None) -> Sequence[Any]:
        held = _remembered(found)
        kept = {each: asked for each, asked in held.items() if each != name}
        if entry is not None:
            kept[name] = change.fingerprint(entry["matches"])
        if kept == held:
            return []
        written = json.dumps(kept, sort_keys=True, separators=(",", ":"))
        return [{"op": "add", "path": f"/metadata/annotations/{COPIES.replace('/', '~1')}", "value": written}]

    def _place_named(self, reference: Mapping[str, Any]) -> tuple[str, str, str, str, Any]:
        group, kind = reference.get("group", _SERVICE[0]), reference.get("kind", _SERVICE[1])
        namespace = reference.get("namespace") or self._held.namespace
        return (group, kind, namespace, str(reference.get("name", "?")), reference.get("port"))

    def _troubles(self, found: Mapping[str, Any]) -> Iterator[tuple[Seen, str]]:
        """What stands between the route as written and its parents doing it, in sentences."""
        told = (found.get("status") or {}).get("parents") or []
        parents = (found.get("spec") or {}).get("parentRefs") or []
        if not parents:
            yield Seen.UNKNOWN, f"{self._words} has no parent, so no gateway carries it out"
        for parent in parents:
            here = [each for each in told if self._parent(each.get("parentRef") or {}) == self._parent(parent)]
            if not here:
                yield Seen.MOVING, f"{_called(parent)} has said nothing of {self._words} yet"
            for each in here:
                yield from self._said(_called(parent), each.get("conditions") or [], found["metadata"]["generation"])

    def _said(
        self, parent: str, conditions: Sequence[Mapping[str, Any]], generation: int
    ) -> Iterator[tuple[Seen, str]]:
        known = {str(each.get("type")): each for each in conditions}
        for name, refusal in (("Accepted", "does not accept"), ("ResolvedRefs", "does not find every backend of")):
            condition = known.get(name, {})
            if condition.get("status") == "Unknown" or condition.get("observedGeneration", 0) < generation:
                yield Seen.MOVING, f"{parent} has not judged {self._words} as it is now"
                return
            if condition.get("status") != "True":
                yield Seen.UNKNOWN, f"{parent} {refusal} {self._words}: {_why(condition)}"
        if known.get("PartiallyInvalid", {}).get("status") == "True":
            yield Seen.UNKNOWN, f"{parent} leaves out a part of {self._words}: {_why(known['PartiallyInvalid'])}"

    def _parent(self, reference: Mapping[str, Any]) -> tuple[Any, ...]:
        group = reference.get("group", HTTP_ROUTE.group)
        namespace = reference.get("namespace") or self._held.namespace
        which = (reference.get("name"), reference.get("sectionName"), reference.get("port"))
        return (group, reference.get("kind", "Gateway"), namespace, *which)


def _remembered(found: Mapping[str, Any]) -> dict[str, str]:
    """The copies we put there, and the fingerprint of what each asks; none where somebody broke our note."""
    text = (found["metadata"].get("annotations") or {}).get(COPIES)
    try:
        note = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(name): str(asked) for name, asked in note.items()} if isinstance(note, dict) else {}


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
