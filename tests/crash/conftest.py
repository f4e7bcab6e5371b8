"""The stages on which houses are killed: one nursery a run, a fresh state for each story."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.crash.nursery import Nursery, nursery
from tests.crash.story import Stage, files
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]

Fresh = Callable[[], AbstractContextManager[tuple[str, str, Path]]]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where both replicas keep everything; "" is the world's own file."""
    if request.param == "sqlite":
        yield ""
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Where houses come from."""
    with nursery(tmp_path_factory.mktemp("nursery") / "said") as found:
        yield found


@pytest.fixture(scope="session")
def on_sqlite(houses: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Stories on SQLite files."""
    base = tmp_path_factory.mktemp("sqlite")
    template, number = base / "template", itertools.count(1)
    template.mkdir()
    _open(houses, f"sqlite:///{template}/tocsin.db", f"sqlite:///{template}/work.db", template)
    return Stage(houses, base, lambda: files(template, base / f"h{next(number)}"))


@pytest.fixture(scope="session")
def on_postgresql(houses: Nursery, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Stories on PostgreSQL, each in a database of its own."""
    base = tmp_path_factory.mktemp("postgresql")
    number = itertools.count(1)
    name = postgres.template(lambda url: _open(houses, url, url, base), name="tocsin_opened")

    @contextmanager
    def fresh() -> Iterator[tuple[str, str, Path]]:
        folder = base / f"h{next(number)}"
        folder.mkdir()
        with postgres.database(name) as url:
            yield url, url, folder

    return Stage(houses, base, fresh)


def _open(houses: Nursery, log: str, work: str, folder: Path) -> None:
    """Let a house make its tables and know its people, so that the others need not."""
    order = {"database": log, "work": work, "folder": str(folder), "scenario": "open", "target": "router"}
    quiet = {"address": "http://127.0.0.1:1", "diary": str(folder / "diary"), "phone": str(folder / "phone")}
    houses.bear(
        {
            **order,
            **quiet,
            "kill": "",
            "repeat": False,
            "bug": "",
            "trace": False,
            "settle": "",
            "life": 0,
            "patience": 20,
        }
    )
    assert houses.ended() == 0
