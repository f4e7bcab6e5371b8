"""The model service counts what it did, shows what the model saw, and the router in front forwards by slice."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from bot.demo import data, gateway, hosting, wire
from bot.demo import service as serve
from bot.demo.models import VERSIONS
from bot.demo.operations import Operations
from bot.demo.router import Router
from bot.demo.service import Service
from bot.demo.traffic import Traffic
from bot.demo.truth import Truth
from tests.demo.conftest import MovedClock

pytestmark = pytest.mark.xdist_group("demo")


def at(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://world")


def numbers(exposition: str) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in exposition.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def rows_of(people: data.People, *, poor: bool, label: int, n: int) -> list[int]:
    return [i for i in range(len(people)) if people.poor[i] == poor and people.labels[i] == label][:n]


async def test_counters_after_known_requests(service: Service, people: tuple[data.People, data.People]) -> None:
    """Seven requests of known slice and outcome add up in the counters of their version, and only there."""
    async with at(serve.app(service, "rules")) as client:
        before = numbers((await client.get("/metrics")).text)
        assert before['predictions_total{health="poor",model="visits",version="rules"}'] == 0
        said: dict[bool, list[int]] = {}
        for poor, label, n in ((True, 1, 4), (False, 0, 3)):
            for row in rows_of(people[1], poor=poor, label=label, n=n):
                answer = (await client.post("/predict", json={"row": row})).json()
                said.setdefault(poor, []).append(answer["prediction"])
        told = numbers((await client.get("/metrics")).text)
    of = '{health="%s",model="visits",version="rules"}'
    assert told["predictions_total" + of % "poor"] == told["positives_total" + of % "poor"] == 4
    assert told["true_positives_total" + of % "poor"] == sum(said[True])
    assert told["predictions_correct_total" + of % "poor"] == sum(said[True])
    assert told["predictions_total" + of % "good"] == told["predictions_labelled_total" + of % "good"] == 3
    assert told["positives_total" + of % "good"] == 0
    assert told["predictions_correct_total" + of % "good"] == 3 - sum(said[False])
    assert told["prediction_seconds_count" + of % "poor"] == 4


async def test_a_lost_feature_shows_in_the_log_and_the_counters(
    service: Service, people: tuple[data.People, data.People]
) -> None:
    """Under the fault v1 misses the slice, and the log holds the features as the model saw them, not the source's."""
    rows = rows_of(people[1], poor=True, label=1, n=150)
    async with at(serve.app(service, "v1")) as client:
        found = []
        for fault in (None, "zero"):
            service.pipeline.set_fault(fault)
            found.append(sum([(await client.post("/predict", json={"row": row})).json()["prediction"] for row in rows]))
        log = (await client.get("/predictions", params={"health": "poor", "limit": 150})).json()["predictions"]
    assert found[0] / len(rows) > 0.75
    assert found[1] / len(rows) < 0.3
    assert {entry["features"]["disea"] for entry in log} == {0.0}
    assert log[0].keys() == {"at", "version", "health", "prediction", "label", "features"}
    assert log[0]["features"].keys() == set(data.FEATURES)


async def test_the_log_pages_by_time_and_filters(service: Service, clock: MovedClock) -> None:
    """Without `since` the newest, with it the first after it, oldest first; by version and slice if asked."""
    for row in range(6):
        clock.forward(1)
        await service.predict("v1" if row < 4 else "v2", service.case({"row": row}))
    async with at(serve.app(service, "v1")) as client:

        async def asked(**params: object) -> list[dict[str, str]]:
            answer = await client.get("/predictions", params=params)
            return answer.json()["predictions"]

        everything = await asked()
        assert len(everything) == 6
        assert await asked(limit=2) == everything[4:]
        assert await asked(since=everything[1]["at"], limit=2) == everything[2:4]
        assert await asked(version="v2") == everything[4:]
        assert await asked(since=everything[5]["at"]) == []
        for junk in ({"since": "soon"}, {"limit": "0"}, {"limit": "many"}, {"limit": "5001"}):
            assert (await client.get("/predictions", params=junk)).status_code == 400


@pytest.mark.parametrize(
    "junk",
    [
        None, [], {}, {"row": 0, "features": {}}, {"row": -1}, {"row": 8076}, {"row": True}, {"row": "1"},
        {"features": {"disea": 1}}, {"features": dict.fromkeys(data.FEATURES, "x")},
        {"features": dict.fromkeys(data.FEATURES, 1.0), "label": 2},
    ],
)  # fmt: skip
async def test_junk_is_refused_and_not_counted(service: Service, junk: object) -> None:
    """400 with a sentence; no prediction was made."""
    async with at(serve.app(service, "v1")) as client:
        answer = await client.post("/predict", json=junk)
        assert answer.status_code == 400
        assert "expected" in answer.json()["reasons"][0]
        assert (await client.post("/predict", content=b"{half")).status_code == 400
    assert not service.log


async def test_features_of_a_stranger_are_predicted_without_an_outcome(service: Service) -> None:
    """A request by features counts as a prediction, not as a right or wrong one."""
    features = dict.fromkeys(data.FEATURES, 0.0) | {"hlthp": 1.0, "physlm": 1.0}
    async with at(serve.app(service, "rules")) as client:
        answer = (await client.post("/predict", json={"features": features})).json()
        told = numbers((await client.get("/metrics")).text)
    assert answer == {"prediction": 1, "version": "rules", "health": "poor"}
    of = '{health="poor",model="visits",version="rules"}'
    assert (told["predictions_total" + of], told["predictions_labelled_total" + of]) == (1, 0)


async def test_evidence_is_readable(service: Service) -> None:
    """Lineage of every version, training rows per slice, the pipeline's run; an unknown version is 404."""
    async with at(serve.app(service, "v2")) as client:
        lineage = (await client.get("/lineage")).json()
        assert [record["version"] for record in lineage["versions"]] == list(VERSIONS)
        assert lineage["pipeline"] == (await client.get("/pipeline")).json()
        rows = (await client.get(lineage["versions"][1]["reference"], params={"health": "poor"})).json()["rows"]
        assert list(rows) == ["poor"]
        assert (await client.get("/reference/v9")).status_code == 404
        assert (await client.get("/healthz")).json()["version"] == "v2"


@pytest.fixture
async def house(
    service: Service, truth: Truth, clock: MovedClock, tmp_path: Path, router_at: Callable[[Path], Router],
    people: tuple[data.People, data.People],
) -> AsyncIterator[dict[str, str]]:  # fmt: skip
    """Service, router and controls on real ports, without traffic."""
    doors = {name: hosting.door(None) for name in ("v1", "rules", "router", "world")}
    urls = {name: hosting.url(sock) for name, sock in doors.items()}
    dead = hosting.door(None)  # bound, but nobody listens: v2 is down
    router = router_at(tmp_path / "router.json")
    front = gateway.Gateway(router, {"v1": urls["v1"], "v2": hosting.url(dead), "rules": urls["rules"]})
    operations = Operations(
        tmp_path / "deploys.json", router, service.pipeline, truth, service.models.records, clock.now
    )
    traffic = Traffic(urls["router"], people[1], 0)
    apps = {
        "v1": serve.app(service, "v1"), "rules": serve.app(service, "rules"), "router": gateway.app(front),
        "world": wire.app(operations, service, front, traffic, truth),
    }  # fmt: skip
    async with hosting.serving({name: (doors[name], app) for name, app in apps.items()}):
        yield urls
    dead.close()


async def test_requests_go_where_the_router_says(
    house: dict[str, str], people: tuple[data.People, data.People]
) -> None:
    """By weight, by slice, and a backend that is down is a 502 that is counted."""
    (row,) = rows_of(people[1], poor=True, label=1, n=1)
    async with httpx.AsyncClient(base_url=house["router"]) as client:

        async def served(health: str) -> tuple[int, str | None]:
            answer = await client.post("/predict", json={"row": row}, headers={"X-Health": health})
            return answer.status_code, answer.json().get("version")

        assert await served("poor") == (200, "v1")
        change = {"key": "b/1", "expect_revision": 1, "bypass": {"health=poor": "rules"}}
        dry = await client.post("/apply", params={"dry_run": 1}, json=change)
        assert dry.json()["dry_run"]
        assert (await client.get("/applied/b/1")).status_code == 404
        assert (await client.post("/apply", json=change)).json()["revision"] == 2
        assert (await client.get("/applied/b/1")).json()["revision"] == 2
        assert await served("poor") == (200, "rules")
        assert await served("good") == (200, "v1")
        assert (await client.post("/apply", json={**change, "key": "late"})).status_code == 409
        assert (await client.post("/apply", content=b"{half")).status_code == 400
        async with httpx.AsyncClient(base_url=house["world"]) as controls:
            await controls.post("/release", json={"version": "v2"})
        assert await served("good") == (502, None)
        assert await served("martian") == (502, None)
        told = numbers((await client.get("/metrics")).text)
        assert [entry["revision"] for entry in (await client.get("/history")).json()["history"]] == [2, 3]
    assert told['router_requests_total{backend="rules",health="poor"}'] == 1
    assert told['router_requests_total{backend="v2",health="unknown"}'] == 1
    assert told['router_errors_total{backend="v2"}'] == 2
    assert told['router_weight{backend="v2"}'] == 100


async def test_the_controls(house: dict[str, str]) -> None:
    """Release, fault, pause, resume and reset over HTTP; junk is told apart; all metrics come from one address."""
    async with httpx.AsyncClient(base_url=house["world"]) as client:

        async def post(path: str, body: object) -> tuple[int, dict[str, object]]:
            answer = await client.post(path, json=body)
            return answer.status_code, answer.json()

        assert (await post("/release", {"version": "v2"}))[1]["previous"] == "v1"
        assert (await post("/release", {"version": "v2"}))[1]["number"] == 2
        assert (await post("/pipeline/fault", {"kind": "zero"}))[0] == 200
        assert (await post("/pipeline/pause", {"key": "p1"}))[1]["verb"] == "pause"
        assert (await post("/pipeline/resume", {"key": "p1"}))[0] == 409
        assert (await client.get("/pipeline/applied/p1")).json()["changed"] is True
        assert (await client.get("/pipeline/applied/nix")).status_code == 404
        for path, body, status in (
            ("/release", {"version": "v9"}, 404), ("/release", {"version": {}}, 404), ("/release", [], 400),
            ("/pipeline/fault", {}, 400), ("/pipeline/fault", {"kind": "half"}, 404),
            ("/pipeline/pause", {"key": ""}, 400), ("/pipeline/pause", {"key": "k", "expect_run_id": 3}, 400),
            ("/pipeline/pause", None, 400),
        ):  # fmt: skip
            code, told = await post(path, body)
            assert (code, bool(told["reasons"])) == (status, True), (path, body)
        world = (await client.get("/world")).json()
        assert [event["what"] for event in world["events"]] == ["release v2", "pipeline fault zero", "pipeline paused"]
        assert (world["fault"], world["pipeline"]["status"]) == ("zero", "paused")
        async with httpx.AsyncClient(base_url=house["router"]) as router:
            rolled_back = {"key": "m", "expect_revision": 2, "weights": {"v1": 100}, "paused": ["v2"],
                           "bypass": {"health=poor": "rules"}}  # fmt: skip
            assert (await router.post("/apply", json=rolled_back)).status_code == 200
        healthy = (await post("/reset", {}))[1]
        assert (healthy["router"]["bypass"], healthy["router"]["paused"]) == ({}, [])
        assert healthy["router"]["weights"] == {"v1": 100, "v2": 0}
        assert healthy["pipeline"]["status"] == "running"
        assert (await post("/reset", {}))[1]["router"]["revision"] == healthy["router"]["revision"]
        assert [deploy["version"] for deploy in (await client.get("/deploys")).json()["deploys"]] == ["v1", "v2", "v1"]
        exposition = (await client.get("/metrics")).text
    assert exposition.count("# TYPE predictions_total counter") == 1
    told = numbers(exposition)
    assert all(f'predictions_total{{health="poor",model="visits",version="{name}"}}' in told for name in VERSIONS)
