"""KServe for tests: definitions of our own with the fields we use, and its controller's habits.

`serves(cluster, kind, found)` does once what KServe and Knative do for one InferenceService, on a server of our own (as
one of its `controllers`) or on the real one (called by the test): a revision per version, the traffic by its share, and
who counts as rolled out. A model whose address holds `broken` never comes up. Deployed plainly it makes a Deployment.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

from bot.actions._isvc import INFERENCE_SERVICE, LABEL, SOURCE
from bot.actions._isvc_past import KNATIVE_REVISION
from bot.clients.kubernetes import DEPLOYMENT, Kind
from tests.kube.builtin import rolls_out
from tests.kube.fake import FakeKubernetes
from tests.kube.owners import definition

DIGEST = "tocsin.test/digest"
_ANY: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_SHARE = {"type": "integer", "minimum": 0, "maximum": 100}
_PREDICTOR = {**_ANY, "properties": {"canaryTrafficPercent": _SHARE, "minReplicas": {"type": "integer"}}}
_CANARY = {"type": "object", "properties": {"trafficPercent": _SHARE, "predictor": _ANY}}
DEFINITIONS = (
    definition(
        INFERENCE_SERVICE,
        {"predictor": _PREDICTOR, "canary": {"type": "array", "items": _CANARY}},
        shows=_ANY,
    ),
    definition(KNATIVE_REVISION, {"containers": {"type": "array", "items": _ANY}}, shows=_ANY),
)


def model(version: str, **more: Any) -> dict[str, Any]:
    """A predictor of that version of the model."""
    form = {"modelFormat": {"name": "sklearn"}, "runtime": "sk", "storageUri": f"gs://models/visits/{version}"}
    return {"model": form, **more}


def service(predictor: dict[str, Any], *, mode: str = "", canary: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A small InferenceService called visits."""
    notes = {"serving.kserve.io/deploymentMode": mode} if mode else {}
    spec = {"predictor": predictor} | ({"canary": canary} if canary else {})
    return {"metadata": {"name": "visits", "annotations": notes}, "spec": spec}


def serves(cluster: Any, kind: Kind, found: dict[str, Any], *, slowly: bool = False) -> None:
    """Reconcile one InferenceService; slowly, a new revision is not ready before the next time."""
    if kind != INFERENCE_SERVICE:
        return
    meta, status = found["metadata"], copy.deepcopy(found.get("status") or {})
    mode = meta.get("annotations", {}).get("serving.kserve.io/deploymentMode", "Serverless")
    status["deploymentMode"] = mode
    if mode == "Standard":
        _deployed(cluster, found, status)
    else:
        _by_knative(cluster, found, status, slowly=slowly)
    cluster.merge(kind, meta["namespace"], meta["name"], {"status": status}, sub="status")


# -- by Knative ------------------------------------------------------------------------------------------------------


def _by_knative(cluster: Any, found: dict[str, Any], status: dict[str, Any], *, slowly: bool) -> None:
    predictor, of = found["spec"]["predictor"], status.setdefault("components", {}).setdefault("predictor", {})
    created, ready = _revise(cluster, found, of)
    ready = ready and not (slowly and created != of.get("latestCreatedRevision"))
    share, rolled_out = predictor.get("canaryTrafficPercent"), of.get("latestRolledoutRevision", "")
    ready_revision = created if ready else of.get("latestReadyRevision", "")
    traffic = [{"latestRevision": True, "percent": 100, "revisionName": ready_revision}]
    if share is not None and rolled_out:
        traffic[0]["percent"] = share
        if share < 100:
            rest = {"latestRevision": False, "percent": 100 - share, "revisionName": rolled_out, "tag": "prev"}
            traffic.append(rest)
    if ready_revision not in ("", rolled_out) and traffic[0]["percent"] == 100:
        of |= {"previousRolledoutRevision": rolled_out, "latestRolledoutRevision": ready_revision}
    of |= {"latestCreatedRevision": created, "latestReadyRevision": ready_revision, "traffic": traffic}
    status["observedGeneration"] = 1  # that of the Knative Service, whatever ours is
    status["modelStatus"] = {"transitionStatus": "UpToDate", "lastFailureInfo": None} if ready else _FAILED
    if slowly and not ready:
        status["modelStatus"] = {"transitionStatus": "InProgress", "lastFailureInfo": None}
    state = "True" if ready else "False"
    status["conditions"] = [{"type": name, "status": state} for name in ("Ready", "PredictorReady")]
    status["conditions"] += [{"type": name, "status": "True"} for name in ("RoutesReady", "PredictorRouteReady")]


_FAILED = {"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": {"reason": "ModelLoadFailed"}}


def _revise(cluster: Any, found: dict[str, Any], of: dict[str, Any]) -> tuple[str, bool]:
    """(newest revision, whether it comes up): made where the version is another than the newest one's."""
    meta, predictor = found["metadata"], found["spec"]["predictor"]
    version = {name: each for name, each in predictor.items() if name not in {"canaryTrafficPercent", "minReplicas"}}
    digest = hashlib.sha256(json.dumps(version, sort_keys=True).encode()).hexdigest()[:12]
    ready = "broken" not in json.dumps(version)
    newest = of.get("latestCreatedRevision", "")
    held = {each["metadata"]["name"]: each["metadata"] for each in cluster.every(KNATIVE_REVISION, meta["namespace"])}
    if newest in held and held[newest]["annotations"][DIGEST] == digest:
        return newest, ready
    number = int(newest.rpartition("-")[2] or 0) + 1 if newest else 1
    name = f"{meta['name']}-predictor-{number:05d}"
    form = predictor.get("model") or {}
    source = {SOURCE: form["storageUri"]} if "storageUri" in form else {}
    containers = predictor.get("containers") or [{"name": "kserve-container", "image": f"{form.get('runtime')}:1"}]
    revision = {
        "metadata": {"name": name, "labels": {LABEL: meta["name"]}, "annotations": {DIGEST: digest, **source}},
        "spec": {"containers": containers},
    }
    cluster.create(KNATIVE_REVISION, meta["namespace"], revision)
    return name, ready


# -- by plain Deployments --------------------------------------------------------------------------------------------


def _deployed(cluster: Any, found: dict[str, Any], status: dict[str, Any]) -> None:
    meta, predictor = found["metadata"], found["spec"]["predictor"]
    namespace, name = meta["namespace"], f"{meta['name']}-predictor"
    form, labels = predictor["model"], {LABEL: meta["name"], "component": "predictor"}
    image = "broken:1" if "broken" in form["storageUri"] else f"{form['runtime']}:1"
    pod = {
        "metadata": {"labels": labels, "annotations": {SOURCE: form["storageUri"]}},
        "spec": {"containers": [{"name": "kserve-container", "image": image}]},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}
    if any(each["metadata"]["name"] == name for each in cluster.every(DEPLOYMENT, namespace)):
        cluster.merge(DEPLOYMENT, namespace, name, {"spec": {"template": pod}})
    else:
        cluster.create(DEPLOYMENT, namespace, {"metadata": {"name": name, "labels": labels}, "spec": spec})
    if isinstance(cluster, FakeKubernetes):
        rolls_out(cluster, DEPLOYMENT, cluster.get(DEPLOYMENT, namespace, name))
    status["canaryStatuses"] = [
        {
            "name": each["predictor"]["name"],
            "ready": "broken" not in json.dumps(each["predictor"]),
            "trafficPercent": each.get("trafficPercent", 0),
        }
        for each in found["spec"].get("canary") or []
    ]
    status["conditions"] = [{"type": "Ready", "status": "True"}]
