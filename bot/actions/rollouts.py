"""Rolls an Argo Rollout back, aborts or promotes its update, or pauses it.

An abort returns the traffic to the stable revision and no more: the template still is the update's, so the Rollout
stays Degraded until that is put back too. The earlier templates stand in its ReplicaSets, where Kubernetes has filled
in defaults; the very text that was replaced is kept in an annotation, so that an undo brings back exactly that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import httpx

from bot.actions import _change as change
from bot.actions import _pods as pods
from bot.actions import _revisions as revisions
from bot.actions._argo import ABORTED, DEGRADED, HEALTHY, PAUSED, REVISION, Progress, progress, steps_again
from bot.actions._gitops import owner_of
from bot.actions._kubernetes import WHAT, Change, ObjectAction, ObjectSettings, Patch
from bot.clients.kubernetes import Absent, Kind, Overtaken, difference, keys_of
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.engine.values import Observation, Seen

ROLLOUT = Kind("argoproj.io/v1alpha1", "rollouts", "Rollout")
REPLACED = "tocsin.dev/replaced"
"""The annotation that holds the template a rollback replaced, as it was written."""
_ABORT_FIRST, _UPDATING = "abort_first", "updating"  # parameters of a plan: abort before; an update was under way
_TRIES = 5


class RolloutSettings(ObjectSettings):
    """Which Rollout of which cluster."""

    version_label: str = ""
    """The label of its pods that says the version, such as `app.kubernetes.io/version`; versions can then be named."""


class Rollout(ObjectAction):
    """One Rollout."""

    shelf: ClassVar[str] = "actions"
    Settings = RolloutSettings
    kind = ROLLOUT
    can = (Means.ROLLBACK, Means.TRAFFIC, Means.PAUSE)
    _held: RolloutSettings

    def __init__(
        self, settings: RolloutSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(settings, clock=clock, transport=transport)
        self._sub = "status"

    async def resolve(
        self, found: Mapping[str, Any], means: Means, params: Mapping[str, object], carries: str
    ) -> Change:
        """What is asked, of a Rollout whose controller is up to date.

        `{}` aborts an update under way and puts the stable template back; `{"abort": true}` only aborts;
        `{"to": "previous" | revision | version}` puts that template back. Traffic takes `{"promote": true}`, pause
        `{"resume": true}`.
        """
        at = progress(found)
        if not at.seen:
            raise Unavailable(WHAT, f"shows that Argo Rollouts has not seen the last change of {self._words} yet")
        if means is Means.PAUSE:
            return self._pausing(at, params, carries)
        if at.paused:
            raise Refused(f"{self._words} is paused by hand; resume it first, else nothing would follow")
        if means is Means.TRAFFIC:
            return self._promoting(found, at, params, carries)
        if "abort" in params:
            return self._aborting(found, at, params, carries)
        return await self._rolling_back(found, at, params, carries)

    def part(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        """The template's fingerprint and images; or of which update it is aborted or promoted; or whether paused."""
        at = progress(found)
        if "paused" in params:
            return {"paused": at.paused}
        if "promote" in params:
            return {"update": at.now, "promoted": at.promoting or not at.updating}
        if "abort" in params:
            return {"update": at.now, "aborted": at.aborted}
        return _part(found["spec"].get("template") or {})

    async def patch(self, found: Mapping[str, Any], wanted: Mapping[str, Any], params: Mapping[str, Any]) -> Patch:
        if "paused" in wanted:
            return Patch({"spec": {"paused": wanted["paused"]}})
        if "promoted" in wanted:
            return Patch({"status": {"promoteFull": True}}, self._sub)
        if "aborted" in wanted:
            return Patch({"status": {"abort": wanted["aborted"]}}, self._sub)
        if found["spec"].get("paused"):
            raise Refused(f"{self._words} was paused since; nothing was done")
        template = found["spec"].get("template") or {}
        back = _replaced(found) if "back" in params else None
        if back is not None and _part(back) == wanted:
            return Patch(_writing(template, back, None))
        name = str(params["replica_set"])
        there = [each for each in await self._kept(found) if each.name == name]
        if not there or _part(there[0].template) != wanted:
            raise Refused(f"ReplicaSet {name}, which holds the template to go to, was removed or changed since")
        kept = json.dumps(template, sort_keys=True, separators=(",", ":"))
        return Patch(_writing(template, there[0].template, kept))

    def proposal(self, patch: Patch) -> Any:
        spec = patch.body.get("spec", {}) if isinstance(patch.body, Mapping) else {}
        return pods.hidden({"spec": spec})

    async def effective(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> Observation:
        """By the status: who is stable, which phase, what share of the traffic the update takes.

        Taken back, an update that was under way is as before once it is under way again.
        """
        at = progress(found)
        if not at.seen:
            return Observation(Seen.MOVING, f"Argo Rollouts has not seen the change of {self._words} yet")
        if "paused" in params:
            return self._paused(at)
        if "abort" in params:
            return self._aborted(at)
        if at.updating and at.aborted:
            return Observation(Seen.UNKNOWN, f"the update of {self._words} is aborted: {at.told}")
        if params.get("back") and params.get(_UPDATING) and at.updating and at.phase != DEGRADED:
            return Observation(Seen.APPLIED, f"{self._words} goes on with the update: {at.told}")
        if at.updating or at.phase != HEALTHY:
            stuck = at.stuck and not at.promoting
            words = "does not get there by itself" if stuck else "is on its way"
            return Observation(Seen.UNKNOWN if stuck else Seen.MOVING, f"{self._words} {words}: {at.told}")
        return Observation(Seen.APPLIED, f"{self._words} is rolled out and takes all traffic")

    # -- an abort before the template --------------------------------------------------------------------------------

    async def execute(self, plan: Plan, key: str) -> None:
        """Abort first where an update is under way: that returns the traffic at once."""
        aborted = bool(plan.params.get(_ABORT_FIRST)) and await self._abort(plan, key)
        try:
            await super().execute(plan, key)
        except Refused as refused:
            if not aborted:
                raise
            said = f"aborted the update of {self._words}, so the stable revision takes the traffic; its template stays"
            raise Unavailable(WHAT, f"{said}: {refused.because}") from None

    async def observe(self, plan: Plan, key: str) -> Observation:
        seen = await super().observe(plan, key)
        if seen.seen is Seen.NOT_APPLIED and plan.params.get(_ABORT_FIRST):
            found = await self._api.get(*self._place)
            if progress(found).aborted and self.part(found, plan.params) == plan.before:
                told = f"the update of {self._words} is aborted, and its template is not put back"
                return Observation(Seen.UNKNOWN, told)
        return seen

    async def undo(self, plan: Plan, key: str) -> None:
        await super().undo(plan, key)
        if plan.params.get(_ABORT_FIRST):
            found = await self._api.get(*self._place)
            if progress(found).aborted and self.part(found, plan.params) == plan.before:
                await self._set({"abort": False}, found)

    async def _abort(self, plan: Plan, key: str) -> bool:
        """Abort the update the plan is about; False where that is done, or the plan no longer holds."""
        for _ in range(_TRIES):
            found = await self._api.get(*self._place)
            at = progress(found)
            if key in keys_of(found) or at.aborted or not at.updating or self._token(found, plan.params) != plan.token:
                return False
            await self.patch(found, plan.after, plan.params)  # refused now, not halfway
            try:
                await self._set({"abort": True}, found)
            except Overtaken:
                continue
            return True
        raise Unavailable(WHAT, f"shows {self._words} changing faster than it can be patched")

    async def _set(self, status: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        version, body = found["metadata"]["resourceVersion"], {"status": status}
        try:
            await self._api.merge(*self._place, body, version=version, sub=self._sub)
        except Absent:
            if not self._sub:
                raise
            self._sub = ""
            await self._api.merge(*self._place, body, version=version)

    async def _write(
        self,
        found: Mapping[str, Any],
        patch: Patch,
        key: str,
        wanted: Mapping[str, Any],
        params: Mapping[str, Any],
        *,
        dry: bool = False,
    ) -> None:
        """Before Argo Rollouts 0.10 the status was no subresource; then it is written with the rest."""
        try:
            await super()._write(found, patch, key, wanted, params, dry=dry)
        except Absent:
            if not patch.sub:
                raise
            self._sub = ""
            if not dry:  # the announcement moved the object on: read it anew
                raise Overtaken(f"{self._words} has no status of its own") from None
            await super()._write(found, replace(patch, sub=""), key, wanted, params, dry=dry)

    # -- what is asked -----------------------------------------------------------------------------------------------

    def _pausing(self, at: Progress, params: Mapping[str, object], carries: str) -> Change:
        resume = params.get("resume", False)
        if not isinstance(resume, bool):
            raise Refused("resume is true or false")
        pause, still = not resume, at.updating
        waits = resume and at.waits
        return Change(
            params={"paused": pause},
            after={"paused": pause},
            diff=() if at.paused == pause else (f"rollout: {_word(paused=at.paused)} → {_word(paused=pause)}",),
            radius=f"no pod that runs now; new versions of {carries} {'wait' if pause else 'go out again'}",
            klass=ActionClass.SMALL,
            undo="resume the rollout" if pause else "pause the rollout again",
            warnings=(
                *((f"the update keeps its {at.share} % of the traffic while it is paused",) if pause and still else ()),
                *(("it waits at a pause of its own steps too; traffic {promote: true} goes on",) if waits else ()),
            ),
            share=0.0 if pause else 1.0,
        )

    def _promoting(self, found: Mapping[str, Any], at: Progress, params: Mapping[str, object], carries: str) -> Change:
        if {"mirror", "shadow"} & {*params}:
            said = "Argo Rollouts mirrors traffic by steps of its own (setMirrorRoute), not by a change"
            raise Refused(f"{said}; use a target of Istio or the Gateway API")
        if params.get("promote") is not True:
            raise Refused("traffic of a Rollout takes {promote: true}; its weights belong to its own steps")
        done = at.promoting or not at.updating
        if at.aborted and not done:
            raise Refused(f"the update of {self._words} was aborted; a promotion would bring it back")
        return Change(
            params={"promote": True},
            after={"update": at.now, "promoted": True},
            diff=()
            if done
            else (f"update {at.now} of {carries}: {at.share} % → 100 %, its remaining steps are skipped",),
            radius=f"every request of {carries} that does not go to the update yet, {100 - at.share} % of them",
            klass=ActionClass.TRAFFIC,
            warnings=("a promotion skips the analysis of the remaining steps; the way back is a rollback of its own",),
            share=(100 - at.share) / 100,
            serves=revisions.serves(found["spec"].get("template") or {}, self._held.version_label),
            of_status=True,
        )

    def _aborting(self, found: Mapping[str, Any], at: Progress, params: Mapping[str, object], carries: str) -> Change:
        if params["abort"] is not True or "to" in params:
            raise Refused("abort is true, and stands alone")
        if not at.updating:
            raise Refused(f'no update of {self._words} is under way; {{"to": "previous"}} goes back')
        return Change(
            params={"abort": True},
            after={"update": at.now, "aborted": True},
            diff=() if at.aborted else (f"update {at.now} of {carries}: {at.share} % → 0 %, aborted",),
            radius=f"the {at.share} % of {carries} that go to the update",
            klass=ActionClass.TRAFFIC,
            undo="retry the update from its first step",
            warnings=("the template still is the update's: it stays Degraded until that is put back too",),
            share=at.share / 100,
            of_status=True,
        )

    async def _rolling_back(
        self, found: Mapping[str, Any], at: Progress, params: Mapping[str, object], carries: str
    ) -> Change:
        if reference := found["spec"].get("workloadRef"):
            kind, name = reference.get("kind", "?"), reference.get("name", "?")
            raise Refused(f"the template of {self._words} stands in {kind} {name}: roll that back, or abort this")
        known = await self._kept(found)
        now = next((each for each in known if each.hash == at.now), None)
        if now is None:
            raise Unavailable(WHAT, f"has no ReplicaSet for the present template of {self._words} yet")
        stable = next((each for each in known if each.hash == at.stable), None)
        to = params.get("to", change.PREVIOUS)
        if to == change.PREVIOUS and at.updating and stable is not None:
            wanted = stable  # the one before may have been an update that was never rolled out
        else:
            wanted = revisions.wanted(known, now, to, self._words, self._held.version_label)
        changed = pods.changes(pods.plain(now.template), pods.plain(wanted.template))
        abort = bool(changed) and at.updating and not at.aborted and "to" not in params
        at_once = wanted is stable and at.updating
        return Change(
            params={
                "to": wanted.number,
                "replica_set": wanted.name,
                **({_ABORT_FIRST: True} if abort else {}),
                **({_UPDATING: True} if at.updating else {}),
            },
            after=_part(wanted.template),
            diff=(
                *((f"update {at.now}: aborted first, {at.share} % → 0 % of the traffic",) if abort else ()),
                *((f"revision {now.number} → {wanted.number}", *changed) if changed else ()),
            ),
            radius=f"the {at.share} % of {carries} that go to the update" if at_once else f"every request of {carries}",
            klass=ActionClass.TRAFFIC,
            undo=f"put the template of revision {now.number} back, which rolls it out again",
            undo_params={"replica_set": now.name, "back": True},
            warnings=(
                *(() if at_once else steps_again(found)),
                *(self._self_heals(found) if at.updating else ()),
            ),
            share=at.share / 100 if at_once else 1.0,
            serves=revisions.serves(wanted.template, self._held.version_label),
        )

    def _self_heals(self, found: Mapping[str, Any]) -> tuple[str, ...]:
        if owner_of(found, self.kind, self._held.argocd_namespace) is None:
            return ()
        return ("git puts the update's template back, which starts it again; {abort: true} alone is left alone",)

    def _paused(self, at: Progress) -> Observation:
        if at.paused and at.phase not in (PAUSED, DEGRADED):
            return Observation(Seen.MOVING, f"{self._words} is not paused yet: {at.told}")
        if not at.paused and at.phase == PAUSED and not at.waits:
            return Observation(Seen.MOVING, f"{self._words} does not go on yet: {at.told}")
        return Observation(Seen.APPLIED, f"{self._words} is {_word(paused=at.paused)}: {at.told}")

    def _aborted(self, at: Progress) -> Observation:
        if not at.aborted:
            if at.phase == DEGRADED and ABORTED in at.message:
                return Observation(Seen.MOVING, f"{self._words} does not try again yet: {at.told}")
            return Observation(Seen.APPLIED, f"{self._words} goes on with the update: {at.told}")
        if at.phase != DEGRADED or (at.updating and at.share > 0):
            return Observation(Seen.MOVING, f"the abort of {self._words} is on its way: {at.told}")
        return Observation(Seen.APPLIED, f"the update of {self._words} is aborted and takes no traffic")

    async def _kept(self, found: Mapping[str, Any]) -> list[pods.Revision]:
        return await revisions.kept(self._api, found, REVISION)


def _part(template: Mapping[str, Any]) -> dict[str, Any]:
    return {"template": change.fingerprint(pods.plain(template)), "images": pods.images(template)}


def _replaced(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The template a rollback of ours replaced; None where there is none, or somebody broke it."""
    text = (found["metadata"].get("annotations") or {}).get(REPLACED)
    try:
        held = json.loads(text) if text else None
    except ValueError:
        return None
    return held if isinstance(held, dict) else None


def _writing(now: Mapping[str, Any], wanted: Mapping[str, Any], kept: str | None) -> dict[str, Any]:
    return {
        "metadata": {"annotations": {REPLACED: kept}},
        "spec": {"template": difference(now, wanted)},
    }


def _word(*, paused: bool) -> str:
    return "paused" if paused else "going on"
