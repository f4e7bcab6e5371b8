"""The console over a real store, new for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.fakes import Place, place


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Place]:
    async with place(tmp_path) as made:
        yield made
