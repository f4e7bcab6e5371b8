"""`tocsin token` gives one person a token of their own, and `tocsin incident` acts with it where it is there."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli._main import run
from tests.cli.live import Answer, Live, Scripted, says


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with Live(tmp_path) as house:
        yield house


def tocsin(live: Live, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A true child process, with these words in its environment."""
    command = [sys.executable, "-m", "bot", *words, "-c", str(live.config)]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_token_is_printed_once_and_speaks_for_its_owner(live: Live, tmp_path: Path, capsys) -> None:
    """Alone on standard output, in no file; a file of one's own is enough, and no name need be given."""
    printed = tocsin(live, "token", "ana")
    assert (printed.returncode, printed.stderr) == (0, "")
    (token,) = printed.stdout.splitlines()
    assert token not in capsys.readouterr().out, "the server's own log"
    assert all(token not in path.read_text(errors="replace") for path in tmp_path.iterdir() if path.is_file())
    assert not (tmp_path / "tokens").exists()
    mine = tmp_path / "mine"
    mine.write_text(token + "\n")
    done = tocsin(live, "incident", "declare", "Slow", TOCSIN_TOKEN_FILE=str(mine))
    assert done.returncode == 0, done.stderr
    declared = live.do(live.world.incident())
    assert declared.declared_by == live.do(live.world.house.desk.people.by_key("ana")).id
    other = tocsin(live, "incident", "list", "--as", "ben", TOCSIN_TOKEN_FILE=str(mine))
    assert other.returncode == 1
    assert "speaks for nobody else" in other.stderr
    assert token not in other.stderr
    login = tocsin(live, "login", "ben", TOCSIN_TOKEN_FILE=str(mine))
    assert login.returncode == 1
    assert "only the token of the state folder" in login.stderr


def test_a_saved_token_is_found(live: Live, tmp_path: Path, capsys) -> None:
    """Where only its owner reads it; the path is printed instead. Ended, every command says how to get another."""
    kept = tmp_path / "tokens" / "ana"
    printed = tocsin(live, "token", "ana", "--save")
    assert (printed.returncode, printed.stdout) == (0, f"saved in {kept}\n")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) & 0o077 == 0
    assert live.tocsin("incident", "list") == 0
    kept.write_text("tocsin_nothing\n")
    assert live.tocsin("incident", "list") == 1
    assert "`tocsin token NAME` makes a personal one" in capsys.readouterr().err
    assert live.tocsin("token", "ana", "--save", person="") == 0
    copy = kept.read_text()
    capsys.readouterr()
    assert live.tocsin("token", "ana", "--revoke", person="") == 0
    assert capsys.readouterr().out.endswith("2 tokens of ana ended.\n")
    assert not kept.exists()
    kept.write_text(copy)
    assert live.tocsin("incident", "list") == 1
    assert "has ended" in capsys.readouterr().err


def test_whom_no_token_is_made_for(live: Live, tmp_path: Path, capsys) -> None:
    """Nobody, a path, and two wishes at once: each is a sentence, and no file is written."""
    assert live.tocsin("token", "zoe", "--save", person="") == 1
    assert "no person called 'zoe'" in capsys.readouterr().err
    assert live.tocsin("token", "../ana", "--save", person="") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert live.tocsin("token", "ana", "--save", "--revoke", person="") == 2
    assert not (tmp_path / "tokens").exists()
    (tmp_path / "tokens").write_text("in the way")
    assert live.tocsin("token", "ana", "--save", person="") == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("said", [{}, {"person": "ben", "token": "t"}, {"person": "ana", "token": "a\nb"}])
def test_junk_is_no_token(tmp_path: Path, capsys, said: dict[str, str]) -> None:
    """Whatever answers there, nothing of it is saved or printed."""
    with Scripted(tmp_path, [Answer(200, json.dumps(said).encode())]).listening() as server:
        assert run(["token", "ana", "--save", "-c", str(tmp_path / "tocsin.yaml")]) == 1
        assert not (tmp_path / "tokens").exists()
        server.answers = [says(200, ended="many")]
        assert run(["token", "ana", "--revoke", "-c", str(tmp_path / "tocsin.yaml")]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert all("is it the same version?" in line for line in told.err.splitlines())


def test_which_token_is_sent(tmp_path: Path) -> None:
    """A saved one for its owner alone, the machine's for everybody else; nobody's name leads out of the folder."""
    standing = says(200, id="INC-1", severity="SEV2", phase="acknowledged", title="Recall is low")
    with Scripted(tmp_path, [standing]).listening() as server:
        (tmp_path / "tokens").mkdir()
        (tmp_path / "tokens" / "ana").write_text("tocsin_own\n")
        for person in ("ana", "ben", "../api-token"):
            run(["incident", "ack", "INC-1", "--as", person, "-c", str(tmp_path / "tocsin.yaml")])
    sent = [(headers["x-tocsin-person"], headers["authorization"]) for _method, _path, headers, _body in server.asked]
    assert sent == [
        ("ana", "Bearer tocsin_own"),
        ("ben", "Bearer a-token"),
        ("../api-token", "Bearer a-token"),
    ]


def test_a_token_for_less_and_for_longer(live: Live, tmp_path: Path) -> None:
    """`--scope` and `--days` say what it is for and until when; what it is not for is refused with the reason."""
    printed = tocsin(live, "token", "ana", "--scope", "read", "--days", "90", "--name", "night report")
    assert (printed.returncode, printed.stderr) == (0, "")
    mine = tmp_path / "mine"
    mine.write_text(printed.stdout)
    (held,) = live.do(live.world.house.store.access.tokens.tokens(live.world.house.clock.now()))
    assert (held.name, sorted(held.scopes), (held.expires - held.made).days) == ("night report", ["read"], 90)
    assert tocsin(live, "incident", "list", TOCSIN_TOKEN_FILE=str(mine)).returncode == 0
    refused = tocsin(live, "incident", "declare", "Slow", TOCSIN_TOKEN_FILE=str(mine))
    assert refused.returncode == 1
    assert "lacks the scope respond" in refused.stderr
    assert tocsin(live, "token", "ana", "--days", "400").returncode == 2
    strange = tocsin(live, "token", "ana", "--scope", "everything")
    assert (strange.returncode, "scopes" in strange.stderr) == (1, True)
