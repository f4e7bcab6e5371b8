"""Holds a role in templates/kubernetes to be exactly what an action uses: no call without a rule, no rule unused.

watched = Watched(cluster.inner())
manifests = role("kubernetes", namespace=ns, name="visits")
made = make("kubernetes", watched, **cluster.settings(cluster.grant(manifests), ...))
... walk through every means, execute, observe, undo, undone ...
assert watched.calls == allowed(manifests)
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import httpx
import yaml

FOLDER = Path(__file__).parents[2] / "templates" / "kubernetes"
VERBS = frozenset({"get", "list", "patch"})


class Call(NamedTuple):
    """One kind of request as RBAC sees it; no name for what has none."""

    verb: str
    group: str
    resource: str
    name: str
    namespace: str


class Watched(httpx.AsyncBaseTransport):
    """A transport that remembers which calls went through it."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner, self.calls = inner, set[Call]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.add(_seen(request))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def role(file: str, **values: str) -> str:
    """The manifests of templates/kubernetes/<file>.yaml with its places filled. Raises KeyError for one left open."""
    return Template((FOLDER / f"{file}.yaml").read_text()).substitute(values)


def allowed(manifests: str) -> set[Call]:
    """Every call the roles allow. Raises AssertionError for a wildcard, a right to change more, or a wider kind."""
    documents = [each for each in yaml.safe_load_all(manifests) if each]
    assert {each["kind"] for each in documents} <= {"ServiceAccount", "Role", "RoleBinding"}
    return {
        Call(verb, group, resource, name, document["metadata"]["namespace"])
        for document in documents
        for rule in document.get("rules", [])
        for verb, group, resource, name in _spelled(rule)
    }


def _spelled(rule: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    assert set(rule["verbs"]) <= VERBS, f"only {sorted(VERBS)} are granted, not {rule['verbs']}"
    assert "*" not in [*rule["apiGroups"], *rule["resources"]], "no wildcards"
    assert "secrets" not in rule["resources"], "no secrets"
    names = rule.get("resourceNames") or [""]
    return [
        (verb, group, resource, name)
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in names
    ]


def _seen(request: httpx.Request) -> Call:
    parts = request.url.path.strip("/").split("/")
    group, rest = (parts[1], parts[3:]) if parts[0] == "apis" else ("", parts[2:])
    _, namespace, resource, name, sub = (*rest, "", "")[:5]
    verb = {"GET": "get" if name else "list", "PATCH": "patch"}.get(request.method, request.method.lower())
    return Call(verb, group, f"{resource}/{sub}" if sub else resource, name, namespace)
