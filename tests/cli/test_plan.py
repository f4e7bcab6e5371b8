"""The plan on a terminal of any width, with colour and without: the same words, and nothing moves its cursor."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from bot.cli._paint import Paint
from bot.cli._plan import plan, preview, way_back

ANSI = re.compile("\x1b\\[[0-9;]*m")
AT = "2026-11-20T12:00:05.000Z"
TOLD: dict[str, Any] = {
    "id": "M1", "means": "rollback", "target": "visits-router", "state": "proposed", "proposed_by": "Ana Aydin",
    "proposed_at": AT, "because": "v2 turns away people with poor health more often than it should",
    "expires_at": AT, "glass": "", "reviewed_by": "", "automatic": False, "accepted_at": None, "label": "Roll back",
    "diff": ["weight v1 0 → 100", "weight v2 100 → 0"],
    "changes": [
        {"what": "weights.v1", "before": "0", "after": "100"},
        {"what": "flag, line 7", "before": None, "after": '  "defaultVariant": "off",\n  "targeting": {}'},
        {"what": "note", "before": "", "after": "a long note that does not fit on a narrow terminal, told whole"},
    ],
    "dry_run": "kube-apiserver took it as a dry run", "blast_radius": "100 % of visits traffic", "klass": 3,
    "share": 0.04, "serves": {"v1": 1.0, "v2": 0.0}, "undo": "weights back to v1 0, v2 100", "managed_by": "Argo CD",
    "warnings": ["release freeze holds until 2026-11-23 08:00 UTC: nobody deploys on weekends"], "hold_waived": "",
    "held": ["router.json"], "held_as": [{"name": "router.json", "sha256": "ab" * 32}], "hold_until": AT,
    "hold_finished": True, "not_held": ["lineage: no answer in 20 s"], "approved": 1, "needs": 2,
    "approve_by": ["admin", "approver"], "code_wanted": True, "outdated": True, "held_back": True, "override": "",
    "waits_because": "", "digest": "9d" * 32,
    "before": {"weights": {"v1": 0, "v2": 100}}, "after": {"weights": {"v1": 100, "v2": 0}}, "params": {"to": "v1"},
    "undo_params": {}, "action": "router", "target_uid": "router/visits", "token": "7", "rules": "", "name_wanted": False,
    "approvals": [{"person": "Ben Okafor", "at": AT, "stepped_up": True}],
}  # fmt: skip


@pytest.fixture(params=[30, 44, 60, 80, 200])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How wide the terminal is."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def test_it_fits_any_terminal(columns: int) -> None:
    """No line is wider but the digest, which is copied whole; and no word of the plan is lost."""
    for lines in (list(plan("INC-1", TOLD)), list(preview("INC-1", TOLD)), list(way_back("INC-1", TOLD))):
        told = " ".join(" ".join(lines).split())
        assert "9d" * 32 in told
        assert all(len(line) <= columns for line in lines if "9d9d" not in line and line != lines[0]), columns
    told = " ".join(" ".join(re.sub(r"^\s*\+ ", "", line) for line in plan("INC-1", TOLD)).split())
    for words in (TOLD["because"], *TOLD["warnings"], "a long note that does not fit on a narrow terminal, told whole",
                  "lineage: no answer in 20 s", "1 of 2 approved, by admin or approver; each with a one-time code",
                  "Ben Okafor at 2026-11-20 12:00:05 UTC with a one-time code"):  # fmt: skip
        assert words in told, (columns, words)


def test_what_goes_and_what_comes_reads_without_colour() -> None:
    """A sign before each line of a field; what is not there has none; an empty text says so."""
    lines = [line.strip() for line in plan("INC-1", TOLD)]
    assert "- weights.v1: 0" in lines
    assert "+ weights.v1: 100" in lines
    at = lines.index("+ flag, line 7:")
    assert lines[at + 1].startswith('+   "defaultVariant": "off",')
    assert lines[at + 2].startswith('+   "targeting": {}')
    assert "- note: (empty)" in lines
    assert any("[#...................] 4 % of production" in line for line in lines)


def test_colour_changes_no_word(columns: int) -> None:
    """Stripped of its colours it is the plan without."""
    coloured = list(plan("INC-1", TOLD, Paint(on=True)))
    assert [ANSI.sub("", line) for line in coloured] == list(plan("INC-1", TOLD))
    assert any(ANSI.search(line) for line in coloured)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "on"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colour_is_for_terminals_that_take_it(stream: io.StringIO, environ: dict[str, str], on: bool) -> None:
    """Not in a pipe, not where NO_COLOR or a dumb terminal says no."""
    assert Paint.here(stream, environ).on is on


def test_nothing_of_a_plan_moves_the_cursor() -> None:
    """Whatever a target answered stands there as text, in every field, coloured or not."""
    hostile = "\x1b[2J\x9b31m\u202eevil\r"

    def spoilt(value: Any) -> Any:
        if isinstance(value, str) and value not in {AT, "proposed"}:
            return value + hostile
        if isinstance(value, list):
            return [spoilt(each) for each in value]
        return {name: spoilt(each) for name, each in value.items()} if isinstance(value, dict) else value

    bad = {**spoilt(TOLD), "glass": hostile, "hold_waived": hostile, "override": hostile, "waits_because": hostile}
    for lines in (plan("INC-1", bad), preview("INC-1", bad), way_back("INC-1", bad)):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", "".join(lines))


def test_remarkable_states_are_said() -> None:
    """On its way, acted alone, automatic, no way back, an override, and what stood in its way."""

    def told(**changes: Any) -> str:
        return " ".join(" ".join(plan("INC-1", {**TOLD, **changes})).split())

    assert "on its way" in told(state="claimed", accepted_at=AT)
    assert "on its way back" in told(state="undoing", accepted_at=AT)
    assert "being carried out" in told(state="claimed")
    assert "approved beforehand by the policy" in told(automatic=True)
    alone = told(glass="nobody answers")
    assert "ACTED ALONE nobody answers reviewed by nobody yet" in alone
    assert "none but their own: Ben Okafor" in alone
    assert "none: it cannot be undone" in told(undo="")
    assert "counsel's hold does not stop it: patients wait" in told(override="patients wait")
    assert "it could not be done yet: the router is silent" in told(waits_because="the router is silent")
    assert "being held; the change waits for it until" in told(held=None, hold_finished=False)
