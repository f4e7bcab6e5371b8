"""What holds for the tables: revisions make exactly what the code expects, whoever starts first."""

import asyncio
import hashlib
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, inspect, text

from bot.domain.errors import Invalid, Refused, Unavailable
from bot.domain.followup import FollowUpAdded, FollowUpFinished
from bot.store import Store, migrations
from bot.store.database import Database, parse
from bot.store.tables import metadata
from tests.store.conftest import HandClock, at_revision, opened


async def test_the_revisions_make_what_the_code_expects(store: Store) -> None:
    """Alembic finds no difference between the database and the tables of the code."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = migrations.engine_for(parse(store.database.url.render_as_string(hide_password=False)))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert migrations.version(connection) == migrations.HEAD
    engine.dispose()


async def test_a_database_of_the_first_revision_is_brought_up_to_date(url: str, clock: HandClock) -> None:
    """What was kept before is still there, and can be erased."""

    def filled(connection: Connection) -> None:
        row = {"sha": hashlib.sha256(b"[1]").hexdigest(), "at": "2026-11-20 12:00:00+00", "content": b"[1]"}
        connection.execute(
            text("INSERT INTO exhibits VALUES ('x_1', 'INC-1', 'rows', 'text/plain', :sha, :at, :content, '')"),
            row if connection.dialect.name == "postgresql" else {**row, "at": "2026-11-20 12:00:00.000000"},
        )

    at_revision(url, "0001", filled)
    async with await Store.open(url, clock) as store:
        kept = await store.exhibits.get("x_1")
        assert kept is not None
        assert kept.content == b"[1]"
        assert await store.exhibits.erase("INC-1", clock.now()) == 1


async def test_what_was_promised_before_the_list_is_listed(url: str, clock: HandClock) -> None:
    """An earlier version's follow-ups are read from its log, those that were kept left out."""
    async with await Store.open(url, clock) as store:
        incident = await opened(store)
        due = clock.now().date()
        events = [
            FollowUpAdded(f"U{n}", "x", owner, due, "") for n, owner in ((1, "p_ana"), (2, "p_ana"), (3, "p_ben"))
        ]
        given = {"by": "p_ana", "at": clock.now(), "cause": ""}
        incident = await store.log.append(incident, events, **given)
        await store.log.append(incident, [FollowUpFinished("U3")], **given)
        later = ("followups", "tallies", "alerts", "alert_marks", "covers", "calendars")
        later += (
            "login_links",
            "sessions",
            "tokens",
            "accounts",
            "access_log",
            "paged",
            "statements",
            "hooks",
            "hook_letters",
            "begun",
        )
        kept = ("phase_declared", "service_declared_number", "restricted_service", "clock", "figures")
        columns = (
            "search",
            "readers",
            "left_out",
            "corrected",
            "erased",
            "edition",
            "ttd",
            "tta",
            "ttm",
            "ttr",
            "clock",
        )
        for undo in (
            *(f"DROP TABLE {each}" for each in later),
            *(f"ALTER TABLE people DROP COLUMN {each}" for each in ("groups", "granted")),
            *(f"DROP INDEX ix_incidents_{each}" for each in kept),
            *(f"DROP INDEX ix_{each}" for each in ("entries_at_incident_seq", "texts_erased_at")),
            *(f"ALTER TABLE incidents DROP COLUMN {each}" for each in columns),
        ):
            await store.database.write(lambda c, undo=undo: c.execute(text(undo)))
        await store.database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '0003'")))
    async with await Store.open(url, clock) as store:
        assert [await store.log.promised(owner) for owner in ("p_ana", "p_ben")] == [["INC-1"], []]
        rows = await store.database.read(lambda c: c.execute(text("SELECT item, due FROM followups ORDER BY item")))
        assert [tuple(row) for row in rows] == [("U1", due.isoformat()), ("U2", due.isoformat())]


def test_the_newest_revision_is_the_one_named() -> None:
    """The short cut for an up-to-date database knows the newest revision, and there is one line of them."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


async def test_many_may_start_at_once_on_an_empty_database(tmp_path: Path, clock: HandClock) -> None:
    """Four stores opened together on a file that is not there yet: one makes the tables, all work."""
    url = f"{tmp_path}/new/tocsin.db"
    stores = await asyncio.gather(*(Store.open(url, clock) for _ in range(4)))
    await opened(stores[0])
    assert [await store.log.open_ids() for store in stores] == [["INC-1"]] * 4
    for store in stores:
        await store.close()


@pytest.mark.real
async def test_many_may_start_at_once_on_an_empty_server(postgres, clock: HandClock) -> None:
    """The same on PostgreSQL, without a template."""
    with postgres.database() as url:
        stores = await asyncio.gather(*(Store.open(url, clock) for _ in range(4)))
        await opened(stores[0])
        assert [await store.log.open_ids() for store in stores] == [["INC-1"]] * 4
        for store in stores:
            await store.close()


async def test_a_newer_programs_database_is_left_alone(url: str, clock: HandClock) -> None:
    """A revision this program does not know is refused with what to do, and nothing is changed."""
    async with await Store.open(url, clock) as store:
        await store.database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(Refused, match="revision 9999, newer than this version of Tocsin"):
        await Store.open(url, clock)


async def test_the_files_are_for_their_owner_alone(tmp_path: Path, clock: HandClock) -> None:
    """Database and journal can be read by nobody else; checkpoints have a file of their own."""
    async with await Store.open(f"{tmp_path}/tocsin.db", clock) as store:
        await opened(store)
        await store.checkpoints.save({"ledger": {}}, clock.now())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}  # noqa: ASYNC240
    assert {"tocsin.db", "tocsin.checkpoints.db", "tocsin.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}
    engine = create_engine(f"sqlite:///{tmp_path}/tocsin.db")
    assert "entries" in inspect(engine).get_table_names()
    engine.dispose()


async def test_sqlite_has_the_settings_a_record_needs(tmp_path: Path) -> None:
    """Every connection: WAL, FULL, a patience, foreign keys, and deleted means overwritten."""
    async with Database.open(f"{tmp_path}/tocsin.db") as database:
        wanted = {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 1200, "foreign_keys": 1, "secure_delete": 1}
        for name, value in wanted.items():
            query = text(f"PRAGMA {name}")
            assert (await database.read(lambda c, query=query: c.execute(query))).scalar() == value


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path, clock: HandClock) -> None:
    """Junk in the file's place is reported as such, and left as it is."""
    (tmp_path / "tocsin.db").write_bytes(b"not a database, but somebody's letter " * 100)
    with pytest.raises(Unavailable, match="file is not a database"):
        await Store.open(f"{tmp_path}/tocsin.db", clock)
    assert (tmp_path / "tocsin.db").read_bytes().startswith(b"not a database")


async def test_a_server_that_is_not_there_is_unavailable(clock: HandClock) -> None:
    """Reported without the password."""
    with pytest.raises(Unavailable) as caught:
        await Store.open("postgresql://tocsin:sesame@127.0.0.1:9/none", clock)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "://"])
def test_a_url_that_cannot_serve_is_refused(url: str) -> None:
    """Memory and other databases are refused with what would do."""
    with pytest.raises(Invalid, match="the database's URL"):
        parse(url)


@pytest.mark.parametrize(
    ("written", "driver"),
    [
        ("tocsin.db", "sqlite+aiosqlite"),
        ("sqlite:////var/lib/tocsin.db", "sqlite+aiosqlite"),
        ("postgres://u@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg"),
    ],
)
def test_urls_as_people_write_them(written: str, driver: str) -> None:
    """A path, a SQLite URL and the usual spellings of PostgreSQL's."""
    assert parse(written).drivername == driver


def test_an_up_to_date_database_starts_without_alembic(tmp_path: Path) -> None:
    """Alembic costs 0.6 s to import: a start that has nothing to migrate does not pay for it."""
    script = (
        "import asyncio, sys\nfrom bot.clock import SystemClock\nfrom bot.store import Store\n"
        f"store = asyncio.run(Store.open({str(tmp_path / 'tocsin.db')!r}, SystemClock()))\nprint('alembic' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    told = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root).stdout
        for _ in range(2)
    ]
    assert told == ["True\n", "False\n"]
