"""An API server of our own that remembers: the status codes of the real one, for any kind it was told of.

It has the same verbs for setting scenes as `tests.kube.cluster.Cluster` (namespace, define, create, get, merge, grant),
so one test can stand before either. `tests/kube/test_conformance.py` holds it to the real server.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.clients.kubernetes import DEPLOYMENT, REPLICA_SET, Kind
from tests.kube.builtin import DEPLOYMENT_SCHEMA, REPLICA_SET_SCHEMA
from tests.kube.patches import Failed, admitted, faults, merged, patched

ADMIN, NOBODY = "token-of-the-admin", "token-of-somebody-without-any-right"
META: dict[str, Any] = {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
_MERGE, _JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
_TOP = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": META}

Place = tuple[str, str, str]
"""(resource, namespace, name)."""


class Answer(Exception):  # noqa: N818 - an answer, not always an error of ours
    """An answer that ends the request."""

    def __init__(self, status: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        self.response = JSONResponse(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
            | {"reason": reason, "details": dict(details or {}), "code": status},
            status,
        )


@dataclass(frozen=True)
class Served:
    """A kind this server knows. Of a custom one the `status` subresource takes the status and nothing else."""

    kind: Kind
    schema: Mapping[str, Any]
    has_status: bool = True
    custom: bool = True


@dataclass
class FakeKubernetes:
    """One cluster. `changes` counts what requests really changed; `calls` remembers each as (method, path, query)."""

    served: dict[tuple[str, str], Served] = field(default_factory=dict)
    objects: dict[Place, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, list[tuple[str, dict[str, Any]]] | None] = field(
        default_factory=lambda: {ADMIN: None, NOBODY: []}
    )
    """What each token may do: None everything, others what these rules say, each in its namespace."""
    controllers: list[Callable[[FakeKubernetes, Kind, dict[str, Any]], None]] = field(default_factory=list)
    """Run after every change but a controller's own: what a cluster's controllers would do at once."""
    between: Callable[[], None] | None = None
    """Somebody who comes in just before the next patch that is not dry; then it is taken away."""
    changes: int = 0
    calls: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._count, self._names, self._busy = itertools.count(100), itertools.count(1), False
        for kind, schema in ((DEPLOYMENT, DEPLOYMENT_SCHEMA), (REPLICA_SET, REPLICA_SET_SCHEMA)):
            self.served[kind.api, kind.plural] = Served(
                kind, {"type": "object", "properties": _TOP | schema}, custom=False
            )
        self.app = Starlette(routes=[Route("/{path:path}", self._any, methods=["GET", "POST", "PATCH"])])

    # -- setting scenes ----------------------------------------------------------------------------------------------

    url = "http://kubernetes"

    @property
    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(self.app)

    def settings(self, token: str = ADMIN, **more: Any) -> dict[str, Any]:
        """What leads an action here (over `transport`), with this token."""
        return {"url": self.url, "token": token, **more}

    def namespace(self) -> str:
        return f"test-{next(self._names)}"

    def define(self, crd: Mapping[str, Any]) -> None:
        """Serve what a CustomResourceDefinition describes."""
        spec, names = crd["spec"], crd["spec"]["names"]
        for version in spec["versions"]:
            kind = Kind(f"{spec['group']}/{version['name']}", names["plural"], names["kind"])
            schema = version["schema"]["openAPIV3Schema"]
            schema = {**schema, "properties": _TOP | schema.get("properties", {})}
            self.served[kind.api, kind.plural] = Served(kind, schema, "status" in version.get("subresources", {}))

    def create(self, kind: Kind, namespace: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Make an object as somebody else would."""
        return self._create(self.served[kind.api, kind.plural], namespace, manifest)

    def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        return copy.deepcopy(self._held(kind, namespace, name))

    def every(self, kind: Kind, namespace: str) -> list[dict[str, Any]]:
        """All objects of a kind, in the order they were made."""
        return [held for (what, where, _), held in self.objects.items() if (what, where) == (kind.resource, namespace)]

    def merge(self, kind: Kind, namespace: str, name: str, patch: Mapping[str, Any], sub: str = "") -> dict[str, Any]:
        """Merge-patch as somebody else would; `sub="status"` plays the controller."""
        served, held = self.served[kind.api, kind.plural], self._held(kind, namespace, name)
        return self._store(served, held, merged(held, patch), sub)

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Take the object away and what it owns with it."""
        uid = self.objects.pop((kind.resource, namespace, name))["metadata"]["uid"]
        for place, held in [*self.objects.items()]:
            if any(owner["uid"] == uid for owner in held["metadata"].get("ownerReferences", ())):
                del self.objects[place]

    def grant(self, *manifests: str) -> str:
        """Take the rules of Role documents, each in its namespace; a token with these rights alone."""
        documents = [each for text in manifests for each in yaml.safe_load_all(text) if each]
        token = f"granted-{next(self._names)}"
        rules = [(each["metadata"]["namespace"], rule) for each in documents for rule in each.get("rules", [])]
        self.tokens[token] = rules
        return token

    def inner(self) -> httpx.AsyncBaseTransport:
        """A transport of its own to this server, to be wrapped."""
        return self.transport

    # -- what is asked over HTTP -------------------------------------------------------------------------------------

    async def _any(self, request: Request) -> Response:
        self.calls.append((request.method, request.url.path, request.url.query))
        try:
            asked = self._route(request)
            self._permit(request, *asked)
            served, namespace, name, sub = asked
            match request.method:
                case "GET" if name:
                    return JSONResponse(self._held(served.kind, namespace, name))
                case "GET":
                    return self._list(served.kind, namespace, request)
                case "POST":
                    return JSONResponse(self._create(served, namespace, await request.json()), 201)
                case _:
                    return JSONResponse(await self._patch(served, namespace, name, sub, request))
        except Answer as answer:
            return answer.response
        except LookupError:
            return PlainTextResponse("404 page not found\n", 404)

    def _route(self, request: Request) -> tuple[Served, str, str, str]:
        """(kind, namespace, name, subresource). Raises LookupError where nothing is served."""
        parts = request.url.path.strip("/").split("/")
        api, rest = ("/".join(parts[1:3]), parts[3:]) if parts[0] == "apis" else (parts[1], parts[2:])
        _, namespace, plural, *further = [*rest, ""] if len(rest) == 3 else rest
        name, sub = (*further, "", "")[:2]
        served = self.served[api, plural]
        if sub and not (sub == "status" and served.has_status):
            raise LookupError(sub)
        return served, namespace, name, sub

    def _permit(self, request: Request, served: Served, namespace: str, name: str, sub: str) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            raise Answer(401, "Unauthorized", "Unauthorized")
        verb = {"GET": "get" if name else "list", "POST": "create", "PATCH": "patch"}[request.method]
        granted = self.tokens[token]
        resource = f"{served.kind.plural}/{sub}" if sub else served.kind.plural
        group = served.kind.group
        if granted is None or any(
            where == namespace and _allows(rule, verb, group, resource, name) for where, rule in granted
        ):
            return
        which = f' "{name}"' if name else ""
        what = f'{served.kind.resource}{which} is forbidden: User "somebody" cannot {verb}'
        said = f'resource "{resource}" in API group "{served.kind.group}" in the namespace "{namespace}"'
        raise Answer(403, "Forbidden", f"{what} {said}")

    def _held(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        found = self.objects.get((kind.resource, namespace, name))
        if found is None:
            details = {"name": name, "group": kind.group, "kind": kind.plural}
            raise Answer(404, "NotFound", f'{kind.resource} "{name}" not found', details)
        return found

    def _list(self, kind: Kind, namespace: str, request: Request) -> JSONResponse:
        asked = request.query_params
        wanted = [*_selector(asked.get("labelSelector", ""))]
        found = [
            {name: value for name, value in held.items() if name not in {"apiVersion", "kind"}}
            for held in self.every(kind, namespace)
            if all(held["metadata"].get("labels", {}).get(label) in values for label, values in wanted)
        ]
        begin, size = int(asked.get("continue", "0")), int(asked.get("limit", "0")) or len(found)
        meta = {"continue": str(begin + size)} if begin + size < len(found) else {}
        body = {"kind": f"{kind.name}List", "apiVersion": kind.api, "metadata": meta}
        return JSONResponse(body | {"items": found[begin : begin + size]})

    def _create(self, served: Served, namespace: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        kind, name = served.kind, manifest["metadata"]["name"]
        given = {key: value for key, value in manifest.items() if not (key == "status" and served.has_status)}
        found = self._valid(served, {**given, "apiVersion": kind.api, "kind": kind.name})
        if (kind.resource, namespace, name) in self.objects:
            raise Answer(409, "AlreadyExists", f'{kind.resource} "{name}" already exists')
        found["metadata"] |= {
            "namespace": namespace,
            "uid": f"uid-{next(self._count)}",
            "resourceVersion": str(next(self._count)),
            "generation": 1,
            "creationTimestamp": "2026-11-20T12:00:00Z",
        }
        self.objects[kind.resource, namespace, name] = found
        self._control(kind, found)
        return copy.deepcopy(found)

    async def _patch(self, served: Served, namespace: str, name: str, sub: str, request: Request) -> dict[str, Any]:
        media, dry = request.headers.get("content-type", ""), request.query_params.get("dryRun") == "All"
        if not dry and self.between is not None:
            come, self.between = self.between, None
            come()
        held, body = self._held(served.kind, namespace, name), json.loads(await request.body())
        if media == _MERGE:
            wanted = merged(held, body)
        elif media == _JSON_PATCH and isinstance(body, list):
            try:
                wanted = patched(held, body)
            except Failed:
                raise Answer(422, "Invalid", "the server rejected our request due to an error in our request") from None
        elif media == _JSON_PATCH:
            raise Answer(400, "BadRequest", "json: cannot unmarshal object into Go value of type jsonpatch.Patch")
        else:
            raise Answer(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        before = held["metadata"]["resourceVersion"]
        found = self._store(served, held, wanted, sub, dry=dry)
        self.changes += not dry and found["metadata"]["resourceVersion"] != before
        return found

    # -- keeping -----------------------------------------------------------------------------------------------------

    def _valid(self, served: Served, wanted: dict[str, Any]) -> dict[str, Any]:
        name = wanted["metadata"].get("name", "")
        if wrong := next(faults(wanted, served.schema), ""):
            raise Answer(422, "Invalid", f'{served.kind.resource} "{name}" is invalid: {wrong}')
        found: dict[str, Any] = copy.deepcopy(admitted(wanted, served.schema))
        return found

    def _store(
        self, served: Served, held: dict[str, Any], wanted: dict[str, Any], sub: str, *, dry: bool = False
    ) -> dict[str, Any]:
        kind, meta = served.kind, held["metadata"]
        if wanted["metadata"].get("name") != meta["name"]:
            raise Answer(400, "BadRequest", "the name of the object does not match the name on the URL")
        if wanted["metadata"].get("resourceVersion") != meta["resourceVersion"]:
            said = "the object has been modified; please apply your changes to the latest version and try again"
            raise Answer(409, "Conflict", f'Operation cannot be fulfilled on {kind.resource} "{meta["name"]}": {said}')
        found = self._valid(served, self._reach(served, held, wanted, sub))
        found["metadata"] |= {key: meta[key] for key in ("uid", "generation", "creationTimestamp", "namespace")}
        if found == held:
            return copy.deepcopy(found)
        found["metadata"]["generation"] += self._risen(served, held, found, sub)
        if dry:
            return found
        found["metadata"]["resourceVersion"] = str(next(self._count))
        self.objects[kind.resource, meta["namespace"], meta["name"]] = found
        self._control(kind, found)
        return copy.deepcopy(found)

    def _reach(self, served: Served, held: dict[str, Any], wanted: dict[str, Any], sub: str) -> dict[str, Any]:
        """What of a patch counts: the status only through its subresource, and there nothing but the status."""
        if not served.has_status:
            return wanted
        if not sub:
            rest = {key: value for key, value in wanted.items() if key != "status"}
            return rest | ({"status": held["status"]} if "status" in held else {})
        kept = held if served.custom else held | {"metadata": wanted["metadata"]}
        return {**kept, "status": wanted.get("status", {})}

    @staticmethod
    def _risen(served: Served, held: dict[str, Any], found: dict[str, Any], sub: str) -> bool:
        def rest(of: dict[str, Any]) -> dict[str, Any]:
            left = {"metadata", "status"} if served.has_status else {"metadata"}
            return {key: value for key, value in of.items() if key not in left}

        # of a Deployment the annotations count too; a ReplicaSet and all else rise by their spec alone
        annotated = served.kind == DEPLOYMENT and held["metadata"].get("annotations") != found["metadata"].get(
            "annotations"
        )
        return not sub and (rest(held) != rest(found) or annotated)

    def _control(self, kind: Kind, found: dict[str, Any]) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            for controller in self.controllers:
                controller(self, kind, copy.deepcopy(found))
        finally:
            self._busy = False


def _allows(rule: Mapping[str, Any], verb: str, group: str, resource: str, name: str) -> bool:
    named = rule.get("resourceNames")
    return (
        verb in rule["verbs"]
        and group in rule["apiGroups"]
        and resource in rule["resources"]
        and (not named or name in named)
    )


def _selector(text: str) -> Iterator[tuple[str, list[str]]]:
    """`a=b,c in (d,e)` as (label, values)."""
    rest = text
    while rest:
        label, sign, after = rest.partition(" in (")
        if sign and "," not in label:
            values, _, rest = after.partition(")")
            yield label.strip(), [each.strip() for each in values.split(",")]
        else:
            first, _, rest = rest.partition(",")
            label, _, value = first.partition("=")
            yield label.strip(), [value.lstrip("=").strip()]
        rest = rest.lstrip(", ")
