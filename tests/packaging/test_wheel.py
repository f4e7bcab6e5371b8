"""The wheel carries the whole product, and works where nothing of the checkout is near."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packaging import wheelhouse
from tests.packaging.wheelhouse import ROOT, Built

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("wheel")]
TRAVELS = ("runbooks", "templates")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return wheelhouse.build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def fresh(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the locked parts and the wheel alone."""
    return wheelhouse.environment(tmp_path_factory.mktemp("fresh") / "venv", built.wheel)


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_runbooks_and_templates_travel_in_the_wheel(built: Built):
    """Every runbook and template of the checkout lies under bot/_data, word for word."""
    files = [path for path in wheelhouse.tracked() if path.parts[0] in TRAVELS]
    assert {path.parts[0] for path in files} == set(TRAVELS)
    with zipfile.ZipFile(built.wheel) as archive:
        for path in files:
            assert archive.read(f"bot/_data/{path.as_posix()}") == (ROOT / path).read_bytes(), path


def test_every_file_of_the_package_travels(built: Built):
    """Modules, migrations, pages, scripts and the py.typed mark: nothing of bot/ stays behind."""
    there = _names(built.wheel)
    assert [path for path in wheelhouse.tracked() if path.parts[0] == "bot" and path.as_posix() not in there] == []


def test_nothing_else_travels(built: Built):
    """No test, state, bytecode or secret of the checkout is in the wheel."""
    strange = {name for name in _names(built.wheel) if not name.startswith(("bot/", "tocsin-"))}
    litter = {name for name in _names(built.wheel) if "__pycache__" in name or name.endswith((".pyc", ".db", "/.env"))}
    assert strange == set()
    assert litter == set()


def test_the_source_archive_makes_the_same_wheel(built: Built):
    """A wheel built from the source archive holds what a wheel built from the checkout holds."""
    with zipfile.ZipFile(built.wheel) as one, zipfile.ZipFile(built.direct) as other:
        ours, theirs = ({item.filename: item.CRC for item in archive.infolist()} for archive in (one, other))
    assert ours == theirs


def test_the_source_archive_holds_no_state(built: Built):
    """What lies about in a checkout (environment, lock with addresses, state) is not in the source archive."""
    with tarfile.open(built.archive) as archive:
        inside = {Path(name).parts[1] for name in archive.getnames() if len(Path(name).parts) > 1}
    assert inside.isdisjoint({".venv", ".git", "uv.lock", ".tocsin", ".hypothesis", "dist", ".env"})


def test_the_licence_travels(built: Built):
    """The licence's words are in the wheel, and its name is in the metadata."""
    names = {name for name in _names(built.wheel) if name.endswith("/LICENSE")}
    with zipfile.ZipFile(built.wheel) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA"))).decode()
    assert names
    assert "License-Expression: Apache-2.0" in metadata


def test_the_lock_is_all_that_the_wheel_needs(fresh: Path):
    """In an environment made from requirements.lock without dependencies, no requirement is missing or clashes."""
    wheelhouse.uv("pip", "check", "--python", str(fresh / "python"))


def test_the_wheel_starts_in_another_folder(fresh: Path, tmp_path: Path):
    """`tocsin --version` tells the version that was built."""
    told = wheelhouse.run([str(fresh / "tocsin"), "--version"], cwd=tmp_path).stdout
    assert told == f"tocsin {wheelhouse.project()['project']['version']}\n"


def test_the_wheel_writes_a_folder_that_it_accepts(fresh: Path, tmp_path: Path):
    """`tocsin init` writes the starter from inside the wheel, `tocsin check` finds it in order, a second init refuses."""
    tocsin = str(fresh / "tocsin")
    wheelhouse.run([tocsin, "init", "x"], cwd=tmp_path)
    assert "in order" in wheelhouse.run([tocsin, "check", "-c", "x/tocsin.yaml"], cwd=tmp_path).stdout
    again = wheelhouse.run([tocsin, "init", "x"], cwd=tmp_path, check=False)
    assert again.returncode == 1
    assert "nothing was written" in again.stderr


def test_the_wheel_reads_its_own_templates(fresh: Path, tmp_path: Path):
    """The installed package takes templates and runbooks from itself, not from a checkout that happens to be near."""
    told = wheelhouse.run(
        [str(fresh / "python"), "-c", "from bot.words import house; print(house())"], cwd=tmp_path
    ).stdout
    place = Path(told.strip())
    assert place.is_relative_to(fresh.parent)
    assert (place / "templates" / "starter" / "tocsin.yaml").is_file()
    assert any((place / "runbooks").glob("*.md"))


@pytest.mark.nightly
def test_the_wheel_alone_plays_the_demonstration(fresh: Path, tmp_path: Path):
    """Both acts end verified with an unbroken chain, in an environment that knows nothing of the checkout."""
    done = wheelhouse.run([str(fresh / "tocsin"), "demo", "--auto", "--json", "--embedded"], cwd=tmp_path, within=420)
    acts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [act["act"] for act in acts] == [1, 2]
    assert all(act["verified"] and act["chain_ok"] for act in acts)
