"""VirtualServices and HTTPRoutes: definitions of our own making with the fields we use, and controllers' habits.

The controllers run on a server of our own after every change, and before the real one when they are called.
"""

from __future__ import annotations

import copy
from typing import Any

from bot.actions.gateway import HTTP_ROUTE
from bot.actions.istio import VIRTUAL_SERVICE
from bot.clients.kubernetes import Kind
from tests.kube.owners import definition

_TEXT, _FLAG, _COUNT = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_LABEL = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 253}


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties} | ({"required": [*required]} if required else {})


def _list(of: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": of, **more}


def _with_status(crd: dict[str, Any], **fields: Any) -> dict[str, Any]:
    found = copy.deepcopy(crd)
    found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"] = _object(**fields)
    return found


_CONDITION = _object(type=_TEXT, status=_TEXT, reason=_TEXT, message=_TEXT, observedGeneration=_COUNT)

# -- Istio -----------------------------------------------------------------------------------------------------------

_WORD = _object(exact=_TEXT, prefix=_TEXT, regex=_TEXT)
_DESTINATION = _object("host", host=_TEXT, subset=_TEXT, port=_object(number=_COUNT))
_MATCH = _object(name=_TEXT, uri=_WORD, method=_WORD, headers={"type": "object", "additionalProperties": _WORD})
_HTTP = _object(
    name=_TEXT,
    match=_list(_MATCH),
    route=_list(_object("destination", destination=_DESTINATION, weight=_COUNT, headers=_ANYTHING)),
    redirect=_ANYTHING,
    rewrite=_object(uri=_TEXT),
    timeout=_TEXT,
    headers=_ANYTHING,
    mirror=_DESTINATION,
    mirrorPercentage=_object(value={"type": "number"}),
    mirrorPercent=_COUNT,
    mirrors=_list(_object("destination", destination=_DESTINATION)),
)
VIRTUAL_SERVICES = _with_status(
    definition(VIRTUAL_SERVICE, {"hosts": _list(_TEXT), "http": _list(_HTTP)}),
    conditions=_list(_CONDITION),
    observedGeneration={"x-kubernetes-int-or-string": True},
    validationMessages=_list(_ANYTHING),
)


def virtual_service(*routes: dict[str, Any]) -> dict[str, Any]:
    """`visits`: v2 takes all of what begins with /predict, unless other routes are given."""
    to = [{"destination": {"host": "visits", "subset": name}, "weight": weight} for name, weight in V1_V2]
    main = {"name": "main", "match": [{"uri": {"prefix": "/predict"}}], "timeout": "2s", "route": to}
    return {"metadata": {"name": "visits"}, "spec": {"hosts": ["visits"], "http": [*routes] or [main]}}


V1_V2 = (("v1", 0), ("v2", 100))

# -- Gateway API -----------------------------------------------------------------------------------------------------

_REFERENCE = {"group": _TEXT, "kind": {**_TEXT, "default": "Service"}, "name": _TEXT, "namespace": _TEXT}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
_WEIGHT = {"type": "integer", "minimum": 0, "maximum": 1_000_000, "default": 1}
_PER_CENT = {"type": "integer", "minimum": 0, "maximum": 100}
_MIRROR = _object(
    "backendRef",
    backendRef=_object("name", **_REFERENCE, port=_PORT),
    percent=_PER_CENT,
    fraction=_object("numerator", numerator=_COUNT, denominator={**_COUNT, "default": 100}),
)
_ASKED = _object(
    "name",
    "value",
    type={**_TEXT, "enum": ["Exact", "RegularExpression"], "default": "Exact"},
    name={**_TEXT, "minLength": 1},
    value=_TEXT,
)
_SLASH = {"type": "PathPrefix", "value": "/"}
_RULE = _object(
    name=_LABEL,
    matches=_list(
        _object(
            path={**_object(type={**_TEXT, "default": "PathPrefix"}, value=_TEXT), "default": _SLASH},
            headers=_list(_ASKED, maxItems=16),
            method=_TEXT,
        ),
        maxItems=8,
        default=[{"path": _SLASH}],
    ),
    filters=_list(
        _object(
            "type",
            type={**_TEXT, "enum": ["RequestMirror", "RequestHeaderModifier", "URLRewrite"]},
            requestMirror=_MIRROR,
            requestHeaderModifier=_ANYTHING,
            urlRewrite=_ANYTHING,
        ),
        maxItems=16,
    ),
    backendRefs=_list(_object("name", **_REFERENCE, port=_PORT, weight=_WEIGHT), maxItems=16),
    timeouts=_object(request=_TEXT),
)
_PARENT = _object("name", group=_TEXT, kind=_TEXT, name=_TEXT, namespace=_TEXT, sectionName=_TEXT)


def http_routes(**rule: Any) -> dict[str, Any]:
    """The definition; other fields of a rule may be given, `{}` for none."""
    fields = {name: each for name, each in {**_RULE["properties"], **rule}.items() if each}
    spec = {"parentRefs": _list(_PARENT), "hostnames": _list(_TEXT), "rules": _list(_object(**fields), maxItems=16)}
    parent = _object(parentRef=_PARENT, controllerName=_TEXT, conditions=_list(_CONDITION))
    crd = _with_status(definition(HTTP_ROUTE, spec), parents=_list(parent))
    # the server asks this of every group that ends in k8s.io
    crd["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, for tests only"}
    return crd


HTTP_ROUTES = http_routes()
# as it was before rules had names: what is written by way of v1beta1 here has none
HTTP_ROUTES["spec"]["versions"].append(
    {**http_routes(name={})["spec"]["versions"][0], "name": "v1beta1", "storage": False}
)


def http_route(*rules: dict[str, Any]) -> dict[str, Any]:
    """`visits`: v2 takes all of what begins with /predict, unless other rules are given."""
    to = [{"name": f"visits-{name}", "port": 8080, "weight": weight} for name, weight in V1_V2]
    main = {"matches": [{"path": {"type": "PathPrefix", "value": "/predict"}}], "backendRefs": to}
    main["timeouts"] = {"request": "2s"}
    spec = {"parentRefs": [{"name": "public"}], "rules": [*rules] or [main]}
    return {"metadata": {"name": "visits"}, "spec": spec}


def accepts(cluster: Any, kind: Kind, found: dict[str, Any], **verdicts: str) -> None:
    """A gateway's controller judges an HTTPRoute at once: all is well unless `Accepted="False"` or the like is said.

    It does not know a backend called `nowhere`.
    """
    if kind.plural != HTTP_ROUTE.plural:
        return
    meta, spec = found["metadata"], found["spec"]
    lost = any(to["name"] == "nowhere" for rule in spec["rules"] for to in rule.get("backendRefs", []))
    said = {"Accepted": "True", "ResolvedRefs": "False" if lost else "True", **verdicts}
    conditions = [
        {
            "type": name,
            "status": status,
            "reason": name if status == "True" else "NotSo",
            "message": f"{name} is {status}",
            "observedGeneration": meta["generation"],
        }
        for name, status in said.items()
    ]
    told = [
        {"parentRef": each, "controllerName": "tocsin.test/gateway", "conditions": conditions}
        for each in spec.get("parentRefs", [])
    ]
    cluster.merge(kind, meta["namespace"], meta["name"], {"status": {"parents": told}}, sub="status")


def propagates(cluster: Any, kind: Kind, found: dict[str, Any], status: str = "True", message: str = "2/2") -> None:
    """An Istio whose status is switched on: every proxy has the VirtualService at once, unless said otherwise."""
    if kind.plural != VIRTUAL_SERVICE.plural:
        return
    meta = found["metadata"]
    condition = {"type": "Reconciled", "status": status, "message": message}
    told = {"observedGeneration": str(meta["generation"]), "conditions": [condition]}
    cluster.merge(kind, meta["namespace"], meta["name"], {"status": told}, sub="status")
