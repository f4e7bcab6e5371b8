"""The demonstration's parts, trained once for all tests, with a clock the tests move."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.demo import data, models
from bot.demo.pipeline import Pipeline
from bot.demo.router import Router
from bot.demo.service import Service
from bot.demo.truth import Truth


class MovedClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture(scope="session")
def people() -> tuple[data.People, data.People]:
    return data.load()


@pytest.fixture(scope="session")
def trained_in(tmp_path_factory: pytest.TempPathFactory, people: tuple[data.People, data.People]) -> Path:
    """A folder in which the versions have been trained."""
    folder = tmp_path_factory.mktemp("trained")
    models.prepare(folder, *people, MovedClock().now)
    return folder


@pytest.fixture(scope="session")
def trained(trained_in: Path, people: tuple[data.People, data.People]) -> models.Models:
    return models.prepare(trained_in, *people, MovedClock().now)


@pytest.fixture
def pipeline(tmp_path: Path, clock: MovedClock) -> Pipeline:
    return Pipeline(tmp_path / "pipeline.json", clock.now)


@pytest.fixture
def truth(clock: MovedClock) -> Truth:
    return Truth(clock.now)


@pytest.fixture
def service(
    trained: models.Models, people: tuple[data.People, data.People], pipeline: Pipeline, truth: Truth, clock: MovedClock
) -> Service:
    return Service(trained, people[1], pipeline, truth, clock.now)


@pytest.fixture
def router_at(clock: MovedClock) -> Callable[[Path], Router]:
    """Opens a router on a file, as a restart would."""

    def open_(path: Path) -> Router:
        slices = ["health=good", "health=poor"]
        return Router(path, clock.now, weighted=models.RELEASES, fallbacks=["rules"], slices=slices)

    return open_
