"""What is asked of an Istio route or a Gateway API rule: weights per version, a shadow, a slice sent elsewhere.

A slice is sent elsewhere by a copy of the target's route, put right in front of it, that asks for the slice's header
besides: whatever else the route does to a request is done to the slice too. Such a copy is known by its name, so a
second undo finds nothing to take away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.actions import _change as change
from bot.actions._kubernetes import Change, Patch
from bot.actions._routes import Routes, SliceHeader, whole
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass

COPIED = "a copied request is carried out too: whatever it writes is written twice"
GONE = {"route": "not there"}
_AS_BEFORE = "as in the route it stands in front of"
_WHOLE = 100


class RouteAction(Routes):
    """One route of one object."""

    can = (Means.ROLLBACK, Means.TRAFFIC, Means.BYPASS)

    # -- what is asked -----------------------------------------------------------------------------------------------

    async def resolve(
        self, found: Mapping[str, Any], means: Means, params: Mapping[str, object], carries: str
    ) -> Change:
        """`{"to": version|"previous"}`, `{"weights"}`, `{"mirror": {"to", "percent"} | null}`, `{"slice", "to"}`."""
        if means is Means.BYPASS:
            return self._bypassing(found, params, carries)
        if means is Means.TRAFFIC and "mirror" in params:
            if "weights" in params:
                raise Refused("weights and a mirror are two changes; ask for one of them")
            return self._mirroring(found, params["mirror"], carries)
        return self._weighing(found, means, params, carries)

    def part(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        """The weights, the shadow, or where a slice goes and the fingerprint of the copy that sends it there."""
        if "bypass" in params:
            (name,) = params["bypass"]
            place = self._place_of(found, name)
            if place is None:
                return {"bypass": {name: None}, "entry": ""}
            entry = self.routes(found)[place]
            return {"bypass": {name: self._goes(entry)}, "entry": self._fingerprint(entry)}
        there = self._find(found)
        if there is None:
            return dict(GONE)
        _, route = there
        held = {"weights": self._weights(route)} if "weights" in params else {"mirror": self.mirror(route)}
        return held | self._identity(route)

    def _identity(self, route: Mapping[str, Any]) -> dict[str, str]:
        """What tells a route without a name from one that was put in its place since; a name does by itself."""
        return {} if isinstance(self.at, str) else {"asks": change.fingerprint(route.get(self.asks))}

    async def patch(self, found: Mapping[str, Any], wanted: Mapping[str, Any], params: Mapping[str, Any]) -> Patch:
        if "bypass" in wanted:
            return Patch([*self._sending(found, wanted)])
        place, route = self._route(found)
        if "weights" in wanted:
            return Patch([*self._weigh(route, f"{self._path}/{place}", wanted["weights"])])
        return Patch(self.mirroring(route, f"{self._path}/{place}", wanted["mirror"]))

    def proposal(self, patch: Patch) -> Any:
        """What a copied route does to a request may hold a secret, so it is named and not shown."""
        shown = [each for each in patch.body if isinstance(each, Mapping) and each["path"].startswith(self._path)]
        return [self._shown(each) for each in shown]

    def _shown(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        value = operation.get("value")
        if not (isinstance(value, Mapping) and self.sends in value):
            return dict(operation)
        told = {"name", self.asks}
        to = [{key: each[key] for key in each if key not in {"headers", "filters"}} for each in value[self.sends]]
        copied = {key: inner if key in told else _AS_BEFORE for key, inner in value.items()}
        return {**operation, "value": {**copied, self.sends: to}}

    # -- weights -----------------------------------------------------------------------------------------------------

    def _weighing(self, found: Mapping[str, Any], means: Means, params: Mapping[str, object], carries: str) -> Change:
        _, route = self._route(found)
        self._only_versions(route)
        now, names = self._weights(route), [*self._held.versions]
        if means is Means.ROLLBACK:
            to = change.rollback_to(params.get("to", change.PREVIOUS), now)
            wanted = {name: _WHOLE * (name == to) for name in names}
        else:
            wanted = change.wanted_weights(params.get("weights"), names, self.most)
            self.check(wanted)
        if change.shares(wanted) == change.shares(now):
            wanted = now
        moved = change.moved_share(now, wanted)
        elsewhere = [
            f"a slice goes on being sent to {self._goes(each)}"
            for each in self.routes(found)
            if self.slice_of(found, each)
        ]
        return Change(
            params={"weights": wanted},
            after={"weights": wanted, **self._identity(route)},
            diff=change.weight_words(now, wanted),
            radius=f"{moved} % of {carries} traffic",
            klass=ActionClass.TRAFFIC,
            undo=f"put the weights back: {', '.join(f'{name} {weight}' for name, weight in now.items())}",
            warnings=(*elsewhere, *self.cautions(found)),
            share=moved / 100,
            serves={} if elsewhere else change.shares(wanted),
        )

    def _only_versions(self, route: Mapping[str, Any]) -> None:
        """Raise Refused unless this route sends to each of our versions at most once, and nowhere else."""
        sent = [self.named(each) for each in route.get(self.sends) or []]
        if not sent:
            raise Refused(f"{self._called} of {self._words} sends requests to no backend, so there is nothing to weigh")
        if strange := sorted({*sent} - {*self._held.versions}):
            raise Refused(f"{self._called} of {self._words} also sends to {', '.join(strange)}, no version of ours")
        if len({*sent}) != len(sent):
            raise Refused(f"{self._called} of {self._words} names a version twice, so its weight is nobody's")

    def _weights(self, route: Mapping[str, Any]) -> dict[str, int]:
        """What each version weighs, 0 where the route does not send to it."""
        weights = dict.fromkeys(self._held.versions, 0)
        for each, weight in zip(route.get(self.sends) or [], self.weighed(route), strict=True):
            name = self.named(each)
            weights[name] = weights.get(name, 0) + weight
        return weights

    def _weigh(self, route: Mapping[str, Any], path: str, wanted: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        self._only_versions(route)
        places = {self.named(each): place for place, each in enumerate(route[self.sends])}
        for name, weight in wanted.items():
            if name not in places:
                if weight:
                    new = {**self.reference(name), "weight": weight}
                    yield {"op": "add", "path": f"{path}/{self.sends}/-", "value": new}
                continue
            held, here = route[self.sends][places[name]], f"{path}/{self.sends}/{places[name]}"
            if held.get("weight") != weight:
                yield {"op": "test", "path": f"{here}/{self.tested}", "value": held[self.tested]}
                verb = "replace" if "weight" in held else "add"
                yield {"op": verb, "path": f"{here}/weight", "value": weight}

    # -- a shadow ----------------------------------------------------------------------------------------------------

    def _mirroring(self, found: Mapping[str, Any], asked: object, carries: str) -> Change:
        _, route = self._route(found)
        now, wanted = self.mirror(route), self._asked_mirror(asked)
        if now and now["to"] not in self._known:
            said = f"is copied to {now['to']}, which is no one backend of ours; end that first"
            raise Refused(f"{self._called} of {self._words} {said}")
        percent = wanted["percent"] if wanted else 0
        copied = f"{percent:g} % of {carries} requests are copied to {wanted['to']}" if wanted else "none is copied"
        return Change(
            params={"mirror": wanted},
            after={"mirror": wanted, **self._identity(route)},
            diff=() if now == wanted else (f"shadow: {_shadow(now)} → {_shadow(wanted)}",),
            radius=f"no answer to anybody: {copied}",
            klass=ActionClass.SMALL,
            undo=f"copy {_shadow(now)} again" if now else "copy nothing any more",
            warnings=(*((COPIED,) if wanted else ()), *self.cautions(found)),
            share=percent / 100,
        )

    def _asked_mirror(self, asked: object) -> dict[str, Any] | None:
        if asked is None:
            return None
        if not isinstance(asked, Mapping) or not {"to"} <= {*asked} <= {"to", "percent"}:
            raise Refused("a mirror needs to and percent, such as {to: v2, percent: 10}; null ends it")
        to, percent = asked["to"], asked.get("percent", _WHOLE)
        self._backend(to)
        if not isinstance(percent, int | float) or isinstance(percent, bool) or not 0 < percent <= _WHOLE:
            raise Refused(f"the percentage of a mirror is above 0 and at most 100, not {percent!r}")
        self.check_percent(percent)
        return {"to": to, "percent": whole(percent)}

    # -- a slice -----------------------------------------------------------------------------------------------------

    def _bypassing(self, found: Mapping[str, Any], params: Mapping[str, object], carries: str) -> Change:
        name, to = change.asked_slice(params)
        mark = self._mark(name)
        if to is not None:
            self._backend(to)
        held = self.part(found, {"bypass": {name: to}})
        was = held["bypass"][name]
        entry = self._fingerprint(self._copy(found, name, to)) if to else ""
        after = {"bypass": {name: to}, "entry": entry}
        diff = change.bypass_words(name, was, to)
        if not diff and held["entry"] != entry:
            diff = (f"slice {name}: what sends it to {to} is not as it should be → made anew",)
        # only what we would make again just so can be put back
        kept = was is None or (was in self._known and self._fingerprint(self._copy(found, name, was)) == held["entry"])
        back = f"send slice {name} to {was} again" if was else f"let slice {name} go by weight again"
        warnings = [*self._rivals(found, mark), *self.cautions(found)]
        if not kept:
            warnings.insert(0, f"what sends slice {name} to {was} would be made otherwise now: it cannot be put back")
        return Change(
            params={"bypass": {name: to}},
            after=after,
            diff=diff,
            radius=f"only the slice {name} of {carries} traffic ({mark.header}: {mark.value})",
            klass=ActionClass.SMALL if kept else ActionClass.TRAFFIC,
            undo=back if kept else "",
            warnings=tuple(warnings),
        )

    def _sending(self, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Operations that put the slice's copy there, change it, or take it away."""
        ((name, to),) = wanted["bypass"].items()
        place = self._place_of(found, name)
        if place is not None:
            held = self.routes(found)[place]
            known = "name" if "name" in held else self.asks
            yield {"op": "test", "path": f"{self._path}/{place}/{known}", "value": held[known]}
            if to is None:
                yield {"op": "remove", "path": f"{self._path}/{place}"}
        if to is None:
            yield from self.noting(found, self._entry_name(name), None)
            return
        entry = self._copy(found, name, to)
        if self._fingerprint(entry) != wanted["entry"]:
            raise Refused(f"{self._called} of {self._words} was changed since; nothing was done")
        at, verb = (self._route(found)[0], "add") if place is None else (place, "replace")
        yield {"op": verb, "path": f"{self._path}/{at}", "value": entry}
        yield from self.noting(found, self._entry_name(name), entry)

    def _copy(self, found: Mapping[str, Any], name: str, to: str) -> dict[str, Any]:
        """The route as it is for this slice: asked for its header too, sent to one place, and not copied elsewhere."""
        _, route = self._route(found)
        mark = self._mark(name)
        if not route.get(self.sends):
            raise Refused(f"{self._called} of {self._words} sends requests to no backend, so no slice goes elsewhere")
        matches = route.get(self.asks) or [{}]
        if any(self.header_of(each, mark.header) is not None for each in matches):
            raise Refused(f"{self._called} of {self._words} asks for header {mark.header} itself")
        alone = self.reference(to)
        sent: Mapping[str, Any] = next((each for each in route[self.sends] if self.named(each) == to), {})
        return {
            **self.unshadowed(route),
            "name": self._entry_name(name),
            self.asks: [self.narrowed(each, mark) for each in matches],
            self.sends: [{**alone, **sent, "weight": alone["weight"]}],
        }

    def _rivals(self, found: Mapping[str, Any], mark: SliceHeader) -> Iterator[str]:
        """Other routes that ask for the slice's header themselves."""
        for place, each in self._theirs(found):
            asked = [self.header_of(match, mark.header) for match in each.get(self.asks) or []]
            if {mark.value, ""} & {*asked}:
                called = f"{self.word} {each.get('name', place)}"
                yield f"{called} asks for header {mark.header} too, and may take its requests"

    def _fingerprint(self, entry: Mapping[str, Any]) -> str:
        return change.fingerprint(self.plain(entry))


def _shadow(mirror: Mapping[str, Any] | None) -> str:
    return f"{mirror['percent']:g} % to {mirror['to']}" if mirror else "none"
