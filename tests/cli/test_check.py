"""The command line answers in sentences and exit codes: 0 in order, 1 refused, 2 something must be corrected."""

import subprocess
import sys

from bot.cli._main import commands, run

MINIMAL = "organisation: {name: Example}\n"
HEAVY = {"pydantic", "sqlalchemy", "httpx", "structlog", "yaml", "rich", "numpy", "jinja2", "fastapi"}


def test_problems_are_told_line_by_line(tmp_path, capsys):
    """Each on a line of its own that an editor can jump to, on standard error, and the exit code says so."""
    path = tmp_path / "tocsin.yaml"
    path.write_text("organisation: {name: Example}\npol: {}\nweb: {port: no}\n")
    assert run(["check", "-c", str(path)]) == 2
    told = capsys.readouterr()
    lines = told.err.splitlines()
    assert lines[0].startswith(f"{path}:2:1: unknown key 'pol'; did you mean 'poll'?")
    assert lines[1].startswith(f"{path}:3:13: port is false")
    assert lines[-1] == "2 problems"
    assert told.out == ""


def test_a_folder_in_order_is_told_in_one_line(tmp_path, capsys):
    """What was read, counted; warnings do not fail it."""
    path = tmp_path / "tocsin.yaml"
    path.write_text(MINIMAL)
    assert run(["check", "--config", str(path)]) == 0
    told = capsys.readouterr()
    assert (
        told.out
        == f"{path}: in order. 0 sources, 0 services, 0 objectives, 3 runbooks, 0 rotas, 0 escalations, 0 regimes, 0 people\n"
    )
    assert told.err.startswith("warning: ")


def test_strict_takes_warnings_for_problems(tmp_path, capsys):
    """For continuous integration of a configuration."""
    path = tmp_path / "tocsin.yaml"
    path.write_text(MINIMAL)
    assert run(["check", "--strict", "-c", str(path)]) == 2
    assert "Slack is off" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_a_sentence(tmp_path, capsys):
    """The commonest slip of all."""
    assert run(["check", "-c", str(tmp_path / "none.yaml")]) == 2
    told = capsys.readouterr().err
    first, last = told.splitlines()
    assert first.startswith(f"{tmp_path / 'none.yaml'}:1:1: is not there (expected what `tocsin init FOLDER` writes")
    assert last == "1 problem"


def test_an_unknown_kind_of_source_is_answered_with_the_real_shelf(tmp_path, capsys):
    """The list of what there is comes from the folder of sources itself."""
    path = tmp_path / "tocsin.yaml"
    path.write_text(MINIMAL + "sources: {a: {kind: promethius}}\n")
    assert run(["check", "-c", str(path)]) == 2
    told = capsys.readouterr().err
    assert f"{path}:2:21: there is no source 'promethius'; did you mean 'prometheus'?" in told
    assert "openmetrics, predictions, prometheus" in told


RULED = """\
organisation: {name: Example, timezone: Europe/Berlin}
policy:
  quorum: {wide: 2}
  freeze:
    - {name: 'a [bold] week', because: "nobody is in", weekly: mon 00:00 - sun 23:59}
  targets:
    live: {approve: [on-call, 'group:platform'], widest: 10%, allow: [rollback], automatic: [rollback]}
"""
LIVE = """\
name: scoring
owner: ml
on_call: [ada]
targets: [{name: live, action: router, settings: {url: "http://127.0.0.1:1"}}]
offers: [{name: back, label: Back, means: rollback, target: live}]
"""
THREE = """\
ada: {name: Ada, roles: [responder, approver], email: a@example.com}
ben: {name: Ben, roles: [approver], groups: [platform], email: b@example.com}
dev: {name: Dev, roles: [approver, admin], email: d@example.com}
"""


def test_the_rules_are_shown_as_they_are_enforced(tmp_path, capsys, monkeypatch):
    """For each target and class: who may, how many, with a code, how much at once, and what is frozen at this moment."""
    (tmp_path / "services").mkdir()
    for name, text in (("tocsin.yaml", RULED), ("people.yaml", THREE), ("services/scoring.yaml", LIVE)):
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("COLUMNS", "100")
    assert run(["check", "--policy", "-c", str(tmp_path / "tocsin.yaml")]) == 0
    told = capsys.readouterr().out
    house, _, live = told.partition("live (router of scoring)")
    cells = [" ".join(row.split()) for row in live.splitlines()]
    assert "may see rollback" in cells
    assert "proposed by admin, approver or responder: ada, ben, dev" in cells
    assert "made by itself rollback (if small, and its undo was seen to work)" in cells
    small, wide = (next(row for row in cells if row.startswith(name)) for name in ("small", "wide"))
    assert small == "small group:platform or on-call 1 no 10 % free"
    assert wide.startswith("wide group:platform or on-call 2 asked 10 % ")
    assert "(ada, ben)" in live  # Ada is on call, Ben is in the group
    assert "a [bold] week" in house
    assert "act alone admin or approver: ada, ben, dev; reviewed within 3d" in " ".join(house.split())
    assert max(map(len, told.splitlines()[2:])) <= 100


def test_rules_without_a_target_are_shown_too(tmp_path, capsys):
    """Somebody who only begins sees what the product itself would ask."""
    path = tmp_path / "tocsin.yaml"
    path.write_text(MINIMAL)
    assert run(["check", "--policy", "-c", str(path)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Every target without rules of its own" in told
    assert "traffic admin or approver 1 no 100 % free (nobody)" in told


def test_an_unknown_command_is_a_sentence(capsys):
    """Wrong usage ends with 2, as shells expect."""
    assert run(["frobnicate"]) == 2
    assert "No such command 'frobnicate'" in capsys.readouterr().err


def test_the_version_is_printed(capsys):
    """For bug reports."""
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tocsin ")


def test_every_file_of_the_folder_is_a_command_with_help(capsys):
    """A command is found by its file; each says in a line what it does."""
    assert {"init", "check"} <= set(commands())
    assert run(["--help"]) == 0
    told = capsys.readouterr().out
    for name in commands():
        (line,) = [line for line in told.splitlines() if line.strip().split(" ")[0] == name]
        assert len(line.split()) > 2, f"{name} has no help"


def test_help_loads_nothing_heavy():
    """`tocsin --help` stays under 200 ms only while no command imports its parts at the top of its file."""
    code = f"import sys; from bot.cli._main import run; run(['--help']); print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command():
    """`python -m bot` and `tocsin` are the same, exit code included."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "check", "-c", "/none"], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_whether_everybody_on_call_is_reached(tmp_path, capsys):
    """Exit code 1 where a page would reach nobody, with each reason on a line; 0 and a calm sentence where all is well."""
    (tmp_path / "rotas").mkdir()
    (tmp_path / "services").mkdir()
    path = tmp_path / "tocsin.yaml"
    path.write_text("organisation: {name: Example}\npagers: []\n")
    (tmp_path / "people.yaml").write_text("ana: {name: Ana, email: a@x.example}\n")
    (tmp_path / "rotas" / "ml.yaml").write_text(
        "title: ML\nzone: UTC\nlayers: [{from: 2020-01-01 09:00, turn: weekly, people: [ana]}]\n"
    )
    (tmp_path / "services" / "s.yaml").write_text("name: s\ntitle: S\nowner: ml\non_call: ['rota:ml']\n")
    assert run(["check", "-c", str(path), "--oncall", "--days", "7"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[2] == "On call for the next 7 days, by the files alone (covers are not known here):"
    assert told[3] == "ALARM  no pager is set up, so a page reaches nobody"
    assert told[4].startswith("ALARM  a page for S reaches nobody from")
    (tmp_path / "services" / "s.yaml").unlink()
    (tmp_path / "rotas" / "ml.yaml").unlink()
    assert run(["check", "-c", str(path), "--oncall"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Everybody on call can be reached."


def test_who_is_paged_for_alerts_of_no_service(tmp_path, capsys, monkeypatch):
    """A warning, which --strict refuses, with the administrators' names; an alarm where there are none; calm once it is set."""
    monkeypatch.setenv("PROD", "s3cret-of-prod-0123456789")
    (tmp_path / "people.yaml").write_text("ana: {name: Ana, email: a@x.example}\n")
    path = tmp_path / "tocsin.yaml"
    text = (
        "organisation: {name: Example}\npagers: [{email: {host: mail.example, sender: t@x.example}}]\n"
        "alerts: [{name: prod, kind: alertmanager, auth: {bearer: {env: PROD}}}]\n"
    )
    path.write_text(text)
    assert run(["check", "-c", str(path), "--oncall"]) == 1
    told = capsys.readouterr()
    assert "ALARM  an alert of prod that names no service pages nobody: it has no default_service" in told.out
    assert "for an alert of prod that names no service nobody is paged" in told.err
    path.write_text(f"{text}admins: [ana]\n")
    assert run(["check", "-c", str(path), "--oncall"]) == 0
    told = capsys.readouterr()
    assert "note   an alert of prod that names no service pages ana: it has no default_service" in told.out
    assert "for an alert of prod that names no service the admins are paged (ana)" in told.err
    assert run(["check", "-c", str(path), "--strict"]) == 2
    assert "for an alert of prod that names no service the admins are paged (ana)" in capsys.readouterr().err
    path.write_text(f"{text}admins: [ana]\non_call: [ana]\n")
    assert run(["check", "-c", str(path)]) == 0
    assert "prod" not in capsys.readouterr().err
