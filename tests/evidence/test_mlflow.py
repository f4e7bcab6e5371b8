"""What sets the serving version apart from the one before, as MLflow's registry and runs tell it."""

from __future__ import annotations

import pytest

from bot.domain.errors import Unavailable
from tests.actions.fake_mlflow import FakeMLflow
from tests.evidence.fakes import asked, bearing, collect
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS, "model": "visits"}


def texts(collected) -> str:
    return "\n".join(found.text for found in collected.findings)


def run(digest: str, rate: float, commit: str = "c0de") -> dict:
    return {
        "data": {
            "params": [{"key": "max_iter", "value": "60"}],
            "tags": [{"key": "mlflow.source.git.commit", "value": commit}],
            "metrics": [{"key": "train_pos_rate.poor", "value": rate}, {"key": "accuracy", "value": 0.6}],
        },
        "inputs": {"dataset_inputs": [{"dataset": {"name": "train", "digest": digest}}]},
    }


async def test_other_data_and_the_same_code() -> None:
    """Champion against previous: dataset digest, label rate and code."""
    registry = FakeMLflow(runs={"r1": run("d1", 0.43), "r2": run("d2", 0.0)})
    found = await collect("mlflow", registry.app, asked(), model="visits")
    assert "the training data changed from visits version 1 to visits version 2: d1 → d2" in texts(found)
    assert "training label rate of health=poor: 0.43 in visits version 1, 0.00 in visits version 2" in texts(found)
    assert bearing(found, "training_data") > 2
    assert bearing(found, "code_change") < 0


async def test_mlflow_without_the_previous_alias() -> None:
    """The highest older version is compared with."""
    registry = FakeMLflow(aliases={"champion": "3"}, runs={"r2": run("d2", 0.4), "r3": run("d2", 0.4, "other")})
    found = await collect("mlflow", registry.app, asked(), model="visits")
    assert "from visits version 2 to visits version 3 changed: code c0de → other" in texts(found)


async def test_mlflows_first_version() -> None:
    """No release to compare with."""
    found = await collect("mlflow", FakeMLflow(aliases={"champion": "1"}).app, asked(), model="visits")
    assert "version 1 of visits is the first" in texts(found)


async def test_mlflow_without_champion_or_run() -> None:
    """What is missing is named."""
    with pytest.raises(Unavailable, match="no alias champion of visits"):
        await collect("mlflow", FakeMLflow(aliases={}).app, asked(), model="visits")
    with pytest.raises(Unavailable, match="answered 404"):
        await collect("mlflow", FakeMLflow().app, asked(), model="visits")
