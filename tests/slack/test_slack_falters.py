"""The record falters half way: what was recorded is never called unrecorded, and pressing again doubles nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.duty import FactRecorded
from bot.domain.errors import Unavailable
from bot.domain.lifecycle import IncidentDeclared, IncidentResolved
from bot.domain.log import Event
from bot.domain.mitigation import MitigationProposed
from bot.domain.phase import Phase
from bot.domain.policy import Severity
from bot.domain.runbook import CompleteStep
from tests.slack.bench import Bench
from tests.slack.learning import resolving, staying
from tests.slack.talking import fill


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


def falter(bench: Bench, kind: type[Event], error: Exception | None = None) -> None:
    """Commit the first entry of that kind; then raise the error in its answer's place, or be silent from then on."""
    commit = bench.log.append

    async def faltering(incident: Any, events: Any, **more: Any) -> Any:
        after = await commit(incident, events, **more)
        if any(isinstance(one, kind) for one in events):
            bench.log.append = commit
            if error is not None:
                raise error
            bench.log.silent = True
        return after

    bench.log.append = faltering


async def test_the_record_falls_silent_after_the_declaration(bench: Bench):
    """Declared, and the tick could not be recorded: the person reads both, and there is nothing left to press."""
    ana = await bench.person("ana")
    await ana.command("/incident", "declare Files went astray")
    await ana.wait_for_view("declare")
    falter(bench, IncidentDeclared)
    await ana.submit({"severity": "2", "service": "visits", "personal": ["personal"]})
    (view,) = await ana.views()
    assert view["callback_id"] == "info"
    assert "INC-1 is declared" in str(view)
    assert "could not be recorded" in str(view)


@pytest.mark.parametrize("error", [TimeoutError(), Unavailable("the log", "no answer within 1.5 s")])
async def test_pressed_again_because_the_answer_came_too_late_it_is_one(bench: Bench, error: Exception):
    """The declaration is in the record and its answer is lost: the second press finds it, and notes the tick once."""
    ana = await bench.person("ana")
    await ana.command("/incident", "declare Recall fell")
    await ana.wait_for_view("declare")
    falter(bench, IncidentDeclared, error)
    answers = {"severity": "2", "service": "visits", "personal": ["personal"]}
    await ana.submit(answers)
    told = str(await ana.errors())
    assert "ress again" in told or "try again" in told
    assert "thread" not in told
    await ana.submit(answers)
    await bench.settle()
    assert "INC-1 is declared" in str(await ana.views())
    assert [one.id for one in await bench.desk.open_incidents()] == ["INC-1"]
    assert len(bench.posts("card")) == 1
    assert sum(isinstance(e.event, FactRecorded) for e in await bench.desk.log.entries("INC-1")) == 1


async def test_what_was_changed_between_two_presses_is_not_in_it(bench: Bench):
    """The first press counts, and the person reads that it did."""
    ana = await bench.person("ana")
    await ana.command("/incident", "declare Recall fell")
    await ana.wait_for_view("declare")
    falter(bench, IncidentDeclared, TimeoutError())
    await ana.submit({"severity": "3", "service": "visits"})
    await ana.submit({"severity": "1", "service": "visits"})
    assert "what you changed in the form since then is not in it" in str(await ana.views())
    assert (await bench.incident()).severity is Severity.SEV3


async def test_a_proposal_stands_although_its_step_could_not_be_recorded(bench: Bench):
    """Silent after the proposal: the person reads that it is proposed and what is left, and the step still asks."""
    await bench.declared()
    await bench.desk.start_runbook("INC-1", "bad-release", await bench.who("ana"))
    await bench.say(CompleteStep("compare", "differs"), "ana")
    await bench.desk.submit("INC-1", CompleteStep("wait", "done"))
    await bench.settle()
    ana = await bench.person("ana")
    (card,) = bench.posts("card")
    await ana.click("propose.open", in_thread_of=card["ts"], value="INC-1/step:act")
    await ana.wait_for_view("propose")
    falter(bench, MitigationProposed)
    await ana.submit({"offer": "rollback-v1", "reason": "v2 is wrong"})
    bench.log.silent = False
    await bench.settle()
    (view,) = await ana.views()
    assert "M1 is proposed" in str(view)
    assert "could not be recorded" in str(view)
    incident = await bench.incident()
    assert list(incident.mitigations) == ["M1"]
    assert incident.run is not None
    assert incident.run.current == "act"


async def test_resolved_although_its_follow_up_could_not_be_recorded(bench: Bench):
    """Silent after the resolution: the person reads that it is resolved and for what no follow-up stands."""
    await bench.declared()
    await staying(bench)
    await resolving(bench)
    falter(bench, IncidentResolved)
    ana = await bench.person("ana")
    await fill(ana, summary="v1 is back")
    bench.log.silent = False
    (view,) = await ana.views()
    assert "INC-1 is resolved" in str(view)
    assert "M1" in str(view)
    incident = await bench.incident()
    assert incident.phase is Phase.RESOLVED
    assert incident.followups == {}
