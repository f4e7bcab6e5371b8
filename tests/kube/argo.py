"""Argo Rollouts for tests: a definition of our own with the fields we use, and its controller's habits.

`steps(cluster, kind, found)` does once what the controller does for one Rollout, on a server of our own (as one of its
`controllers`) or on the real one (called by the test): ReplicaSets per template, revisions, canary steps until one
waits, abort and promotion, and a status written as Argo Rollouts writes it, `observedGeneration` as a text.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from bot.actions.rollouts import ROLLOUT
from bot.clients.kubernetes import REPLICA_SET, Kind
from tests.kube.owners import definition

REVISION = "rollout.argoproj.io/revision"
HISTORY = "rollout.argoproj.io/revision-history"
HASH = "rollouts-pod-template-hash"
_ANY: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_COUNT = {"type": "integer", "minimum": 0}
_CONTAINERS = {
    "type": "array",
    "items": {**_ANY, "required": ["name", "image"], "properties": {"image": {"type": "string"}}},
}
_TEMPLATE = {
    **_ANY,
    "properties": {"spec": {**_ANY, "required": ["containers"], "properties": {"containers": _CONTAINERS}}},
}
_SPEC = {
    "replicas": _COUNT,
    "paused": {"type": "boolean"},
    "selector": _ANY,
    "strategy": _ANY,
    "rollbackWindow": _ANY,
    "workloadRef": _ANY,
    "template": _TEMPLATE,
}
_FLAG, _TEXT = {"type": "boolean"}, {"type": "string"}
_STATUS = {
    **_ANY,
    "properties": {
        **dict.fromkeys(("abort", "promoteFull"), _FLAG),
        **dict.fromkeys(("stableRS", "currentPodHash", "observedGeneration"), _TEXT),
    },
}
DEFINITION = definition(ROLLOUT, _SPEC, shows=_STATUS)
OLD_DEFINITION = definition(ROLLOUT, _SPEC, shows=_STATUS, status=False)
"""Before Argo Rollouts 0.10 the status was no subresource."""

CANARY = ({"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {"duration": 600}})


def rollout(image: str = "visits:v1", **spec: Any) -> dict[str, Any]:
    """A small Rollout called visits that updates by canary steps."""
    labels = {"app": "visits"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "model", "image": image}]}}
    strategy = {"canary": {"steps": list(CANARY), "trafficRouting": {"plugins": {"ours": {}}}}}
    return {
        "metadata": {"name": "visits", "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "strategy": strategy,
            "template": pod,
            **spec,
        },
    }


def steps(cluster: Any, kind: Kind, found: dict[str, Any]) -> None:
    """Reconcile one Rollout."""
    if kind != ROLLOUT or "template" not in found["spec"]:
        return
    meta, spec, status = found["metadata"], found["spec"], copy.deepcopy(found.get("status") or {})
    digest, revision = _digest(spec["template"]), _revise(cluster, found)
    canary = (spec["strategy"].get("canary") or {}).get("steps") or []
    if status.get("currentPodHash") != digest:  # another template ends abort, promotion and pauses
        to_stable = digest == status.get("stableRS")
        status |= {"abort": False, "promoteFull": False, "pauseConditions": None}
        status["currentStepIndex"] = len(canary) if to_stable else 0
    status |= {"currentPodHash": digest, "observedGeneration": str(meta["generation"]), "replicas": spec["replicas"]}
    status.setdefault("stableRS", digest)
    if status.get("promoteFull"):
        status |= {"abort": False, "pauseConditions": None, "currentStepIndex": len(canary)}
    weight = 0
    if digest != status["stableRS"]:
        weight = _advance(spec, status, canary, revision)
    if digest == status["stableRS"]:
        status |= {"phase": "Healthy", "message": None, "promoteFull": False, "currentStepIndex": len(canary)}
        weight = 0
        if any(each["image"].startswith("broken") for each in spec["template"]["spec"]["containers"]):
            status |= {"phase": "Progressing", "message": "updated replicas are still becoming available"}
    if spec.get("paused") and status["phase"] != "Degraded":
        status |= {"phase": "Paused", "message": "manually paused"}
    status["updatedReplicas"] = status["availableReplicas"] = spec["replicas"]
    if spec["strategy"].get("blueGreen") is not None:
        status["blueGreen"] = {"activeSelector": status["stableRS"]}
    else:
        weights = {"canary": {"weight": weight, "podTemplateHash": digest}, "stable": {"weight": 100 - weight}}
        status["canary"] = {"weights": weights}
    cluster.merge(ROLLOUT, meta["namespace"], meta["name"], {"status": status}, sub="status")


def _advance(spec: dict[str, Any], status: dict[str, Any], canary: list[dict[str, Any]], revision: int) -> int:
    """Take steps until one waits; the weight of the update then."""
    if status.get("abort"):
        status |= {"phase": "Degraded", "message": f"RolloutAborted: Rollout aborted update to revision {revision}"}
        status["currentStepIndex"], status["pauseConditions"] = 0, None
        return 0
    at, weight = status["currentStepIndex"], 0
    for each in canary[:at]:
        weight = each.get("setWeight", weight)
    while at < len(canary):
        if "pause" in canary[at] or spec.get("paused"):
            status["pauseConditions"] = [{"reason": "CanaryPauseStep", "startTime": "2026-11-20T12:00:00Z"}]
            status |= {"phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": at}
            return weight
        weight = canary[at].get("setWeight", weight)
        at += 1
    if spec["strategy"].get("blueGreen") is not None and not status.get("promoteFull"):
        status |= {"phase": "Paused", "message": "BlueGreenPause"}
        return 0
    status["stableRS"] = status["currentPodHash"]
    return 100


def _digest(template: dict[str, Any]) -> str:
    """What tells templates apart, whatever defaults they have been given."""
    pods = [{key: each.get(key) for key in ("name", "image", "env", "args")} for each in template["spec"]["containers"]]
    labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != HASH}
    return hashlib.sha256(json.dumps([pods, labels], sort_keys=True).encode()).hexdigest()[:10]


def _revise(cluster: Any, found: dict[str, Any]) -> int:
    """The revision of the ReplicaSet of this template: the highest, made or taken up again."""
    meta, digest = found["metadata"], _digest(found["spec"]["template"])
    namespace, wanted = meta["namespace"], f"{meta['name']}-{digest}"
    mine = {each["metadata"]["name"]: each["metadata"]["annotations"] for each in cluster.every(REPLICA_SET, namespace)}
    newest = max((int(notes[REVISION]) for notes in mine.values()), default=0)
    if wanted not in mine:
        cluster.create(REPLICA_SET, namespace, _replica_set(found, wanted, digest, newest + 1))
        return newest + 1
    if int(mine[wanted][REVISION]) < newest:
        past = [*filter(None, mine[wanted].get(HISTORY, "").split(",")), mine[wanted][REVISION]]
        notes = {REVISION: str(newest + 1), HISTORY: ",".join(past)}
        cluster.merge(REPLICA_SET, namespace, wanted, {"metadata": {"annotations": notes}})
        return newest + 1
    return newest


def _replica_set(found: dict[str, Any], name: str, digest: str, revision: int) -> dict[str, Any]:
    template = copy.deepcopy(found["spec"]["template"])
    labels = template["metadata"]["labels"] | {HASH: digest}
    template["metadata"]["labels"] = labels
    owner = {"apiVersion": ROLLOUT.api, "kind": ROLLOUT.name, "uid": found["metadata"]["uid"], "controller": True}
    return {
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [owner | {"name": found["metadata"]["name"]}],
        },
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
