"""What an Istio route and a Gateway API rule have alike, and what each of the two says of its own way to write it."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.actions import _change as change
from bot.actions._kubernetes import ObjectAction, ObjectSettings
from bot.domain.errors import Refused

OURS = "tocsin-"
_HEADER = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"


class SliceHeader(BaseModel):
    """The header that marks a request of one slice."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    header: str = Field(pattern=f"^{_HEADER}$", max_length=256)
    """Its name in small letters. Whoever sets it decides where a request goes: let the edge set it, not the client."""

    value: str = Field(min_length=1, max_length=4096)
    """Its whole value."""


class RouteSettings(ObjectSettings):
    """Which route, its versions, and how a slice is told by a header."""

    versions: Mapping[str, BaseModel] = Field(min_length=1)
    """What the route sends traffic to, by version."""

    fallbacks: Mapping[str, BaseModel] = Field(default_factory=dict)
    """What a slice or a shadow may be sent to besides, by name; no version, so no rollback goes there."""

    slices: Mapping[str, SliceHeader] = Field(default_factory=dict)
    """The header and value that mark each slice, such as `health=poor: {header: x-health, value: poor}`."""

    header: str = Field(default="", pattern=f"^({_HEADER})?$", max_length=256)
    """The header whose value is the slice's whole name, for slices that are not listed."""

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        if both := sorted({*self.versions} & {*self.fallbacks}):
            raise ValueError(f"{', '.join(both)} cannot be a version and a fallback")
        known = [*self.versions.values(), *self.fallbacks.values()]
        if any(one == other for place, one in enumerate(known) for other in known[:place]):
            raise ValueError("two names lead to the same place, so nobody could tell them apart")
        return self


class Routes(ObjectAction):
    """One object with routes, one of which is the target's."""

    word: ClassVar[str]  # what a route is called
    listed: ClassVar[str]  # what the spec calls its routes
    sends: ClassVar[str]  # what a route calls where it sends requests
    asks: ClassVar[str]  # what a route calls what it asks of a request
    tested: ClassVar[str]  # the field that tells one place to send to from another
    most: ClassVar[int]  # the largest weight
    _held: RouteSettings

    # -- what each of the two says -----------------------------------------------------------------------------------

    @property
    @abstractmethod
    def at(self) -> int | str:
        """Which route it is: its place among those that are not ours, or its name."""

    @abstractmethod
    def named(self, reference: Mapping[str, Any]) -> str:
        """The version or fallback a place to send to is, else words for it."""

    @abstractmethod
    def reference(self, name: str) -> dict[str, Any]:
        """How that version or fallback is written where a route sends to it alone."""

    @abstractmethod
    def weighed(self, route: Mapping[str, Any]) -> list[int]:
        """The weight of each place it sends to, as it works."""

    @abstractmethod
    def mirror(self, route: Mapping[str, Any]) -> dict[str, Any] | None:
        """`{"to", "percent"}` of the route's shadow; None where it has none."""

    @abstractmethod
    def mirroring(self, route: Mapping[str, Any], path: str, wanted: Mapping[str, Any] | None) -> Sequence[Any]:
        """JSON patch operations that give it this shadow, or none."""

    @abstractmethod
    def header_of(self, match: Mapping[str, Any], header: str) -> str | None:
        """The value a match asks of a header; "" where it asks otherwise than by the whole value, None for nothing."""

    @abstractmethod
    def narrowed(self, match: Mapping[str, Any], mark: SliceHeader) -> dict[str, Any]:
        """The match that asks for the slice's header besides."""

    def routes(self, found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Every route of the object, in order."""
        return list((found.get("spec") or {}).get(self.listed) or [])

    def plain(self, route: Mapping[str, Any]) -> dict[str, Any]:
        """A route of ours without what a server may add or leave out by itself."""
        return {name: value for name, value in route.items() if name != "name"}

    @abstractmethod
    def unshadowed(self, route: Mapping[str, Any]) -> dict[str, Any]:
        """The route without its shadow: of what goes elsewhere nothing is copied."""

    def slice_of(self, found: Mapping[str, Any], route: Mapping[str, Any]) -> str:
        """The name of the copy this route is, for whichever target's slice; "" where it is none of ours."""
        name = str(route.get("name", ""))
        return name if name.startswith(OURS) else ""

    def noting(self, found: Mapping[str, Any], name: str, entry: Mapping[str, Any] | None) -> Sequence[Any]:
        """JSON patch operations that remember this copy, or forget it, where its name alone does not do."""
        return []

    def check(self, weights: Mapping[str, int]) -> None:
        """Raise Refused where these weights do not work together."""

    def check_percent(self, percent: float) -> None:
        """Raise Refused where a shadow cannot be that large."""

    def cautions(self, found: Mapping[str, Any]) -> tuple[str, ...]:
        """What is the matter with the object as it is."""
        return ()

    # -- where things stand ------------------------------------------------------------------------------------------

    @property
    def _path(self) -> str:
        return f"/spec/{self.listed}"

    @property
    def _called(self) -> str:
        return f"{self.word} {self.at}"

    @property
    def _known(self) -> list[str]:
        return [*self._held.versions, *self._held.fallbacks]

    def _backend(self, name: object) -> None:
        if name not in self._known:
            raise Refused(f"there is no backend {name!r}; there is {', '.join(self._known)}")

    def _theirs(self, found: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
        """Every route that is no copy of ours, with its place among all."""
        return [(place, each) for place, each in enumerate(self.routes(found)) if not self.slice_of(found, each)]

    def _find(self, found: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]] | None:
        """The target's route and its place among all."""
        theirs = self._theirs(found)
        if isinstance(self.at, int):
            return theirs[self.at] if self.at < len(theirs) else None
        return next(((place, each) for place, each in theirs if each.get("name") == self.at), None)

    def _route(self, found: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        there = self._find(found)
        if there is None:
            names = [str(each.get("name", "one without a name")) for each in self.routes(found)]
            raise Refused(f"{self._words} has no {self._called}; there is {', '.join(names) or 'none'}")
        return there

    def _mark(self, name: str) -> SliceHeader:
        listed = self._held.slices.get(name)
        if listed is None and not self._held.header:
            there_is = ", ".join(self._held.slices) or "none"
            raise Refused(f"no header is set for slice {name}; there is {there_is}")
        return listed or SliceHeader(header=self._held.header, value=name)

    def _entry_name(self, name: str) -> str:
        """`tocsin-poor`: a DNS label. Where the slice's name is none, or the route not the first, a digest is added."""
        label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
        digest = "" if (label, self.at) == (name, 0) else change.fingerprint([name, self.at])[:6]
        return OURS + "-".join(filter(None, (label, digest)))

    def _place_of(self, found: Mapping[str, Any], name: str) -> int | None:
        called = self._entry_name(name)
        places = enumerate(self.routes(found))
        return next((place for place, each in places if self.slice_of(found, each) == called), None)

    def _goes(self, entry: Mapping[str, Any]) -> str:
        return " and ".join(self.named(each) for each in entry.get(self.sends) or []) or "nowhere"


def whole(number: float) -> float:
    """The number as an integer where it is one, so that it reads alike however it was written."""
    return int(number) if number == int(number) else number
