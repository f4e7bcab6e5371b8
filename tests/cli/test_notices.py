"""Counsel at a terminal: clocks, a form filled in, own words, remarks, privilege, and a filing with its proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli._show_notices import queue
from tests.cli.live import Live
from tests.kit import NOON
from tests.web.legal import GDPR, TEMPLATE


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A house with one incident."""
    with Live(tmp_path) as made:
        made.do(made.world.healthy())
        made.do(made.world.broken())
        yield made


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[str, str]]:
    """What was printed since the last look: standard output, then standard error."""

    def read() -> tuple[str, str]:
        seen = capsys.readouterr()
        return seen.out, seen.err

    return read


def test_a_notice_is_written_at_a_terminal(live: Live, told, tmp_path: Path) -> None:
    """Form, wording, remarks and owner go through the same rules as the page; each refusal says why."""
    live.token("cleo")

    def does(*words: str, person: str = "cleo") -> str:
        code = live.tocsin("incident", *words, person=person)
        out, err = told()
        assert code == 0, err
        return out

    def refused(*words: str, person: str = "cleo") -> str:
        code = live.tocsin("incident", *words, person=person)
        out, err = told()
        assert code == 1, out
        return err

    assert "No legal clock is running." in does("clocks")
    for fact, value in (("personal_data_breach", "yes"), ("eu_nexus", "yes"), ("risk_to_individuals", "high")):
        does("fact", "INC-1", fact, value)
    does("notice", "INC-1", TEMPLATE, person="ana")
    assert "MISSING likely_consequences: likely consequences for people" in does("form", "INC-1", "N1")
    does("enter-field", "INC-1", "N1", "likely_consequences", "wrong letters", person="ana")
    does("enter-field", "INC-1", "N1", "record_categories", "--unknown", "still read", person="ana")
    form = does("form", "INC-1", "N1")
    assert "filled  likely_consequences" in form
    assert "unknown record_categories" in form
    assert "still read" in form
    assert "has no line 'nonsense'" in refused("enter-field", "INC-1", "N1", "nonsense", "x")

    text = tmp_path / "words.md"
    text.write_text("# To the authority\n\nOur own words.\n")
    assert "only counsel may" in refused_own(live, told, text)
    read = live.do(live.world.house.desk.situation("INC-1")).drafts["N1"].digest
    does("fact", "INC-1", "data_subjects_count", "98765")
    assert "is not what you read" in refused("reword", "INC-1", "N1", str(text), "--yes", read)
    assert "nobody can be asked" in refused("reword", "INC-1", "N1", "-")
    now = live.do(live.world.house.desk.situation("INC-1")).drafts["N1"].digest
    kept = does("reword", "INC-1", "N1", str(text), "--yes", now)
    assert "{+To+}" in kept
    assert "Your words stand." in kept
    assert "cannot be read" in refused("reword", "INC-1", "N1", str(tmp_path / "none.md"))
    does("comment", "INC-1", "N1", "too short", "--quote", "own words", person="ana")
    does("settle-comment", "INC-1", "N1", "C1")
    assert "the deputy is somebody else" in refused("assign-duty", "INC-1", GDPR, "cleo", "--deputy", "cleo")
    does("assign-duty", "INC-1", GDPR, "cleo", "--deputy", "ana")
    does("disclose", "INC-1", "customers", "--do-not-tell", "--because", "nobody was harmed")
    does("claim-privilege", "INC-1", "N1", "--basis", "work product", "--purpose", "advice")
    assert "no notice called 'N1'" in refused("form", "INC-1", "N1", person="ana")
    does("waive-privilege", "INC-1", "N1", "--because", "the authority asked")
    incident = live.do(live.world.incident())
    notice = incident.notices["N1"]
    assert "Our own words." in notice.rewording.text
    assert (notice.comments[0].quote, bool(notice.comments[0].resolved_by)) == ("own words", True)
    assert incident.disclosures["customers"].tell is False
    does("drop-notice", "INC-1", "N1", "--because", "written anew")
    assert live.do(live.world.incident()).notices["N1"].standing == "given up"


def refused_own(live: Live, told, text: Path) -> str:
    """Ana, with her own token, tries to word it."""
    live.token("ana")
    digest = live.do(live.world.house.desk.situation("INC-1")).drafts["N1"].digest
    told()
    assert live.tocsin("incident", "reword", "INC-1", "N1", str(text), "--yes", digest, person="ana") == 1
    return told()[1]


def test_the_queue_says_what_is_late_and_whose_it_is() -> None:
    """One line a clock: when, how long, what is missing, and that nobody answers for it yet."""
    row = {
        "strict": "2026-11-23T12:00:00.000Z", "incident": "INC-1", "regime_name": "GDPR", "stage_name": "first notice",
        "sure": False, "missing": ["7 gaps", "approval"], "owner": "",
    }  # fmt: skip
    (_header, early), (_same, late) = (list(queue([row], NOON + timedelta(days=days))) for days in (1, 4))
    for words in ("2026-11-23", "INC-1", "GDPR: first notice (may be owed)", "7 gaps, approval", "nobody yet"):
        assert words in early
    assert "late" in late
    assert "late" not in early
    assert list(queue([], NOON)) == ["No legal clock is running."]
