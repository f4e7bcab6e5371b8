"""The drift instrument on a prediction log in files: the same verdicts as on rows, however many there are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from bot import shelf
from bot.domain.errors import Unavailable
from bot.evidence import _log
from tests.evidence.fakes import ModelService, asked, bearing, collect, instrument, lost, version
from tests.kit import NOON, at
from tests.parts import Hands

REGIONS = ("eu", "us", "asia", "africa")


def rows(dice: np.random.Generator, count: int, **changed: Any) -> dict[str, Any]:
    """Features of a model, slices, and the outcome."""
    columns = {
        "age": dice.normal(40, 10, count),
        "income": dice.lognormal(3, 1.5, count),
        "plan": dice.choice(["free", "pro"], count),
        "health": dice.choice(["poor", "good"], count, p=[0.3, 0.7]),
        "region": np.array(REGIONS)[np.arange(count) % len(REGIONS)],
    }
    columns["label"] = (dice.random(count) < 0.43).astype(float)
    return columns | changed


def poor(columns: Mapping[str, Any]) -> np.ndarray:
    return columns["health"] == "poor"


class Files:
    """A log of `count` predictions in the minute after noon, and training sets of two versions."""

    def __init__(self, folder: Path, count: int = 20_000, serving: str = "v2") -> None:
        dice = np.random.default_rng(11)
        self.folder = folder
        self.live = rows(dice, count)
        self.live["at"] = [NOON + timedelta(seconds=60 * number / count) for number in range(count)]
        self.live["version"] = np.full(count, serving)
        self.trained = {name: rows(dice, 8_000) for name in ("v1", "v2")}

    def settings(self, **changed: Any) -> dict[str, Any]:
        """Written to disk; the settings that lead there."""
        pq.write_table(pa.table(self.live), self.folder / "live.parquet")
        for name, table in self.trained.items():
            pq.write_table(pa.table(table), self.folder / f"train-{name}.parquet")
        told = {
            "path": f"{self.folder}/live*.parquet",
            "reference": f"{self.folder}/train-{{version}}.parquet",
            "slices": ["health", "region"],
            "label": "label",
        }
        return {"url": "", "log": told | changed}

    async def found(self, question, **changed: Any):
        return await collect("drift", ModelService().app, question, **self.settings(**changed))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def texts(collected) -> str:
    return "\n".join(found.text for found in collected.findings)


async def test_a_broken_feature_reaches_every_version(files: Files) -> None:
    """A feature stuck at zero in the slice differs from every training set: the pipeline, and rolling back is argued against."""
    files.live["income"] = np.where(poor(files.live), 0.0, files.live["income"])
    found = await files.found(asked())
    assert "health=poor is served by v2" in texts(found)
    assert "inputs of health=poor: income (KS 1.00, floor 0.15) differs from every version's training data" in texts(
        found
    )
    assert bearing(found, "feature_pipeline") >= 3
    assert bearing(found, "training_data") < 0
    healthy = await files.found(asked("health=good"))
    assert "no input feature of health=good drifted" in texts(healthy)


async def test_drift_against_the_serving_version_only(files: Files) -> None:
    """The version before was trained on rows like the traffic: the serving one was not."""
    files.trained["v2"]["age"] = files.trained["v2"]["age"] + 15
    found = await files.found(asked())
    assert "differs from what v2 was trained on, not from every version's training data" in texts(found)
    assert bearing(found, "training_data") > 0


async def test_lost_labels_are_found_in_the_training_set(files: Files) -> None:
    """The label rate of the slice is read from the training sets themselves; what v2 was never taught points at its data."""
    table = files.trained["v2"]
    table["label"] = np.where(poor(table), 0.0, table["label"])
    found = await files.found(asked())
    assert "v2 was trained with label rate 0.00 in health=poor; live it is 0.4" in texts(found)
    assert bearing(found, "training_data") >= 3


async def test_all_traffic_names_the_slices_that_drifted(files: Files) -> None:
    """Drift in one region hardly moves the whole: the finding names the region, and the whole stays quiet."""
    files.live["age"] = np.where(files.live["region"] == "asia", files.live["age"] + 5, files.live["age"])
    found = await files.found(asked(""))
    assert "no input feature of all traffic drifted" in texts(found)
    assert "inputs drifted in 1 of 6 slices: region=asia: age (" in texts(found)


async def test_healthy_traffic_speaks_for_nothing(files: Files) -> None:
    """Nothing drifted, outcomes as taught: no cause is supported, and no slice is named."""
    found = await files.found(asked(""))
    assert all(weight < 0 for each in found.findings for _, weight in each.bears)
    assert "inputs drifted" not in texts(found)


async def test_no_row_is_kept(files: Files) -> None:
    """What is kept of a log in files is what was found, and how many rows were looked at."""
    (name, kind, content), *rest = (await files.found(asked())).exhibits
    told = json.loads(content)
    assert (name, kind, rest) == ("drift-health-poor.json", "application/json", [])
    assert told.keys() == {"slice", "rows", "compared"}
    assert told["rows"] == int(poor(files.live).sum())
    assert {each["kind"] for each in told["compared"]["v2"]} == {"ks", "psi", "wasserstein", "missing"}
    assert {each["feature"] for each in told["compared"]["v2"]} == {"age", "income", "plan"}


async def test_lineage_from_the_service_and_rows_from_files(files: Files) -> None:
    """With a url the versions' lineage is asked for: label rates it tells hold, and a rule is no version."""
    service = ModelService(versions=[version("v1"), lost("v2"), version("rules", kind="rule")])
    found = await collect("drift", service.app, asked(), **(files.settings() | {"url": "http://model"}))
    assert "v2 was trained with label rate 0.00 in health=poor" in texts(found)
    assert service.seen == []


async def test_one_reference_for_all_versions(files: Files) -> None:
    """Without {version} there is one reference, and what differs from it is left open between pipeline and training."""
    files.live["age"] = files.live["age"] + 20
    found = await files.found(asked(), reference=f"{files.folder}/train-v1.parquet")
    inputs = next(dict(each.bears) for each in found.findings if each.text.startswith("inputs of"))
    assert inputs["feature_pipeline"] > inputs["training_data"] > 0


async def test_a_release_is_judged_by_what_it_served(files: Files) -> None:
    """What the version before predicted in the same minutes does not count."""
    files.live["version"][:10_000] = "v1"
    found = await files.found(asked("region=eu"))
    assert "(2500 live rows" in texts(found)


async def test_only_the_asked_stretch_counts(files: Files) -> None:
    """Rows outside the question's time are not looked at; too few of them say nothing."""
    found = await files.found(asked("region=eu", until=at(0.05)))
    assert "only 5 predictions of region=eu lately: nothing is said of drift" in texts(found)


async def test_counts_of_a_training_set_are_kept_until_it_changes(files: Files) -> None:
    """A training set is read once; a file written anew is read again."""
    door = instrument("drift", ModelService().app, **files.settings())
    assert "no input feature" in texts(await door.collect(asked()))
    assert "no input feature" in texts(await door.collect(asked()))
    for name in files.trained:
        files.trained[name]["age"] = files.trained[name]["age"] + 30
    files.settings()
    assert "age (KS" in texts(await door.collect(asked()))
    await door.close()


async def test_a_feature_that_is_gone_is_told(files: Files) -> None:
    """A column the log no longer has is drift, not an error: that is how pipelines break."""
    del files.live["income"]
    assert "income (income is missing from the live data) differs from every version" in texts(
        await files.found(asked())
    )


@pytest.mark.parametrize(
    ("changed", "slice_", "because"),
    [
        ({"time": "when"}, "health=poor", r"live.*has no column? 'when'; there is age"),
        ({"version": "model"}, "health=poor", r"live.*has no column 'model'"),
        ({"label": "outcome"}, "health=poor", r"live.*has no column 'outcome'"),
        ({"label": "plan"}, "health=poor", r"live.*column 'plan' is VARCHAR, not a number"),
        ({"slices": ["health", "city"]}, "health=poor", r"train-v2\.parquet: has no column 'city'"),
        ({"features": ["age", "colour"]}, "health=poor", r"train-v2\.parquet: has no column 'colour'"),
        ({}, "city=rome", r"is not cut by city=rome: its slice columns are health, region"),
        ({"path": "/nowhere/*.parquet"}, "health=poor", r"/nowhere/\*\.parquet: could not be read: .*No files found"),
        ({"reference": "/nowhere/{version}.parquet"}, "health=poor", r"/nowhere/v2\.parquet: is not there"),
    ],
)
async def test_bad_input_names_file_and_column(files: Files, changed, slice_: str, because: str) -> None:
    """Whatever does not fit is a sentence that names the file, and the column where it is about one."""
    with pytest.raises(Unavailable, match=because):
        await files.found(asked(slice_), **changed)


async def test_a_slice_the_reference_does_not_know(files: Files) -> None:
    """A slice nobody trained on is no slice without drift: it is said that there is nothing to compare it with."""
    files.live["health"] = np.where(poor(files.live), "unheard of", "good")
    with pytest.raises(Unavailable, match=r"train-v2\.parquet: has 0 rows of health=unheard of: too few to compare"):
        await files.found(asked("health=unheard of"))


async def test_a_version_leads_to_no_other_folder(files: Files) -> None:
    """A version's name comes from the log: with a slash in it, it is refused."""
    files.live["version"] = np.full(len(files.live["version"]), "../v2")
    service = ModelService(versions=[version("../v2")])
    with pytest.raises(Unavailable, match="cannot be part of a path"):
        await collect("drift", service.app, asked(), **(files.settings() | {"url": "http://model"}))


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ({}, "expected url, the model service's address, or log"),
        ({"log": {"path": "a.xlsx", "reference": "b.parquet"}}, "expected a path that ends in .parquet"),
        ({"log": {"path": "a.csv", "reference": "b.parquet", "colunms": 1}}, "colunms"),
        ({"log": {"path": "a.csv", "reference": "b.parquet", "memory": "lots"}}, "memory"),
        ({"log": {"path": "a.duckdb", "reference": "b.parquet"}}, "expected table"),
    ],
)
def test_settings_that_cannot_be_meant(given, because: str) -> None:
    """Neither address nor log, a file of another kind, a misspelt name: told when the configuration is read."""
    kind = shelf.load("evidence", "drift")
    with pytest.raises(ValidationError, match=because):
        kind.Settings.model_validate(given)


@pytest.mark.xdist_group("evidently")
async def test_a_report_of_files(files: Files) -> None:
    """The Evidently report sees some thousand rows of either side, of the slice and its features only."""
    door = instrument("drift", ModelService().app, **files.settings())
    name, kind, content = await door.report(asked())
    await door.close()
    told = json.loads(content)
    assert (name, kind) == ("drift-report-health-poor.json", "application/json")
    assert told["missing"].keys() == {"age", "income", "plan"}
    assert 1_000 < told["rows"]["current"] <= 1.02 * _log.SHOWN


async def test_dask_that_is_not_there_is_a_sentence(files: Files) -> None:
    """An address where no scheduler listens is Unavailable, and says that it is Dask's."""
    pytest.importorskip("distributed", reason="Dask is not installed (tocsin[dask])")
    with pytest.raises(Unavailable, match="Dask"):
        await files.found(asked(), dask="tcp://127.0.0.1:1", seconds=1)


def test_a_log_needs_no_service() -> None:
    """The instrument is made without an address."""
    kind = shelf.load("evidence", "drift")
    kind(kind.Settings.model_validate({"log": {"path": "a.parquet", "reference": "b.parquet"}}), clock=Hands())
