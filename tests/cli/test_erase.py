"""Words are erased where the law asks for it, from the command line, and the record still verifies."""

import asyncio
import hashlib
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli._main import build, run
from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.lifecycle import UpdatePosted
from bot.domain.policy import Role
from bot.engine.talk import Saying
from bot.engine.values import Profile
from bot.store import Store
from tests.kit import NOON
from tests.store.conftest import HandClock, declared
from tests.world import FOLDER

ROLES = frozenset({Role.RESPONDER})
ANA, BEN = Profile("", "ana", "Ana Aydin", ROLES), Profile("", "ben", "Ben Okafor", ROLES)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Two incidents: Ana wrote title, reason and an update in each, Ben an update in the first; one exhibit."""
    root = tmp_path / "house"
    shutil.copytree(FOLDER, root)

    async def write() -> None:
        async with await Store.open(str(database(root)), HandClock()) as store:
            await store.people.enrol([ANA, BEN])
            ana, ben = (each.id for each in await store.people.everyone())
            for name in ("INC-1", "INC-2"):
                events = [declared(fingerprint=name), UpdatePosted("Eve is ill")]
                after = await store.log.append(Incident(name), events, by=ana, at=NOON, cause="test")
                if name == "INC-1":
                    await store.log.append(after, [UpdatePosted("I look")], by=ben, at=NOON, cause="test")
            await store.exhibits.put("INC-1", "rows.json", "application/json", b"[1]", NOON)

    asyncio.run(write())
    return root


@pytest.fixture
def told(capsys):
    def read() -> tuple[str, str]:
        seen = capsys.readouterr()
        return seen.out, seen.err

    return read


def database(house: Path) -> Path:
    return house / ".tocsin" / "tocsin.db"


def erase(house: Path, *words: str) -> int:
    return run(["erase", *words, "-c", str(house / "tocsin.yaml")])


def enrol(house: Path, *profiles: Profile) -> None:
    async def work() -> None:
        async with await Store.open(str(database(house)), HandClock()) as store:
            await store.people.enrol(profiles)

    asyncio.run(work())


def traces(house: Path, words: bytes) -> list[str]:
    """Files of the database that still hold the words."""
    return [path.name for path in database(house).parent.iterdir() if words in path.read_bytes()]


def test_all_that_a_person_wrote_is_erased(house, told):
    """Everywhere, out of the files too; others' words stay; the chains verify; again there is nothing left."""
    assert traces(house, b"Eve is ill")
    assert erase(house, "person", "ana", "--yes") == 0
    out = told()[0].splitlines()
    assert out[0] == "ana (Ana Aydin) wrote 6 texts in INC-1, INC-2"
    assert "people.yaml names ana" in out[1]
    assert out[2:] == ["6 texts erased.", "In order: 2 chains concerned, to the last entry."]
    assert traces(house, b"Eve is ill") == []
    assert erase(house, "list", "INC-1") == 0
    shown = told()[0]
    assert (shown.count("[erased]"), "I look" in shown, "Ben Okafor" in shown) == (3, True, True)
    assert erase(house, "person", "ana", "--yes") == 0
    assert told()[0].splitlines()[-1] == "Nothing is left to erase."
    assert run(["verify", "-c", str(house / "tocsin.yaml")]) == 0


def test_somebody_who_left_is_forgotten_by_name(house, told):
    """Once the configuration names them no more, words and name go together; nothing of either is in the files."""
    enrol(house, BEN)
    assert erase(house, "person", "ana", "--yes") == 0
    assert "forgotten as well" in told()[0]
    assert traces(house, b"Ana Aydin") == []
    assert erase(house, "person", "ana", "--yes") == 1
    assert told()[1] == "tocsin: no person called 'ana'; there is ben\n"


def test_nothing_is_erased_before_somebody_says_yes(house, told):
    """Asked first; a no changes nothing."""
    words = ["erase", "person", "ana", "-c", str(house / "tocsin.yaml")]
    result = CliRunner().invoke(build(words), words, input="n\n")
    assert "Erase this for good?" in result.output
    assert isinstance(result.exception, Refused)
    assert traces(house, b"Eve is ill")
    assert CliRunner().invoke(build(words), words, input="y\n").exit_code == 0
    assert traces(house, b"Eve is ill") == []


def test_one_text_is_erased_by_its_reference(house, told):
    """The list tells the references; the words are shown before; an unknown or erased one ends with 1."""
    erase(house, "list", "INC-1")
    (ref,) = [row.split()[0] for row in told()[0].splitlines() if "I look" in row]
    assert erase(house, "text", ref, "--yes") == 0
    assert told()[0].splitlines() == [
        f"{ref} of INC-1:",
        "  I look",
        "1 text erased.",
        "In order: 1 chain concerned, to the last entry.",
    ]
    for none in (ref, "t_0"):
        assert erase(house, "text", none, "--yes") == 1
        assert "is not erased already" in told()[0]


def test_a_legal_hold_stops_every_erasure_until_it_is_released(house, told):
    """Person, text and exhibits; nothing of any incident goes; the reason is told and needed."""
    assert erase(house, "hold", "INC-1") == 1
    assert told()[1] == "tocsin: a legal hold needs its reason\n"
    assert erase(house, "hold", "INC-1", "--because", "litigation 4711") == 0
    erase(house, "list", "INC-1")
    shown = told()[0]
    (ref,) = [row.split()[0] for row in shown.splitlines() if "I look" in row]
    assert shown.splitlines()[-1] == "INC-1 is under a legal hold: litigation 4711"
    for words in (["person", "ana"], ["text", ref], ["exhibits", "INC-1"]):
        assert erase(house, *words, "--yes") == 1
        assert told()[1] == "tocsin: INC-1 is under a legal hold: litigation 4711\n"
    assert traces(house, b"Eve is ill")
    assert erase(house, "release", "INC-1") == 0
    assert erase(house, "release", "INC-1") == 0
    assert told()[0].splitlines()[-1] == "INC-1 is under no legal hold."
    assert erase(house, "person", "ana", "--yes") == 0


def test_what_exhibits_hold_is_erased(house, told):
    """Name and hash stay in the list; the second time there is nothing to do."""
    assert erase(house, "exhibits", "INC-1", "--yes") == 0
    assert told()[0].splitlines() == [
        "INC-1 has 1 exhibit:",
        "  rows.json",
        "1 exhibit erased.",
        "In order: 1 chain concerned, to the last entry.",
    ]
    assert erase(house, "exhibits", "INC-1", "--yes") == 0
    assert "no exhibits that are not erased" in told()[0]
    erase(house, "list", "INC-1")
    assert told()[0].splitlines()[-1].split() == ["rows.json", hashlib.sha256(b"[1]").hexdigest(), "[erased]"]


def test_names_that_stand_for_nothing_are_told(house, told):
    """An unknown person or incident; a database that is not there, and none is made."""
    assert erase(house, "person", "anna", "--yes") == 1
    assert told()[1] == "tocsin: no person called 'anna'; there is ana, ben\n"
    for words in (["list"], ["exhibits"], ["hold"], ["release"]):
        assert erase(house, *words, "INC-9") == 1
        assert told()[1] == "tocsin: no incident called 'INC-9'\n"
    shutil.rmtree(database(house).parent)
    assert erase(house, "person", "ana") == 1
    assert "there is no file" in told()[1]
    assert not database(house).exists()


def test_what_was_said_in_a_thread_is_erased(house, told):
    """The incident's messages, out of the files too; asked again nothing is left; under a legal hold none is."""
    said = Saying("INC-1", "C1", "1.1", "1.0", "", "U0GUS", "Mallory says so", NOON)

    async def talk() -> None:
        async with await Store.open(str(database(house)), HandClock()) as store:
            await store.talk.keep(said)

    asyncio.run(talk())
    assert erase(house, "list", "INC-1") == 0
    assert "1 message of its thread and war room" in told()[0]
    assert erase(house, "hold", "INC-1", "--because", "litigation 4711") == 0
    assert erase(house, "talk", "INC-1", "--yes") == 1
    assert "legal hold: litigation 4711" in told()[1]
    assert erase(house, "release", "INC-1") == 0
    assert traces(house, b"Mallory")
    assert erase(house, "talk", "INC-1", "--yes") == 0
    assert "1 message erased." in told()[0]
    assert not traces(house, b"Mallory")
    assert erase(house, "talk", "INC-1", "--yes") == 0
    assert "nothing is kept that is not erased already" in told()[0]
