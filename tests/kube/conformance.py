"""One script of requests that the real API server and our own must answer alike: status, generation, what moved."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from bot.clients.kubernetes import DEPLOYMENT, Kind
from tests.kube.fake import NOBODY

MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
WIDGET = Kind("tocsin.test/v1", "widgets", "Widget")
WIDGETS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.tocsin.test"},
    "spec": {
        "group": "tocsin.test",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"type": "integer", "minimum": 0, "maximum": 100},
                                    "colour": {"type": "string", "default": "red", "enum": ["red", "blue"]},
                                    "parts": {
                                        "type": "array",
                                        "items": {"type": "object", "properties": {"name": {"type": "string"}}},
                                    },
                                },
                            },
                            "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
                        },
                    }
                },
            }
        ],
    },
}


def deployment(image: str = "visits:v1", **spec: Any) -> dict[str, Any]:
    """A small Deployment called visits."""
    labels = {"app": "visits"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "model", "image": image}]}}
    return {
        "metadata": {"name": "visits", "labels": labels},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod, **spec},
    }


@dataclass(frozen=True)
class Step:
    """A request and what both must answer. `generation` is the object's in the answer; None where it has none."""

    name: str
    status: int
    generation: int | None = None
    method: str = "PATCH"
    kind: Kind = WIDGET
    object: str = "w"
    body: Any = None
    media: str = MERGE
    query: str = ""
    sub: str = ""
    token: str = ""
    shows: tuple[str, Any] | None = None
    """A path into the answer (`spec.size`) and what stands there; None for nothing."""


def spec(**fields: Any) -> dict[str, Any]:
    return {"spec": fields}


_STALE = {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}
_SEVEN = {"op": "replace", "path": "/spec/size", "value": 7}
_MADE: dict[str, Any] = {"method": "POST", "object": "", "media": "application/json"}
_SHIP: dict[str, Any] = {"kind": DEPLOYMENT, "object": "visits"}

SCRIPT = (
    Step("make", 201, 1, body={"metadata": {"name": "w"}, **spec(size=1, nope=2), "status": {"ready": True}}, **_MADE),
    Step("the status is not made with it", 200, 1, "GET", shows=("status", None)),
    Step("the default is there", 200, 1, "GET", shows=("spec.colour", "red")),
    Step("the unknown field is not", 200, 1, "GET", shows=("spec.nope", None)),
    Step("make it again", 409, body={"metadata": {"name": "w"}, **spec(size=1)}, **_MADE),
    Step("make it without what it needs", 422, body={"metadata": {"name": "w2"}, "spec": {}}, **_MADE),
    Step("the same value", 200, 1, body=spec(size=1)),
    Step("another value", 200, 2, body=spec(size=2), shows=("spec.size", 2)),
    Step("an unknown field", 200, 2, body=spec(nope=1), shows=("spec.nope", None)),
    Step("a wrong type", 422, body=spec(size="x")),
    Step("a value out of range", 422, body=spec(size=150)),
    Step("a word that is none of them", 422, body=spec(colour="green")),
    Step("a stale version", 409, body={"metadata": {"resourceVersion": "1"}, **spec(size=3)}),
    Step("a stale version and the same value", 409, body={"metadata": {"resourceVersion": "1"}, **spec(size=2)}),
    Step("a stale version, dry", 409, body={"metadata": {"resourceVersion": "1"}, **spec(size=3)}, query="dryRun=All"),
    Step("a stale version in a JSON patch", 409, body=[_STALE, _SEVEN], media=JSON_PATCH),
    Step("a test that fails", 422, body=[{"op": "test", "path": "/spec/size", "value": 9}, _SEVEN], media=JSON_PATCH),
    Step(
        "a test that holds", 200, 3, body=[{"op": "test", "path": "/spec/size", "value": 2}, _SEVEN], media=JSON_PATCH
    ),
    Step("a path that is not there", 422, body=[{"op": "replace", "path": "/spec/a/b", "value": 1}], media=JSON_PATCH),
    Step("take away what is not there", 422, body=[{"op": "remove", "path": "/spec/parts/0"}], media=JSON_PATCH),
    Step(
        "put in front", 200, 4, body=[{"op": "add", "path": "/spec/parts", "value": [{"name": "b"}]}], media=JSON_PATCH
    ),
    Step(
        "and once more", 200, 5, body=[{"op": "add", "path": "/spec/parts/0", "value": {"name": "a"}}], media=JSON_PATCH
    ),
    Step("in that order", 200, 5, "GET", shows=("spec.parts", [{"name": "a"}, {"name": "b"}])),
    Step("a list is replaced whole", 200, 6, body=spec(parts=[{"name": "c"}]), shows=("spec.parts", [{"name": "c"}])),
    Step("null takes away", 200, 7, body=spec(parts=None), shows=("spec.parts", None)),
    Step("an object as a JSON patch", 400, body=spec(size=1), media=JSON_PATCH),
    Step("a patch that is plain JSON", 415, body=spec(size=1), media="application/json"),
    Step("dry, it is shown as it would be", 200, 8, body=spec(size=8), query="dryRun=All", shows=("spec.size", 8)),
    Step("and was not done", 200, 7, "GET", shows=("spec.size", 7)),
    Step("dry, a wrong type", 422, body=spec(size="x"), query="dryRun=All"),
    Step(
        "an annotation", 200, 7, body={"metadata": {"annotations": {"a": "b"}}}, shows=("metadata.annotations.a", "b")
    ),
    Step("an annotation that is no text", 422, body={"metadata": {"annotations": {"a": 1}}}),
    Step("the status", 200, 7, body={"status": {"ready": True}, **spec(size=9)}, sub="status", shows=("spec.size", 7)),
    Step("the status stands", 200, 7, "GET", shows=("status.ready", True)),
    Step("no annotation by way of it", 200, 7, body={"metadata": {"annotations": {"c": "d"}}}, sub="status"),
    Step("it is not there", 200, 7, "GET", shows=("metadata.annotations.c", None)),
    Step("no status by the main way", 200, 7, body={"status": {"ready": False}}, shows=("status.ready", True)),
    Step("another name", 400, body={"metadata": {"name": "z"}}),
    Step("an object that is not there", 404, body=spec(size=1), object="nobody"),
    Step("read it", 404, None, "GET", object="nobody", shows=("details.name", "nobody")),
    Step("a kind that is not there", 404, None, "GET", kind=Kind("tocsin.test/v1", "gadgets", "Gadget")),
    Step("a subresource that is not there", 404, body=spec(size=1), sub="scale"),
    Step("a token nobody knows", 401, None, "GET", token="nonsense"),
    Step("read without the right", 403, None, "GET", token=NOBODY),
    Step("list without the right", 403, None, "GET", object="", token=NOBODY),
    Step("patch without the right", 403, body=spec(size=1), token=NOBODY),
    Step("what is not there, without the right", 403, body=spec(size=1), object="nobody", token=NOBODY),
    Step("none with that label", 200, None, "GET", object="", query="labelSelector=app%3Dnone", shows=("items", [])),
    Step("a Deployment", 201, 1, **{**_SHIP, **_MADE}, body=deployment(paused=True)),
    Step("a Deployment the same", 200, 1, **_SHIP, body=spec(replicas=2)),
    Step("a Deployment with an annotation rises", 200, 2, **_SHIP, body={"metadata": {"annotations": {"a": "b"}}}),
    Step("unless its status takes it", 200, 2, **_SHIP, body={"metadata": {"annotations": {"c": "d"}}}, sub="status"),
    Step("where it stays", 200, 2, "GET", **_SHIP, shows=("metadata.annotations.c", "d")),
    Step("a Deployment of another size", 200, 3, **_SHIP, body=spec(replicas=3)),
    Step("a Deployment of a wrong type", 422, **_SHIP, body=spec(replicas="x")),
    Step("a Deployment below nothing", 422, **_SHIP, body=spec(replicas=-1)),
    Step("a Deployment with an unknown field", 200, 3, **_SHIP, body=spec(repliques=1), shows=("spec.repliques", None)),
    Step(
        "a Deployment without an image",
        422,
        **_SHIP,
        body=spec(template={"spec": {"containers": [{"name": "model"}]}}),
    ),
)

Ask = Callable[[httpx.Request], Awaitable[httpx.Response]]


async def answers(
    client: httpx.AsyncClient, namespace: str, script: Sequence[Step] = SCRIPT
) -> dict[str, tuple[int, int | None, Any]]:
    """What each step was answered: (status, generation, what was to be shown)."""
    found = {}
    for step in script:
        body = (
            {"apiVersion": step.kind.api, "kind": step.kind.name, **step.body} if step.method == "POST" else step.body
        )
        answer = await client.request(
            step.method,
            step.kind.path(namespace, step.object, step.sub) + (f"?{step.query}" if step.query else ""),
            content=None if step.body is None else json.dumps(body),
            headers={"content-type": step.media} | ({"authorization": f"Bearer {step.token}"} if step.token else {}),
        )
        told = answer.json() if "json" in answer.headers["content-type"] else {}
        generation = told.get("metadata", {}).get("generation")
        found[step.name] = (answer.status_code, generation, _at(told, step.shows[0]) if step.shows else None)
    return found


def expected(script: Sequence[Step]) -> dict[str, tuple[int, int | None, Any]]:
    """What each step is to be answered."""
    return {step.name: (step.status, step.generation, step.shows[1] if step.shows else None) for step in script}


EXPECTED = expected(SCRIPT)


def _at(told: Any, path: str) -> Any:
    for part in path.split("."):
        told = told.get(part) if isinstance(told, dict) else None
    return told
