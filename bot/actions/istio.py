"""Moves traffic with an Istio VirtualService: weights per version, a shadow, a slice sent elsewhere by its header.

Istio tells what became of a VirtualService only where its status is switched on; where it is not, the API server's word
is all there is, and the traffic per version is the proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field

from bot.actions._reroute import RouteAction
from bot.actions._routes import RouteSettings, SliceHeader, whole
from bot.clients.kubernetes import Kind
from bot.clock import Clock
from bot.domain.errors import Refused
from bot.engine.values import Observation, Seen

VIRTUAL_SERVICE = Kind("networking.istio.io/v1", "virtualservices", "VirtualService")
_WHOLE = 100
_PLAIN = {"mirror", "mirrorPercentage", "mirrorPercent", "mirror_percent"}


class Destination(BaseModel):
    """Where a version answers."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    host: str = Field(min_length=1)
    """The service's host; a name without dots is one of the VirtualService's own namespace, as Istio has it."""

    subset: str = ""
    """The subset of its DestinationRule."""

    port: int | None = Field(default=None, ge=1, le=65535)
    """The port, where the service has several."""


class IstioSettings(RouteSettings):
    """Which VirtualService, and which of its HTTP routes."""

    versions: Mapping[str, Destination] = Field(min_length=1)
    """What the route sends traffic to, such as `v1: {host: visits, subset: v1}`."""

    fallbacks: Mapping[str, Destination] = Field(default_factory=dict)
    """What a slice or a shadow may be sent to besides, such as `rules: {host: visit-rules}`; no version."""

    route: Annotated[int, Field(ge=0)] | str = 0
    """The HTTP route: its name, or its place from 0 among those Tocsin did not put there."""

    api: Literal["v1", "v1beta1", "v1alpha3"] = "v1"
    """The version of Istio's API; v1 needs Istio 1.22."""


class Istio(RouteAction):
    """One HTTP route of one VirtualService."""

    shelf: ClassVar[str] = "actions"
    Settings = IstioSettings
    kind = VIRTUAL_SERVICE
    word = "route"
    listed, sends, asks, tested, most = "http", "route", "match", "destination", _WHOLE
    _held: IstioSettings

    def __init__(
        self, settings: IstioSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.kind = replace(VIRTUAL_SERVICE, api=f"{VIRTUAL_SERVICE.group}/{settings.api}")
        super().__init__(settings, clock=clock, transport=transport)

    @property
    def at(self) -> int | str:
        return self._held.route

    async def effective(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> Observation:
        """By Istio's status where it keeps one: seen at this generation, and every proxy up to date."""
        status, generation = found.get("status") or {}, found["metadata"]["generation"]
        reconciled = [each for each in status.get("conditions") or [] if each.get("type") == "Reconciled"]
        if not reconciled:
            told = f"{self._words} holds it; Istio does not tell when its proxies do, the traffic per version will"
            return Observation(Seen.APPLIED, told)
        # a number so large is told as text
        observed = reconciled[0].get("observedGeneration", status.get("observedGeneration"))
        if observed is not None and int(observed) < generation:
            return Observation(Seen.MOVING, f"Istio has not seen the change of {self._words} yet")
        said = str(reconciled[0].get("message") or reconciled[0].get("reason") or "no reason")[:200]
        if reconciled[0].get("status") != "True":
            return Observation(Seen.MOVING, f"{self._words} is still on its way to Istio's proxies: {said}")
        return Observation(Seen.APPLIED, f"Istio's proxies have {self._words}: {said}")

    def cautions(self, found: Mapping[str, Any]) -> tuple[str, ...]:
        """Errors that Istio's analysis found in the VirtualService."""
        messages = (found.get("status") or {}).get("validationMessages") or []
        errors = [each for each in messages if str(each.get("level", "")).lower() == "error"]
        codes = sorted({str((each.get("type") or each).get("code", "?")) for each in errors})
        return (f"Istio's analysis finds errors in {self._words}: {', '.join(codes)}",) if errors else ()

    def named(self, reference: Mapping[str, Any]) -> str:
        return self._name(reference.get("destination") or {})

    def reference(self, name: str) -> dict[str, Any]:
        return {"destination": self._destination(name), "weight": _WHOLE}

    def weighed(self, route: Mapping[str, Any]) -> list[int]:
        """A weight left out is 0, but one place alone takes all."""
        sent = route.get("route") or []
        return [_WHOLE] if len(sent) == 1 else [int(each.get("weight", 0)) for each in sent]

    def check(self, weights: Mapping[str, int]) -> None:
        if (total := sum(weights.values())) != _WHOLE:
            raise Refused(f"Istio's weights sum to 100, not {total}")

    def mirror(self, route: Mapping[str, Any]) -> dict[str, Any] | None:
        if several := route.get("mirrors"):
            return {"to": " and ".join(self._name(each.get("destination") or {}) for each in several), "percent": 0}
        if not route.get("mirror"):
            return None
        share = route.get("mirrorPercentage")
        # without a percentage all is copied; the older field counts where the newer is not there
        older = route.get("mirrorPercent", route.get("mirror_percent", _WHOLE))
        return {"to": self._name(route["mirror"]), "percent": whole(older if share is None else share.get("value", 0))}

    def mirroring(self, route: Mapping[str, Any], path: str, wanted: Mapping[str, Any] | None) -> Sequence[Any]:
        if route.get("mirrors"):
            raise Refused(f"{self._called} of {self._words} has a list of mirrors; change that by hand")
        ended = [{"op": "remove", "path": f"{path}/{each}"} for each in sorted(_PLAIN & {*route})]
        if wanted is None:
            return ended
        return [
            *ended,
            {"op": "add", "path": f"{path}/mirror", "value": self._destination(wanted["to"])},
            {"op": "add", "path": f"{path}/mirrorPercentage", "value": {"value": wanted["percent"]}},
        ]

    def unshadowed(self, route: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in route.items() if name not in {*_PLAIN, "mirrors"}}

    def header_of(self, match: Mapping[str, Any], header: str) -> str | None:
        for name, asked in (match.get("headers") or {}).items():
            if name.lower() == header:
                return str((asked or {}).get("exact", ""))
        return None

    def narrowed(self, match: Mapping[str, Any], mark: SliceHeader) -> dict[str, Any]:
        return {**match, "headers": {**(match.get("headers") or {}), mark.header: {"exact": mark.value}}}

    def _name(self, found: Mapping[str, Any]) -> str:
        """The version or fallback a destination is, else `host/subset:port`."""
        port = (found.get("port") or {}).get("number")
        host, subset = str(found.get("host", "?")), str(found.get("subset") or "")
        for name, known in {**self._held.versions, **self._held.fallbacks}.items():
            here = (self._full(known.host), known.subset, known.port or port)
            if here == (self._full(host), subset, port):
                return name
        return f"{host}{f'/{subset}' if subset else ''}{f':{port}' if port else ''}"

    def _full(self, host: str) -> str:
        return host if "." in host else f"{host}.{self._held.namespace}.svc.cluster.local"

    def _destination(self, name: str) -> dict[str, Any]:
        known = {**self._held.versions, **self._held.fallbacks}[name]
        found: dict[str, Any] = {"host": known.host} | ({"subset": known.subset} if known.subset else {})
        return found | ({"port": {"number": known.port}} if known.port else {})
