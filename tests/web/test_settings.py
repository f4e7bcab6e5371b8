"""The settings' page and API: read-only, for whoever works with them, each file with its values and lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.config.shown import Shown
from bot.engine.as_read import AsRead, File, Repository, Setting
from bot.openings import models
from tests.web.fakes import Place
from tests.web.rich import HOSTILE
from tests.web.test_pages import Reader, sound

HOUSE = Path(__file__).parent.parent / "house"


class Written:
    """A folder that says what the test says."""

    def __init__(self, read: AsRead) -> None:
        self.held = read

    def read(self) -> AsRead:
        return self.held


async def shown(home: Place, path: str = "/settings", who: str = "ida") -> Reader:
    browser = await home.browser(who)
    page = sound(await browser.get(path))
    await browser.aclose()
    return page


@pytest.mark.parametrize(("who", "may"), [
    ("ana", True), ("ben", True), ("cleo", False), ("max", True), ("audrey", True), ("ida", True),
])  # fmt: skip
async def test_whose_it_is(home: Place, tmp_path: Path, who: str, may: bool) -> None:
    """Everybody but counsel; the navigation leads there for whom it is."""
    there = home.having(settings=Shown(shutil.copytree(HOUSE, tmp_path / "ops") / "tocsin.yaml", {}, models))
    async with await there.own(who) as api:
        for path in ("/settings", "/settings?file=people.yaml", "/api/settings"):
            answer = await api.get(path)
            assert answer.status_code == (200 if may else 403), path
        assert ('href="/settings"' in (await api.get("/slos")).text) is may


async def test_a_folder_is_shown_file_by_file(home: Place, tmp_path: Path) -> None:
    """tocsin.yaml first, each other by its name, with line, setting and words; the API tells all at once."""
    folder = shutil.copytree(HOUSE, tmp_path / "ops")
    there = home.having(settings=Shown(folder / "tocsin.yaml", {}, models))
    page = await shown(there)
    for words in (
        "tocsin.yaml 7 lines",
        "1 organisation.name Visits Ltd",
        "The folder is no git repository",
        "in order",
    ):
        assert words in page.text, words
    assert "ben.roles[1] approver" in (await shown(there, "/settings?file=people.yaml")).text
    browser = await there.browser("ida")
    missing = await browser.get("/settings?file=../../etc/passwd")
    assert (missing.status_code, "root:" in missing.text) == (404, False)
    await browser.aclose()
    async with await there.own("ida") as api:
        told = (await api.get("/api/settings")).json()
    assert [each["name"] for each in told["files"]][:2] == ["tocsin.yaml", "people.yaml"]
    assert told["problems"] == []


async def test_what_is_wrong_is_said(home: Place) -> None:
    """Problems, warnings, unset secrets, uncommitted and changed files, each in its words."""
    read = AsRead(
        "/ops",
        (File("tocsin.yaml", "a" * 64, 3, (Setting("slack.bot_token", "{env: BOT}", 2, "secret", is_set=False),),
              changed=True, more=4),),
        Repository("c" * 40, "2026-11-20T12:00:00+01:00", "The rules", ("tocsin.yaml",)),
        ("tocsin.yaml:2:1: unknown key 'x'",), ("web: the console listens beyond",), ("maintenance.yaml",),
    )  # fmt: skip
    page = await shown(home.having(settings=Written(read)))
    for words in (
        "Not in force yet: tocsin.yaml, maintenance.yaml changed since Tocsin started; a restart takes them up.",
        "1 problem", "With these files Tocsin would not start:", "unknown key 'x'", "listens beyond", "not committed",
        "{env: BOT} not set", "slack.bot_token, tocsin.yaml:2", "and 4 values more", "cccccccccccc The rules",
    ):  # fmt: skip
        assert words in page.text, words


async def test_an_empty_folder_and_none_at_all(home: Place) -> None:
    """Both are said; nothing breaks."""
    empty = AsRead("/ops", (), Repository(because="git is not installed here"), ("tocsin.yaml:1:1: cannot be read",))
    page = await shown(home.having(settings=Written(empty)))
    assert "No file is there." in page.text
    assert "Git is not installed here." in page.text
    async with await home.own("ida") as api:
        assert (await api.get("/api/settings")).status_code == 404


async def test_strange_words_do_nothing(home: Place) -> None:
    """File names, settings, subjects and problems stay text."""
    read = AsRead(
        HOSTILE,
        (File(f"services/{HOSTILE}.yaml", "", 1, (Setting(HOSTILE, HOSTILE, 1),)),),
        Repository("c" * 40, HOSTILE, HOSTILE, (HOSTILE,)),
        (HOSTILE,), (HOSTILE,), (HOSTILE,),
    )  # fmt: skip
    page = await shown(home.having(settings=Written(read)))
    assert page.text.count("<script>alert(1)</script>") >= 8
    assert not page.of("img")


async def test_what_the_house_starts_with_is_the_folder(tmp_path: Path) -> None:
    """Wiring hands the console the installation's own files, whatever the first of them is called."""
    from bot.config.load import load

    folder = shutil.copytree(HOUSE, tmp_path / "ops")
    (folder / "tocsin.yaml").rename(folder / "house.yaml")
    made = load(folder / "house.yaml", environ={}, models=models)
    assert (made.root / made.file) == folder.resolve() / "house.yaml"
    assert Shown(made.root / made.file, {}, models).read().files[0].name == "house.yaml"
