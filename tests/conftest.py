"""What tests of every folder may ask for, and which of them a plain run leaves out."""

import gc
import os

import pytest

from tests.kube.cluster import cluster
from tests.mlflow import mlflow_url
from tests.postgres import postgres

__all__ = ["cluster", "mlflow_url", "postgres"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A plain run is over while its reader still watches: what takes its time is told as skipped, by name."""
    if os.environ.get("CI") == "true" or "long" in config.option.markexpr:
        return
    skipped = pytest.mark.skip(reason="takes its time: `uv run pytest -m long` runs it, and CI=true")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skipped)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no search for garbage walks through thousands of tests each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
