"""One script of requests, put to MLflow itself and to our own fake: both must answer with the same status codes.

The contract is MLflow's REST API 2.0 as version 3 keeps it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.actions.fake_mlflow import FakeMLflow
from tests.mlflow import Registry

REAL = pytest.param("real", marks=[pytest.mark.real, pytest.mark.xdist_group("mlflow")])
MODEL = "conformance"
ALIAS, TAG = "registered-models/alias", "registered-models/set-tag"
GET, SEARCH = "model-versions/get", "model-versions/search"

SCRIPT: list[tuple[int, str, str, dict[str, str]]] = [
    # happy, and repeated
    (200, "POST", ALIAS, {"name": MODEL, "alias": "champion", "version": "2"}),
    (200, "POST", ALIAS, {"name": MODEL, "alias": "champion", "version": "2"}),
    (200, "GET", ALIAS, {"name": MODEL, "alias": "champion"}),
    (200, "POST", ALIAS, {"name": MODEL, "alias": "champion", "version": "1"}),
    (200, "POST", TAG, {"name": MODEL, "key": "tocsin.applied.champion", "value": "K1"}),
    (200, "POST", TAG, {"name": MODEL, "key": "tocsin.applied.champion", "value": "K2"}),
    (200, "GET", "registered-models/get", {"name": MODEL}),
    (200, "GET", GET, {"name": MODEL, "version": "1"}),
    (200, "GET", SEARCH, {"filter": f"name='{MODEL}' AND version_number < 3", "order_by": "version_number DESC"}),
    (200, "GET", SEARCH, {"filter": f'name="{MODEL}"'}),
    # what is not there: a missing alias is a 400, all else a 404, and nothing to delete is no error
    (400, "GET", ALIAS, {"name": MODEL, "alias": "nobody"}),
    (404, "GET", ALIAS, {"name": "nobody", "alias": "champion"}),
    (404, "POST", ALIAS, {"name": MODEL, "alias": "champion", "version": "99"}),
    (404, "POST", ALIAS, {"name": "nobody", "alias": "champion", "version": "1"}),
    (404, "POST", TAG, {"name": "nobody", "key": "a", "value": "b"}),
    (404, "GET", "registered-models/get", {"name": "nobody"}),
    (404, "GET", GET, {"name": MODEL, "version": "99"}),
    (404, "GET", "runs/get", {"run_id": "0" * 32}),
    (404, "GET", "nothing", {}),
    (200, "GET", SEARCH, {"filter": "name='nobody'"}),
    (200, "DELETE", ALIAS, {"name": MODEL, "alias": "nobody"}),
    (404, "DELETE", ALIAS, {"name": "nobody", "alias": "champion"}),
    (200, "DELETE", ALIAS, {"name": MODEL, "alias": "champion"}),
    (400, "GET", ALIAS, {"name": MODEL, "alias": "champion"}),
    # what is wrong
    (400, "POST", ALIAS, {"name": MODEL, "alias": "champion", "version": "latest"}),
    (400, "POST", ALIAS, {"name": MODEL, "alias": "v1", "version": "1"}),
    (400, "POST", ALIAS, {"name": MODEL, "alias": "latest", "version": "1"}),
    (400, "POST", ALIAS, {"name": MODEL, "alias": "a b/c", "version": "1"}),
    (400, "POST", ALIAS, {"name": MODEL, "version": "1"}),
    (400, "GET", ALIAS, {"name": MODEL}),
    (400, "POST", TAG, {"name": MODEL, "value": "b"}),
    (400, "POST", TAG, {"name": MODEL, "key": "a?b", "value": "b"}),
    (400, "GET", "registered-models/get", {}),
    (400, "GET", GET, {"name": MODEL, "version": "latest"}),
    (400, "GET", GET, {"name": MODEL}),
    (400, "GET", SEARCH, {"filter": "nonsense"}),
]


@contextlib.asynccontextmanager
async def asking(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the one or the other, with one model of two versions."""
    transport: httpx.AsyncBaseTransport
    if kind == "fake":
        url, transport = "http://127.0.0.1", httpx.ASGITransport(FakeMLflow(model=MODEL).app)
    else:
        url, transport = request.getfixturevalue("mlflow_url"), httpx.AsyncHTTPTransport()
        registry = Registry(url)
        if registry.client.get("/registered-models/get", params={"name": MODEL}).status_code == 404:
            registry.post("registered-models/create", name=MODEL)
            for digest in ("d1", "d2"):
                registry.release(MODEL, digest, 0.4)
        registry.client.close()
    async with httpx.AsyncClient(base_url=f"{url}/api/2.0/mlflow/", transport=transport, timeout=30) as client:
        yield client


async def told(client: httpx.AsyncClient, method: str, path: str, given: dict[str, str]) -> httpx.Response:
    content: dict[str, Any] = {"params": given} if method == "GET" else {"json": given}
    return await client.request(method, path, **content)


@pytest.mark.parametrize("kind", ["fake", REAL])
async def test_every_request_has_the_same_status(kind: str, request: pytest.FixtureRequest) -> None:
    """Happy, repeated, missing and wrong, over the whole walk of an alias and its mark."""
    async with asking(kind, request) as client:
        for status, method, path, given in SCRIPT:
            answer = await told(client, method, path, given)
            assert answer.status_code == status, (method, path, given, answer.text)


@pytest.mark.parametrize("kind", ["fake", REAL])
async def test_a_host_it_does_not_know_is_forbidden(kind: str, request: pytest.FixtureRequest) -> None:
    """MLflow 3 answers 403 to another name than its own, against DNS rebinding: a proxy must be made known to it."""
    async with asking(kind, request) as client:
        answer = await client.get(ALIAS, params={"name": MODEL, "alias": "x"}, headers={"host": "mlflow.example"})
        assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["fake", REAL])
async def test_tags_and_aliases_are_told_in_the_same_shape(kind: str, request: pytest.FixtureRequest) -> None:
    """Lists of small objects; the last value of a tag stands."""
    async with asking(kind, request) as client:
        await told(client, "POST", ALIAS, {"name": MODEL, "alias": "champion", "version": "2"})
        for value in ("K1", "K2"):
            await told(client, "POST", TAG, {"name": MODEL, "key": "tocsin.applied.champion", "value": value})
        model = (await told(client, "GET", "registered-models/get", {"name": MODEL})).json()["registered_model"]
        assert {"alias": "champion", "version": "2"} in model["aliases"]
        assert {"key": "tocsin.applied.champion", "value": "K2"} in model["tags"]
        searched = await told(client, "GET", SEARCH, {"filter": f"name='{MODEL}' AND version_number < 2"})
        assert [each["version"] for each in searched.json()["model_versions"]] == ["1"]
