"""What the real API server and our own must answer alike when a VirtualService or an HTTPRoute is changed."""

from __future__ import annotations

from typing import Any

from bot.actions.gateway import HTTP_ROUTE
from bot.actions.istio import VIRTUAL_SERVICE
from tests.kube.conformance import JSON_PATCH, Step
from tests.kube.fake import NOBODY
from tests.kube.mesh import http_route, virtual_service


def _op(op: str, path: str, value: Any = None) -> dict[str, Any]:
    return {"op": op, "path": path} | ({} if op == "remove" else {"value": value})


_STALE = _op("replace", "/metadata/resourceVersion", "1")
_NEW: dict[str, Any] = {"method": "POST", "object": "", "media": "application/json"}
_VS: dict[str, Any] = {"kind": VIRTUAL_SERVICE, "object": "visits", "media": JSON_PATCH}
_HR: dict[str, Any] = {"kind": HTTP_ROUTE, "object": "visits", "media": JSON_PATCH}

_V1 = "/spec/http/0/route/0"
_TO_V1 = _op("test", f"{_V1}/destination", {"host": "visits", "subset": "v1"})
_TO_V9 = _op("test", f"{_V1}/destination", {"host": "visits", "subset": "v9"})
_HALF = _op("replace", f"{_V1}/weight", 50)
_POOR = {
    "name": "tocsin-poor",
    "match": [{"headers": {"x-health": {"exact": "poor"}}}],
    "route": [{"destination": {"host": "rules"}}],
}
_IS_POOR = _op("test", "/spec/http/0/name", "tocsin-poor")
_GONE = [_IS_POOR, _op("remove", "/spec/http/0")]
_MIRRORED = [
    _op("add", "/spec/http/0/mirror", {"host": "visits", "subset": "v2"}),
    _op("add", "/spec/http/0/mirrorPercentage", {"value": 12.5}),
]

ISTIO = (
    Step("make it", 201, 1, **{**_VS, **_NEW}, body=virtual_service()),
    Step("a weight from its destination", 200, 2, **_VS, body=[_TO_V1, _HALF]),
    Step("the same weight", 200, 2, **_VS, body=[_TO_V1, _HALF]),
    Step("a weight from another destination", 422, **_VS, body=[_TO_V9, _HALF]),
    Step("a weight of another version of it", 409, **_VS, body=[_STALE, _TO_V1, _op("replace", f"{_V1}/weight", 51)]),
    Step("both at once", 422, **_VS, body=[_STALE, _TO_V9, _HALF]),
    Step("a weight in words", 422, **_VS, body=[_op("replace", f"{_V1}/weight", "half")]),
    Step("a weight of what is not there", 422, **_VS, body=[_op("replace", "/spec/http/0/route/7/weight", 1)]),
    Step("a weight of no route", 422, **_VS, body=[_op("replace", "/spec/http/7/route/0/weight", 1)]),
    Step("a place without a destination", 422, **_VS, body=[_op("add", "/spec/http/0/route/-", {"weight": 1})]),
    Step("put a route in front, dry", 200, 3, **_VS, body=[_op("add", "/spec/http/0", _POOR)], query="dryRun=All"),
    Step("nothing was put there", 422, **_VS, body=_GONE),
    Step("put a route in front", 200, 3, **_VS, body=[_op("add", "/spec/http/0", _POOR)]),
    Step("take it away by its name", 200, 4, **_VS, body=_GONE),
    Step("take it away once more", 422, **_VS, body=_GONE),
    Step("copy the traffic", 200, 5, **_VS, body=_MIRRORED),
    Step("stop copying", 200, 6, **_VS, body=[_op("remove", "/spec/http/0/mirror")]),
    Step("stop copying once more", 422, **_VS, body=[_op("remove", "/spec/http/0/mirror")]),
    Step(
        "a field it does not know",
        200,
        6,
        **_VS,
        body=[_op("add", "/spec/http/0/shadow", {"host": "visits"})],
    ),
    Step("change what is not there", 404, **{**_VS, "object": "nobody"}, body=[_HALF]),
    Step("change without the right", 403, **_VS, body=[_HALF], token=NOBODY),
    Step("read", 200, 6, "GET", **_VS, shows=("spec.hosts", ["visits"])),
)

_R1 = "/spec/rules/0/backendRefs/0"
_IS_V1 = _op("test", f"{_R1}/name", "visits-v1")
_NAMED = {"name": "tocsin-poor", "backendRefs": [{"name": "rules", "port": 80}]}
_WHO = _op("test", "/spec/rules/0/name", "tocsin-poor")
_OUT = [_WHO, _op("remove", "/spec/rules/0")]
_COPY = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "visits-v2", "port": 8080}, "percent": 10}}


def _headed(**header: str) -> dict[str, Any]:
    return _op("replace", "/spec/rules/0/matches/0/headers", [header])


GATEWAY = (
    Step("make it", 201, 1, **{**_HR, **_NEW}, body=http_route()),
    Step("a weight from its backend", 200, 2, **_HR, body=[_IS_V1, _op("replace", f"{_R1}/weight", 9)]),
    Step("a weight below nothing", 422, **_HR, body=[_op("replace", f"{_R1}/weight", -1)]),
    Step("a weight too large", 422, **_HR, body=[_op("replace", f"{_R1}/weight", 1_000_001)]),
    Step("a weight in words", 422, **_HR, body=[_op("replace", f"{_R1}/weight", "half")]),
    Step("from another backend", 422, **_HR, body=[_op("test", f"{_R1}/name", "v9"), _op("remove", _R1)]),
    Step("of another version of it", 409, **_HR, body=[_STALE, _IS_V1, _op("replace", f"{_R1}/weight", 8)]),
    Step("put a rule in front", 200, 3, **_HR, body=[_op("add", "/spec/rules/0", _NAMED)]),
    Step(
        "a header", 200, 4, **_HR, body=[_op("add", "/spec/rules/0/matches/0/headers", [{"name": "x", "value": "y"}])]
    ),
    Step("a header without a value", 422, **_HR, body=[_headed(name="x")]),
    Step("a header without a name", 422, **_HR, body=[_headed(name="", value="y")]),
    Step("a header of another kind", 422, **_HR, body=[_headed(type="Prefix", name="x", value="y")]),
    Step("a name that is none", 422, **_HR, body=[_op("replace", "/spec/rules/0/name", "health=poor")]),
    Step("more rules than there may be", 422, **_HR, body=[_op("add", "/spec/rules/0", _NAMED)] * 16),
    Step("take it away by its name", 200, 5, **_HR, body=_OUT),
    Step("take it away once more", 422, **_HR, body=_OUT),
    Step("copy the traffic", 200, 6, **_HR, body=[_op("add", "/spec/rules/0/filters", [_COPY])]),
    Step("more than all", 422, **_HR, body=[_op("replace", "/spec/rules/0/filters/0/requestMirror/percent", 101)]),
    Step("stop copying", 200, 7, **_HR, body=[_op("remove", "/spec/rules/0/filters/0")]),
    Step("a filter of no kind", 422, **_HR, body=[_op("add", "/spec/rules/0/filters/-", {"type": "Shadow"})]),
    Step("its status", 200, 7, **_HR, body=[_op("add", "/status", {"parents": []})], sub="status"),
    Step("change without the right", 403, **_HR, body=[_op("remove", _R1)], token=NOBODY),
    Step("read", 200, 7, "GET", **_HR, shows=("spec.parentRefs", [{"name": "public"}])),
)
