"""The drift instrument tells a broken pipeline, a badly taught version and a changed world apart."""

from __future__ import annotations

import json

import httpx
import pytest

from bot.domain.errors import Unavailable
from tests.evidence.fakes import ModelService, asked, bearing, collect, instrument, lost, version
from tests.kit import at
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS}


def texts(collected) -> str:
    return "\n".join(found.text for found in collected.findings)


async def test_a_version_that_lost_its_labels() -> None:
    """Inputs as ever, but the serving version was never taught the slice's outcomes: its training data, not the pipeline."""
    found = await collect("drift", ModelService().app, asked())
    assert "health=poor is served by v2" in texts(found)
    assert "no input feature of health=poor drifted against any version's training data (200 live rows" in texts(found)
    assert "v2 was trained with label rate 0.00 in health=poor; live it is 0.4" in texts(found)
    assert "v1 with 0.43" in texts(found)
    assert bearing(found, "training_data") >= 3
    assert bearing(found, "feature_pipeline") < 0
    assert bearing(found, "concept_drift") < 0


async def test_a_broken_feature_reaches_every_version() -> None:
    """A feature that differs from every training set is the live pipeline's; rolling back is argued against."""
    service = ModelService(versions=[version("v1"), lost("v2")], serving="v1", broken={"disea": 0.0})
    found = await collect("drift", service.app, asked())
    assert "inputs of health=poor: disea (KS 1.00, floor 0.15) differs from every version's training data" in texts(
        found
    )
    assert bearing(found, "feature_pipeline") >= 3
    assert bearing(found, "training_data") < 0


async def test_drift_against_the_serving_version_only() -> None:
    """The other version's training data look like the traffic: the serving one was trained on something else."""
    service = ModelService(versions=[version("v1"), version("v2")], serving="v2", shifted="v2")
    found = await collect("drift", service.app, asked())
    assert "differs from what v2 was trained on, not from every version's training data" in texts(found)
    assert bearing(found, "training_data") > 0
    assert bearing(found, "feature_pipeline") < 0


async def test_a_changed_world() -> None:
    """Inputs as ever, outcomes unlike anything any version was taught: the concept moved."""
    service = ModelService(versions=[version("v1"), version("v2")], serving="v2", label_rate=0.9)
    found = await collect("drift", service.app, asked())
    assert bearing(found, "concept_drift") >= 3
    assert bearing(found, "training_data") <= 0


async def test_a_healthy_slice_speaks_for_nothing() -> None:
    """Nothing drifted, outcomes as taught: no cause is supported by it."""
    service = ModelService(versions=[version("v1"), version("v2")], serving="v2", label_rate=0.43)
    found = await collect("drift", service.app, asked())
    assert all(weight < 0 for each in found.findings for _, weight in each.bears)


async def test_one_version_alone_leaves_it_open() -> None:
    """With nothing to compare with, a drifted input may be the pipeline or the training data."""
    service = ModelService(versions=[version("v1")], serving="v1", broken={"disea": 0.0})
    found = await collect("drift", service.app, asked())
    inputs = next(dict(each.bears) for each in found.findings if each.text.startswith("inputs of"))
    assert inputs["feature_pipeline"] > inputs["training_data"] > 0


async def test_a_feature_that_goes_missing_counts() -> None:
    """Half the values gone is drift, though the rest look as ever."""
    service = ModelService(versions=[version("v1"), version("v2")], serving="v1")
    for place, row in enumerate(service.predictions):
        if place % 4 == 1:
            row["features"]["age"] = None
    found = await collect("drift", service.app, asked())
    assert "age (missing rate 0.50" in texts(found)


async def test_rules_are_no_version() -> None:
    """A fallback that serves the slice meanwhile is neither compared nor blamed."""
    service = ModelService(versions=[version("v1"), lost("v2"), version("rules", kind="rule")])
    for row in service.predictions[-150:]:
        row["version"] = "rules"
    found = await collect("drift", service.app, asked())
    assert "is served by v2" in texts(found)
    assert "rules" not in texts(found)


async def test_too_few_rows_say_nothing() -> None:
    """Below twenty predictions there is a finding that says so, and it bears on nothing."""
    found = await collect("drift", ModelService(count=30).app, asked())
    assert "only 15 predictions" in texts(found)
    assert not any(each.bears for each in found.findings)


async def test_outcomes_not_known_yet() -> None:
    """Delayed labels: inputs are judged, outcomes are not."""
    service = ModelService()
    for row in service.predictions:
        row["label"] = None
    found = await collect("drift", service.app, asked())
    assert "only 0 outcomes" in texts(found)
    assert bearing(found, "training_data") == 0


async def test_only_the_asked_stretch_is_looked_at() -> None:
    """Rows after the end of the question do not count."""
    found = await collect("drift", ModelService().app, asked(until=at(10)))
    assert "(50 live rows" in texts(found)


async def test_the_rows_are_kept_as_an_exhibit() -> None:
    """What was looked at is evidence: the slice's predictions and every comparison, as JSON."""
    found = await collect("drift", ModelService().app, asked())
    (name, kind, content), *_ = found.exhibits
    kept = json.loads(content)
    assert (name, kind) == ("predictions-health-poor.json", "application/json")
    assert len(kept["predictions"]) == 200
    assert {row["health"] for row in kept["predictions"]} == {"poor"}
    assert kept["compared"].keys() == {"v1", "v2"}
    assert kept["predictions"][-1].keys() == {"at", "version", "health", "prediction", "label", "features"}


async def test_no_more_is_kept_than_was_compared() -> None:
    """Row ids, names and features no version was trained on stay with the service; of many rows the newest 500."""
    service = ModelService(count=1400)
    for number, row in enumerate(service.predictions):
        row |= {"id": number, "who": "Eve"}
        row["features"]["patient"] = f"Eve {number}"
    found = await collect("drift", service.app, asked(until=at(600)), rows=600)
    (_name, _kind, content), *_ = found.exhibits
    assert b"Eve " not in content
    kept = json.loads(content)
    assert (kept["rows"], kept["kept"], len(kept["predictions"])) == (600, 500, 500)
    assert kept["predictions"][-1]["at"] == service.predictions[-1]["at"]
    assert kept["predictions"][0].keys() == {"at", "version", "health", "prediction", "label", "features"}
    assert {*kept["predictions"][0]["features"]} == {"age", "disea", "plan"}


async def test_a_release_is_judged_by_what_it_served() -> None:
    """Asked from long before the release on, only the new version's predictions are compared, and it is the one named."""
    service = ModelService()
    for row in service.predictions[:-60]:
        row["version"] = "v1"
    found = await collect("drift", service.app, asked(since=at(-600)))
    assert "health=poor is served by v2" in texts(found)
    assert "(30 live rows" in texts(found)


async def test_only_the_newest_predictions_count() -> None:
    """However far back the question reaches, the past does not water down what is seen now."""
    found = await collect("drift", ModelService().app, asked(since=at(-600)), rows=80)
    assert "(80 live rows" in texts(found)


async def test_all_traffic_needs_no_slice() -> None:
    """An incident without a slice is compared as a whole."""
    found = await collect("drift", ModelService(serving="v1").app, asked(""))
    assert "all traffic is served by v1" in texts(found)


@pytest.mark.parametrize(
    ("path", "answer", "because"),
    [
        ("/predictions", {"rows": []}, "without 'predictions'"),
        ("/predictions", {"predictions": [{"at": "noon", "features": {}}]}, "a time that is none"),
        ("/predictions", {"predictions": [{"at": "2026-11-20T12:00:01+00:00"}]}, "without 'features'"),
        ("/predictions", {"predictions": [{"at": "2026-11-20T12:00:01", "features": {}}]}, "tells no health"),
        ("/predictions", {"predictions": [{"at": "2026-11-20T12:00:01", "features": {}, "label": "yes"}]}, "outcome"),
        ("/lineage", {"versions": []}, "of no version"),
        ("/lineage", {"versions": [{"name": "v1"}]}, "without 'version'"),
        ("/lineage", {"versions": {"v1": 3}}, "is no object"),
        ("/reference", {"features": ["a"], "rows": {"poor": [[1, 2]]}}, "do not have 1 features"),
        ("/reference", {"rows": {}}, "without 'features'"),
    ],
)
async def test_a_missing_field_is_a_sentence(path: str, answer, because: str) -> None:
    """What the service must tell and does not is Unavailable, naming it."""
    service = httpx.ASGITransport(ModelService().app)

    async def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith(path):
            return httpx.Response(200, json=answer)
        response = await service.handle_async_request(request)
        return httpx.Response(response.status_code, content=await response.aread())

    with pytest.raises(Unavailable, match=because):
        await collect("drift", httpx.MockTransport(answers), asked())


async def test_a_report_needs_rows() -> None:
    """Without predictions there is no report, and the reason is told."""
    door = instrument("drift", ModelService(count=10).app)
    with pytest.raises(Unavailable, match="too few for a report"):
        await door.report(asked())
    await door.close()
