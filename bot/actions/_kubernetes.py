"""What every Kubernetes target does alike: one object, patched with our key in the same write, proved by its effect.

A target says what of its object a change is about, how a patch brings it there, and when its controller has carried it
out; everything else stands here. Neither generation nor resourceVersion is the token, because a status or an
autoscaler moves them all the time: the part a change is about is, compared in the very write that changes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
from pydantic import Field

from bot.actions import _change as change
from bot.actions._gitops import GitOps, Owner, Pause, owner_of, proposed
from bot.clients.kube_access import ClusterSettings
from bot.clients.kubernetes import APPLIED, TRYING, Kind, Kubernetes, Overtaken, keys_of, trying, with_key
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation, Seen

WHAT = "Kubernetes"
_NAME = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
_PAUSES = "pauses"  # the plan's parameter that names the owner to pause
_TRIES = 10
_TRIED = "the API server took it as a dry run and showed the wanted state"
_UNTRIED = "an admission webhook of this cluster does not allow dry runs, so this one was reckoned only"
_NO_DRY_RUN = "does not support dry run"


class ObjectSettings(ClusterSettings):
    """Which object of which cluster is changed, and what is done where git holds it."""

    namespace: str = Field(pattern=f"^{_NAME}$", max_length=63)
    """The namespace the object stands in."""

    name: str = Field(pattern=f"^{_NAME}$", max_length=253)
    """The object's name."""

    carries: str = ""
    """What the traffic is, in words for the plan; the target's name where empty."""

    gitops: GitOps = GitOps.WARN
    """Where Argo CD or Flux holds the object: `warn` in the plan, `pause` them while the change stands, or `propose`
    the change for git and do nothing."""

    argocd_namespace: str = "argocd"
    """The namespace Argo CD and its applications stand in."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was asked, resolved on the object as it was just read. `after` is how its part shall read.

    `params` and `undo_params` are handed to `part` and `patch` again when it is carried out or taken back. What git
    holds is no matter `of_status` alone: no GitOps controller puts a status back.
    """

    params: Mapping[str, Any]
    after: Mapping[str, Any]
    diff: tuple[str, ...]
    radius: str
    klass: ActionClass
    undo: str = ""
    undo_params: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    share: float = 1.0
    serves: Mapping[str, float] = field(default_factory=dict)
    of_status: bool = False


@dataclass(frozen=True, slots=True)
class Patch:
    """A merge patch (a mapping) or a JSON patch (a list of operations), of the object or of a subresource.

    A custom resource's subresource takes no annotation: there the key is announced before the change and written
    right behind it.
    """

    body: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    sub: str = ""


class ObjectAction(ABC):
    """One object of one cluster, which notes our keys in its annotations.

    Others write those too (`kubectl rollout undo` puts all of them back), so a key that is not there proves nothing.
    """

    kind: Kind
    can: ClassVar[tuple[Means, ...]]

    def __init__(
        self, settings: ObjectSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._place = (self.kind, settings.namespace, settings.name)
        self._held, self._clock = settings, clock
        self._api = Kubernetes(settings, transport=transport)
        self._pause = Pause(self._api)

    async def close(self) -> None:
        await self._api.close()

    # -- what each target says ---------------------------------------------------------------------------------------

    @abstractmethod
    async def resolve(
        self, found: Mapping[str, Any], means: Means, params: Mapping[str, object], carries: str
    ) -> Change:
        """What is asked comes to this on the object as it is. Raises Refused, Unavailable."""

    @abstractmethod
    def part(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        """What holds now of what a change with these resolved params is about: plain JSON without secrets."""

    @abstractmethod
    async def patch(self, found: Mapping[str, Any], wanted: Mapping[str, Any], params: Mapping[str, Any]) -> Patch:
        """How the part of this object comes to read `wanted`. Raises Refused, Unavailable."""

    @abstractmethod
    async def effective(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> Observation:
        """Whether the object's controller has carried out what the object says, in a sentence.

        Applied, Moving while it is on its way, Unknown where it will not get there by itself. `params` are the plan's,
        on the way back with its `undo_params` in front.
        """

    def proposal(self, patch: Patch) -> Any:
        """The patch as a person puts it into git; without secrets, should it hold any."""
        return patch.body

    # -- what all do -------------------------------------------------------------------------------------------------

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Resolve what is asked on the object as it is, tried by a dry run that must show the wanted state.

        A status that moves in between, as it does while pods come and go, makes it look again.
        """
        if means not in self.can:
            raise change.cannot(f"{self.kind.name} on Kubernetes", means, self.can)
        for _ in range(_TRIES):
            try:
                return await self._planned(target, means, params)
            except Overtaken:
                continue
        raise Unavailable(WHAT, f"shows {self._words} changing faster than it can be planned on")

    async def _planned(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        found = await self._api.find(*self._place)
        if found is None:
            raise Refused(f"there is no {self._words}")
        wanted = await self.resolve(found, means, params, self._held.carries or target.name)
        owner = None if wanted.of_status else owner_of(found, self.kind, self._held.argocd_namespace)
        pauses, notes, further = await self._governed(owner) if wanted.diff else (None, (), ())
        if wanted.diff and owner and self._held.gitops is GitOps.PROPOSE:
            patch = await self.patch(found, wanted.after, wanted.params)
            raise proposed(owner, *self._place, self.proposal(patch))
        tried = await self._try(found, wanted) if wanted.diff else change.READ_ONLY
        before = self.part(found, wanted.params)
        back = wanted.undo and (f"{wanted.undo}, then let {pauses.words} sync again" if pauses else wanted.undo)
        resolved = {**wanted.params, _PAUSES: pauses.told} if pauses else dict(wanted.params)
        return Plan(
            means=means,
            action=target.action,
            target=target.name,
            target_uid=_uid(found),
            token=self._token(found, resolved),
            params=resolved,
            before=before,
            after=wanted.after,
            diff=(*wanted.diff, *further),
            blast_radius=wanted.radius,
            klass=wanted.klass,
            undo=back,
            undo_params={**before, **wanted.undo_params} if back else {},
            warnings=(*wanted.warnings, *notes, *((_UNTRIED,) if tried == change.READ_ONLY and wanted.diff else ())),
            share=wanted.share,
            serves=wanted.serves,
            dry_run=tried,
            managed_by=owner.words if owner else "",
        )

    def keyed_for(self, plan: Plan) -> bool:
        return False

    async def uid(self, plan: Plan) -> str:
        return _uid(await self._api.get(*self._place))

    async def token(self, plan: Plan) -> str:
        return self._token(await self._api.get(*self._place), plan.params)

    async def execute(self, plan: Plan, key: str) -> None:
        """Only from the state it was planned on, in one write with the key. An owner is paused before it."""
        owner, paused = Owner.of(plan.params.get(_PAUSES)), False
        for _ in range(_TRIES):
            found = await self._api.get(*self._place)
            if key in keys_of(found):
                return
            if trying(found) == key and self.part(found, plan.params) == plan.after:
                await self._note(found, key)
                return
            try:
                self._unchanged(found, plan)
                patch = await self.patch(found, plan.after, plan.params)
                if owner and not paused:
                    await self._pause.begin(owner, _tag(plan))
                    paused = True
                await self._write(found, patch, key, plan.after, plan.params)
            except Overtaken:
                continue
            except Refused:
                if owner:
                    await self._pause.end(owner, _tag(plan))
                raise
            return
        raise Unavailable(WHAT, f"shows {self._words} changing faster than it can be patched")

    async def observe(self, plan: Plan, key: str) -> Observation:
        """By our key on the object, and by what its controller made of it; an owner that is left paused is told."""
        seen, owner = await self._reads(plan, key), Owner.of(plan.params.get(_PAUSES))
        if owner is None or seen.seen in (Seen.APPLIED, Seen.MOVING):
            return seen
        return Observation(seen.seen, f"{seen.detail}{await self._left(owner, plan)}")

    async def _reads(self, plan: Plan, key: str) -> Observation:
        found = await self._api.get(*self._place)
        now = self.part(found, plan.params)
        if trying(found) == key and key not in keys_of(found) and now == plan.after:
            told = f"{self._words} reads as wanted and we were about to change it, but not that it was us"
            return Observation(Seen.UNKNOWN, told)
        if key not in keys_of(found):
            told = "it reads as wanted, but by another hand" if now == plan.after != plan.before else "as it was"
            return Observation(Seen.NOT_APPLIED, f"{self._words} does not have our key; {told}")
        if now != plan.after:
            return Observation(Seen.APPLIED, f"{self._words} took it; it was changed again since")
        return await self.effective(found, plan.params)

    async def undo(self, plan: Plan, key: str) -> None:
        """Put the part back that this plan changed, then let a paused owner go on."""
        if not plan.reversible:
            raise Refused(f"there is no way back from a {plan.means} of {self._words}")
        owner = Owner.of(plan.params.get(_PAUSES))
        for _ in range(_TRIES):
            found = await self._api.get(*self._place)
            now = self.part(found, plan.params)
            if key not in keys_of(found) and now != plan.before:
                if now != plan.after:
                    raise Refused(f"{self._words} was changed again since; undoing would take that back too")
                patch = await self.patch(found, plan.before, plan.undo_params)
                try:
                    await self._write(found, patch, key, plan.before, plan.params)
                except Overtaken:
                    continue
            if owner:
                await self._pause.end(owner, _tag(plan))
            return
        raise Unavailable(WHAT, f"shows {self._words} changing faster than it can be patched")

    async def undone(self, plan: Plan, key: str) -> Observation:
        found = await self._api.get(*self._place)
        if self.part(found, plan.params) == plan.before:
            owner = Owner.of(plan.params.get(_PAUSES))
            if owner and await self._pause.holds(owner, _tag(plan)):
                return Observation(Seen.NOT_APPLIED, f"{self._words} is as before, but {owner.words} is still paused")
            return await self.effective(found, {**plan.params, **plan.undo_params})
        if key in keys_of(found):
            return Observation(Seen.APPLIED, f"{self._words} was put back; it was changed again since")
        return Observation(Seen.NOT_APPLIED, f"{self._words} still has the change")

    # -- how ---------------------------------------------------------------------------------------------------------

    @property
    def _words(self) -> str:
        kind, namespace, name = self._place
        return kind.words(namespace, name)

    def _unchanged(self, found: Mapping[str, Any], plan: Plan) -> None:
        if self._token(found, plan.params) != plan.token:
            raise Refused(f"{self._words} was changed since it was planned; nothing was done")

    def _token(self, found: Mapping[str, Any], params: Mapping[str, Any]) -> str:
        return f"{found['metadata']['uid']}/{change.fingerprint(self.part(found, params))}"

    async def _left(self, owner: Owner, plan: Plan) -> str:
        """That the owner is paused for a change that is not there, as whoever settles it must know."""
        try:
            paused = await self._pause.holds(owner, _tag(plan))
        except Unavailable as trouble:
            return f"; whether {owner.words} is paused for it could not be read ({trouble.because})"
        return f"; {owner.words} is paused for it and stays so: let it sync again by hand" if paused else ""

    async def _governed(self, owner: Owner | None) -> tuple[Owner | None, tuple[str, ...], tuple[str, ...]]:
        """(owner to pause, warnings, further lines of the diff)."""
        if owner is None:
            return None, (), ()
        if self._held.gitops is not GitOps.PAUSE:
            return None, (f"{owner.words} may put git's state back within minutes; change it in git too",), ()
        if not await self._pause.acts(owner):
            return None, (f"{owner.words} does not sync by itself now; the next sync puts git's state back",), ()
        note = f"while {owner.words} is paused, nothing else of it is synced either; change git before it goes on"
        return owner, (note,), (f"{owner.words}: syncs by itself → paused",)

    async def _try(self, found: Mapping[str, Any], wanted: Change) -> str:
        """Try it dry; how that went.

        Raises Refused where the server would not take it or make something else of it, Overtaken where it changed.
        """
        patch = await self.patch(found, wanted.after, wanted.params)
        try:
            await self._write(found, patch, "dry-run", wanted.after, wanted.params, dry=True)
        except Refused as refused:
            if _NO_DRY_RUN in refused.because:
                return change.READ_ONLY
            raise
        return _TRIED

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
        """Patch the object from the version just read, our key with it, and compare what comes back."""
        version, body = found["metadata"]["resourceVersion"], patch.body
        noted = with_key(found, key)
        if patch.sub and not dry:
            announced = {"metadata": {"annotations": {TRYING: key}}}
            found = await self._api.merge(*self._place, announced, version=version)
            version = found["metadata"]["resourceVersion"]
        if isinstance(body, Mapping):
            if not patch.sub:
                meta = dict(body.get("metadata") or {})
                meta["annotations"] = {**(meta.get("annotations") or {}), APPLIED: noted}
                body = {**body, "metadata": meta}
            shown = await self._api.merge(*self._place, body, version=version, dry=dry, sub=patch.sub)
        else:
            operations = body if patch.sub else [*_annotating(found, noted), *body]
            shown = await self._api.json_patch(*self._place, operations, version=version, dry=dry, sub=patch.sub)
        if self.part(shown, params) != wanted:
            said = f"makes something else of {self._words} than was asked"
            raise Refused(f"Kubernetes {said}; nothing was done") if dry else Unavailable(WHAT, said)
        if patch.sub and not dry:
            await self._note(found, key)

    async def _note(self, found: Mapping[str, Any], key: str) -> None:
        """Write the key on its own, in place of its announcement."""
        note = {"metadata": {"annotations": {APPLIED: with_key(found, key), TRYING: None}}}
        await self._api.merge(*self._place, note)


def _annotating(found: Mapping[str, Any], noted: str) -> list[dict[str, Any]]:
    """JSON patch operations that write the key, whether or not the object has annotations."""
    there = found["metadata"].get("annotations") is not None
    first: list[dict[str, Any]] = [] if there else [{"op": "add", "path": "/metadata/annotations", "value": {}}]
    path = f"/metadata/annotations/{APPLIED.replace('/', '~1')}"
    return [*first, {"op": "add", "path": path, "value": noted}]


def _uid(found: Mapping[str, Any]) -> str:
    """One object of one cluster: made anew under its name it is another."""
    return f"kubernetes:{found['metadata']['uid']}"


def _tag(plan: Plan) -> str:
    """What names a plan's hold on an owner."""
    return plan.digest[:16]
