"""Whatever Slack and the console can do, `tocsin incident` does against the real server, in sentences and exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli._main import run
from bot.documents import _verify
from bot.domain.lifecycle import UpdatePosted
from bot.domain.mitigation import State
from bot.engine.values import Found
from tests.cli.live import Live


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A house in which recall of a slice broke."""
    with Live(tmp_path) as house:
        house.world.instrument.found = [Found("v2 was trained on other labels", (("training_data", 4.0),))]
        house.do(house.world.healthy())
        house.do(house.world.broken())
        yield house


@pytest.fixture
def told(capsys):
    """What was printed since the last look: standard output, then standard error."""

    def read() -> tuple[str, str]:
        seen = capsys.readouterr()
        return seen.out, seen.err

    return read


def test_the_night_shift_reads_takes_and_mitigates(live: Live, told) -> None:
    """List, show, acknowledge, propose, and a second person who approves exactly the digest read."""
    assert live.tocsin("incident", "list") == 0
    header, row = told()[0].splitlines()
    assert header.split() == ["INCIDENT", "SEVERITY", "PHASE", "BEGAN", "SERVICE", "TITLE"]
    assert row.split()[:3] == ["INC-1", "SEV2", "declared"]
    assert "visits" in row

    assert live.tocsin("incident", "show", "INC-1") == 0
    shown = told()[0]
    assert "slice health=poor" in shown
    assert "Nobody has taken it yet: tocsin incident ack INC-1" in shown
    assert "training data" in shown
    assert "rollback-v1  Roll back to v1 (rollback)" in shown

    assert live.tocsin("incident", "ack", "INC-1") == 0
    assert "INC-1  SEV2  acknowledged" in told()[0]

    assert live.tocsin("incident", "propose", "INC-1", "rollback-v1", "--because", "v2 is bad") == 0
    proposed = told()[0]
    (digest,) = [line.split()[-1] for line in proposed.splitlines() if line.strip().startswith("digest")]
    assert "weights v1: 0 → 100" in proposed
    assert "all traffic (class 2)" in proposed

    assert live.tocsin("incident", "approve", "INC-1", "M1", "--yes", digest, person="ben") == 1
    assert told()[1] == "tocsin: this needs your own token or login: ask for one with `tocsin token ben`\n"
    for person in ("ana", "ben"):
        live.token(person)
    told()
    assert live.tocsin("incident", "approve", "INC-1", "M1", "--yes", digest) == 1
    assert "may approve a class 2 change" in told()[1]
    assert live.tocsin("incident", "approve", "INC-1", "--yes", "0" * 64, person="ben") == 1
    assert "not what you read" in told()[1]
    assert live.do(live.world.incident()).mitigations["M1"].state is State.PROPOSED

    assert live.tocsin("incident", "approve", "INC-1", "--yes", digest, person="ben") == 0
    live.do(live.world.settle())
    assert live.world.router.weights == {"v1": 100, "v2": 0}
    told()
    assert live.tocsin("incident", "approve", "INC-1", person="ben") == 1
    assert "no mitigation waits for it; there is M1 (applied)" in told()[1]
    assert live.tocsin("incident", "approve", "INC-1", "M1", person="ben") == 1
    assert told()[1] == "tocsin: M1 is applied; there is nothing to approve\n", "said before anybody is asked"
    assert live.tocsin("incident", "assign", "INC-1", "comander", "ben") == 2
    assert "'comander' is none of commander, operations, communications" in " ".join(told()[1].split())
    assert live.tocsin("incident", "undo", "INC-1", "M1", "--yes", digest, "--because", "it was not that") == 1
    assert "may undo a mitigation" in told()[1]
    assert live.tocsin("incident", "undo", "INC-1", "M1", "--yes", digest, "--because", "not that", person="ben") == 0
    live.do(live.world.settle())
    assert live.world.router.weights == {"v1": 0, "v2": 100}


def test_a_person_is_asked_before_production_changes(live: Live, told) -> None:
    """A true child process: "n" and an empty answer approve nothing, "y" approves what was shown."""
    live.tocsin("incident", "propose", "INC-1", "rollback-v1")
    live.token("ben")
    words = [sys.executable, "-m", "bot", "incident", "approve", "INC-1", "M1", "-c", str(live.config)]
    environ = {**os.environ, "TOCSIN_PERSON": "ben", "PYTHONIOENCODING": "ascii"}

    def answered(answer: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, input=answer, env=environ, capture_output=True, text=True, check=False, timeout=60)

    for no in ("n\n", ""):
        done = answered(no)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert live.do(live.world.incident()).mitigations["M1"].approvals == ()
    done = answered("y\n")
    assert done.returncode == 0, done.stderr
    assert "blast radius   all traffic" in done.stdout
    assert [each.digest for each in live.do(live.world.incident()).mitigations["M1"].approvals] != []


def test_looking_into_it(live: Live, told) -> None:
    """Findings, updates, parts, impact, whys, follow-ups and corrections, each recorded once in the log."""
    for words in (
        ["ack", "INC-1"],
        ["update", "INC-1", "we roll back", "--next", "30m", "--thread-only"],
        ["finding", "INC-1", "labels were cut off"],
        ["finding", "INC-1", "the disk is full"],
        ["take-back", "INC-1", "F3", "--because", "another host"],
        ["note", "INC-1", "called the vendor", "--at", "2026-11-20T12:00:10Z"],
        ["severity", "INC-1", "sev1", "--because", "people wait"],
        ["assign", "INC-1", "commander", "ben"],
        ["page", "INC-1", "ben", "--because", "you know the router"],
        ["impact", "INC-1", "--events", "120", "--unknown", "who they are", "--note", "visits not planned"],
        ["why", "INC-1", "v2 was trained on cut labels"],
        ["why", "INC-1", "the export was cut", "--under", "W1"],
        ["root", "INC-1", "W2"],
        ["followup", "INC-1", "check label rates", "--owner", "ana", "--due", "2026-12-01", "--why", "W2"],
        ["correct", "INC-1", "onset", "2026-11-20T11:59:00Z", "--because", "the export ran then"],
    ):
        assert live.tocsin("incident", *words) == 0, (words, told())
    incident = live.do(live.world.incident())
    (update,) = [one.event for one in live.do(live.world.house.desk.log.entries("INC-1"))
                 if isinstance(one.event, UpdatePosted)]  # fmt: skip
    assert update.next_due is not None
    assert not update.broadcast
    assert incident.impact is not None
    assert (incident.impact.events, incident.impact.people) == (120, None)
    assert "who they are" in incident.impact.unknowns
    assert incident.whys["W2"].root
    assert [each.gone is None for each in incident.findings] == [True, True, False]
    assert [(each.text, each.at.isoformat()) for each in incident.notes] == [
        ("called the vendor", "2026-11-20T12:00:10+00:00")
    ]
    assert [each.due.isoformat() for each in incident.followups.values()] == ["2026-12-01"]
    assert str(incident.severity) == "SEV1"
    told()
    assert live.tocsin("incident", "show", "INC-1", "--all") == 0
    shown = told()[0]
    for words in ("incident commander: Ben Okafor", "W2  the export was cut [root cause]", "people: not known",
                  "labels were cut off", "check label rates (Ana Aydin, "):  # fmt: skip
        assert words in shown, words
    (promise,) = incident.followups
    assert live.tocsin("incident", "finish", "INC-1", promise) == 0
    assert live.tocsin("incident", "impact", "INC-1") == 0
    assert "nothing was recorded" in told()[0]
    assert live.tocsin("incident", "snooze", "INC-1") == 1
    assert "you were not reminded of anything here" in told()[1]


def test_the_end_of_an_incident(live: Live, told) -> None:
    """Resolved, open again, resolved and closed; a closed one is listed only with --all."""
    assert live.tocsin("incident", "resolve", "INC-1", "rolled back", "--waive", "the SLI is still low") == 0
    assert live.tocsin("incident", "reopen", "INC-1", "--because", "it came back") == 0
    assert live.tocsin("incident", "resolve", "INC-1", "rolled back", "--waive", "the SLI is still low") == 0
    assert live.tocsin("incident", "close", "INC-1", person="max") == 0
    told()
    assert live.tocsin("incident", "list") == 0
    assert told()[0] == "No incident.\n"
    assert live.tocsin("incident", "list", "--all", "--json") == 0
    (row,) = json.loads(told()[0])
    assert (row["id"], row["phase"]) == ("INC-1", "closed")
    assert live.tocsin("incident", "assign", "INC-1", "commander", "ben") == 1
    assert told()[1].startswith("tocsin: INC-1 is closed")


def test_a_runbook_is_followed_step_by_step(live: Live, told) -> None:
    """The live step is shown with the command for each answer; an answer to another step is refused."""
    assert live.tocsin("incident", "step", "INC-1") == 0
    shown = told()[0]
    before = live.do(live.world.incident()).run
    assert before is not None
    live_step = before.step
    assert live_step is not None
    assert f"{live_step.id}: {live_step.title}" in shown
    assert live.tocsin("incident", "step", "INC-1", "no-such-step", "yes") == 1
    assert told()[1].startswith("tocsin: ")
    assert live.tocsin("incident", "step", "INC-1", live_step.id) == 2
    answer = live_step.options[0].value if live_step.options else "done"
    assert live.tocsin("incident", "step", "INC-1", live_step.id, answer, "--note", "seen") == 0
    after = live.do(live.world.incident()).run
    assert after is not None
    assert [(each.step, each.note) for each in after.done][-1] == (live_step.id, "seen")


def test_counsel_is_told_and_a_notice_is_filed(live: Live, told, tmp_path: Path) -> None:
    """Facts, a notice, its frozen words approved by digest, filed, and exported in every form."""
    live.token("cleo")
    assert live.tocsin("incident", "fact", "INC-1", "personal_data_breach", "yes", person="cleo") == 0
    assert live.tocsin("incident", "fact", "INC-1", "member_states_affected", "DE", "--list", person="cleo") == 0
    facts = live.do(live.world.incident()).facts
    assert facts["personal_data_breach"] is True
    assert facts["member_states_affected"] == ("DE",)
    assert live.tocsin("incident", "fact", "INC-1", "bogus", "yes", person="cleo") == 1
    assert "there is no fact 'bogus'" in told()[1]
    assert live.tocsin("incident", "fact", "INC-1", "personal_data_breach", "maybe", person="cleo") == 1
    assert "expected yes, no or unknown, got 'maybe'" in told()[1]
    assert live.tocsin(
        "incident", "decide-duty", "INC-1", "eu_gdpr_art33", "no", "--because", "none left the house", person="cleo"
    ) == 0  # fmt: skip
    assert live.tocsin("incident", "notice", "INC-1", "stakeholders/update") == 0
    (name,) = live.do(live.world.incident()).notices
    told()
    assert live.tocsin("incident", "approve-notice", "INC-1", person="cleo") == 1
    assert "no notice waits for it" in told()[1]
    assert live.tocsin("incident", "ask-approval", "INC-1", name) == 0
    assert live.tocsin("incident", "changes", "INC-1", name, "--because", "too long", person="cleo") == 0
    assert live.tocsin("incident", "ask-approval", "INC-1", name) == 0
    digest = live.do(live.world.incident()).notices[name].latest.digest
    assert live.tocsin("incident", "approve-notice", "INC-1", "--yes", digest, person="cleo") == 0
    assert live.tocsin("incident", "file", "INC-1", name, "by letter", "--reference", "A 7", person="cleo") == 0
    told()
    for kind, start in (("pdf", b"%PDF"), ("docx", b"PK"), ("md", b""), ("json", b"{")):
        path = tmp_path / f"notice.{kind}"
        assert live.tocsin("export", "INC-1", "--notice", name, "-o", str(path)) == 0, told()
        assert path.read_bytes().startswith(start)
        assert path.stat().st_mode & 0o077 == 0
    assert live.tocsin("export", "INC-1", "--notice", name, "-o", str(tmp_path / "notice.pdf")) == 1
    assert "is there already" in told()[1]
    assert live.tocsin("export", "INC-1", "--notice", "N9", "-o", str(tmp_path / "x.pdf")) == 1
    assert f"no notice called 'N9'; there is {name}" in told()[1]
    assert not (tmp_path / "x.pdf").exists()


def test_a_whole_incident_is_taken_away(live: Live, told, tmp_path: Path) -> None:
    """As JSON with its timeline and the head that `tocsin verify` names; a folder that is not there is a sentence."""
    path = tmp_path / "inc.json"
    assert live.tocsin("export", "INC-1", "-o", str(path)) == 0
    taken = json.loads(path.read_text())
    assert taken["timeline"]
    assert taken["head"] == live.do(live.world.incident()).head
    told()
    assert live.tocsin("export", "INC-1", "-o", str(tmp_path / "none" / "inc.json")) == 1
    assert "cannot be written: No such file or directory" in told()[1]
    assert live.tocsin("export", "INC-1", "--format", "pdf", "-o", str(tmp_path / "inc.pdf")) == 2
    assert live.tocsin("export", "INC-1", "-o", str(tmp_path / "inc.PDF")) == 2
    assert "inc.PDF ends with .pdf" in told()[1]
    assert live.tocsin("export", "INC-1", "--notice", "N1", "--format", "pdf", "-o", str(tmp_path / "n1.docx")) == 2
    assert "--format says pdf, and n1.docx ends with .docx" in told()[1]
    assert not [*tmp_path.glob("inc.PDF"), *tmp_path.glob("n1.docx")]


def test_the_auditors_pack_is_taken_away_and_checked(live: Live, told, tmp_path: Path) -> None:
    """The command says the head to hand over by another way; the pack checks itself; responders may not take it."""
    live.token("cleo")
    path = tmp_path / "pack.zip"
    assert live.tocsin("export", "INC-1", "--pack", "-o", str(path)) == 1
    assert "the whole record of an incident is for" in told()[1]
    assert not path.exists()
    assert live.tocsin("export", "INC-1", "--pack", "-o", str(path), person="cleo") == 0
    head = live.do(live.world.incident()).head
    assert f"head {head}\n" in told()[0]
    assert path.stat().st_mode & 0o077 == 0
    assert _verify.main(str(path), head) == 0
    assert _verify.main(str(path), "0" * 64) == 1
    told()
    assert live.tocsin("export", "INC-1", "--pack", "-o", str(tmp_path / "pack.json"), person="cleo") == 2
    assert "does not end with .zip" in told()[1]
    assert live.tocsin("export", "INC-1", "--pack", "--notice", "N1", "-o", str(tmp_path / "p.zip"), person="cleo") == 2
    assert live.tocsin("export", "INC-9", "--pack", "-o", str(tmp_path / "p.zip"), person="cleo") == 1


def test_a_redline_is_taken_away(live: Live, told, tmp_path: Path) -> None:
    """Of a notice with an earlier version, as a Word file; of one without, and in another form, a sentence says why not."""
    assert live.tocsin("incident", "notice", "INC-1", "stakeholders/update") == 0
    (name,) = live.do(live.world.incident()).notices
    path = tmp_path / "redline.docx"
    assert live.tocsin("export", "INC-1", "--notice", name, "--redline", "-o", str(path)) == 1
    assert f"{name} has no earlier version to compare with" in told()[1]
    assert live.tocsin("incident", "ask-approval", "INC-1", name) == 0
    live.token("cleo")
    assert live.tocsin("incident", "changes", "INC-1", name, "--because", "too long", person="cleo") == 0
    told()
    assert live.tocsin("export", "INC-1", "--notice", name, "--redline", "-o", str(path)) == 0, told()
    assert path.read_bytes().startswith(b"PK")
    assert live.tocsin("export", "INC-1", "--notice", name, "--redline", "-o", str(tmp_path / "x.pdf")) == 2
    assert "a redline is of one notice, as docx" in told()[1]


def test_declared_by_hand(live: Live, told) -> None:
    """With a service of the catalogue; an unknown one and an unreadable severity are told by name, nothing is opened."""
    assert live.tocsin("incident", "declare", "Plans look odd", "--severity", "SEV2", "--service", "visits") == 0
    assert "INC-2  SEV2  declared  Plans look odd" in told()[0]
    assert live.tocsin("incident", "declare", "Plans look odd", "--service", "visit") == 1
    assert told()[1] == "tocsin: no service called 'visit'; there is tocsin, visits\n"
    assert live.tocsin("incident", "declare", "Plans look odd", "--severity", "high") == 1
    assert "severity: a severity is SEV1, SEV2, SEV3 or SEV4" in told()[1]


def test_who_asks_must_be_somebody(live: Live, told) -> None:
    """Nobody, an unknown person and an unknown incident are each one sentence."""
    assert live.tocsin("incident", "list", person="") == 2
    assert "say who you are" in told()[1]
    assert live.tocsin("incident", "list", person="zoe") == 1
    assert "'zoe' is nobody in people.yaml" in told()[1]
    assert live.tocsin("incident", "list", person="jörg") == 1
    assert "nobody's key" in told()[1]
    assert live.tocsin("incident", "ack", "INC-9") == 1
    assert told()[1] == "tocsin: no incident called 'INC-9'\n"
    assert live.tocsin("incident", "ack", "../verify") == 1
    assert len(told()[1].splitlines()) == 1


def test_a_wrong_token_is_told_where_to_find_the_right_one(live: Live, told) -> None:
    """Somebody else's state folder, or an old copy of it."""
    (live.folder / "api-token").write_text("another\n")
    assert live.tocsin("incident", "list") == 1
    error = told()[1]
    assert "kept in the state folder, file api-token" in error
    assert "another" not in error.replace("another house", "")


def test_a_login_link_lets_in(live: Live, told) -> None:
    """Printed alone on standard output; somebody unknown gets none."""
    assert run(["login", "cleo", "-c", str(live.config)]) == 0
    out, err = told()
    assert out.startswith("http://127.0.0.1:8080/login?token=")
    assert (len(out.splitlines()), err) == (1, "")
    assert run(["login", "zoe", "-c", str(live.config)]) == 1
    assert "no person called 'zoe'; there is ana, ben, cleo, max" in told()[1]


def test_what_is_learnt_is_corrected_and_drafted(live: Live, told) -> None:
    """A why revised and struck, a promise moved, a war room asked for, and the post-mortem printed."""
    live.token("ana")
    due = "2036-12-01"
    for words, after in (
        (("why", "INC-1", "v2 never saw a sick person"), "Why answered."),
        (("revise", "INC-1", "W1", "--text", "v2 saw no sick person", "--evidence", "F1"), "Why corrected."),
        (("root", "INC-1", "W1"), "Root cause named."),
        (("followup", "INC-1", "gate by slice", "--owner", "ben", "--due", due, "--why", "W1"), "Follow-up added."),
        (("move", "INC-1", "U1", "--owner", "ana", "--due", "2036-12-24"), "Follow-up changed."),
        (("why", "INC-1", "the export", "--under", "W1"), "Why answered."),
        (("strike", "INC-1", "W2", "--because", "the export was fine"), "Why struck."),
        (("room", "INC-1"), "The war room is being opened."),
    ):
        assert live.tocsin("incident", *words) == 0, words
        assert after in told()[0]
    incident = live.do(live.world.incident())
    assert (incident.whys["W1"].text, incident.whys["W1"].evidence) == ("v2 saw no sick person", "F1")
    assert list(incident.whys) == ["W1"]
    assert incident.followups["U1"].due.isoformat() == "2036-12-24"
    assert live.tocsin("incident", "postmortem", "INC-1") == 0
    draft = told()[0]
    assert draft.startswith("# Post-mortem draft: ")
    assert "v2 saw no sick person (rests on F1" in draft
    assert live.tocsin("incident", "postmortem", "INC-9") == 1
    assert "INC-9" in told()[1]
    assert live.tocsin("incident", "revise", "INC-1", "W2", "--text", "x") == 1
    assert "was struck meanwhile (the export was fine)" in told()[1]
