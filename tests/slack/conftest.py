"""The Slack room and the practice workspace, by the ways in; a file that needs another bench makes its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.slack.bench import Bench


@pytest.fixture
async def sock(tmp_path: Path) -> AsyncIterator[Bench]:
    """By Socket Mode."""
    async with Bench.open(tmp_path) as made:
        yield made


@pytest.fixture(params=["socket", "http"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Once by each way in."""
    async with Bench.open(tmp_path, transport=request.param) as made:
        yield made
