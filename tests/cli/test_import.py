"""`tocsin import` from a terminal: it tells what follows before it writes, writes all or nothing, and does so once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from bot.cli import _import
from bot.cli._main import run
from bot.domain.errors import Refused
from bot.importers import pagerduty
from tests.importers import kit

FILES = {
    "people.yaml",
    "rotas/ml-platform-first-line.yaml",
    "rotas/ml-platform-second-line.yaml",
    "rotas/follow-the-sun.yaml",
    "escalations/ml-platform.yaml",
    "escalations/around-the-clock.yaml",
}
MINE = """\
# Ours, in our words.
me:   # the one who set this up
  name: Me
  email: CLEO@example.com   # of old

gone: {name: Gone, email: gone@example.com}"""


class Still:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 2, 20, 12, tzinfo=UTC)


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A folder with an export beside it, as somebody would have it."""
    monkeypatch.setenv("COLUMNS", "100")
    folder = tmp_path / "tocsin"
    folder.mkdir()
    (tmp_path / "export.json").write_text(json.dumps(kit.export("pagerduty")))
    return folder


def written(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def imported(folder: Path, *, dry_run: bool = False, force: bool = False) -> None:
    """The command at a time of its own."""
    _import.run(pagerduty, folder.parent / "export.json", folder, dry_run=dry_run, force=force, clock=Still())


def test_a_dry_run_tells_everything_and_writes_nothing(there, capsys):
    """What was read, what would be written, what differs and what is lost."""
    imported(there, dry_run=True)
    told = capsys.readouterr().out
    flat = " ".join(told.split())
    assert written(there) == {}
    assert "Read from PagerDuty: 4 users, 3 schedules, 2 escalation policies, 4 overrides." in told
    assert f"write     {there / 'rotas' / 'follow-the-sun.yaml'}  (from PagerDuty schedule PSSUN00)" in told
    assert f"add to    {there / 'people.yaml'}  (ana, ben-okafor, cleo, dan)" in told
    assert "the same people are on call as PagerDuty shows, at every instant from 2026-03-16 09:00 UTC" in told
    assert "escalation_policies.escalation_policies[0].escalation_rules[1]: round robin: PagerDuty pages one" in flat
    assert "schedule_layers[2] (Office hours): the layer 'Office hours' ended on 2025-12-10" in flat
    assert "tocsin.yaml needs these under `pagers`, for people are reached by them: email, sms, voice." in told
    assert told.rstrip().endswith("Nothing was written (--dry-run).")


def test_it_writes_and_a_second_time_nothing_changes(there, capsys):
    """The same export again finds everybody and every file, and touches none of them."""
    imported(there)
    first = written(there)
    assert set(first) == FILES
    assert "wrote" in capsys.readouterr().out
    before = {path: path.stat().st_mtime_ns for path in there.rglob("*.yaml")}
    imported(there)
    told = capsys.readouterr().out
    assert written(there) == first
    assert {path: path.stat().st_mtime_ns for path in there.rglob("*.yaml")} == before
    assert "Nothing changes: all of it stands there already." in told
    assert told.count("unchanged") == len(FILES) - 1  # nobody is added to people.yaml


def test_what_stands_there_is_only_written_over_by_force(there, capsys):
    """A rota somebody changed stays, with all the rest unwritten; the difference is shown."""
    imported(there)
    rota = there / "rotas" / "follow-the-sun.yaml"
    rota.write_text(rota.read_text().replace("title: Follow the sun", "title: Around the globe"))
    (there / "escalations" / "ml-platform.yaml").unlink()
    before = written(there)
    capsys.readouterr()
    with pytest.raises(Refused, match=r"nothing was written.*follow-the-sun\.yaml"):
        imported(there)
    told = capsys.readouterr().out
    assert written(there) == before
    assert "-title: Around the globe" in told
    assert "+title: Follow the sun" in told
    imported(there, dry_run=True, force=True)
    assert written(there) == before
    imported(there, force=True)
    assert "title: Follow the sun" in rota.read_text()
    assert set(written(there)) == FILES


def test_people_who_are_there_already_stay_as_they_are(there):
    """Known by their mail address whatever its capitals, they keep key and entry; comments stay; others come after."""
    (there / "people.yaml").write_text(MINE)
    imported(there)
    text = (there / "people.yaml").read_text()
    assert text.startswith(MINE + "\n")
    assert list(yaml.safe_load(text)) == ["me", "gone", "ana", "ben-okafor", "dan"]
    sun = yaml.safe_load((there / "rotas" / "follow-the-sun.yaml").read_text())
    assert sun["layers"][-1]["people"] == ["ben-okafor", "me"]


def test_a_key_that_is_somebody_elses_is_not_taken(there):
    """Another Ana has the key: the new one gets hers from it and the id, so that nobody becomes somebody else."""
    (there / "people.yaml").write_text("ana: {name: Other Ana, email: ana@other.example}\n")
    imported(there)
    people = yaml.safe_load((there / "people.yaml").read_text())
    assert people["ana-pana001"]["email"] == "ana@example.com"
    assert people["ana"] == {"name": "Other Ana", "email": "ana@other.example"}


@pytest.mark.parametrize(
    ("people", "told"),
    [
        ("ana: {name: Ana}\n", "ana@example.com could be ana of people.yaml, who has no mail address there"),
        ("{ana: {name: A, email: a@example.com}}\n", "nobody can be added at its end"),
        ("- ana\n", "holds no people"),
        ("ana: [\n", "is not YAML here"),
    ],
)
def test_a_people_file_that_leaves_it_open_is_not_written_to(there, people, told, capsys, monkeypatch):
    """Whoever may be somebody already, and a file nobody can be added to, are told; nothing at all is written."""
    (there / "people.yaml").write_text(people)
    code = run(["import", "pagerduty", str(there.parent / "export.json"), "--to", str(there)])
    assert code == 2
    assert told in capsys.readouterr().err
    assert written(there) == {"people.yaml": people}


def test_a_broken_export_writes_nothing(there, capsys):
    """Each mistake with file and line, and the folder as it was."""
    data = kit.export("pagerduty")
    data["schedules"][0]["schedule"]["time_zone"] = "Mars/Base"
    path = there.parent / "export.json"
    path.write_text(json.dumps(data, indent=1))
    assert run(["import", "pagerduty", str(path), "--to", str(there)]) == 2
    told = capsys.readouterr().err
    assert f"{path}:" in told
    assert "schedules[0].schedule.time_zone: there is no time zone 'Mars/Base'" in told
    assert written(there) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON here"),
        ("[]", "the export is a list"),
        ("{}", "holds nothing of PagerDuty's"),
        ('{"users": {"data": []}}', "an answer with users"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"schedules": [5]}', "schedules[0]: is the number 5"),
    ],
)
def test_what_is_no_export_is_told_in_a_sentence(there, text, told, capsys):
    """Broken JSON, another document, another system's export."""
    path = there.parent / "other.json"
    path.write_text(text)
    assert run(["import", "pagerduty", str(path), "--to", str(there)]) == 2
    assert told in capsys.readouterr().err
    assert run(["import", "pagerduty", str(there.parent / "nowhere.json"), "--to", str(there)]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_every_system_has_a_word_on_how_its_file_is_made(capsys):
    """Without a file the command tells which answers of the API go into it; an unknown system, which there are."""
    for system, path in (
        ("pagerduty", "GET /escalation_policies"),
        ("opsgenie", "GET /v2/escalations"),
        ("grafana-oncall", "GET /api/v1/on_call_shifts/"),
    ):
        assert run(["import", system]) == 0
        assert path in capsys.readouterr().out
    assert run(["import", "victorops"]) == 1
    assert "there is grafana-oncall, opsgenie, pagerduty" in capsys.readouterr().err


@pytest.mark.parametrize("system", ["opsgenie", "grafana-oncall"])
def test_the_others_come_in_by_the_same_command(there, system, capsys):
    """All of it is written, and written once."""
    path = kit.EXPORTS / f"{system.replace('-', '_')}.json"
    assert run(["import", system, str(path), "--to", str(there)]) == 0
    first = written(there)
    assert {"people.yaml"} < set(first)
    assert run(["import", system, str(path), "--to", str(there)]) == 0
    assert "Nothing changes" in capsys.readouterr().out
    assert written(there) == first


def test_files_keep_their_mode_and_no_half_written_one_stays(there):
    """people.yaml that only its owner may read stays so; where the disk refuses, what was begun is taken away."""
    (there / "people.yaml").write_text(MINE)
    (there / "people.yaml").chmod(0o600)
    (there / "escalations").write_text("a file where a folder should be")
    code = run(["import", "pagerduty", str(there.parent / "export.json"), "--to", str(there)])
    assert code != 0
    assert (there / "people.yaml").read_text() == MINE
    assert [path.name for path in there.rglob(".*")] == []
    (there / "escalations").unlink()
    imported(there)
    assert (there / "people.yaml").stat().st_mode & 0o777 == 0o600


def test_what_it_writes_is_in_order_but_for_the_pagers_it_names(there, capsys):
    """`tocsin check` reads the starter folder with the import in it, and misses only what the report says is needed."""
    folder = there.parent / "starter"
    assert run(["init", str(folder)]) == 0
    assert run(["import", "pagerduty", str(there.parent / "export.json"), "--to", str(folder)]) == 0
    assert "under `pagers`, for people are reached by them: email, sms, voice." in capsys.readouterr().out
    run(["check", "-c", str(folder / "tocsin.yaml")])
    problems = [line for line in capsys.readouterr().err.splitlines() if "yaml:" in line and "warning" not in line]
    assert [line.partition("there is no pager ")[2][:5] for line in problems] == ["'sms'", "'voic", "'emai"]
    people = folder / "people.yaml"
    people.write_text("".join(line for line in people.read_text().splitlines(True) if not line.startswith("  reach:")))
    assert run(["check", "-c", str(folder / "tocsin.yaml")]) == 0
