"""Without a server: the record is verified, the database brought up to date, the parts examined, the law asked."""

import asyncio
import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from bot.cli._main import run
from bot.domain.incident import Incident
from bot.domain.lifecycle import UpdatePosted
from bot.notices.regime import DISCLAIMER
from bot.store import Store
from bot.store.migrations import HEAD
from tests.cli.live import Answer, Scripted, free_port
from tests.kit import NOON, at
from tests.store.conftest import HandClock, declared
from tests.world import FOLDER

JSON = {"content-type": "application/json"}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A configuration folder whose state folder is empty, on an address where nobody listens."""
    root = tmp_path / "a house"
    shutil.copytree(FOLDER, root)
    with (root / "tocsin.yaml").open("a") as page:
        page.write(f"web: {{port: {free_port()}}}\n")
    return root


@pytest.fixture
def told(capsys):
    def read() -> tuple[str, str]:
        seen = capsys.readouterr()
        return seen.out, seen.err

    return read


def tocsin(house: Path, *words: str) -> int:
    return run([*words, "-c", str(house / "tocsin.yaml")])


def database(house: Path) -> Path:
    return house / ".tocsin" / "tocsin.db"


def remembered(house: Path, *, updates: int = 2, names: tuple[str, ...] = ("INC-1", "INC-2")) -> None:
    """Two incidents with some updates each."""

    async def write() -> None:
        async with await Store.open(str(database(house)), HandClock()) as store:
            for name in names:
                incident = Incident(name)
                events = [declared(fingerprint=name), *(UpdatePosted(f"update {n}") for n in range(updates))]
                await store.log.append(incident, events, by="p_ana", at=NOON, cause="test")

    asyncio.run(write())


def altered(house: Path, statement: str, *, rows: int = 1) -> None:
    with contextlib.closing(sqlite3.connect(database(house), isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount >= rows


# -- verify and migrate ----------------------------------------------------------------------------------------------


def test_a_whole_record_verifies(house, told):
    """Every head is printed; --json says the same to machines; nothing is written."""
    remembered(house)
    before = database(house).read_bytes()
    assert tocsin(house, "verify") == 0
    lines = told()[0].splitlines()
    assert [line.split()[0] for line in lines] == ["INC-1", "INC-2", "in"]
    assert lines[-1] == "in order: 2 chains verify, to the last entry"
    assert tocsin(house, "verify", "INC-2", "--json") == 0
    assert json.loads(told()[0])["heads"] == {"INC-2": lines[1].split()[1]}
    assert tocsin(house, "verify", "INC-9") == 1
    assert "INC-9" in told()[1]
    assert database(house).read_bytes() == before


def test_the_record_is_read_without_the_secrets_of_the_rest(house, told):
    """An auditor's machine has no Slack token and no source: verify and erase need the address of the log alone."""
    remembered(house)
    page = house / "tocsin.yaml"
    text = page.read_text()
    page.write_text(
        text + "sources: {gone: {kind: prometheus, url: {env: NOT_HERE}}}\n"
        if "sources:" not in text
        else text.replace("sources:", "sources:\n  gone: {kind: prometheus, url: {env: NOT_HERE}}", 1)
    )
    assert tocsin(house, "check") == 2, "the folder as a whole does lack something"
    told()
    assert tocsin(house, "verify") == 0
    assert "2 chains verify" in told()[0]
    assert tocsin(house, "erase", "list", "INC-1") == 0


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "UPDATE entries SET stored = replace(stored, '0', '1') WHERE incident='INC-2' AND seq=2",
            "entry 2 was altered",
        ),
        (
            "UPDATE entries SET stored = CAST(replace(stored, '0', '1') AS BLOB) WHERE incident='INC-2' AND seq=2",
            "entry 2 was altered",
        ),
        ("UPDATE entries SET stored = x'00' WHERE incident='INC-2' AND seq=1", "entry 1 was altered"),
        ("DELETE FROM entries WHERE incident='INC-2' AND seq=2", "entry 2 is missing"),
        ("DELETE FROM entries WHERE incident='INC-2' AND seq=3", "entries 3 to 3 are missing at the end"),
        ("UPDATE texts SET text = x'22' WHERE incident='INC-2' AND seq=3", "of entry 3 was altered"),
    ],
)
def test_a_record_somebody_rewrote_is_told_by_its_first_bad_entry(house, told, statement, words):
    """An altered byte, a missing entry, a cut end, another text: exit code 1 and which."""
    remembered(house)
    altered(house, statement)
    assert tocsin(house, "verify") == 1
    out, err = told()
    assert (out, words in err) == ("", True), err
    assert "INC-2" in err
    assert tocsin(house, "verify", "--json") == 1
    assert json.loads(told()[0])["ok"] is False


def test_heads_written_down_earlier_show_what_the_database_alone_cannot(house, told, tmp_path):
    """A chain may grow; one that was cut together with its list, or is gone altogether, is found."""
    remembered(house)
    tocsin(house, "verify")
    heads = tmp_path / "heads.txt"
    heads.write_text(told()[0])

    async def grow() -> None:
        async with await Store.open(str(database(house)), HandClock()) as store:
            incident = await store.log.load("INC-1")
            await store.log.append(incident, [UpdatePosted("more")], by="p_ana", at=at(9), cause="test")

    asyncio.run(grow())
    assert tocsin(house, "verify", "--against", str(heads)) == 0
    told()
    altered(house, "DELETE FROM entries WHERE incident='INC-2' AND seq=3")
    altered(house, "UPDATE incidents SET seq=2 WHERE id='INC-2'")
    assert tocsin(house, "verify") == 0
    told()
    assert tocsin(house, "verify", "--against", str(heads)) == 1
    assert "INC-2" in told()[1]
    altered(house, "DELETE FROM entries WHERE incident='INC-2'")
    altered(house, "DELETE FROM incidents WHERE id='INC-2'")
    assert tocsin(house, "verify", "--against", str(heads)) == 1
    assert "the whole incident is gone" in told()[1]
    heads.write_text("nothing")
    assert tocsin(house, "verify", "--against", str(heads)) == 1
    assert "holds no heads" in told()[1]


def test_what_is_no_database_is_a_sentence(house, told, tmp_path):
    """None there (and none is made), a file of something else, one without tables, one of a later version."""
    assert tocsin(house, "verify") == 1
    assert "there is no file" in told()[1]
    assert not database(house).exists()
    other = tmp_path / "other file #1 100%.db"
    other.write_bytes(b"this is not a database, whatever its name says" * 100)
    assert run(["verify", "--database", str(other)]) == 1
    assert told()[1].startswith("tocsin: the database: ")
    other.write_bytes(b"")
    assert run(["verify", "--database", str(other)]) == 1
    assert "holds no tables of Tocsin" in told()[1]
    assert run(["verify", "--database", "mysql://x/y"]) == 2
    told()
    remembered(house)
    altered(house, "UPDATE alembic_version SET version_num = '9999'")
    assert tocsin(house, "verify") == 1
    assert "it is at revision 9999" in told()[1]
    assert tocsin(house, "migrate") == 1
    assert "newer than this version" in told()[1]


def test_a_copy_verifies_without_any_configuration(house, told, tmp_path):
    """What an auditor is given is one file."""
    remembered(house)
    copied, backed_up = tmp_path / "copy of the record.db", tmp_path / "backup.db"
    shutil.copy(database(house), copied)
    altered(house, f"VACUUM INTO '{backed_up}'", rows=-1)
    for copy in (copied, backed_up):
        before = copy.read_bytes()
        assert run(["verify", "--database", str(copy)]) == 0, told()
        assert "2 chains verify" in told()[0]
        assert copy.read_bytes() == before


def test_migrating_twice_is_harmless(house, told):
    """The first run makes the tables, the second says that they are there."""
    assert tocsin(house, "migrate") == 0
    assert told()[0] == f"The database is up to date now: revision {HEAD}, made new.\n"
    assert tocsin(house, "migrate") == 0
    assert told()[0] == f"The database is up to date already: revision {HEAD}.\n"


# -- doctor ----------------------------------------------------------------------------------------------------------


def marks(out: str) -> dict[str, str]:
    """Part → mark."""
    return {line[6:].partition(":")[0]: line[:5].strip() for line in out.splitlines()[:-1]}


def test_the_doctor_looks_at_every_part_whatever_the_others_say(house, told):
    """A fresh folder: no database, no server, nobody at the sources; the exit code says so, and nothing is made."""
    assert tocsin(house, "doctor") == 1
    out, err = told()
    found = marks(out)
    assert (found["database"], found["server"], found["state folder"]) == ("BAD", "note", "note")
    assert (found["source metrics"], found["mitigation rollback-v1 of visits"]) == ("BAD", "BAD")
    assert out.splitlines()[-1] == "4 parts are not well"
    assert err == ""
    assert not (house / ".tocsin").exists()


def test_a_healthy_house(house, told, tmp_path):
    """Database, source, Slack and server answer; --rebuild says how many lists it wrote."""
    remembered(house)
    served = Scripted(tmp_path)
    with served.listening():
        port = (tmp_path / "tocsin.yaml").read_text().split("port: ")[1].split("}")[0]
        page = (house / "tocsin.yaml").read_text().replace("127.0.0.1:1/", f"127.0.0.1:{port}/")
        page = page.split("web: ")[0] + f"web: {{port: {port}}}\nslack: {{mode: socket, team: T0EXAMPLE, "
        page += f"api_url: 'http://127.0.0.1:{port}/api/', bot_token: {{file: bot}}, app_token: {{file: bot}}}}\n"
        (house / "tocsin.yaml").write_text(page)
        (house / "bot").write_text("xoxb-secret")
        service = house / "services" / "visits.yaml"
        service.write_text("\n".join(row for row in service.read_text().splitlines() if "offers" not in row[:7]
                                     and "- {name: bypass" not in row and "- {name: rollback" not in row))  # fmt: skip
        served.answers = [
            Answer(200, b'{"ok": true}'),
            Answer(200, b'# TYPE good_total counter\ngood_total{health="poor"} 1\nall_total{health="poor"} 2\n',
                   {"content-type": "text/plain; version=0.0.4"}),
            Answer(200, b'{"ok": true, "user": "tocsin", "user_id": "U1", "team_id": "T0EXAMPLE"}', JSON),
        ]  # fmt: skip
        assert tocsin(house, "doctor", "--rebuild") == 0, told()
    out = told()[0]
    found = marks(out)
    for part in ("database", "server", "source metrics", "Slack", "lists"):
        assert found[part] == "ok", out
    assert "written anew from the log, 2 incidents" in out
    assert "xoxb" not in out
    assert out.splitlines()[-1] == "all is well"


def test_a_configuration_with_mistakes_is_told_as_check_tells_it(house, told):
    """Doctor and duties read the whole configuration first; verify and migrate what says where the log is."""
    (house / "tocsin.yaml").write_text("organisation: {}\n")
    for command in ("doctor", "duties"):
        assert tocsin(house, command) == 2
        assert f"{house / 'tocsin.yaml'}:1:15: 'name' is missing" in told()[1]


def test_rebuilding_needs_a_database(house, told):
    """Without one nothing is made, and that is said."""
    assert tocsin(house, "doctor", "--rebuild") == 1
    assert "BAD   lists: the database: there is no file" in told()[0]


# -- duties ----------------------------------------------------------------------------------------------------------


def answers(house: Path, told, *words: str) -> dict[str, dict]:
    assert tocsin(house, "duties", "--json", *words) == 0
    return {each["regime"]: each for each in json.loads(told()[0])}


def test_every_regime_answers_with_its_reason(house, told):
    """With nothing known an answer is "unknown" and names the questions that would settle it."""
    found = answers(house, told, "--service", "visits")
    assert set(found) == {"eu_ai_act_art73", "eu_gdpr_art33"}
    assert found["eu_gdpr_art33"]["answer"] == "unknown"
    assert "personal_data_breach" in [each["fact"] for each in found["eu_gdpr_art33"]["ask"]]
    assert all(each["because"] for each in found.values())


def test_standing_facts_of_the_service_count(house, told):
    """The catalogue says that the model is not high-risk; a fact given here comes before it."""
    assert answers(house, told, "--service", "visits")["eu_ai_act_art73"]["answer"] == "no"
    given = answers(house, told, "--service", "visits", "--fact", "high_risk_ai_system=annex_iii",
                    "--fact", "sector_equivalent_reporting=no", "--fact", "medical_device=no",
                    "--fact", "deaths=1", "--fact", "malfunction_or_misuse=drift",
                    "--fact", "aware_at=2028-01-10T08:00:00+01:00")  # fmt: skip
    assert given["eu_ai_act_art73"]["answer"] == "yes"
    assert any(each["strict"] for each in given["eu_ai_act_art73"]["stages"])


def test_the_dates_are_told(house, told):
    """72 hours from being aware, in the organisation's own zone, and by whom they are counted."""
    facts = [
        "eu_nexus=yes",
        "personal_data_breach=yes",
        "risk_to_individuals=risk",
        "aware_at=2026-11-20T08:00:00+01:00",
    ]
    words = [word for each in facts for word in ("--fact", each)]
    found = answers(house, told, *words)["eu_gdpr_art33"]
    assert found["answer"] == "yes"
    assert found["stages"][0]["strict"].startswith("2026-11-23T08:00:00")
    assert tocsin(house, "duties", *words) == 0
    out = told()[0]
    assert "YES      GDPR" in out
    assert "due 2026-11-23 08:00 CET" in out
    assert " ".join(out.split()).endswith(DISCLAIMER), "the last words, on however many lines the terminal needs"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("deaths", "no KEY=VALUE"),
        ("death=1", "did you mean 'deaths'?"),
        ("deaths=many", "expected a whole number, got 'many'"),
        ("aware_at=2026-11-20", "no time zone"),
        ("risk_to_individuals=great", "none of unlikely, risk, high"),
        ("member_states_affected=DE,Austria", "no country code"),
        ("data_subjects_count=600..400", "runs backwards"),
    ],
)
def test_a_fact_that_cannot_be_read_is_named(house, told, given, words):
    """With what was expected; wrong usage ends with 2."""
    assert tocsin(house, "duties", "--fact", given) == 2
    assert words in " ".join(told()[1].split())


def test_values_are_written_as_people_say_them(house, told):
    """Sets by comma, ranges by two dots, unknown as a word: each is read, none refused."""
    for given in ("member_states_affected=DE, FR", "data_subjects_count=400..600", "deaths=unknown",
                  "placed_on_market_date=2025-03-01", "ai_system=yes"):  # fmt: skip
        assert tocsin(house, "duties", "--fact", given) == 0, told()[1]


def test_a_service_that_is_none_and_an_installation_without_regimes(house, told):
    """Both are told by name, not answered with nothing."""
    assert tocsin(house, "duties", "--service", "visit") == 1
    assert told()[1] == "tocsin: no service called 'visit'; there is visits\n"
    assert tocsin(house, "duties", "--facts") == 0
    assert "aware_at  timestamp" in told()[0]
    page = house / "tocsin.yaml"
    page.write_text("".join(row for row in page.read_text().splitlines(keepends=True) if not row.startswith("regimes")))
    assert tocsin(house, "duties") == 1
    assert "no regime is enabled" in told()[1]
