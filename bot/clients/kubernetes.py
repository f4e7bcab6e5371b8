"""A Kubernetes API server over REST: objects read, listed and patched, and every refusal told in a sentence.

Works with 1.20 and later. Measured there: a merge patch to what holds already leaves `generation` as it is; an unknown
field is dropped with a 200, so what comes back is compared with what was asked; a stale `resourceVersion` is a 409.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from bot.clients.http import Http, Rejected, field, segment
from bot.clients.kube_access import WHAT, ClusterSettings, access
from bot.domain.errors import Refused, Unavailable

FIELD_MANAGER = "tocsin"
APPLIED = "tocsin.dev/applied"
"""The annotation that names the last keys carried out on an object: written in the same patch as the change."""
TRYING = "tocsin.dev/trying"
"""The annotation that announces a key where the change itself cannot carry it."""
_KEYS = 8
_PAGE = "500"
_MERGE, _JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
_FORBIDDEN, _ABSENT = 403, 404
_OK, _FAULT = 200, 400
_SAID = 300  # characters of the server's own words worth repeating
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*("|$)')
_LONG = 82  # of a quotation; an object quoted whole would show its environment variables


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object and where its API stands: `Kind("apps/v1", "deployments", "Deployment")`."""

    api: str
    plural: str
    name: str

    @property
    def group(self) -> str:
        """`apps`; nothing for the core group."""
        return self.api.rpartition("/")[0]

    @property
    def resource(self) -> str:
        """As RBAC and kubectl say it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str, name: str = "", sub: str = "") -> str:
        """Where its objects stand, or one of them, or a subresource of that one."""
        root = f"/apis/{self.api}" if self.group else f"/api/{self.api}"
        parts = [root, "namespaces", segment(namespace), self.plural, *([segment(name)] if name else [])]
        return "/".join([*parts, sub] if sub else parts)

    def words(self, namespace: str, name: str) -> str:
        """`Deployment visits in namespace ml`."""
        return f"{self.name} {name} in namespace {namespace}"


DEPLOYMENT = Kind("apps/v1", "deployments", "Deployment")
REPLICA_SET = Kind("apps/v1", "replicasets", "ReplicaSet")


class Overtaken(Refused):
    """The object is no longer at the version a patch started from; read it again and see whether that matters."""


class Absent(Refused):
    """There is no such object, or its kind has no such subresource."""


class Kubernetes:
    """One cluster. Its files are read when it is first asked, so that a cluster out of reach stops nothing else."""

    def __init__(self, settings: ClusterSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings, self._transport = settings, transport
        self._http: Http | None = None

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def find(self, kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
        """The object, None where there is none. Raises Unavailable."""
        status, told = await self._door().told(kind.path(namespace, name))
        if status == _ABSENT and (told.get("details") or {}).get("name") == name:  # not any proxy's 404
            return None
        self._readable(status, told, "get", kind, namespace, name)
        return _object(told, kind)

    async def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        """The object. Raises Unavailable, also where there is none."""
        found = await self.find(kind, namespace, name)
        if found is None:
            raise Unavailable(WHAT, f"has no {kind.words(namespace, name)}")
        return found

    async def list(self, kind: Kind, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Every object of that kind with these labels (`app=visits,tier in (a,b)`), all pages. Raises Unavailable."""
        found: list[dict[str, Any]] = []
        params = {"limit": _PAGE} | ({"labelSelector": selector} if selector else {})
        while True:
            status, told = await self._door().told(kind.path(namespace), params)
            self._readable(status, told, "list", kind, namespace)
            found += [_object(each, kind) for each in field(told, "items", list, WHAT)]
            following = (told.get("metadata") or {}).get("continue")
            if not following:
                return found
            params = {**params, "continue": str(following)}

    async def merge(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        *,
        version: str = "",
        dry: bool = False,
        sub: str = "",
    ) -> dict[str, Any]:
        """Merge-patch the object (or its subresource), only from that `resourceVersion` where one is given.

        The object as it then is. Raises Refused (nothing changed; Overtaken for another `resourceVersion`), Unavailable
        (it may have, also where the server took the patch and dropped a part of it).
        """
        meta = patch.get("metadata") or {}
        body = {**patch, "metadata": {**meta, "resourceVersion": version}} if version else patch
        found = await self._patch(kind, namespace, name, body, _MERGE, dry=dry, sub=sub)
        if lost := [*dropped(patch, found)]:
            said = f"does not keep {', '.join(lost[:5])} of {kind.words(namespace, name)}: it does not know them so"
            raise Refused(f"Kubernetes {said}") if dry else Unavailable(WHAT, said)
        return found

    async def json_patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        version: str = "",
        dry: bool = False,
        sub: str = "",
    ) -> dict[str, Any]:
        """JSON-patch the object, like `merge`; a failed `test` is Refused. The caller compares what comes back."""
        # replaced by a stale one it is a 409, where a test that fails is a 422 that says nothing
        first = [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}] if version else []
        try:
            return await self._patch(kind, namespace, name, [*first, *operations], _JSON_PATCH, dry=dry, sub=sub)
        except Overtaken:
            raise
        except Refused:
            # of a stale version and a test that fails the server tells the test
            if version and await self._moved(kind, namespace, name, version):
                raise Overtaken(
                    f"{kind.words(namespace, name)} was changed since it was read; nothing was done"
                ) from None
            raise

    async def _moved(self, kind: Kind, namespace: str, name: str, version: str) -> bool:
        """Whether the object is at another version by now; False where nobody can tell."""
        with contextlib.suppress(Unavailable):
            found = await self.find(kind, namespace, name)
            return found is not None and found["metadata"]["resourceVersion"] != version
        return False

    async def _patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        body: Mapping[str, Any] | Sequence[Any],
        media: str,
        *,
        dry: bool,
        sub: str,
    ) -> dict[str, Any]:
        params = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry else {})
        try:
            headers = {"content-type": media}
            told = await self._door().send("PATCH", kind.path(namespace, name, sub), body, params, headers=headers)
        except Rejected as rejected:
            raise self._refusal(rejected, f"patch{f' the {sub} of' if sub else ''}", kind, namespace, name) from None
        return _object(told, kind)

    def _door(self) -> Http:
        if self._http is None:
            way = access(self._settings)
            self._http = Http(
                WHAT, self._settings, url=way.url, transport=self._transport, bearer=way.bearer, tls=way.tls
            )
        return self._http

    def _readable(self, status: int, told: Any, verb: str, kind: Kind, namespace: str, name: str = "") -> None:
        """Raise Unavailable where a read was refused."""
        if _OK <= status < _FAULT:
            return
        what = f"{kind.resource}{f' {name}' if name else ''} in namespace {namespace}"
        if status == _FORBIDDEN:
            raise Unavailable(WHAT, f"does not let us {verb} {what}{self._said(told)}")
        if status == _ABSENT:
            raise Unavailable(WHAT, f"answered 404 when asked to {verb} {what}: is {kind.api} installed there?")
        raise Unavailable(WHAT, f"answered {status} when asked to {verb} {what}{self._said(told)}")

    def _refusal(self, rejected: Rejected, verb: str, kind: Kind, namespace: str, name: str) -> Refused:
        said, what = self._said(rejected.told), kind.words(namespace, name)
        match rejected.status:
            case 403:
                return Refused(
                    f"Kubernetes does not let us {verb} {kind.resource} {name} in namespace {namespace}{said}"
                )
            case 404:
                return Absent(f"there is no {what} (any more){said}")
            case 409:
                return Overtaken(f"{what} was changed since it was read; nothing was done")
            case 422:
                return Refused(f"Kubernetes does not take this of {what}{said}")
            case _:
                return Refused(f"Kubernetes refused ({rejected.status}) to {verb} {what}{said}")

    def _said(self, told: Any) -> str:
        """`: the Status's own message`, without our token and without the object that some messages repeat whole."""
        message = told.get("message") if isinstance(told, Mapping) else None
        if not isinstance(message, str) or not message:
            return ""
        short = _QUOTED.sub(lambda said: '"…"' if len(said[0]) > _LONG else said[0], message)
        return f": {self._door().scrub(short)[:_SAID]}"


def dropped(wanted: Mapping[str, Any], found: Any, at: str = "") -> Iterator[str]:
    """Paths of a merge patch that an object does not show: dropped because unknown, or changed on the way in.

    What is empty, zero, false or null may be left out by the server. Entries of lists may have gained defaults.
    """
    for name, value in wanted.items():
        here = f"{at}.{name}" if at else name
        there = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(value, Mapping):
            yield from dropped(value, there, here)
        elif isinstance(value, list) and isinstance(there, list) and len(value) == len(there):
            for place, (one, other) in enumerate(zip(value, there, strict=True)):
                yield from dropped({str(place): one}, {str(place): other}, here)
        elif value != there and (value or there):
            yield here


def difference(now: Any, wanted: Any) -> dict[str, Any]:
    """The merge patch that makes `now` read `wanted`: what is not wanted is taken away, lists are replaced whole."""
    patch: dict[str, Any] = {name: None for name in now if wanted.get(name) is None and now[name] is not None}
    for name, value in wanted.items():
        if isinstance(value, Mapping) and isinstance(now.get(name), Mapping):
            if inner := difference(now[name], value):
                patch[name] = inner
        elif value is not None and value != now.get(name):
            patch[name] = value
    return patch


def keys_of(found: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys last carried out on an object, oldest first."""
    annotations = (found.get("metadata") or {}).get("annotations") or {}
    return tuple(str(annotations.get(APPLIED, "")).split())


def trying(found: Mapping[str, Any]) -> str:
    """The key that was announced on an object and not carried out, or not yet written down."""
    return str(((found.get("metadata") or {}).get("annotations") or {}).get(TRYING, ""))


def with_key(found: Mapping[str, Any], key: str) -> str:
    """The annotation's value once `key` is carried out too: the last few keys."""
    return " ".join([*(each for each in keys_of(found) if each != key), key][-_KEYS:])


def _object(told: Any, kind: Kind) -> dict[str, Any]:
    """An object with the metadata every one has. Raises Unavailable for anything else."""
    meta = field(told, "metadata", dict, WHAT)
    for name in ("name", "uid", "resourceVersion"):
        field(meta, name, str, WHAT)
    found: dict[str, Any] = {"apiVersion": kind.api, "kind": kind.name, **told}  # left out within lists
    return found
