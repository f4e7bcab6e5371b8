"""Whoever else holds a Kubernetes object: Argo CD or Flux, which put git's state back unless they are paused first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from bot.clients.kubernetes import Kind, Kubernetes, Overtaken
from bot.domain.errors import Refused, Unavailable

WHAT = "Kubernetes"
APPLICATION = Kind("argoproj.io/v1alpha1", "applications", "Application")
KUSTOMIZATION = Kind("kustomize.toolkit.fluxcd.io/v1", "kustomizations", "Kustomization")
HELM_RELEASE = Kind("helm.toolkit.fluxcd.io/v2", "helmreleases", "HelmRelease")
PAUSED = "tocsin.dev/paused"
"""The annotation on the owner: for which changes it is paused, and what its automation was."""
_TRACKING, _INSTANCE = "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"
_KINDS = {kind.name: kind for kind in (APPLICATION, KUSTOMIZATION, HELM_RELEASE)}
_TRIES = 5


class GitOps(StrEnum):
    """What to do about an owner."""

    WARN = "warn"
    PAUSE = "pause"
    PROPOSE = "propose"


@dataclass(frozen=True, slots=True)
class Owner:
    """What keeps an object as git has it."""

    kind: Kind
    namespace: str
    name: str

    @property
    def words(self) -> str:
        """`Argo CD application shop (namespace argocd)`."""
        said = "Argo CD application" if self.kind == APPLICATION else f"Flux {self.kind.name}"
        return f"{said} {self.name} (namespace {self.namespace})"

    @property
    def told(self) -> dict[str, str]:
        """As a plan's parameters keep it."""
        return {"kind": self.kind.name, "namespace": self.namespace, "name": self.name}

    @classmethod
    def of(cls, told: Any) -> Owner | None:
        """From a plan's parameters; None where the plan pauses nobody."""
        if not isinstance(told, Mapping):
            return None
        return cls(_KINDS[str(told["kind"])], str(told["namespace"]), str(told["name"]))


def owner_of(found: Mapping[str, Any], kind: Kind, argocd: str) -> Owner | None:
    """Who holds this object by its labels and annotations; `argocd` is the namespace of Argo CD itself."""
    meta = found["metadata"]
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    if (tracking := annotations.get(_TRACKING)) and (owner := _tracked(str(tracking), meta, kind, argocd)):
        return owner
    for flux in (KUSTOMIZATION, HELM_RELEASE):
        if name := labels.get(f"{flux.group}/name"):
            return Owner(flux, str(labels.get(f"{flux.group}/namespace") or meta["namespace"]), str(name))
    if name := labels.get(_INSTANCE):
        return Owner(APPLICATION, argocd, str(name))
    return None


def _tracked(tracking: str, meta: Mapping[str, Any], kind: Kind, argocd: str) -> Owner | None:
    """`application:group/Kind:namespace/name`; an id that was copied from another object holds nothing."""
    application, _, rest = tracking.partition(":")
    if rest != f"{kind.group}/{kind.name}:{meta['namespace']}/{meta['name']}":
        return None
    namespace, parted, name = application.partition("_")  # an application outside of Argo CD's own namespace
    return Owner(APPLICATION, namespace, name) if parted else Owner(APPLICATION, argocd, application)


def proposed(owner: Owner, kind: Kind, namespace: str, name: str, patch: Any) -> Refused:
    """The refusal of a change that would be put back, with the change as git would have it."""
    manifest = {"apiVersion": kind.api, "kind": kind.name, "metadata": {"name": name, "namespace": namespace}}
    body: Any = {**manifest, **patch} if isinstance(patch, Mapping) else {**manifest, "patch": list(patch)}
    written = yaml.safe_dump(body, sort_keys=False, default_flow_style=False, allow_unicode=True)
    return Refused(f"{owner.words} holds {kind.words(namespace, name)}; change it in git:\n{written}")


class Pause:
    """Stops an owner from putting git's state back while changes stand, and lets it go on after the last of them.

    Each change is a `tag`: an owner paused for two goes on when both were taken back.
    """

    def __init__(self, api: Kubernetes) -> None:
        self._api = api

    async def acts(self, owner: Owner) -> bool:
        """Whether it puts git's state back by itself now, or only does not because we paused it. Raises Unavailable."""
        found = await self._api.get(owner.kind, owner.namespace, owner.name)
        return _held(found) is not None or _automation(owner, found) is not None

    async def holds(self, owner: Owner, tag: str) -> bool:
        """Whether it is paused for this change. Raises Unavailable."""
        found = await self._api.find(owner.kind, owner.namespace, owner.name)
        held = None if found is None else _held(found)
        return held is not None and tag in held["for"]

    async def begin(self, owner: Owner, tag: str) -> None:
        """Pause it for this change; nothing where it is. Raises Refused, Unavailable."""
        for _ in range(_TRIES):
            found = await self._api.get(owner.kind, owner.namespace, owner.name)
            held, automation = _held(found), _automation(owner, found)
            if held is not None and tag in held["for"] and automation is None:
                return
            if held is None and automation is None:
                return  # somebody paused it by hand, and goes on by hand
            was = automation if automation is not None else (held or {})["was"]
            others = [each for each in (held or {"for": []})["for"] if each != tag]
            note = {"for": [*others, tag], "was": was}
            if await self._write(owner, found, _stopped(owner), note):
                return
        raise Unavailable(WHAT, f"shows {owner.words} changing faster than it can be paused")

    async def end(self, owner: Owner, tag: str) -> None:
        """Let it go on unless another change still holds it; nothing where it is not paused for this one."""
        for _ in range(_TRIES):
            found = await self._api.find(owner.kind, owner.namespace, owner.name)
            held = None if found is None else _held(found)
            if found is None or held is None or tag not in held["for"]:
                return
            left = [each for each in held["for"] if each != tag]
            if left:
                written = await self._write(owner, found, {}, {**held, "for": left})
            else:
                again = {} if _automation(owner, found) is not None else _resumed(owner, held["was"])
                written = await self._write(owner, found, again, None)
            if written:
                return
        raise Unavailable(WHAT, f"shows {owner.words} changing faster than it can go on")

    async def _write(
        self, owner: Owner, found: Mapping[str, Any], spec: Mapping[str, Any], note: Mapping[str, Any] | None
    ) -> bool:
        """Write our note and the spec at once; False where somebody came between."""
        meta = found["metadata"]
        said = None if note is None else json.dumps(note, sort_keys=True, separators=(",", ":"))
        patch = {"metadata": {"annotations": {PAUSED: said}}} | ({"spec": spec} if spec else {})
        try:
            await self._api.merge(owner.kind, owner.namespace, owner.name, patch, version=meta["resourceVersion"])
        except Overtaken:
            return False
        return True


def _held(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Our note on the owner; None where there is none, or somebody broke it."""
    text = (found["metadata"].get("annotations") or {}).get(PAUSED)
    try:
        note = json.loads(text) if text else None
    except ValueError:
        return None
    whole = isinstance(note, dict) and isinstance(note.get("for"), list) and "was" in note
    return note if whole else None


def _automation(owner: Owner, found: Mapping[str, Any]) -> Any:
    """What makes the owner act by itself; None where it does not."""
    spec = found.get("spec") or {}
    if owner.kind != APPLICATION:
        return None if spec.get("suspend") else True
    automated = (spec.get("syncPolicy") or {}).get("automated")
    return None if automated is None or automated.get("enabled") is False else automated


def _stopped(owner: Owner) -> dict[str, Any]:
    return {"syncPolicy": {"automated": None}} if owner.kind == APPLICATION else {"suspend": True}


def _resumed(owner: Owner, was: Any) -> dict[str, Any]:
    return {"syncPolicy": {"automated": was}} if owner.kind == APPLICATION else {"suspend": False}
