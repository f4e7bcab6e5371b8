"""Every database the store promises to behave the same on."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.incident import Incident
from bot.domain.lifecycle import IncidentDeclared
from bot.domain.policy import Severity
from bot.store import Store, migrations
from bot.store.database import parse
from tests.kit import NOON
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]


class HandClock:
    """A clock moved by hand."""

    def __init__(self, now: datetime = NOON) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def forward(self, **by: float) -> None:
        self.time += timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        self.forward(seconds=seconds)


def migrated(url: str) -> None:
    """A database with its tables."""
    migrations.upgrade(parse(url))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of its own for every test."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/tocsin.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(server.template(migrated)) as fresh:
        yield fresh


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def store(url: str, clock: HandClock) -> AsyncIterator[Store]:
    async with await Store.open(url, clock) as opened:
        yield opened


def declared(title: str = "Recall of loans is low", *, fingerprint: str = "loans/recall", restricted: bool = False):
    """The event that opens an incident."""
    return IncidentDeclared(
        title=title,
        severity=Severity.SEV2,
        service="loans",
        because="burns 2.4×",
        onset=NOON - timedelta(minutes=3),
        detected=NOON - timedelta(seconds=5),
        slo="recall",
        slice="age<25",
        fingerprint=fingerprint,
        restricted=restricted,
        sli=None,
    )


async def opened(store: Store, name: str = "INC-1", *, at: datetime = NOON, inbound: str = "", **how) -> Incident:
    """An incident, declared and in the log."""
    how.setdefault("fingerprint", name)
    event = declared(**how)
    return await store.log.append(Incident(name), [event], by="p_ana", at=at, cause="test", inbound=inbound)
