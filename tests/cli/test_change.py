"""The frame of changes at a terminal: the plan is read before it is approved, and what is refused is one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.hold import ReportHold
from bot.domain.mitigation import Means, ProposeMitigation, State
from bot.domain.policy import ActionClass, Role
from bot.domain.proof import ReportVerification
from tests.cli.live import Live
from tests.kit import held

WHY = "the clinic turns people away and nobody answers"
Told = Callable[[], tuple[str, str]]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A house with one incident, whose manager may act alone and review it; ana, ben, cleo and max hold tokens."""
    with Live(tmp_path) as house:
        handler = house.world.house.desk.handler
        handler.policy = replace(handler.policy, break_glass=frozenset({Role.APPROVER, Role.MANAGER}))
        house.do(house.world.declare("Recall fell", "ana"))
        for person in ("ana", "ben", "cleo", "max"):
            house.token(person)
        yield house


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """What was printed since the last look: standard output, then standard error."""

    def read() -> tuple[str, str]:
        seen = capsys.readouterr()
        return seen.out, seen.err

    return read


async def wide(live: Live) -> str:
    """A change of class 3 is proposed; its digest."""
    desk, world = live.world.house.desk, live.world
    target = desk.changes.target("visits-router")
    made = await world.router.plan(target, Means.ROLLBACK, {"to": "v1"})
    command = ProposeMitigation(replace(made, klass=ActionClass.WIDE), "v2 is bad")
    after = await desk.submit("INC-1", command, await world.who("ana"))
    return list(after.mitigations.values())[-1].digest


def incident(live: Live, *words: str, person: str = "ben") -> int:
    return live.tocsin("incident", *words, person=person)


def state(live: Live, name: str = "M1") -> State:
    return live.do(live.world.incident()).mitigations[name].state


def digest_of(live: Live, name: str = "M1") -> str:
    return live.do(live.world.incident()).mitigations[name].digest


def test_a_preview_changes_nothing(live: Live, told: Told) -> None:
    """It reads as the plan does, says who must approve, and gives the next command, or why not."""
    before = live.do(live.world.incident()).seq
    told()
    assert incident(live, "preview", "INC-1", "rollback-v1", person="ana") == 0
    shown = told()[0]
    for words in ("- weights.v1: 0", "+ weights.v1: 100", "blast radius   all traffic (class 2)",
                  "[####################] 100 % of production", "1 needed, by admin or approver", "Nothing was changed.",
                  "tocsin incident propose INC-1 rollback-v1"):  # fmt: skip
        assert words in shown, words
    assert incident(live, "preview", "INC-1", "rollback-v1", person="cleo") == 0
    assert "You cannot propose it now: only admin or approver or responder may propose" in told()[0]
    assert incident(live, "preview", "INC-1", "rollback-v1", "--json") == 0
    assert json.loads(told()[0])["changes"][0] == {"what": "weights.v1", "before": "0", "after": "100"}
    assert incident(live, "preview", "INC-1", "x/../y") == 1
    assert told()[1].startswith("tocsin: no prepared mitigation called 'x/../y'; there is ")
    assert live.do(live.world.incident()).seq == before


def test_a_wide_change_by_code(live: Live, told: Told) -> None:
    """Refused without; the code stands alone on standard output, is good once, for this person and plan."""
    digest = live.do(wide(live))
    told()
    assert incident(live, "approve", "INC-1", "M1", "--yes", digest) == 1
    assert "get one with `tocsin incident code INC-1 M1` or in the console" in told()[1]
    assert incident(live, "code", "INC-1") == 0
    code, note = told()
    assert code.count("\n") == 1
    assert note == "Good until 2026-11-20 12:05:00 UTC, for M1 and for you alone.\n"
    assert incident(live, "approve", "INC-1", "M1", "--yes", digest, "--code", "AAAAA-AAAAA") == 1
    assert "that is not your code for M1" in told()[1]
    assert incident(live, "approve", "INC-1", "M1", "--yes", digest, "--code", code.strip(), person="max") == 1
    assert "may approve a class 3 change" in told()[1]
    assert incident(live, "approve", "INC-1", "M1", "--yes", "0" * 64, "--code", code.strip()) == 1
    assert "what stands there now is not what you read" in told()[1]
    assert incident(live, "approve", "INC-1", "M1", "--yes", digest, "--code", code.strip()) == 0
    assert "Approved: it is carried out as soon as the evidence is held." in told()[0]
    assert live.do(live.world.incident()).mitigations["M1"].approvals[0].stepped_up


def test_a_code_takes_ones_own_token(live: Live, told: Told) -> None:
    """The machine's is refused before the server is asked for one, and ana's role is not enough."""
    live.do(wide(live))
    (live.folder / "tokens" / "ben").unlink()
    told()
    assert incident(live, "code", "INC-1", "M1") == 1
    assert told()[1] == "tocsin: this needs your own token or login: ask for one with `tocsin token ben`\n"
    assert incident(live, "code", "INC-1", "M1", person="ana") == 1
    assert "may be given a code for M1" in told()[1]
    assert incident(live, "code", "INC-1", "M1", "--json", person="max") == 0
    assert json.loads(told()[0]).keys() == {"mitigation", "code", "until"}


def test_a_person_is_asked_for_yes_and_code(live: Live, told: Told) -> None:
    """A true child process shows the plan, asks with the digest's first letters, then for the code."""
    digest = live.do(wide(live))
    told()
    incident(live, "code", "INC-1")
    code = told()[0].strip()
    words = [sys.executable, "-m", "bot", "incident", "approve", "INC-1", "-c", str(live.config)]
    environ = {**os.environ, "TOCSIN_PERSON": "ben", "COLUMNS": "50", "PYTHONIOENCODING": "ascii"}

    def answered(answers: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, input=answers, env=environ, capture_output=True, text=True, check=False, timeout=60
        )

    for answers in ("n\n", "", "y\n", "y\nAAAAA-AAAAA\n"):
        done = answered(answers)
        assert (done.returncode, state(live)) == (1, State.PROPOSED), answers
        assert "Traceback" not in done.stderr
    done = answered(f"y\n{code}\n")
    assert done.returncode == 0, done.stderr
    assert f"Approve exactly this? Digest {digest[:8]} [y/N]:" in done.stdout
    assert "\x1b" not in done.stdout, "no colour where it is no terminal"
    assert state(live) is State.APPROVED


def test_alone_and_reviewed(live: Live, told: Told) -> None:
    """It says what follows before it asks; show names it until somebody else has looked."""
    live.do(live.world.propose("rollback-v1", "ben"))
    digest = digest_of(live)
    told()
    assert incident(live, "alone", "INC-1", "M1", "--yes", digest, "--because", "now") == 1
    shown, error = told()
    assert "You act alone: those on call, managers and administrators are paged" in shown
    assert "say in a sentence why it cannot wait" in error
    assert incident(live, "alone", "INC-1", "M1", "--yes", digest, "--because", WHY, person="ana") == 1
    assert "may act alone" in told()[1]
    assert incident(live, "alone", "INC-1", "--yes", digest, "--because", WHY) == 0
    live.do(live.world.settle())
    assert live.world.router.weights == {"v1": 100, "v2": 0}
    told()
    assert incident(live, "show", "INC-1", person="ana") == 0
    shown = told()[0]
    assert "acted alone, not reviewed yet" in shown
    assert "tocsin incident review INC-1 M1 justified|unjustified WORDS" in shown
    assert incident(live, "review", "INC-1", "M1", "justified", "it was me") == 1
    assert told()[1] == "tocsin: you acted in M1; somebody else must review it\n"
    assert incident(live, "review", "INC-1", "M1", "perhaps", "x", person="max") == 2
    told()
    assert incident(live, "review", "INC-1", "M1", "unjustified", "ben could have called me", person="max") == 0
    assert incident(live, "show", "INC-1", "--all", person="ana") == 0
    shown = told()[0]
    assert "acted alone, reviewed" in shown
    assert "not justified: ben could have called me" in " ".join(shown.split())


def test_counsels_hold(live: Live, told: Told) -> None:
    """Placed, seen before approving, overridden by another than the proposer, released; each by the right person."""
    live.do(live.world.propose("rollback-v1", "ana"))
    digest = digest_of(live)
    told()
    assert incident(live, "hold", "place", "INC-1", "--because", "x") == 1
    assert "only counsel may place a legal hold" in told()[1]
    assert incident(live, "hold", "place", "INC-1", person="cleo") == 1
    assert told()[1] == "tocsin: say why nothing may be altered\n"
    assert incident(live, "hold", "place", "INC-1", "--because", "the authority asked", person="cleo") == 0
    told()
    assert incident(live, "show", "INC-1") == 0
    shown = told()[0]
    assert "COUNSEL HOLDS IT AS IT IS: the authority asked (Cleo Marchetti" in shown
    assert "tocsin incident override INC-1 M1 --because WHY" in shown
    assert incident(live, "approve", "INC-1", "--yes", digest) == 0
    assert "Approved: it waits until counsel's hold is released or overridden." in told()[0]
    live.do(live.world.settle())
    assert live.world.router.weights == {"v1": 0, "v2": 100}
    assert incident(live, "override", "INC-1", "M1", "--because", "patients wait", person="ana") == 1
    assert "may override a legal hold" in told()[1]
    assert incident(live, "override", "INC-1", "M1", "--because", "patients wait") == 0
    live.do(live.world.settle())
    assert live.world.router.weights == {"v1": 100, "v2": 0}
    assert incident(live, "hold", "release", "INC-1", "--because", "copied", person="cleo") == 0
    assert "Released: what was approved goes on." in told()[0]
    assert live.do(live.world.incident()).legal_hold is None


def test_people_at_risk_do_not_wait(live: Live, told: Told) -> None:
    """With a reason; afterwards the plan says so."""
    desk = live.world.house.desk

    async def propose() -> None:  # as the server's own propose, before its evidence is looked for
        made = await desk.changes.preview("INC-1", "rollback-v1")
        await desk.submit("INC-1", ProposeMitigation(made, "v2 is bad"), await live.world.who("ana"))

    live.do(propose())
    told()
    assert incident(live, "go-ahead", "INC-1", "M1") == 1
    assert told()[1] == "tocsin: say why people are at risk\n"
    assert incident(live, "go-ahead", "INC-1", "M1", "--because", "two patients wait", person="ana") == 1
    assert "may skip the evidence hold" in told()[1]
    assert incident(live, "go-ahead", "INC-1", "M1", "--because", "two patients wait") == 0
    told()
    assert incident(live, "show", "INC-1") == 0
    assert "not waited for, people are at risk: two patients wait" in told()[0]
    live.do(desk.submit("INC-1", ReportHold("M1", held("router.json"), ("lineage: no answer",))))
    assert incident(live, "show", "INC-1") == 0
    shown = told()[0]
    assert f"router.json sha256 {held('router.json')[0].sha256[:16]}" in shown
    assert "MISSING        lineage: no answer" in shown


def test_several_must_approve(live: Live, told: Told) -> None:
    """Each is told how many more; proposing says how many it takes."""
    handler = live.world.house.desk.handler
    both = {ActionClass.TRAFFIC: frozenset({Role.APPROVER, Role.MANAGER})}
    handler.policy = replace(handler.policy, approve=both, quorum={ActionClass.TRAFFIC: 2})
    told()
    assert incident(live, "propose", "INC-1", "rollback-v1", person="ana") == 0
    assert "2 people, none of them you, must read and approve it:" in told()[0]
    digest = digest_of(live)
    assert incident(live, "approve", "INC-1", "--yes", digest) == 0
    shown = told()[0]
    assert "0 of 2 approved, by approver or manager" in shown
    assert "Approved: 1 more must." in shown
    assert incident(live, "approve", "INC-1", "--yes", digest, person="max") == 0
    shown = told()[0]
    assert "1 of 2 approved" in shown
    assert "Ben Okafor at 2026-11-20" in shown
    assert "Approved: it is carried out as soon as the evidence is held." in shown


def test_what_does_not_help_names_the_way_on(live: Live, told: Told) -> None:
    """Show gives the command to take it back and to try another; undo asks, and shows what it would change."""
    live.do(live.world.propose("rollback-v1", "ana"))
    live.do(live.world.approve("M1"))
    live.do(live.world.settle())
    live.do(live.world.house.desk.submit("INC-1", ReportVerification("M1", helped=False, because="burns on")))
    told()
    assert incident(live, "show", "INC-1") == 0
    shown = told()[0]
    for words in ("not helping", "burns on", "tocsin incident undo INC-1 M1", "tocsin incident propose INC-1 NAME"):
        assert words in shown, words
    assert incident(live, "undo", "INC-1", "M1", "--yes", "0" * 64) == 1
    shown, error = told()
    assert "- weights.v1: 100" in shown
    assert "+ weights.v1: 0" in shown
    assert "is not what you read" in error
    assert incident(live, "undo", "INC-1", "M1", "--yes", digest_of(live)) == 0
    live.do(live.world.settle())
    assert live.world.router.weights == {"v1": 0, "v2": 100}


def test_what_stands_in_its_way_is_told(live: Live, told: Told) -> None:
    """Approved, and the target cools down: show says so, before and after it was tried, with when it may follow."""
    for name in ("M1", "M2"):
        live.do(live.world.propose("rollback-v1", "ana"))
        live.do(live.world.approve(name))
        live.do(live.world.settle())
        if name == "M1":
            assert incident(live, "undo", "INC-1", "M1", "--yes", digest_of(live)) == 0
            live.do(live.world.settle())
    assert state(live, "M2") is State.APPROVED
    told()
    assert incident(live, "show", "INC-1") == 0
    shown = " ".join(told()[0].split())
    assert "WARNING it saw a rollback a moment ago: this one may follow at 12:02:00 UTC" in shown
    assert "it could not be done yet: visits-router saw a rollback a moment ago; the next may follow at 12:02" in shown


def test_an_undo_in_doubt_is_settled_in_its_own_words(live: Live, told: Told) -> None:
    """Show names the command with them; the words of a change are refused, and nothing is recorded."""
    live.do(live.world.propose("rollback-v1", "ana"))
    live.do(live.world.approve("M1"))
    live.world.router.fault = "lost_before"
    assert incident(live, "undo", "INC-1", "M1", "--yes", digest_of(live), "--because", "worse") == 0
    live.do(live.world.settle())
    assert state(live) is State.UNKNOWN
    told()
    assert incident(live, "show", "INC-1") == 0
    assert "tocsin incident settle INC-1 M1 taken-back|still-stands" in " ".join(told()[0].split())
    assert incident(live, "settle", "INC-1", "M1", "failed") == 1
    assert told()[1] == "tocsin: nobody can tell whether M1 was taken back: say taken-back or still-stands\n"
    assert incident(live, "settle", "INC-1", "M1", "still-stands", "--detail", "I looked") == 0
    assert state(live) is State.APPLIED


def test_a_person_types_the_targets_name(live: Live, told: Told) -> None:
    """In a SEV1, and before acting alone: a yes with another name changes nothing, a script names the digest instead."""
    live.do(live.world.propose("rollback-v1", "ana"))
    environ = {**os.environ, "TOCSIN_PERSON": "ben", "PYTHONIOENCODING": "ascii"}

    def answered(answers: str, *verb: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "bot", "incident", *verb, "-c", str(live.config)]
        return subprocess.run(
            words, input=answers, env=environ, capture_output=True, text=True, check=False, timeout=60
        )

    done = answered("y\nvisits\n", "alone", "INC-1", "--because", WHY)
    assert (done.returncode, state(live)) == (1, State.PROPOSED)
    assert "Type visits-router to confirm:" in done.stdout
    assert "that is not visits-router; nothing was changed" in " ".join(done.stderr.split())
    assert incident(live, "severity", "INC-1", "SEV1", "--because", "worse", person="ana") == 0
    assert answered("y\nrouter\n", "approve", "INC-1").returncode == 1
    assert state(live) is State.PROPOSED
    done = answered("y\nvisits-router\n", "approve", "INC-1")
    assert done.returncode == 0, done.stderr
    assert state(live) is not State.PROPOSED
