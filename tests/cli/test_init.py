"""`tocsin init` gives a newcomer a folder that is in order, and never touches what is theirs."""

import re

import pytest
import yaml

from bot.cli._main import run
from bot.slack.manifest import build
from bot.words import house

FILES = {
    ".env.example",
    ".gitignore",
    "escalations/scoring.yaml",
    "people.yaml",
    "rotas/ml-platform.yaml",
    "runbooks/scoring-first-look.md",
    "services/scoring.yaml",
    "slack-manifest.yaml",
    "slos/scoring-answers.yaml",
    "tocsin.yaml",
}


def written(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_fresh_folder_is_in_order(tmp_path, capsys):
    """Nothing must be filled in before the check accepts it; what is still off is told as a warning."""
    folder = tmp_path / "new" / "tocsin"
    assert run(["init", str(folder)]) == 0
    assert written(folder) == FILES
    capsys.readouterr()
    assert run(["check", "-c", str(folder / "tocsin.yaml")]) == 0
    told = capsys.readouterr()
    assert (
        "in order. 1 source, 1 service, 1 objective, 4 runbooks, 1 rota, 1 escalation, 0 regimes, 3 people" in told.out
    )
    assert "warning" in told.err
    assert "Slack is off" in told.err


RULE = re.compile(r"^  # ( *(?:- )?[\w{].*)$", re.MULTILINE)


def test_every_rule_that_is_shown_commented_can_be_used(tmp_path, capsys, monkeypatch):
    """Somebody takes the comment signs away, of all rules at once, and the folder is in order still."""
    assert run(["init", str(tmp_path)]) == 0
    start = tmp_path / "tocsin.yaml"
    head, sign, rest = start.read_text().partition("policy:\n")
    policy, end, tail = rest.partition("\n# Legal duties")
    shown = "\n".join(line for line in policy.splitlines() if not re.match(r"  # (?:[A-Z]|on-call for)", line))
    start.write_text(head + sign + RULE.sub(r"  \1", shown) + end + tail)
    people = tmp_path / "people.yaml"
    people.write_text(people.read_text().replace("  # groups:", "  groups:"))
    service = tmp_path / "services" / "scoring.yaml"
    text = service.read_text()
    first, last = text.index("# targets:"), text.index("# evidence:")
    service.write_text(text[:first] + re.sub("(?m)^# ?", "", text[first:last]) + text[last:])
    monkeypatch.setenv("MLFLOW_TOKEN", "m-1")
    capsys.readouterr()
    assert run(["check", "--policy", "-c", str(start)]) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert "weekend" in told
    assert "registry (mlflow of scoring)" in told
    assert "group:platform" in told
    written_out = yaml.safe_load(start.read_text())["policy"]
    assert {"propose", "approve", "quorum", "step_up", "break_glass", "counsel", "approve_notice", "widest", "cool_down",
            "soak", "undo_itself", "freeze", "targets"} <= set(written_out)  # fmt: skip


def test_the_rota_and_the_escalation_that_are_shown_can_be_used(tmp_path, capsys, monkeypatch):
    """As they stand they are in nobody's way; with every comment sign taken away the folder is in order still."""
    assert run(["init", str(tmp_path)]) == 0
    shown = {
        "rotas/ml-platform.yaml": r"(?m)^( *)# ((?: |- |overrides).*)$",
        "escalations/scoring.yaml": r"(?m)^()# (end: .*)$",
        "services/scoring.yaml": r"(?m)^()# (escalation: .*)$",
        "people.yaml": r"(?m)^(  )# ((?:phone|zone|push): .*)$",
    }
    for name, commented in shown.items():
        path = tmp_path / name
        text, taken = re.subn(commented, r"\1\2", path.read_text())
        assert taken, name
        path.write_text(text.replace("on_call:", "# on_call:") if "services" in name else text)
    monkeypatch.setenv("ADA_NTFY", "topic")
    monkeypatch.setenv("ADA_PUSHOVER", "key")
    capsys.readouterr()
    assert run(["check", "-c", str(tmp_path / "tocsin.yaml")]) == 0, capsys.readouterr().err
    rota = yaml.safe_load((tmp_path / "rotas" / "ml-platform.yaml").read_text())
    assert (len(rota["layers"]), len(rota["overrides"])) == (2, 1)


def test_what_is_there_already_is_not_touched(tmp_path, capsys):
    """One file in the way: nothing is written at all, and the file is named."""
    (tmp_path / "people.yaml").write_text("mine: {name: Me}\n")
    assert run(["init", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert written(tmp_path) == {"people.yaml"}
    assert (tmp_path / "people.yaml").read_text() == "mine: {name: Me}\n"
    assert str(tmp_path / "people.yaml") in told.err
    assert "Traceback" not in told.err


def test_a_second_time_nothing_is_written(tmp_path, capsys):
    """Edits survive whoever runs it again."""
    run(["init", str(tmp_path)])
    (tmp_path / "tocsin.yaml").write_text("organisation: {name: Edited}\n")
    assert run(["init", str(tmp_path)]) == 1
    assert (tmp_path / "tocsin.yaml").read_text() == "organisation: {name: Edited}\n"


def test_a_dangling_link_is_in_the_way_too(tmp_path, capsys):
    """Writing through a link would write somewhere else."""
    (tmp_path / "tocsin.yaml").symlink_to(tmp_path / "elsewhere")
    assert run(["init", str(tmp_path)]) == 1
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_where_the_folder_should_be_is_a_sentence(tmp_path, capsys):
    """No traceback for a slip of the hand."""
    (tmp_path / "here").write_text("a file")
    assert run(["init", str(tmp_path / "here")]) == 1
    told = capsys.readouterr().err
    assert str(tmp_path / "here") in told
    assert "Traceback" not in told


def test_slack_can_be_switched_on_by_uncommenting(tmp_path, capsys):
    """With the commented lines in place and the tokens in the environment, the folder is in order without that warning."""
    run(["init", str(tmp_path)])
    path = tmp_path / "tocsin.yaml"
    text = path.read_text().replace("  mode: 'off' ", "  mode: socket ")
    text = re.sub(r"^  # (team|bot_token|app_token|signing_secret):", r"  \1:", text, flags=re.MULTILINE)
    path.write_text(text)
    capsys.readouterr()
    assert run(["check", "-c", str(path)]) == 2
    missing = capsys.readouterr().err
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        assert f"missing secret: the environment has no {name}" in missing
        assert f"\n{name}=\n" in (tmp_path / ".env.example").read_text()


def test_the_commented_service_fits_the_real_actions(tmp_path, capsys, monkeypatch):
    """Uncommenting targets, offers and evidence gives what the shelves take."""
    run(["init", str(tmp_path)])
    path = tmp_path / "services" / "scoring.yaml"
    lines = path.read_text().splitlines()
    first = lines.index("# targets:")
    last = next(index for index in range(first, len(lines)) if not lines[index])
    lines[first:last] = [line.removeprefix("# ") for line in lines[first:last]]
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("MLFLOW_TOKEN", "t")
    capsys.readouterr()
    assert run(["check", "-c", str(tmp_path / "tocsin.yaml")]) == 0, capsys.readouterr().err


def test_the_slack_app_of_the_folder_is_the_one_the_code_speaks_with():
    """Scopes, events, shortcuts and the command are those the product uses; a change of either is made in both."""
    manifest = yaml.safe_load((house() / "templates" / "starter" / "slack-manifest.yaml").read_text())
    assert manifest == build()
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    assert len(scopes) == len(set(scopes))
    assert all(len(shortcut["name"]) <= 24 for shortcut in manifest["features"]["shortcuts"])


@pytest.mark.parametrize("name", sorted(FILES))
def test_no_file_of_the_starter_holds_a_secret(name):
    """Only names of secrets are written out, never anything that looks like one."""
    text = (house() / "templates" / "starter" / name).read_text()
    assert not re.search(r"xox[abp]-|xapp-|BEGIN .*KEY", text)
