"""`tocsin affected` against the real server: numbers shown and counted, and the list taken by one's own hand alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.live import Answer, Live, Scripted, says
from tests.decisions.logs import decided, many, write
from tests.world import shipped

REACH = ("--since", "2026-11-20T12:00:00Z", "--until", "2026-11-20T13:59:00Z", "--version", "v2", "--slice", "all")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A house with a prediction log and an incident."""
    log = tmp_path / "elsewhere" / "log.parquet"
    log.parent.mkdir()
    told = write(log, [decided(-1), *many()])
    services = shipped().services
    services = {**services, "visits": replace(services["visits"], prediction_log=told)}
    (tmp_path / "house").mkdir()
    with Live(tmp_path / "house", services=services) as house:
        house.do(house.world.declare("women are turned down", "ana"))
        yield house


@pytest.fixture
def told(capsys):
    def read() -> tuple[str, str]:
        seen = capsys.readouterr()
        return seen.out, seen.err

    return read


def test_numbers_and_list(live: Live, told, tmp_path: Path) -> None:
    """Not counted, counted, shown; the list only for counsel with a token of their own, written where it is not yet."""
    assert live.tocsin("affected", "INC-1") == 0
    assert told()[0] == "Not counted yet: tocsin affected INC-1 --count\n"
    assert live.tocsin("affected", "INC-1", "--count", *REACH) == 0
    counted = told()[0]
    assert "v2, everybody, 2026-11-20 12:00:00 UTC to 2026-11-20 13:59:00 UTC" in counted
    assert "120 decisions, 60 adverse, 120 people" in counted
    assert "f is selected at 0.50 of the rate of m" in counted
    assert live.tocsin("affected", "INC-1") == 0
    assert told()[0] == counted
    assert live.tocsin("affected", "INC-1", "--json") == 0
    assert json.loads(told()[0])["people"] == 120

    out = tmp_path / "list.csv"
    assert live.tocsin("affected", "INC-1", "--list", "-o", str(out), *REACH, person="cleo") == 1
    assert "your own token" in told()[1]
    for person in ("ana", "cleo"):
        live.token(person)
    told()
    assert live.tocsin("affected", "INC-1", "--list", "-o", str(out), *REACH) == 1
    assert "only counsel may take the list of the people affected" in told()[1]
    assert not out.exists()
    assert live.tocsin("affected", "INC-1", "--list", "-o", str(out), *REACH, person="cleo") == 0
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert told()[0] == f"wrote {out} (120 rows, SHA-256 {digest})\n"
    assert f"The list of them has SHA-256 {digest}." in counted
    assert out.stat().st_mode & 0o077 == 0
    assert live.tocsin("affected", "INC-1", "--list", "-o", str(out), *REACH, person="cleo") == 1
    assert "is there already" in told()[1]
    assert live.tocsin("incident", "show", "INC-1", "--all") == 0
    assert "took the list of those decided about: 120 rows" in told()[0]


@pytest.mark.parametrize(
    "words", [["--list"], ["-o", "x.csv"], ["--list", "--count", "-o", "x.csv"], ["--slice", "all"]]
)
def test_words_that_do_not_go_together(live: Live, told, words: list[str]) -> None:
    """A usage error says which; nothing is asked of the server."""
    assert live.tocsin("affected", "INC-1", *words) == 2
    assert "--list" in told()[1]


def test_a_list_that_did_not_arrive_whole_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A digest that does not fit the bytes, or a server of another version, leaves no file."""
    out = tmp_path / "list.csv"
    answers = [Answer(200, b"half", {"x-tocsin-sha256": "0" * 64}), says(404)]
    with Scripted(tmp_path, answers).listening() as server:
        assert server.tocsin("affected", "INC-1", "--list", "-o", str(out)) == 1
        assert "did not arrive whole" in capsys.readouterr().err
        assert server.tocsin("affected", "INC-1", "--list", "-o", str(out)) == 1
        assert "knows no such address" in capsys.readouterr().err
    assert not out.exists()
