"""Rolls a Kubernetes Deployment back to an earlier revision, restarts its pods, or pauses its rollouts.

What `kubectl rollout undo`, `restart`, `pause` and `resume` do, from the state that was approved and no other. The
earlier templates stand in the Deployment's own ReplicaSets, so a plan names one of those and holds no template: an
environment variable may be a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from bot.actions import _change as change
from bot.actions import _pods as pods
from bot.actions import _revisions as revisions
from bot.actions._kubernetes import WHAT, Change, ObjectAction, ObjectSettings, Patch
from bot.clients.kubernetes import DEPLOYMENT, difference
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.engine.values import Observation, Seen

RESTARTED = "kubectl.kubernetes.io/restartedAt"
STOPS = "its strategy is Recreate: every pod stops before the first new one starts"
KEEPS_NONE = "revisionHistoryLimit is 0: Kubernetes keeps no earlier revision, so there would be no way back"


class DeploymentSettings(ObjectSettings):
    """Which Deployment of which cluster."""

    version_label: str = ""
    """The label of its pods that says the version, such as `app.kubernetes.io/version`; versions can then be named."""


class Deployment(ObjectAction):
    """One Deployment."""

    shelf: ClassVar[str] = "actions"
    Settings = DeploymentSettings
    kind = DEPLOYMENT
    can = (Means.ROLLBACK, Means.RESTART, Means.PAUSE)
    _held: DeploymentSettings

    async def resolve(
        self, found: Mapping[str, Any], means: Means, params: Mapping[str, object], carries: str
    ) -> Change:
        """`{"to": "previous" | revision | version}` rolls back; pause takes `{"resume": true}`; restart nothing."""
        if means is Means.PAUSE:
            return self._pausing(found, params, carries)
        if found["spec"].get("paused"):
            raise Refused(f"the rollouts of {self._words} are paused; resume them first, else nothing would follow")
        if means is Means.RESTART:
            return self._restarting(found, carries)
        return await self._rolling_back(found, params.get("to", change.PREVIOUS), carries)

    def part(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        """The template's fingerprint and images, without restarts; or whether rollouts are paused."""
        if "paused" in params:
            return {"paused": bool(found["spec"].get("paused"))}
        template = pods.plain(found["spec"]["template"])
        return {"template": change.fingerprint(template), "images": pods.images(template)}

    async def patch(self, found: Mapping[str, Any], wanted: Mapping[str, Any], params: Mapping[str, Any]) -> Patch:
        if "paused" in wanted:
            return Patch({"spec": {"paused": wanted["paused"]}})
        if "replica_set" not in params:
            moment = self._clock.now().isoformat(timespec="seconds")
            return Patch({"spec": {"template": {"metadata": {"annotations": {RESTARTED: moment}}}}})
        if found["spec"].get("paused"):
            raise Refused(f"the rollouts of {self._words} were paused since; nothing was done")
        name = str(params["replica_set"])
        there = [each for each in await revisions.kept(self._api, found) if each.name == name]
        if not there or change.fingerprint(pods.plain(there[0].template)) != wanted["template"]:
            raise Refused(f"ReplicaSet {name}, which holds the template to go to, was removed or changed since")
        return Patch({"spec": {"template": difference(_raw(found), there[0].template)}})

    def proposal(self, patch: Patch) -> Any:
        return pods.hidden(patch.body)

    async def effective(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> Observation:
        """Rolled out: seen by the controller, every pod of the new template, every pod available, none left over."""
        spec, status = found["spec"], found.get("status") or {}
        if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
            return Observation(Seen.MOVING, f"the controller has not seen the change of {self._words} yet")
        if "paused" in params:
            return Observation(Seen.APPLIED, f"rollouts of {self._words} are {_word(paused=bool(spec.get('paused')))}")
        if spec.get("paused"):
            return Observation(Seen.UNKNOWN, f"the rollouts of {self._words} are paused, so the change does not go on")
        wanted, new = spec.get("replicas", 1), status.get("updatedReplicas", 0)
        there, able = status.get("replicas", 0), status.get("availableReplicas", 0)
        if new == wanted == there == able:
            return Observation(Seen.APPLIED, f"all {wanted} pods of {self._words} are new and available")
        told = f"{new} of {wanted} pods of {self._words} are new, {able} available, {max(there - new, 0)} old ones left"
        for condition in status.get("conditions") or []:
            if condition.get("type") == "Progressing" and condition.get("status") == "False":
                # it may still speak of the rollout before ours: only one that names our ReplicaSet ends the waiting
                ours = f'"{params.get("replica_set", "")}"' in str(condition.get("message"))
                told += f"; it is stuck ({condition.get('reason', '?')})"
                return Observation(Seen.UNKNOWN if ours else Seen.MOVING, told)
        return Observation(Seen.MOVING, told)

    def _pausing(self, found: Mapping[str, Any], params: Mapping[str, object], carries: str) -> Change:
        resume = params.get("resume", False)
        if not isinstance(resume, bool):
            raise Refused("resume is true or false")
        now, pause = bool(found["spec"].get("paused")), not resume
        return Change(
            params={"paused": pause},
            after={"paused": pause},
            diff=() if now == pause else (f"rollouts: {_word(paused=now)} → {_word(paused=pause)}",),
            radius=f"no pod that runs now; new versions of {carries} {'wait' if pause else 'go out again'}",
            klass=ActionClass.SMALL,
            undo="resume the rollouts" if pause else "pause the rollouts again",
            warnings=("a rollout that is half done stays half done while it is paused",) if pause else (),
            share=0.0 if pause else 1.0,
        )

    def _restarting(self, found: Mapping[str, Any], carries: str) -> Change:
        count = found["spec"].get("replicas", 1)
        return Change(
            params={"restart": True},
            after=self.part(found, {}),
            diff=(f"all {count} pods are replaced by new ones of the same template",),
            radius=f"every request of {carries}, while {count} pods are replaced",
            klass=ActionClass.SMALL,
            warnings=_stops(found),
            serves=revisions.serves(_raw(found), self._held.version_label),
        )

    async def _rolling_back(self, found: Mapping[str, Any], to: object, carries: str) -> Change:
        known, here = await revisions.kept(self._api, found), pods.plain(_raw(found))
        now = next((each for each in known if each.same_as(here)), None)
        if now is None:
            raise Unavailable(WHAT, f"has no ReplicaSet for the present template of {self._words} yet")
        wanted = revisions.wanted(known, now, to, self._words, self._held.version_label)
        keeps = found["spec"].get("revisionHistoryLimit", 10) > 0
        count = found["spec"].get("replicas", 1)
        changed = pods.changes(here, pods.plain(wanted.template))
        return Change(
            params={"to": wanted.number, "replica_set": wanted.name},
            after={"template": change.fingerprint(pods.plain(wanted.template)), "images": pods.images(wanted.template)},
            diff=(f"revision {now.number} → {wanted.number}", *changed) if changed else (),
            radius=f"every request of {carries}: all {count} pods are replaced",
            klass=ActionClass.TRAFFIC,
            undo=f"roll back to the template of revision {now.number} ({now.name})" if keeps else "",
            undo_params={"replica_set": now.name},
            warnings=(*_stops(found), *(() if keeps else (KEEPS_NONE,))),
            serves=revisions.serves(wanted.template, self._held.version_label),
        )


def _raw(found: Mapping[str, Any]) -> Mapping[str, Any]:
    template: Mapping[str, Any] = found["spec"]["template"]
    return template


def _stops(found: Mapping[str, Any]) -> tuple[str, ...]:
    return (STOPS,) if (found["spec"].get("strategy") or {}).get("type") == "Recreate" else ()


def _word(*, paused: bool) -> str:
    return "paused" if paused else "going on"
