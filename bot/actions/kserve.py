"""Rolls a KServe InferenceService back, or moves the traffic of its canary.

A live canary is sent back by its share, at once. A version that is rolled out is not: what a share of 0 % then does has
changed between KServe's versions, so the predictor before it is put back, which starts a new revision. Where that
predictor is known from is said in the plan: noted by us on the object, named in the settings, or Knative's revision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import httpx

from bot.actions import _change as change
from bot.actions import _isvc as isvc
from bot.actions import _isvc_past as past
from bot.actions import _pods as pods
from bot.actions._isvc import ALL, INFERENCE_SERVICE, LABEL, PERCENT, Traffic
from bot.actions._kubernetes import Change, ObjectAction, ObjectSettings, Patch
from bot.clients.kubernetes import DEPLOYMENT, difference
from bot.clock import Clock
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.engine.values import Observation, Seen

MIRROR = "KServe mirrors no traffic; use a target of Istio or the Gateway API that leads to it"
_STOP = "serving.kserve.io/stop"


class KServeSettings(ObjectSettings):
    """Which InferenceService of which cluster."""

    previous: past.Previous = past.Previous()
    """The version to go back to where nothing was noted: `{storageUri: gs://models/visits/7}`, also `runtime`,
    `runtimeVersion`, or the `image` of a predictor of one's own."""


class InferenceService(ObjectAction):
    """One InferenceService, deployed by Knative or by plain Deployments."""

    shelf: ClassVar[str] = "actions"
    Settings = KServeSettings
    kind = INFERENCE_SERVICE
    can = (Means.ROLLBACK, Means.TRAFFIC)
    _held: KServeSettings

    def __init__(
        self, settings: KServeSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(settings, clock=clock, transport=transport)
        self._past = past.Past(self._api, settings.namespace, settings.name, settings.previous)

    async def resolve(
        self, found: Mapping[str, Any], means: Means, params: Mapping[str, object], carries: str
    ) -> Change:
        """Traffic: `{"percent": 10}`, of plain deployments with `"canary": name`; rollback: `{"to": ...}`."""
        if (found["metadata"].get("annotations") or {}).get(_STOP) == "true":
            raise Refused(f"{self._words} is stopped; nothing would follow")
        plain, asked = isvc.standard(found), dict(params)
        if means is Means.TRAFFIC:
            if {"mirror", "shadow"} & {*asked}:
                raise Refused(MIRROR)
            percent = _percent(asked)
            if not plain:
                return self._shared(found, percent, carries)
            return self._canaries(found, {self._one_of(found, asked.get("canary")): percent}, carries)
        to = asked.get("to", change.PREVIOUS)
        if to == change.PREVIOUS and plain:
            live = [name for name, each in isvc.canaries_of(found).items() if each["percent"] > 0]
            if live:
                return self._canaries(found, dict.fromkeys(live, 0), carries)
        elif to == change.PREVIOUS and (at := isvc.traffic_of(found)).live:
            if _share(isvc.predictor_of(found)) == 0:
                said = f"canary {at.created} takes no traffic already"
                raise Refused(f'{said}; {{"to": "{at.rolled_out}"}} puts the stable model back into the spec too')
            if _share(isvc.predictor_of(found)) < ALL:
                return self._shared(found, 0, carries)
        return await self._restoring(found, to, carries, plain=plain)

    def part(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        """The version of the predictor; with its share, or with every canary, where those are what changes."""
        predictor = isvc.predictor_of(found)
        if "canaries" in params:
            return {"canaries": isvc.canaries_of(found), "version": isvc.mark(predictor)}
        if "percent" in params:
            return {"percent": predictor.get(PERCENT), "version": isvc.mark(predictor)}
        return _version(predictor)

    async def patch(self, found: Mapping[str, Any], wanted: Mapping[str, Any], params: Mapping[str, Any]) -> Patch:
        if "canaries" in wanted:
            return Patch([*_canary_patch(found, wanted["canaries"]), _noting(found)])
        if "percent" in wanted:
            return await self._share_patch(found, wanted["percent"], params)
        now, notes = isvc.predictor_of(found), past.notes_of(found)
        if "back" in params:
            if notes.replaced is None:
                raise Refused(f"the predictor that was replaced is no longer noted on {self._words}")
            version = isvc.restored(now, notes.replaced, wanted["share"])
            noted = notes.taken_back(version)
        else:
            source, revision = str(params["restore"]), str(params["revision"])
            known = await self._past.known(found, source, revision)
            if known is None:
                raise Refused(f"what {self._words} was to go back to was removed since ({revision or source})")
            version = isvc.restored(now, known.predictor, wanted["share"])
            noted = notes.rolled_back(now, version)
        if _version(version) != wanted:
            raise Refused(f"what {self._words} was to go back to was changed since; nothing was done")
        return Patch(
            {"metadata": {"annotations": {past.NOTES: noted.text}}, "spec": {"predictor": difference(now, version)}}
        )

    def proposal(self, patch: Patch) -> Any:
        if isinstance(patch.body, Mapping):
            return pods.hidden({"spec": patch.body["spec"]})
        return [each for each in patch.body if str(each["path"]).startswith("/spec/")]

    async def effective(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> Observation:
        """By who takes the traffic as the status tells, and by what the revision or Deployment that takes it serves."""
        if "canaries" in params:
            return self._canaries_shown(found)
        at = isvc.traffic_of(found)
        if "percent" in params:
            return self._share_shown(found, at, str(params["canary"]))
        if isvc.standard(found):
            return await self._deployed(found)
        return await self._serving(found, at)

    # -- the share of a canary, Knative ------------------------------------------------------------------------------

    def _shared(self, found: Mapping[str, Any], percent: int, carries: str) -> Change:
        at, predictor = isvc.traffic_of(found), isvc.predictor_of(found)
        before = _share(predictor)
        if not at.live and before != percent:
            newest = f"its newest revision {at.created} is rolled out" if at.created else "it has no revision yet"
            raise Refused(f"no canary of {self._words} is live: {newest}, so a share moves nothing")
        promotes = percent == ALL
        warnings = [] if at.ready == at.created or not percent else [f"canary {at.created} is not ready yet"]
        if promotes:
            warnings.append("with 100 % KServe counts it as rolled out; the way back is a rollback of its own")
        elif not percent:
            warnings.append("the spec still is the canary's: whoever promotes it brings it back")
        return Change(
            params={"percent": percent, "canary": at.created, "stable": at.rolled_out},
            after={"percent": percent, "version": isvc.mark(predictor)},
            diff=()
            if before == percent
            else (
                f"canary {at.created}: {before} % → {percent} %",
                f"revision {at.rolled_out}: {ALL - before} % → {ALL - percent} %",
            ),
            radius=f"{abs(percent - before)} % of {carries}",
            klass=ActionClass.TRAFFIC,
            undo="" if promotes else f"canary {at.created} back to {before} %",
            warnings=tuple(warnings),
            share=min(abs(percent - before), ALL) / ALL,
            serves={at.created: percent / ALL, at.rolled_out: (ALL - percent) / ALL} if at.live else {},
        )

    async def _share_patch(self, found: Mapping[str, Any], percent: int | None, params: Mapping[str, Any]) -> Patch:
        body: dict[str, Any] = {"spec": {"predictor": {PERCENT: percent}}}
        if percent == ALL and (known := await self._past.known(found, past.REVISION, str(params["stable"]))):
            noted = past.beside(found, known.predictor, [isvc.mark(isvc.predictor_of(found))])
            body["metadata"] = {"annotations": {past.NOTES: noted}}
        return Patch(body)

    def _share_shown(self, found: Mapping[str, Any], at: Traffic, canary: str) -> Observation:
        wanted, share = _share(isvc.predictor_of(found)), at.shares.get(canary, 0)
        others = ", ".join(f"{name} {each} %" for name, each in at.shares.items() if name != canary)
        told = f"canary {canary} of {self._words} takes {share} % of the traffic{f', {others}' if others else ''}"
        whole = at.whole or not wanted  # a canary without traffic may be as broken as it likes
        rolled_out = wanted < ALL or at.rolled_out == canary
        if share == wanted and at.routed and whole and rolled_out and sum(at.shares.values()) == ALL:
            return Observation(Seen.APPLIED, told)
        return Observation(Seen.MOVING, f"{told}, {wanted} % are wanted{_why(at.stuck)}")

    # -- the shares of canaries, plain deployments -------------------------------------------------------------------

    def _one_of(self, found: Mapping[str, Any], asked: object) -> str:
        known = isvc.canaries_of(found)
        name = next(iter(known)) if asked is None and len(known) == 1 else asked
        if name not in known:
            there = f"there is {', '.join(known)}; name one" if known else "there is none"
            raise Refused(f"{self._words} has no canary {asked if asked is not None else 'named'}; {there}")
        return str(name)

    def _canaries(self, found: Mapping[str, Any], shares: Mapping[str, int], carries: str) -> Change:
        before, predictor = isvc.canaries_of(found), isvc.predictor_of(found)
        after = {name: {**each, "percent": shares.get(name, each["percent"])} for name, each in before.items()}
        whole = sum(each["percent"] for each in after.values())
        if whole > ALL and max(shares.values()) <= ALL:
            raise Refused(f"the canaries of {self._words} would take {whole} % together")
        moved = {name: (before[name]["percent"], share) for name, share in shares.items()}
        changed = {name: pair for name, pair in moved.items() if pair[0] != pair[1]}
        stable = str(predictor.get("name") or "stable")
        share = sum(abs(will - was) for was, will in changed.values())
        return Change(
            params={"canaries": list(changed)},
            after={"canaries": after, "version": isvc.mark(predictor)},
            diff=tuple(f"canary {name}: {was} % → {will} %" for name, (was, will) in changed.items()),
            radius=f"{share} % of {carries}",
            klass=ActionClass.TRAFFIC,
            undo=f"canary {', '.join(f'{name} back to {was} %' for name, (was, _) in changed.items())}",
            share=min(share, ALL) / ALL,
            serves={stable: (ALL - whole) / ALL} | {name: each["percent"] / ALL for name, each in after.items()},
        )

    def _canaries_shown(self, found: Mapping[str, Any]) -> Observation:
        told, arrived = [], True
        for name, each in isvc.canaries_of(found).items():
            share, ready = isvc.canary_shows(found, name)
            arrived &= share == each["percent"] and (ready or not share)
            told.append(f"{name} {share} % of {each['percent']} % wanted{'' if ready else ', not ready'}")
        said = f"canaries of {self._words}: {'; '.join(told) or 'none'}"
        return Observation(Seen.APPLIED if arrived else Seen.MOVING, said)

    # -- the predictor before ----------------------------------------------------------------------------------------

    async def _restoring(self, found: Mapping[str, Any], to: object, carries: str, *, plain: bool) -> Change:
        now, at = isvc.predictor_of(found), isvc.traffic_of(found)
        held = [] if plain else await self._past.revisions()
        version = await self._past.wanted(found, to, plain=plain)
        changed = isvc.changes(now, version.predictor)
        share, canary = now.get(PERCENT), not plain and at.live and _share(now) < ALL
        # what is written goes to the newest revision that is ready, so to a live canary until the new one is
        percent = share if share is None else 0 if canary else ALL
        serves = (at.rolled_out if canary else at.ready) or "what runs now"
        waits = "its pods are replaced one after another" if plain else "KServe starts a new revision of it"
        until = "goes on serving, and after it until it is promoted" if canary else "goes on serving"
        return Change(
            params={"restore": version.source, "revision": version.revision},
            after=_version(isvc.restored(now, version.predictor, percent)),
            diff=(version.words, *changed, *((f"{PERCENT}: {share} → {percent}",) if share != percent else ()))
            if changed
            else (),
            radius=f"{share} % of {carries}" if canary else f"every request of {carries}",
            klass=ActionClass.TRAFFIC,
            undo=f"put the present predictor back ({', '.join(isvc.models(now).values())})",
            undo_params={"back": True},
            warnings=(f"{waits}; until it is ready {serves} {until}", *past.runtimes(held, at, version)),
            share=_share(now) / ALL if canary else 1.0,
            serves={at.rolled_out: 1.0} if canary else {},
        )

    async def _serving(self, found: Mapping[str, Any], at: Traffic) -> Observation:
        predictor, held = isvc.predictor_of(found), await self._past.revisions()
        newest = next((each for each in held if each["metadata"]["name"] == at.created), None)
        fits = None if newest is None else isvc.is_of(predictor, newest)
        if newest is not None and fits is None:
            return Observation(Seen.UNKNOWN, f"revision {at.created} does not tell which model it serves")
        shares = ", ".join(f"{name} {each} %" for name, each in at.shares.items() if each) or "nobody"
        share = _share(predictor)
        there = at.shares.get(at.created, 0) == share and sum(at.shares.values()) == ALL and at.routed
        whole = not share or (at.whole and at.ready == at.created)
        rolled_out = share < ALL or at.rolled_out == at.created
        if fits and there and whole and rolled_out:
            return Observation(Seen.APPLIED, f"revision {at.created} has the model; the traffic goes to {shares}")
        told = f"revision {at.created} has the model" if fits else "KServe has not made its revision yet"
        return Observation(Seen.MOVING, f"{told}; the traffic goes to {shares}{_why(at.stuck)}")

    async def _deployed(self, found: Mapping[str, Any]) -> Observation:
        name, predictor = found["metadata"]["name"], isvc.predictor_of(found)
        canaries = {f"{name}-{each}-predictor" for each in isvc.canaries_of(found)}
        held = await self._api.list(DEPLOYMENT, self._held.namespace, f"{LABEL}={name}")
        mine = [each for each in held if each["metadata"]["name"] not in canaries and isvc.predicts(each)]
        fitting = [each for each in mine if isvc.is_of(predictor, each)]
        if not fitting:
            return Observation(
                Seen.MOVING, f"no Deployment of {self._words} serves the model yet{_why(isvc.stuck(found))}"
            )
        told = f"Deployment {fitting[0]['metadata']['name']} serves the model"
        if len(mine) == 1 and isvc.rolled_out(fitting[0]):
            return Observation(Seen.APPLIED, f"{told}, and all its pods are new and available")
        return Observation(Seen.MOVING, f"{told}, and is on its way{_why(isvc.stuck(found))}")


def _percent(asked: Mapping[str, object]) -> int:
    percent = asked.get("percent")
    if not isinstance(percent, int) or isinstance(percent, bool) or percent < 0:
        raise Refused("traffic takes {percent: 10}, the whole per cent of the canary")
    return percent


def _share(predictor: Mapping[str, Any]) -> int:
    """The share that is written; all of it where none is."""
    share = predictor.get(PERCENT)
    return ALL if share is None else int(share)


def _version(predictor: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": isvc.mark(predictor),
        "models": isvc.models(predictor),
        "share": predictor.get(PERCENT),
    }


def _canary_patch(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each share that changes, tested by the canary's name: an atomic list would be replaced whole by a merge."""
    for place, each in enumerate(found["spec"].get("canary") or []):
        name = (each.get("predictor") or {}).get("name", "")
        path = f"/spec/canary/{place}"
        if name in wanted and int(each.get("trafficPercent") or 0) != wanted[name]["percent"]:
            yield {"op": "test", "path": f"{path}/predictor/name", "value": name}
            yield {"op": "add", "path": f"{path}/trafficPercent", "value": wanted[name]["percent"]}


def _noting(found: Mapping[str, Any]) -> dict[str, Any]:
    """What we note of plain deployments: the stable predictor, and which canaries stood beside it."""
    noted = past.beside(found, isvc.predictor_of(found), list(isvc.canaries_of(found)))
    return {"op": "add", "path": f"/metadata/annotations/{past.NOTES.replace('/', '~1')}", "value": noted}


def _why(stuck: str) -> str:
    return f" ({stuck})" if stuck else ""
