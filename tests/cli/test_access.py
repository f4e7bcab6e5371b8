"""`tocsin access` prints the table the tests hold the console to."""

from __future__ import annotations

import json

import pytest

from bot.cli._main import run
from tests.web.policy_table import table


def test_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Every route the table knows is printed, with whom it is for."""
    assert run(["access"]) == 0
    said = capsys.readouterr().out
    assert all(f"    {ask}\n" in said for ask in table())
    assert "never by the machine's token" in said


def test_one_route_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A word narrows it, in words and as JSON; one that nothing holds is said."""
    assert run(["access", "/api/alerts", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["asks"], each["who"]) for each in told] == [
        (["GET /api/alerts"], ["responder", "approver", "manager", "admin"])
    ]
    assert run(["access", "zebra"]) == 0
    assert capsys.readouterr().out == "nothing holds 'zebra'\n"
