"""The kinds that hold objects as git has them, as definitions of our own making: Argo CD's and Flux's fields we use."""

from __future__ import annotations

from typing import Any

from bot.actions._gitops import APPLICATION, HELM_RELEASE, KUSTOMIZATION
from bot.clients.kubernetes import Kind


def definition(
    kind: Kind, spec: dict[str, Any], *, status: bool = True, shows: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A CustomResourceDefinition of this kind whose spec has these fields; `shows` is the schema of its status."""
    group, _, version = kind.api.partition("/")
    parts = {"spec": {"type": "object", "properties": spec}} | ({"status": shows} if shows else {})
    schema = {"type": "object", "properties": parts}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": kind.plural, "kind": kind.name, "singular": kind.name.lower()},
            "versions": [{**served, "subresources": {"status": {}}} if status else served],
        },
    }


_SWITCH = {"type": "boolean"}
_AUTOMATED = {"type": "object", "properties": dict.fromkeys(("prune", "selfHeal", "enabled", "allowEmpty"), _SWITCH)}
_POLICY = {
    "type": "object",
    "properties": {"automated": _AUTOMATED, "syncOptions": {"type": "array", "items": {"type": "string"}}},
}
DEFINITIONS = (
    definition(APPLICATION, {"project": {"type": "string"}, "syncPolicy": _POLICY}, status=False),
    definition(KUSTOMIZATION, {"path": {"type": "string"}, "suspend": _SWITCH}),
    definition(HELM_RELEASE, {"releaseName": {"type": "string"}, "suspend": _SWITCH}),
)
