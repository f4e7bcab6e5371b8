"""Deployments and ReplicaSets for the server of our own: what of their schema we use, and their controller's habits."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import TYPE_CHECKING, Any

from bot.clients.kubernetes import DEPLOYMENT, REPLICA_SET, Kind

if TYPE_CHECKING:
    from tests.kube.fake import FakeKubernetes

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
HASH = "pod-template-hash"

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_TEMPLATE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "metadata": {"type": "object", "properties": {"labels": _TEXTS, "annotations": _TEXTS}},
        "spec": {
            **_ANYTHING,
            "required": ["containers"],
            "properties": {
                "containers": {
                    "type": "array",
                    "items": {**_ANYTHING, "required": ["name", "image"], "properties": {"image": {"type": "string"}}},
                }
            },
        },
    },
}
_COUNT = {"type": "integer", "minimum": 0}
DEPLOYMENT_SCHEMA: dict[str, Any] = {
    "spec": {
        "type": "object",
        "properties": {
            "replicas": {**_COUNT, "default": 1},
            "paused": {"type": "boolean"},
            "revisionHistoryLimit": {**_COUNT, "default": 10},
            "progressDeadlineSeconds": {**_COUNT, "default": 600},
            "minReadySeconds": _COUNT,
            "strategy": _ANYTHING,
            "selector": _ANYTHING,
            "template": _TEMPLATE,
        },
    },
    "status": _ANYTHING,
}
REPLICA_SET_SCHEMA: dict[str, Any] = {
    "spec": {
        "type": "object",
        "properties": {"replicas": _COUNT, "selector": _ANYTHING, "template": _TEMPLATE},
    },
    "status": _ANYTHING,
}


def rolls_out(fake: FakeKubernetes, kind: Kind, found: dict[str, Any]) -> None:
    """The deployment controller and every kubelet at once: a ReplicaSet per template, all pods ready.

    An image `broken...` never becomes ready: past its deadline at once.
    """
    if kind != DEPLOYMENT:
        return
    meta, spec = found["metadata"], found["spec"]
    namespace, name = meta["namespace"], meta["name"]
    status: dict[str, Any] = {"observedGeneration": meta["generation"]}
    if not spec.get("paused"):
        replica_set, revision = _revise(fake, found)
        fake.merge(kind, namespace, name, {"metadata": {"annotations": {REVISION: str(revision)}}}, sub="status")
        broken = any(each["image"].startswith("broken") for each in spec["template"]["spec"]["containers"])
        count = spec.get("replicas", 1)
        up = {"updatedReplicas": 0 if broken else count, "availableReplicas": count}
        status |= {"replicas": count + broken, **up, "unavailableReplicas": int(broken) or None}
        reason, what = ("ProgressDeadlineExceeded", "timed out") if broken else ("NewReplicaSetAvailable", "progressed")
        said = f'ReplicaSet "{replica_set}" has {what}.'
        progress = {"type": "Progressing", "status": "False" if broken else "True", "reason": reason, "message": said}
        status["conditions"] = [progress]
    fake.merge(kind, namespace, name, {"status": status}, sub="status")


def _revise(fake: FakeKubernetes, deployment: dict[str, Any]) -> tuple[str, int]:
    """The ReplicaSet of this template and its revision: the highest, made or taken up again."""
    namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
    template = deployment["spec"]["template"]
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
    uid = deployment["metadata"]["uid"]
    mine = [
        held
        for held in fake.every(REPLICA_SET, namespace)
        if any(owner["uid"] == uid for owner in held["metadata"]["ownerReferences"])
    ]
    numbers = {held["metadata"]["name"]: int(held["metadata"]["annotations"][REVISION]) for held in mine}
    newest, wanted = max(numbers.values(), default=0), f"{name}-{digest}"
    if wanted not in numbers:
        fake.create(REPLICA_SET, namespace, _replica_set(deployment, wanted, digest, newest + 1))
        return wanted, newest + 1
    if numbers[wanted] < newest:
        held = fake.get(REPLICA_SET, namespace, wanted)
        past = [*filter(None, held["metadata"]["annotations"].get(HISTORY, "").split(",")), str(numbers[wanted])]
        notes = {REVISION: str(newest + 1), HISTORY: ",".join(past)}
        fake.merge(REPLICA_SET, namespace, wanted, {"metadata": {"annotations": notes}})
        return wanted, newest + 1
    return wanted, newest


def _replica_set(deployment: dict[str, Any], name: str, digest: str, revision: int) -> dict[str, Any]:
    template = copy.deepcopy(deployment["spec"]["template"])
    labels = template["metadata"]["labels"] | {HASH: digest}
    template["metadata"]["labels"] = labels
    owner = {"apiVersion": DEPLOYMENT.api, "kind": DEPLOYMENT.name, "uid": deployment["metadata"]["uid"]}
    return {
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [owner | {"name": deployment["metadata"]["name"], "controller": True}],
        },
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
