"""Every database the store promises to behave the same on."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from bot.domain.incident import Incident
from bot.domain.lifecycle import IncidentDeclared
from bot.domain.policy import Severity
from bot.store import Store, migrations
from bot.store.database import parse
from bot.store.tables import metadata
from tests.kit import NOON, at
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


def at_revision(url: str, revision: str, filled: Callable[[Connection], None]) -> None:
    """The database as an earlier version of the program made it, with what that version kept in it."""
    from alembic import command
    from alembic.config import Config

    engine = migrations.engine_for(parse(url))
    if parse(url).get_backend_name() == "postgresql":  # its template is up to date already
        metadata.drop_all(engine)
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE alembic_version"))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        filled(connection)
    engine.dispose()


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
        for each in (opened.database, opened.aside):
            each.patience = 30  # a disk that others keep busy is not what these tests are about
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


async def append(store: Store, incident: Incident, *events, by: str = "p_ana", seconds: float = 1, **how) -> Incident:
    return await store.log.append(incident, events, by=by, at=at(seconds), cause="test", **how)
