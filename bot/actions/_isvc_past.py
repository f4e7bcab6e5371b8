"""Which version of an InferenceService to go back to, and where it is known from: our notes, the settings, Knative."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.actions import _change as change
from bot.actions import _isvc as isvc
from bot.clients.kubernetes import Kind, Kubernetes
from bot.domain.errors import Refused

KNATIVE_REVISION = Kind("serving.knative.dev/v1", "revisions", "Revision")
_NOTED, _SETTING, REVISION = "notes", "setting", "revision"
_KEPT = 8  # models once rolled back from


class Previous(BaseModel):
    """What the version to go back to differs by, in KServe's own words."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    storage_uri: str = Field(default="", alias="storageUri")
    runtime: str = ""
    runtime_version: str = Field(default="", alias="runtimeVersion")
    image: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A predictor to go back to, and how it is known."""

    predictor: Mapping[str, Any]
    source: str
    revision: str = ""

    @property
    def words(self) -> str:
        """How it is known, in words."""
        if self.source == REVISION:
            return f"predictor: the model of Knative revision {self.revision}"
        return f"predictor: as {'noted when it was stable' if self.source == _NOTED else 'the setting previous says'}"


NOTES = "tocsin.dev/predictors"
"""The annotation in which we note predictors: the stable one beside a canary, the one a rollback replaced."""


@dataclass(frozen=True, slots=True)
class Notes:
    """`stable` was stable while `beside` were the canaries; `replaced` went by a rollback.

    `left` are the models rolled back from: `previous` never leads to them, so asked twice it does not go forward.
    """

    stable: Mapping[str, Any] | None = None
    beside: tuple[str, ...] = ()
    replaced: Mapping[str, Any] | None = None
    left: tuple[str, ...] = ()

    def rolled_back(self, now: Mapping[str, Any], version: Mapping[str, Any]) -> Notes:
        """As they are once `version` took the place of `now`, to which it shall not lead back by itself."""
        went, came = isvc.kin(now), isvc.kin(version)
        left = (*_without(self.left, came), *((went,) if went != came else ()))
        return Notes(replaced=isvc.bare(now), left=left[-_KEPT:])

    def taken_back(self, version: Mapping[str, Any]) -> Notes:
        """As they are once the replaced `version` is back."""
        return replace(self, replaced=None, left=_without(self.left, isvc.kin(version)))

    @property
    def text(self) -> str:
        """As the annotation holds it."""
        held = {"stable": self.stable, "beside": self.beside, "replaced": self.replaced, "left": self.left}
        return json.dumps({name: each for name, each in held.items() if each}, sort_keys=True, separators=(",", ":"))


def notes_of(found: Mapping[str, Any]) -> Notes:
    """What is noted; nothing where somebody broke it."""
    try:
        held = json.loads((found["metadata"].get("annotations") or {}).get(NOTES) or "{}")
        stable, replaced = held.get("stable"), held.get("replaced")
        beside, left = (tuple(map(str, held.get(name) or ())) for name in ("beside", "left"))
    except (ValueError, AttributeError, TypeError):
        return Notes()
    return Notes(
        stable if isinstance(stable, dict) else None, beside, replaced if isinstance(replaced, dict) else None, left
    )


def beside(found: Mapping[str, Any], stable: Mapping[str, Any], canaries: Sequence[str]) -> str:
    """The note that this predictor was stable beside these canaries."""
    return replace(notes_of(found), stable=isvc.bare(stable), beside=tuple(canaries)).text


class Past:
    """What an InferenceService could go back to."""

    def __init__(self, api: Kubernetes, namespace: str, name: str, previous: Previous) -> None:
        self._api, self._namespace, self._name, self._previous = api, namespace, name, previous

    async def revisions(self) -> list[dict[str, Any]]:
        """The revisions Knative keeps of it. Raises Unavailable."""
        return await self._api.list(KNATIVE_REVISION, self._namespace, f"{isvc.LABEL}={self._name}")

    async def wanted(self, found: Mapping[str, Any], to: object, *, plain: bool) -> Version:
        """The version to go back to. Raises Refused saying where none was found."""
        if to != change.PREVIOUS:
            if plain:
                raise Refused(f"plain deployments keep no revisions; {self._name} goes back to previous alone")
            version = await self.known(found, REVISION, str(to))
            if version is None:
                there = ", ".join(str(each["metadata"]["name"]) for each in await self.revisions()) or "none"
                raise Refused(f"Knative has no revision {to} of {self._name} that tells its model; there is {there}")
            return version
        now, notes, told = isvc.predictor_of(found), notes_of(found), []
        earlier = "" if plain else isvc.traffic_of(found).earlier
        sources = ((_NOTED, ""), (_SETTING, ""), *(((REVISION, earlier),) if earlier else ()))
        for source, revision in sources:
            version = await self.known(found, source, revision)
            if version is None:
                told.append(_NONE[source].format(revision))
            elif isvc.mark(version.predictor) == isvc.mark(now):
                told.append(_SAME[source].format(revision))
            elif isvc.kin(version.predictor) in notes.left:
                told.append(f"{revision or source} is what was rolled back from before")
            else:
                return version
        if not plain and not earlier:
            told.append("Knative had no revision rolled out before")
        raise Refused(f"there is nothing {self._name} could go back to: {'; '.join(told)}")

    async def known(self, found: Mapping[str, Any], source: str, revision: str) -> Version | None:
        """The version from this source; None where it has none."""
        now = isvc.predictor_of(found)
        if source == _NOTED:
            notes = notes_of(found)
            promoted = isvc.mark(now) in notes.beside or str(now.get("name", "")) in notes.beside
            return Version(notes.stable, source) if notes.stable is not None and promoted else None
        if source == _SETTING:
            version = isvc.with_model(now, self._previous.model_dump(by_alias=True))
            given = any(self._previous.model_dump().values())
            return Version(version, source) if given and version is not None else None
        for each in await self.revisions():
            if each["metadata"]["name"] == revision:
                version = isvc.with_model(now, isvc.model_of(each))
                return None if version is None else Version(version, source, revision)
        return None


_NONE = {
    _NOTED: "nothing is noted of what was stable before",
    _SETTING: "the setting previous names nothing that fits",
    REVISION: "revision {} is gone or does not tell its model",
}
_SAME = {
    _NOTED: "what is noted is what it has now",
    _SETTING: "the setting previous names what it has now",
    REVISION: "revision {} has the model it has now",
}


def _without(marks: Sequence[str], mark: str) -> tuple[str, ...]:
    return tuple(each for each in marks if each != mark)


def runtimes(held: Sequence[Mapping[str, Any]], at: isvc.Traffic, version: Version) -> Iterator[str]:
    """A warning where the older revision ran in another image, which the runtime chooses and the model does not."""
    images = {str(each["metadata"]["name"]): isvc.model_of(each)["image"] for each in held}
    was, now = images.get(version.revision, ""), images.get(at.created, "")
    if version.source == REVISION and was and now and was != now and "containers" not in version.predictor:
        yield f"it ran in {was} and will run in {now}: the runtime's image is not put back with the model"
