"""The configuration as people look at it: every value with its line, never a secret, and how it stands in git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bot.config.shown import Shown
from bot.engine.as_read import AsRead, Setting
from bot.openings import models

HOUSE = Path(__file__).parent.parent / "house"
SECRET = "zzz-a-secret-nobody-may-read"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation of its own."""
    return shutil.copytree(HOUSE, tmp_path / "ops")


def shown(folder: Path, **environ: str) -> Shown:
    return Shown(folder / "tocsin.yaml", environ, models)


def setting(read: AsRead, name: str, path: str) -> Setting:
    file = next(each for each in read.files if each.name == name)
    return next(each for each in file.settings if each.path == path)


def everything(read: AsRead) -> str:
    return repr(read)


def test_every_value_is_told_with_its_line(folder: Path) -> None:
    """Of every file of the folder, in the words of the file; texts by name and length alone."""
    (folder / "runbooks").mkdir()
    shipped = min((HOUSE.parent.parent / "runbooks").glob("*.md"))
    shutil.copy(shipped, folder / "runbooks" / "own.md")
    read = shown(folder).read()
    names = [file.name for file in read.files]
    assert names[:2] == ["tocsin.yaml", "people.yaml"]
    assert {"services/visits.yaml", "runbooks/own.md"} <= set(names)
    assert setting(read, "tocsin.yaml", "organisation.name") == Setting("organisation.name", "Visits Ltd", 1)
    assert setting(read, "tocsin.yaml", "poll.every") == Setting("poll.every", "1s", 4)
    assert setting(read, "tocsin.yaml", "sources.metrics.urls[0]").line == 3
    assert setting(read, "tocsin.yaml", "pagers").words == "an empty list"
    assert setting(read, "people.yaml", "ben.roles[1]").words == "approver"
    text = next(file for file in read.files if file.name == "runbooks/own.md")
    assert (text.lines, text.settings) == (len(shipped.read_text().splitlines()), ())
    assert (read.changed, read.gone) == ((), ())


def test_a_secret_is_its_reference(folder: Path) -> None:
    """Whether it is set is told; what it is stands nowhere, wherever it came from."""
    (folder / "token.txt").write_text(SECRET)
    with (folder / "tocsin.yaml").open("a") as file:
        file.write("web: {metrics_token: {env: METRICS}, secret: {file: token.txt}}\n")
        file.write("slack: {mode: 'off', bot_token: {env: GONE}}\n")
    read = shown(folder, METRICS=SECRET).read()
    held = setting(read, "tocsin.yaml", "web.metrics_token")
    assert (held.words, held.kind, held.is_set) == ("{env: METRICS}", "secret", True)
    assert setting(read, "tocsin.yaml", "web.secret").is_set
    assert [(name, each.words) for name, each in read.unset] == [("tocsin.yaml", "{env: GONE}")]
    assert any("the environment has no GONE" in each for each in read.problems)
    assert SECRET not in everything(read)


@pytest.mark.parametrize(
    "line",
    [
        f"web: {{secret: {SECRET}}}",
        f"slack: {{bot_token: {SECRET}}}",
        f"database: {{url: 'postgresql://tocsin:{SECRET}@db/tocsin'}}",
        f"heartbeat: {{url: 'https://beats.example/{SECRET}'}}",
        f"pagers: [{{webhook: {{url: 'https://hooks.example/{SECRET}', password: {SECRET}}}}}]",
        f"extra: {{url: 'https://x.example/a?key={SECRET}'}}",
        f"extra: {{headers: {{Authorization: 'Bearer {SECRET}'}}}}",
        f"extra: {{api_key: {SECRET}, apiKey: {SECRET}}}",
        f"extra: {{url: 'https://[{SECRET}'}}",
    ],
)
def test_a_secret_that_was_written_out_is_not_shown(folder: Path, line: str) -> None:
    """Such a file would not start a house, but somebody may be editing it while people look."""
    with (folder / "tocsin.yaml").open("a") as file:
        file.write(f"{line}\n")
    if line.startswith("pagers"):
        (folder / "tocsin.yaml").write_text((folder / "tocsin.yaml").read_text().replace("pagers: []\n", ""))
    read = shown(folder).read()
    told = [each for file in read.files for each in file.settings]
    assert SECRET not in repr(told)
    assert SECRET not in repr(read.problems)


def test_ways_to_reach_people_are_not_shown(folder: Path) -> None:
    """Numbers, addresses and push names are for the pagers alone; a prediction log's place may hold a password."""
    (folder / "people.yaml").write_text(
        "ana: {name: Ana, email: ana@visits.example, phone: '+49 30 123456', push: {ntfy: zzz-topic}}\n"
    )
    (folder / "services" / "log.yaml").write_text(
        "name: log\nowner: ml\nprediction_log: {place: 'postgresql://u:zzz-word@db/x'}\n"
    )
    read = shown(folder).read()
    for secret in ("ana@visits", "123456", "zzz-topic", "zzz-word"):
        assert secret not in repr([file.settings for file in read.files])
    assert setting(read, "people.yaml", "ana.name").words == "Ana"
    assert setting(read, "people.yaml", "ana.phone").kind == "hidden"


def test_what_changed_since_the_start_is_told(folder: Path) -> None:
    """A file that was edited, added or taken away is not in force; what it would do to a start is said."""
    held = shown(folder)
    assert held.read().changed == ()
    with (folder / "tocsin.yaml").open("a") as file:
        file.write("nonsense: 1\n")
    (folder / "services" / "new.yaml").write_text("name: new\nowner: ml\n")
    (folder / "people.yaml").unlink()
    read = held.read()
    assert set(read.changed) == {"tocsin.yaml", "services/new.yaml"}
    assert read.gone == ("people.yaml",)
    assert any(each.startswith("tocsin.yaml:8:1: unknown key 'nonsense'") for each in read.problems), read.problems


def test_files_that_cannot_be_read_are_told(folder: Path) -> None:
    """Broken YAML, bytes, an empty file, several documents, odd values: each is there, none breaks the page."""
    (folder / "slos" / "broken.yaml").write_text("a: [1\n")
    (folder / "slos" / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (folder / "slos" / "empty.yaml").write_text("")
    (folder / "slos" / "two.yaml").write_text("a: 1\n---\nb: [true, null, 1.5, 2026-11-20]\n")
    (folder / "slos" / "list.yaml").write_text("- x\n")
    (folder / "slos" / "word.yaml").write_text("word\n")
    (folder / "slos" / ".hidden.yaml").write_text("a: 1\n")
    files = {file.name: file for file in shown(folder).read().files}
    assert "it is not sound" in files["slos/broken.yaml"].unread
    assert "cannot be read" in files["slos/bytes.yaml"].unread
    assert files["slos/empty.yaml"].settings == ()
    two = [(each.path, each.words, each.line) for each in files["slos/two.yaml"].settings]
    assert two == [
        ("[0].a", "1", 1), ("[1].b[0]", "true", 3), ("[1].b[1]", "nothing", 3), ("[1].b[2]", "1.5", 3),
        ("[1].b[3]", "2026-11-20", 3),
    ]  # fmt: skip
    assert [each.path for each in files["slos/list.yaml"].settings] == ["[0]"]
    assert [each.words for each in files["slos/word.yaml"].settings] == ["word"]
    assert "slos/.hidden.yaml" not in files


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@visits.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def test_where_the_folder_stands_in_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No repository, none committed, committed, edited, and no git at all: each is said."""
    assert shown(folder).read().repository.because == "the folder is no git repository"
    git(folder, "init", "-q")
    assert shown(folder).read().repository.because == "nothing of this folder was ever committed"
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "The house's rules")
    stands = shown(folder).read().repository
    assert (len(stands.commit), stands.subject, stands.dirty) == (40, "The house's rules", ())
    (folder / "services" / "neu und größer.yaml").write_text("name: neu\nowner: ml\n")
    with (folder / "tocsin.yaml").open("a") as file:
        file.write("# a remark\n")
    assert set(shown(folder).read().repository.dirty) == {"services/neu und größer.yaml", "tocsin.yaml"}
    monkeypatch.setenv("PATH", str(folder))
    assert shown(folder).read().repository.because == "git is not installed here"
