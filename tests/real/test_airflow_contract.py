"""Airflow by its published OpenAPI: what we send is what its own client sends, and our fake answers what it understands.

Real here: the models and requests of `apache-airflow-client`, which Airflow generates from its OpenAPI document. A running
Airflow is asked too where TOCSIN_AIRFLOW_URL names one, with TOCSIN_AIRFLOW_USER and TOCSIN_AIRFLOW_PASSWORD of somebody
who may pause and run the DAG TOCSIN_AIRFLOW_DAG (whose runs must take a minute), and optionally TOCSIN_AIRFLOW_READER and
TOCSIN_AIRFLOW_READER_PASSWORD of somebody who may not.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from bot.actions.airflow import run_id
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.ports import Action
from bot.engine.values import Seen
from tests.actions.fake_airflow import DAG, PEOPLE, FakeAirflow
from tests.actions.fakes import make
from tests.parts import missing

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("airflow")]

TARGET = Target("training", "airflow")
KEY = "INC-7/M1/0123456789abcdef"
RUN = run_id(KEY)


@pytest.fixture
def oracle() -> Any:
    """Airflow's own client; the test is skipped by name where it is not installed."""
    try:
        from airflow_client import client
        from airflow_client.client import api, models
    except ModuleNotFoundError:
        missing("apache-airflow-client")
    return client, api, models


@dataclass
class Heard(httpx.AsyncBaseTransport):
    """Hands every request on, and keeps it with its answer."""

    inner: httpx.AsyncBaseTransport
    heard: list[tuple[httpx.Request, int, Any]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        content = await answer.aread()
        self.heard.append((request, answer.status_code, json.loads(content)))
        return httpx.Response(answer.status_code, headers={"content-type": "application/json"}, content=content)


async def everything(door: Action, fake: FakeAirflow) -> None:
    """Each request the action knows, at least once."""
    fake.starts("nightly")
    for means, params in [
        (Means.PAUSE, {"stop_running": True}),
        (Means.PAUSE, {"resume": True}),
        (Means.RETRAIN, {"conf": {"since": "2026-11-01", "epochs": 3}}),
    ]:
        plan = await door.plan(TARGET, means, params)
        await door.execute(plan, KEY)
        assert (await door.observe(plan, KEY)).seen is Seen.APPLIED
        if plan.reversible:
            await door.undo(plan, f"{KEY}/undo")
            assert (await door.undone(plan, f"{KEY}/undo")).seen is Seen.APPLIED
            await door.execute(await door.plan(TARGET, means, params), KEY)


def shape(method: str, url: str, body: Any) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    """A request without what does not matter: the host, and the order of a query."""
    parts = urlsplit(url)
    return method, parts.path, tuple(sorted(parse_qsl(parts.query))), json.dumps(body, sort_keys=True)


def told(api: Any, operation: str, **given: Any) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    """The request Airflow's own client makes for an operation."""
    serialize = getattr(api, f"_{operation}_serialize")
    names = inspect.signature(serialize).parameters
    assert set(given) <= set(names)
    made = serialize(**{name: given.get(name, 0 if name == "_host_index" else None) for name in names})
    return shape(made[0], made[1], made[3])


async def test_our_requests_are_those_of_airflows_own_client(oracle: Any) -> None:
    """Method, path, query and body of every request, compared with what the generated client makes of the operation."""
    client, api, models = oracle
    fake = FakeAirflow()
    heard = Heard(httpx.ASGITransport(fake.app))
    door = make("airflow", heard, url="http://airflow", dag=DAG, user="ann", password=PEOPLE["ann"])
    await everything(door, fake)
    ours = {
        shape(each.method, str(each.url), json.loads(each.content) if each.content else None)
        for each, _status, _answer in heard.heard
        if each.url.path != "/auth/token"
    }
    connection = client.ApiClient(client.Configuration(host="http://airflow"))
    runs, dags, logs = api.DagRunApi(connection), api.DAGApi(connection), api.EventLogApi(connection)
    pause = {"dag_id": DAG, "update_mask": ["is_paused"]}
    stop = {"dag_id": DAG, "dag_run_id": "nightly", "update_mask": ["state"]}
    conf = {"since": "2026-11-01", "epochs": 3}
    trigger = models.TriggerDAGRunPostBody(dag_run_id=RUN, logical_date=None, conf=conf)
    log = {"dag_id": DAG, "event": "patch_dag", "order_by": ["-event_log_id"], "limit": 2}
    assert ours == {
        told(dags, "get_dag_details", dag_id=DAG),
        told(dags, "patch_dag", **pause, dag_patch_body=models.DAGPatchBody(is_paused=True)),
        told(dags, "patch_dag", **pause, dag_patch_body=models.DAGPatchBody(is_paused=False)),
        told(logs, "get_event_logs", **log),
        told(runs, "get_dag_runs", dag_id=DAG, state=["running"], order_by=["-run_after"], limit=100),
        told(runs, "get_dag_run", dag_id=DAG, dag_run_id="nightly"),
        told(runs, "get_dag_run", dag_id=DAG, dag_run_id=RUN),
        told(runs, "patch_dag_run", **stop, dag_run_patch_body=models.DAGRunPatchBody(state="failed")),
        told(runs, "trigger_dag_run", dag_id=DAG, trigger_dag_run_post_body=trigger),
    }


async def test_our_fake_answers_what_airflows_own_models_understand(oracle: Any) -> None:
    """Every answer of ours is one the generated models take, and names nothing they do not know."""
    _client, _api, models = oracle
    fake = FakeAirflow()
    heard = Heard(httpx.ASGITransport(fake.app))
    door = make("airflow", heard, url="http://airflow", dag=DAG, user="ann", password=PEOPLE["ann"])
    await everything(door, fake)
    kinds = {
        ("GET", "details"): models.DAGDetailsResponse, ("PATCH", DAG): models.DAGResponse,
        ("GET", "eventLogs"): models.EventLogCollectionResponse, ("GET", "dagRuns"): models.DAGRunCollectionResponse,
        ("POST", "dagRuns"): models.DAGRunResponse, ("GET", RUN): models.DAGRunResponse,
        ("GET", "nightly"): models.DAGRunResponse, ("PATCH", "nightly"): models.DAGRunResponse,
    }  # fmt: skip
    seen = set()
    for request, status, answer in heard.heard:
        at = (request.method, request.url.path.rpartition("/")[2])
        if at[1] == "token" or status == 404:
            continue
        assert status == 200
        kinds[at].from_dict(answer)
        seen.add(at)
    assert seen == set(kinds)


# -- the same script, asked of the fake and of a running Airflow -------------------------------------------------------

EXPECTED = {
    "log in": 201, "log in with a wrong password": 401,
    "read": 200, "read nobody": 404, "read with a spoilt token": 403, "read without a token": 401,
    "resume": 200, "resume again": 200, "resume by a word": 422, "another field": 400, "pause nobody": 404,
    "audit log": 200,
    "run": 200, "run again": 409, "run without a date": 422, "run under an odd id": 400, "run told a word": 422,
    "run of nobody": 404, "the run": 200, "no such run": 404, "runs that run": 200,
    "stop": 200, "stop again": 200, "stop to a wrong state": 422, "stop no such run": 404,
    "pause by a reader": 403, "run by a reader": 403, "stop by a reader": 403, "pause": 200,
}  # fmt: skip


async def walk(client: httpx.AsyncClient, dag: str, who: Mapping[str, tuple[str, str]]) -> dict[str, int]:
    """One script of requests; what each was answered."""
    answers: dict[str, int] = {}
    tokens: dict[str, str] = {"spoilt": "nonsense", "none": ""}

    async def ask(step: str, method: str, path: str, body: Any = None, by: str = "ann", **query: str) -> None:
        headers = {"authorization": f"Bearer {tokens[by]}"} if tokens[by] else {}
        answer = await client.request(method, path, json=body, headers=headers, params=query)
        answers[step] = answer.status_code

    for name, (user, password) in who.items():
        given = await client.post("/auth/token", json={"username": user, "password": password})
        answers["log in"] = given.status_code
        tokens[name] = given.json()["access_token"]
    wrong = await client.post("/auth/token", json={"username": who["ann"][0], "password": "no"})
    answers["log in with a wrong password"] = wrong.status_code
    at, nobody, run = f"/api/v2/dags/{dag}", "/api/v2/dags/nobody-of-that-name", f"tocsin__{uuid.uuid4().hex}"
    await ask("read", "GET", f"{at}/details")
    await ask("read nobody", "GET", f"{nobody}/details")
    await ask("read with a spoilt token", "GET", f"{at}/details", by="spoilt")
    await ask("read without a token", "GET", f"{at}/details", by="none")
    for step in ("resume", "resume again"):
        await ask(step, "PATCH", at, {"is_paused": False}, update_mask="is_paused")
    await ask("resume by a word", "PATCH", at, {"is_paused": "nope"}, update_mask="is_paused")
    await ask("another field", "PATCH", at, {"is_paused": False}, update_mask="tags")
    await ask("pause nobody", "PATCH", nobody, {"is_paused": True}, update_mask="is_paused")
    await ask(
        "audit log", "GET", "/api/v2/eventLogs", dag_id=dag, event="patch_dag", order_by="-event_log_id", limit="2"
    )
    runs, body = f"{at}/dagRuns", {"dag_run_id": run, "logical_date": None, "conf": {"a": 1}}
    await ask("run", "POST", runs, body)
    await ask("run again", "POST", runs, body)
    await ask("run without a date", "POST", runs, {"dag_run_id": f"{run}x"})
    await ask("run under an odd id", "POST", runs, body | {"dag_run_id": "a/b c"})
    await ask("run told a word", "POST", runs, body | {"dag_run_id": f"{run}y", "conf": "no"})
    await ask("run of nobody", "POST", f"{nobody}/dagRuns", body)
    await ask("the run", "GET", f"{runs}/{run}")
    await ask("no such run", "GET", f"{runs}/none-of-that-name")
    await ask("runs that run", "GET", runs, state="running", order_by="-run_after", limit="100")
    for step in ("stop", "stop again"):
        await ask(step, "PATCH", f"{runs}/{run}", {"state": "failed"}, update_mask="state")
    await ask("stop to a wrong state", "PATCH", f"{runs}/{run}", {"state": "wrong"}, update_mask="state")
    await ask("stop no such run", "PATCH", f"{runs}/none-of-that-name", {"state": "failed"}, update_mask="state")
    if "rita" in who:
        await ask("pause by a reader", "PATCH", at, {"is_paused": True}, "rita", update_mask="is_paused")
        await ask("run by a reader", "POST", runs, body | {"dag_run_id": f"{run}z"}, "rita")
        await ask("stop by a reader", "PATCH", f"{runs}/{run}", {"state": "failed"}, "rita", update_mask="state")
    await ask("pause", "PATCH", at, {"is_paused": True}, update_mask="is_paused")
    return answers


async def test_our_fake_answers_as_written_down() -> None:
    """Happy, repeated, missing, wrong, forbidden: the codes that a running Airflow 3.3 was found to answer with."""
    async with httpx.AsyncClient(base_url="http://airflow", transport=httpx.ASGITransport(FakeAirflow().app)) as client:
        assert await walk(client, DAG, {name: (name, PEOPLE[name]) for name in ("ann", "rita")}) == EXPECTED


@dataclass(frozen=True)
class Running:
    """The Airflow that the environment names."""

    url: str
    dag: str
    who: dict[str, tuple[str, str]]


@pytest.fixture
async def airflow() -> AsyncIterator[Running]:
    """It, with the DAG left paused or running as it was found."""
    given = {name: os.environ.get(f"TOCSIN_AIRFLOW_{name}", "") for name in ("URL", "USER", "PASSWORD", "DAG")}
    if not all(given.values()):
        pytest.skip("no Airflow is named: set TOCSIN_AIRFLOW_URL, _USER, _PASSWORD and _DAG")
    who = {"ann": (given["USER"], given["PASSWORD"])}
    if reader := os.environ.get("TOCSIN_AIRFLOW_READER"):
        who["rita"] = (reader, os.environ.get("TOCSIN_AIRFLOW_READER_PASSWORD", ""))
    made = Running(given["URL"].rstrip("/"), given["DAG"], who)
    async with httpx.AsyncClient(base_url=made.url, trust_env=False, timeout=30) as client:
        body = {"username": made.who["ann"][0], "password": made.who["ann"][1]}
        token = (await client.post("/auth/token", json=body)).json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        before = (await client.get(f"/api/v2/dags/{made.dag}")).json()["is_paused"]
        await client.patch(f"/api/v2/dags/{made.dag}", json={"is_paused": False})
        yield made
        await client.patch(f"/api/v2/dags/{made.dag}", json={"is_paused": before})


def action(airflow: Running, who: str = "ann") -> Action:
    user, password = airflow.who[who]
    return make("airflow", url=airflow.url, dag=airflow.dag, user=user, password=password, timeout_seconds=30)


async def test_a_running_airflow_answers_as_our_fake_does(airflow: Running) -> None:
    """The same script, the same codes; without a reader its three steps are left out."""
    async with httpx.AsyncClient(base_url=airflow.url, trust_env=False, timeout=30) as client:
        found = await walk(client, airflow.dag, airflow.who)
    assert found == {step: code for step, code in EXPECTED.items() if step in found}
    assert len(EXPECTED) - len(found) == (0 if "rita" in airflow.who else 3)


async def test_a_running_airflow_is_paused_resumed_and_never_overrun(airflow: Running) -> None:
    """Planned, done once, undone; a resume by another hand makes the plan stale and is left alone."""
    door, other = action(airflow), action(airflow)
    plan = await door.plan(TARGET, Means.PAUSE, {})
    assert (await door.observe(plan, KEY)).seen is Seen.NOT_APPLIED
    await door.execute(plan, KEY)
    await door.execute(plan, KEY)
    assert (await door.observe(plan, KEY)).seen is Seen.APPLIED
    await door.undo(plan, f"{KEY}/undo")
    assert (await door.undone(plan, f"{KEY}/undo")).seen is Seen.APPLIED
    again = await door.plan(TARGET, Means.PAUSE, {})
    await door.execute(again, KEY)
    for params in ({"resume": True}, {}):
        await other.execute(await other.plan(TARGET, Means.PAUSE, params), "other")
    with pytest.raises(Refused, match="paused or resumed again since"):
        await door.undo(again, f"{KEY}/undo")
    await other.execute(await other.plan(TARGET, Means.PAUSE, {"resume": True}), "other")
    with pytest.raises(Refused, match="was paused, resumed or started since"):
        await door.execute(again, KEY)
    await door.close()
    await other.close()


async def test_a_running_airflow_retrains_once_and_the_run_can_be_stopped(airflow: Running) -> None:
    """One run under the key's id, running; a pause that stops it ends it, and that has no way back."""
    door, key = action(airflow), f"INC-7/M1/{uuid.uuid4().hex[:16]}"
    plan = await door.plan(TARGET, Means.RETRAIN, {"conf": {"since": "2026-11-01"}})
    await door.execute(plan, key)
    await door.execute(plan, key)
    until = time.monotonic() + 60
    while "waits" in (seen := await door.observe(plan, key)).detail and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    assert (seen.seen, seen.detail) == (Seen.APPLIED, f"run {run_id(key)} runs")
    stop = await door.plan(TARGET, Means.PAUSE, {"stop_running": True})
    assert f"run {run_id(key)}: running → failed" in stop.diff
    await door.execute(stop, f"{key}/stop")
    assert (await door.observe(stop, f"{key}/stop")).seen is Seen.APPLIED
    assert "failed" in (await door.observe(plan, key)).detail
    with pytest.raises(Refused, match="no way back"):
        await door.undo(stop, f"{key}/stop/undo")
    await door.close()
