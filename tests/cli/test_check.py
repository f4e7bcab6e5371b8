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
    assert told.out == f"{path}: in order. 0 sources, 0 services, 0 objectives, 3 runbooks, 0 regimes, 0 people\n"
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
    assert told.splitlines() == [
        f"{tmp_path / 'none.yaml'}:1:1: cannot be read: No such file or directory",
        "1 problem",
    ]


def test_an_unknown_kind_of_source_is_answered_with_the_real_shelf(tmp_path, capsys):
    """The list of what there is comes from the folder of sources itself."""
    path = tmp_path / "tocsin.yaml"
    path.write_text(MINIMAL + "sources: {a: {kind: promethius}}\n")
    assert run(["check", "-c", str(path)]) == 2
    told = capsys.readouterr().err
    assert f"{path}:2:21: there is no source 'promethius'; did you mean 'prometheus'?" in told
    assert "openmetrics, predictions, prometheus" in told


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
