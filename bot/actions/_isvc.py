"""What a KServe InferenceService says: how it is deployed, which model its predictor is, who takes its traffic.

Its `observedGeneration` is that of the Knative Service or Deployment below it and says nothing about the object itself
(KServe, PropagateStatus), so what is in effect is read off the traffic and off what serves.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.actions import _change as change
from bot.actions import _pods as pods
from bot.clients.kubernetes import Kind
from bot.domain.errors import Refused

INFERENCE_SERVICE = Kind("serving.kserve.io/v1beta1", "inferenceservices", "InferenceService")
LABEL = "serving.kserve.io/inferenceservice"
"""On everything KServe makes for it: its name."""
SOURCE = "internal.serving.kserve.io/storage-initializer-sourceuri"
"""The annotation on pods and revisions that says which model their storage initializer fetches."""
PERCENT = "canaryTrafficPercent"
ALL = 100
_MODE = "serving.kserve.io/deploymentMode"
_KNATIVE, _STANDARD = frozenset({"", "Serverless", "Knative"}), frozenset({"Standard", "RawDeployment"})
_SCALE = frozenset({PERCENT, "minReplicas", "maxReplicas", "scaleTarget", "scaleMetric", "scaleMetricType"})
_OF_OLD = ("sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm", "paddle")
_FORMS = ("model", *_OF_OLD)
_TOLD = ("storageUri", "runtime", "runtimeVersion", "protocolVersion")
_CONTAINER = "kserve-container"


def standard(found: Mapping[str, Any]) -> bool:
    """Whether it is deployed by plain Deployments, and not by Knative. Raises Refused for what is neither."""
    annotations = found["metadata"].get("annotations") or {}
    mode = str((found.get("status") or {}).get("deploymentMode") or annotations.get(_MODE) or "")
    if mode not in _KNATIVE | _STANDARD:
        raise Refused(f"KServe deploys this in mode {mode}, which has neither revisions nor canaries")
    return mode in _STANDARD


# -- the predictor ---------------------------------------------------------------------------------------------------


def predictor_of(found: Mapping[str, Any]) -> dict[str, Any]:
    return dict((found.get("spec") or {}).get("predictor") or {})


def bare(predictor: Mapping[str, Any]) -> dict[str, Any]:
    """A predictor without its share and its size: what makes it another version."""
    return {name: value for name, value in predictor.items() if name not in _SCALE}


def mark(predictor: Mapping[str, Any]) -> str:
    """The fingerprint of a version."""
    return change.fingerprint(bare(predictor))


def kin(predictor: Mapping[str, Any]) -> str:
    """The fingerprint of its models and images alone, whatever they run in."""
    held = {form: [predictor[form].get("storageUri"), predictor[form].get("storage")] for form in _forms(predictor)}
    return change.fingerprint([held, pods.images({"spec": predictor})])


def models(predictor: Mapping[str, Any]) -> dict[str, str]:
    """Which model by form, and image by container, as they may be told."""
    told = {form: safe(str(predictor[form].get("storageUri", ""))) for form in _forms(predictor)}
    return told | pods.images({"spec": predictor})


def safe(uri: str) -> str:
    """An address without what may be secret in it: who asks, and its query."""
    scheme, parted, rest = uri.partition("://")
    place = (rest if parted else scheme).partition("?")[0]
    host, slash, path = place.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if parted else place


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence per model, runtime, image, variable and argument that changes, and what else does by name."""
    old, new = bare(before), bare(after)
    forms = {*_forms(old), *_forms(new)}
    said = [line for form in sorted(forms) for line in _of_form(form, old.get(form) or {}, new.get(form) or {})]
    rest = [{"spec": {name: value for name, value in one.items() if name not in forms}} for one in (old, new)]
    return (*said, *pods.changes(*rest))


def restored(now: Mapping[str, Any], version: Mapping[str, Any], percent: int | None) -> dict[str, Any]:
    """The predictor of that version at the size of now, with this share; None where none shall be written."""
    kept = {name: value for name, value in now.items() if name in _SCALE and name != PERCENT}
    return {**bare(version), **kept, **({} if percent is None else {PERCENT: percent})}


def with_model(predictor: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any] | None:
    """The predictor with another `storageUri`, `runtime`, `runtimeVersion` or `image`; None where none has a place."""
    found: dict[str, Any] = copy.deepcopy(dict(predictor))
    given = {name: value for name, value in fields.items() if value}
    forms = [*_forms(found)]
    if forms and (inner := {name: value for name, value in given.items() if name != "image"}):
        found[forms[0]] = {**found[forms[0]], **inner}
        if "storageUri" in inner:
            found[forms[0]].pop("storage", None)
        return found
    held = [each for each in found.get("containers") or [] if "image" in each]
    named = [each for each in held if each.get("name") == _CONTAINER] or held
    if not forms and len(named) == 1 and "image" in given:
        named[0]["image"] = given["image"]
        return found
    return None


def model_of(found: Mapping[str, Any]) -> dict[str, str]:
    """The model and image of a Knative revision, or of a Deployment's template."""
    spec, notes = found.get("spec") or {}, found["metadata"].get("annotations") or {}
    if "template" in spec:
        notes, spec = (spec["template"].get("metadata") or {}).get("annotations") or {}, spec["template"]["spec"]
    held = spec.get("containers") or []
    main = next((each for each in held if each.get("name") == _CONTAINER), held[0] if held else {})
    return {"storageUri": str(notes.get(SOURCE, "")), "image": str(main.get("image", ""))}


def is_of(predictor: Mapping[str, Any], found: Mapping[str, Any]) -> bool | None:
    """Whether a revision or Deployment serves the model of this predictor; None where it does not show."""
    there = with_model(predictor, model_of(found))
    return None if there is None else mark(there) == mark(predictor)


def _forms(predictor: Mapping[str, Any]) -> Iterator[str]:
    yield from (form for form in _FORMS if isinstance(predictor.get(form), Mapping))


def _of_form(form: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in _TOLD:
        if old.get(name) != new.get(name):
            was, will = (safe(str(each.get(name) or "")) or "not set" for each in (old, new))
            yield f"{name if name != 'storageUri' else 'model'}: {was} → {will}"
    rest = sorted(name for name in {*old, *new} - {*_TOLD} if old.get(name) != new.get(name))
    if rest:
        yield f"also changes: {', '.join(rest)} of {form}"


# -- who takes the traffic -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Traffic:
    """Of a Knative deployment: revisions by what they are, per cent by revision, what stands in the way."""

    created: str
    ready: str
    rolled_out: str
    before: str
    shares: Mapping[str, int]
    routed: bool
    whole: bool
    stuck: str

    @property
    def live(self) -> bool:
        """Whether a canary is: the newest revision is not what is rolled out."""
        return bool(self.rolled_out) and self.created != self.rolled_out

    @property
    def earlier(self) -> str:
        """The revision to go back to: what is rolled out, or where that is the newest, what was before it."""
        return self.rolled_out if self.created != self.rolled_out else self.before


def traffic_of(found: Mapping[str, Any]) -> Traffic:
    """From the status."""
    status = found.get("status") or {}
    of = (status.get("components") or {}).get("predictor") or {}
    shares: dict[str, int] = {}
    for each in of.get("traffic") or []:
        name = str(each.get("revisionName") or of.get("latestReadyRevision") or "")
        shares[name] = shares.get(name, 0) + int(each.get("percent") or 0)
    routes = [_is(found, name) for name in ("RoutesReady", "PredictorRouteReady")]
    return Traffic(
        created=str(of.get("latestCreatedRevision") or ""),
        ready=str(of.get("latestReadyRevision") or ""),
        rolled_out=str(of.get("latestRolledoutRevision") or ""),
        before=str(of.get("previousRolledoutRevision") or ""),
        shares=shares,
        routed=False not in routes,
        whole=bool(_is(found, "Ready")),
        stuck=stuck(found),
    )


def predicts(found: Mapping[str, Any]) -> bool:
    """Whether a Deployment is the predictor's, and no transformer's or explainer's."""
    return str((found["metadata"].get("labels") or {}).get("component", "predictor")) == "predictor"


def rolled_out(found: Mapping[str, Any]) -> bool:
    """Whether every pod of a Deployment is new and available, and none is left over."""
    spec, status = found["spec"], found.get("status") or {}
    counts = {int(status.get(name, 0)) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    seen = int(status.get("observedGeneration", 0)) >= int(found["metadata"]["generation"])
    return bool(seen and counts == {int(spec.get("replicas", 1))})


def stuck(found: Mapping[str, Any]) -> str:
    """Why the model cannot come up; nothing where it can."""
    model = (found.get("status") or {}).get("modelStatus") or {}
    if model.get("transitionStatus") not in ("BlockedByFailedLoad", "InvalidSpec"):
        return ""
    return f"{model['transitionStatus']}: {(model.get('lastFailureInfo') or {}).get('reason') or 'no reason told'}"


def _is(found: Mapping[str, Any], condition: str) -> bool | None:
    for each in (found.get("status") or {}).get("conditions") or []:
        if each.get("type") == condition:
            return str(each.get("status")) == "True"
    return None


def canaries_of(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of a plain deployment, per canary its share and the version it is."""
    held = (found.get("spec") or {}).get("canary") or []
    return {
        str((each.get("predictor") or {}).get("name", "")): {
            "percent": int(each.get("trafficPercent") or 0),
            "predictor": mark(each.get("predictor") or {}),
        }
        for each in held
    }


def canary_shows(found: Mapping[str, Any], name: str) -> tuple[int, bool]:
    """(per cent, whether ready) of a canary by the status."""
    for each in (found.get("status") or {}).get("canaryStatuses") or []:
        if each.get("name") == name:
            return int(each.get("trafficPercent") or 0), bool(each.get("ready"))
    return 0, False
