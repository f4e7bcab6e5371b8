"""Settling a doubt in Slack: the question is about what is in doubt, and the answer is recorded as it was given."""

from __future__ import annotations

import pytest

from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.execution import OutcomeReported, ReportOutcome
from bot.domain.hold import ReportHold
from bot.domain.mitigation import Outcome, State
from bot.domain.undo import ReportUndo, UndoMitigation
from tests.kit import held
from tests.slack.bench import Bench


async def doubted(bench: Bench, *, undo: bool) -> str:
    """A change, or its undoing, whose target gave no answer; the ts of the card."""
    ts = await bench.proposed()
    ben = await bench.who("ben")
    plan = (await bench.incident()).mitigations["M1"].plan
    for command, who in (
        (ReportHold("M1", held("router.json")), None),
        (ApproveMitigation("M1", plan.digest), ben),
        (ClaimMitigation("M1", plan.token, (ben.person,)), None),
        *(
            [
                (ReportOutcome("M1", Outcome.APPLIED, "weights are v1 100"), None),
                (UndoMitigation("M1", "worse"), ben),
                (ReportUndo("M1", Outcome.UNKNOWN, "no answer"), None),
            ]
            if undo
            else [(ReportOutcome("M1", Outcome.UNKNOWN, "no answer"), None)]
        ),
    ):
        await (bench.desk.submit("INC-1", command, who) if who else bench.desk.submit("INC-1", command))
    await bench.settle()
    return ts


@pytest.mark.parametrize(("answer", "ended"), [("taken-back", State.UNDONE), ("still-stands", State.APPLIED)])
async def test_an_undo_in_doubt_is_settled_in_its_own_words(bench: Bench, answer: str, ended: State):
    """Message, card and dialog ask whether it was taken back; nothing of having been applied is offered."""
    ts = await doubted(bench, undo=True)
    assert "Nobody can tell whether it was taken back" in bench.request()
    ben, text = await bench.opened("ben", "settle", ts)
    assert "It was taken back" in text
    assert "It still stands" in text
    assert "It was applied" not in text
    assert "It was not applied" not in text
    await ben.submit({"outcome": answer, "reason": "looked at the router"})
    await bench.settle()
    assert (await bench.incident()).mitigations["M1"].state is ended
    last = [each.event for each in await bench.desk.log.entries("INC-1") if isinstance(each.event, OutcomeReported)][-1]
    assert (last.outcome, last.detail) == (Outcome(answer), "looked at the router")


async def test_a_change_in_doubt_is_settled_as_before(bench: Bench):
    """Applied or not; a word of the undo that nobody was offered is refused with what to say."""
    ts = await doubted(bench, undo=False)
    assert "Nobody can tell whether it was applied" in bench.request()
    ben, text = await bench.opened("ben", "settle", ts)
    assert "It was applied" in text
    assert "taken back" not in text
    await ben.submit({"outcome": "failed", "reason": "looked at the router"})
    await bench.settle()
    assert (await bench.incident()).mitigations["M1"].state is State.FAILED
