"""What holds for the house that is updated: what the version before the console kept is there, and is in the new lists.

revision_0007.json is what that version itself wrote in one night: an incident from its alarm to its closing, a restricted
one, one that is open, an alert no incident knows of yet, and what people said, asked for and were given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, DateTime, LargeBinary, MetaData, select

from bot.domain.lifecycle import Update
from bot.engine.lists import Sight, Wanted
from bot.serving import console
from bot.store import Store, migrations
from bot.store.database import parse
from bot.store.tables import metadata
from tests.kit import NOON
from tests.store.conftest import HandClock, at_revision
from tests.stories.test_nobody_on_call import SENDER
from tests.web.fakes import HOME
from tests.world import World

EVERYTHING = Sight(everything=True)
KEPT: Mapping[str, Any] = json.loads((Path(__file__).parent / "revision_0007.json").read_text(encoding="utf-8"))


def filled(connection: Connection) -> None:
    """The rows as that version wrote them, into the tables it made."""
    then = MetaData()
    then.reflect(connection)
    sqlite = connection.dialect.name == "sqlite"
    for name, kept in KEPT.items():
        table = then.tables[name]
        connection.execute(table.delete())
        for row in kept["rows"]:
            given = dict(zip(kept["columns"], row, strict=True))
            for column in table.c:
                held = given[column.name]
                if isinstance(column.type, DateTime) and held is not None:
                    at = datetime.fromisoformat(held)
                    given[column.name] = at.replace(tzinfo=None) if sqlite else at
                elif isinstance(column.type, LargeBinary) and held is not None:
                    given[column.name] = held.encode("latin-1")
            connection.execute(table.insert().values(given))


async def rows(store: Store, table: str) -> Sequence[Sequence[Any]]:
    """What stands in the columns that version had, in the order of its key."""
    asked = metadata.tables[table]
    columns = [asked.c[name] for name in KEPT[table]["columns"]]
    found = await store.database.read(lambda c: c.execute(select(*columns).order_by(*asked.primary_key.columns)))
    return [[_plain(each) for each in row] for row in found]


def _plain(value: Any) -> Any:
    """As the file has it."""
    match value:
        case datetime():
            return value.isoformat()
        case bytes():
            return value.decode("latin-1")
        case _:
            return value


async def test_nothing_that_was_kept_is_lost(url: str, clock: HandClock) -> None:
    """Every row stands as it stood, every chain verifies, and whoever starts next finds nothing left to do."""
    at_revision(url, "0007", filled)
    async with await Store.open(url, clock) as store:
        for table, kept in KEPT.items():
            stands = await rows(store, table)
            assert sorted(map(repr, stands)) == sorted(map(repr, kept["rows"])), table
        assert len(await store.log.verify()) == 3
        assert [len((await store.log.chain(f"INC-{n}")).entries) for n in (1, 2, 3)] == [29, 6, 8]
        ana = await store.people.by_key("ana")
        assert ana is not None
        assert await store.calendars.whose(hashlib.sha256(b"address of ana").hexdigest()) == ana.id
        assert [each.text for each in await store.talk.of("INC-1")] == ["it began after the release"]
        assert [each.because for each in await store.covers.since(NOON)] == ["a day off"]
        assert [each.alert.title for each in await store.alerts.since(0)] == ["Latency is high", "Errors is high"]
        assert await store.log.renew() == 0
    engine = migrations.engine_for(parse(url))
    with engine.connect() as connection:
        assert migrations.version(connection) == migrations.HEAD
    engine.dispose()


async def test_the_lists_of_the_console_are_filled(url: str, clock: HandClock) -> None:
    """Search, numbers, pages of people, promises and clocks know the incidents of the former version at once."""
    at_revision(url, "0007", filled)
    async with await Store.open(url, clock) as store:
        log = store.log

        async def found(text: str, sight: Sight = EVERYTHING) -> list[str]:
            return [each.id for each in await log.found(Wanted(text), sight)]

        assert await found("") == ["INC-3", "INC-2", "INC-1"]
        assert await found("RECALL health") == ["INC-1"]
        assert await found("applicants") == ["INC-2"]
        assert await found("applicants", Sight()) == []
        assert await found("", Sight()) == ["INC-3", "INC-1"]
        cleo = await store.people.by_key("cleo")
        assert cleo is not None
        assert await found("applicants", Sight(cleo.id)) == ["INC-2"]  # who declared it is named in it
        assert (await log.tally(Sight())).by_phase == {"declared": 0, "acknowledged": 1, "closed": 1}
        past = await log.past(Wanted(service="visits"))
        assert set(zip(past.phase, past.ttd, past.tta, past.ttm, past.ttr, strict=True)) == {
            ("closed", 4_000, 8_000, 12_000, 72_000),
            ("acknowledged", 0, 240_000, None, None),
        }
        paged = await log.paged(NOON, NOON + timedelta(hours=1))
        assert (list(paged.hour), list(paged.number)) == ([NOON], [1])
        overdue = await log.overdue(date(2026, 11, 30), Sight())
        assert [(each.incident, each.item) for each in overdue] == [("INC-1", "U1")]
        assert set(await log.clocked()) <= {"INC-1", "INC-2", "INC-3"}


async def test_the_house_goes_on_where_it_was(url: str, tmp_path: Path) -> None:
    """The new version tells what is open, searches and counts what is past, adds to it, and opens what was owed."""
    at_revision(url, "0007", filled)
    world = World(tmp_path, url)
    world.clock.forward(minutes=10)
    await world.start(alerts=(SENDER,))
    try:
        for _ in range(3):
            await world.house.intake.round()
            await world.settle()
        app = console(world.house)
        held = {"Authorization": f"Bearer {(tmp_path / 'api-token').read_text().strip()}", "X-Tocsin-Person": "max"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOME, headers=held) as client:

            async def page(path: str) -> str:
                answer = await client.get(path)
                assert answer.status_code == 200, (path, answer.text[:400])
                return answer.text

            assert "answers are odd since Monday" in await page("/")
            assert "Recall for people in poor health" in await page("/incidents?q=recall")
            assert "wrong firm" not in await page("/incidents?q=applicants")
            assert "Zahnradbahn" in await page("/incidents/INC-1")
            numbers = (await page("/analytics.csv")).splitlines()
            measured = [line.split(",")[3:5] for line in numbers if line.startswith("all,")]
            assert measured == [["MTTD", "2"], ["MTTA", "2"], ["MTTM", "1"], ["MTTR", "1"]]
        after = await world.say(Update("we look at it with the new version"), "ana", "INC-3")
        assert after.seq > 8
        open_ones = await world.house.desk.open_incidents()
        told = {one.id: [each.title for each in one.alerts.values()] for one in open_ones}
        assert told == {"INC-2": [], "INC-3": ["Latency is high"]}  # the alert that waited came to what is open already
        assert len(await world.house.desk.log.verify()) == 3
    finally:
        await world.stop()
