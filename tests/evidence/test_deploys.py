"""What changed lately: releases and pipeline runs, each with its time."""

from __future__ import annotations

import pytest

from bot.domain.errors import Unavailable
from tests.evidence.fakes import ModelService, asked, bearing, collect
from tests.kit import at
from tests.parts import CANARY
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS}


def release(seconds: float, version: str = "v2", previous: str | None = "v1") -> dict:
    return {"version": version, "previous": previous, "at": at(seconds).isoformat(), "by": "deployer"}


def run(seconds: float, code: str = "b", was: str = "a") -> dict:
    previous = {"run_id": "run-7", "started_at": at(-90_000).isoformat(), "code_revision": was}
    return {"run_id": "run-8", "started_at": at(seconds).isoformat(), "code_revision": code, "previous": previous}


QUIET = run(-90_000)


def texts(collected) -> list[str]:
    return [found.text for found in collected.findings]


async def test_a_release_just_before() -> None:
    """A release of a moment ago is told with its time, and speaks for what releases bring."""
    found = await collect("deploys", ModelService(deploys=[release(-5)], pipeline=QUIET).app, asked())
    assert texts(found) == ["v2 replaced v1 at 11:59:55 UTC by deployer"]
    assert bearing(found, "training_data") > 0
    assert bearing(found, "code_change") > 0


async def test_a_new_run_of_the_pipeline() -> None:
    """A new run with other code speaks for the pipeline more than one with the same."""
    other = await collect("deploys", ModelService(pipeline=run(-12)).app, asked())
    assert texts(other) == [
        "a new run of the live feature pipeline, run-8, began at 11:59:48 UTC, with other code (a → b)"
    ]
    same = await collect("deploys", ModelService(pipeline=run(-12, "a")).app, asked())
    assert bearing(other, "feature_pipeline") > bearing(same, "feature_pipeline") > 0


async def test_nothing_changed() -> None:
    """Old changes, and the very first release, are no change: then the world or a source may have moved."""
    service = ModelService(deploys=[release(-7200), release(-60, "v1", None)], pipeline=QUIET)
    found = await collect("deploys", service.app, asked())
    assert texts(found) == [
        "nothing was released, and no pipeline run began, since 11:01 UTC",
    ]
    assert bearing(found, "code_change") < 0 < bearing(found, "concept_drift")


async def test_a_release_gone_back_on_blames_nothing() -> None:
    """Only the newest release is what serves; the earlier ones are told."""
    deploys = [release(-600, "v3", "v1"), release(-5, "v2", "v3")]
    found = await collect("deploys", ModelService(deploys=deploys, pipeline=QUIET).app, asked())
    assert texts(found) == [
        "v2 replaced v3 at 11:59:55 UTC by deployer",
        "v3 replaced v1 at 11:50:00 UTC by deployer",
    ]
    assert found.findings[1].bears == ()


async def test_only_the_asked_stretch_and_the_window_before() -> None:
    """What came after the question is not its business; a question that reaches further back than the window counts."""
    service = ModelService(deploys=[release(-7000), release(30), release(300)], pipeline=QUIET)
    assert texts(await collect("deploys", service.app, asked())) == ["v2 replaced v1 at 12:00:30 UTC by deployer"]
    assert len(texts(await collect("deploys", service.app, asked(since=at(-7200))))) == 2


async def test_a_service_without_a_pipeline() -> None:
    """With no pipeline configured, none is asked for."""
    found = await collect("deploys", ModelService(deploys=[]).app, asked(), pipeline_path="")
    assert texts(found) == ["nothing was released since 11:01 UTC"]


@pytest.mark.parametrize("deploys", [[{"version": "v2"}], ["v2"], [{"at": "yesterday"}]])
async def test_a_log_that_cannot_be_read(deploys) -> None:
    """A release without a time is no release one can place."""
    with pytest.raises(Unavailable):
        await collect("deploys", ModelService(deploys=deploys, pipeline=QUIET).app, asked())
