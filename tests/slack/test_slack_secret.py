"""Nothing of a restricted incident leaves for Slack: a word planted in everything that can be said is looked for in every call."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.duty import Answer, AnswerDuties, AssignDuty, DecideDuty, Due, Duty, RecordFact
from bot.domain.filing import FileNotice
from bot.domain.finding import RecordFinding
from bot.domain.five_whys import AddWhy, NameRootCause
from bot.domain.followup import AddFollowUp
from bot.domain.hold import PlaceHold, ReleaseHold
from bot.domain.impact import AssessImpact
from bot.domain.incident import Incident
from bot.domain.lifecycle import ChangeSeverity, Resolve, Update
from bot.domain.notice import DropNotice
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity
from bot.domain.roles import Assign, Part
from bot.domain.signing import ApproveNotice, RequestChanges
from bot.domain.wording import ClaimPrivilege, CommentNotice, EnterField
from bot.notices.ask import OpenQuestion
from bot.notices.checklist import Item
from bot.notices.facts import FactType
from bot.notices.regime import Fact
from bot.slack.ids import Ref
from bot.slack.ingress import CLICKS, SUBMITS
from tests.slack.bench import BOOK, TEAM, Bench
from tests.slack.reminding import look

SECRET = "zanzibar"
EVERYBODY = ("ana", "ben", "cleo", "dev")
"""Ana declared it and Ben is on call: named. Cleo is counsel. Dev is neither named nor on call."""
STEPS: dict[str, Callable[[Bench], Awaitable[Any]]] = {}
_OPEN = frozenset({"ack", "lead", "snooze"})


def step(made: Callable[[Bench], Awaitable[Any]]) -> Callable[[Bench], Awaitable[Any]]:
    STEPS[made.__name__] = made
    return made


def questions() -> tuple[OpenQuestion, ...]:
    return tuple(
        OpenQuestion(Fact(f"{SECRET}_{asks}", FactType.parse("bool"), SECRET, SECRET, asks), ("gdpr",))
        for asks in ("responder", "counsel", "manager")
    )


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A restricted incident; every word people give it holds the secret one."""
    async with Bench.open(tmp_path) as made:
        rooms = made.slack.workspace.rooms
        rooms["C0LEGAL"] = replace(rooms["C0LEGAL"], members=tuple(f"U0{key.upper()}" for key in EVERYBODY))
        made.drafts.asked = questions()
        made.drafts.templates["gdpr/first"] = SECRET
        made.drafts.items = (Item(SECRET, SECRET, True, "not_investigated", help=SECRET),)
        await made.declared(f"{SECRET} is wrong", restricted=True)
        yield made


def leaked(bench: Bench) -> list[str]:
    """Every call to Slack, and every answer to it, in which the word stands."""
    return [one["what"] for one in bench.slack.traffic.entries
            if one["way"] == "app->slack" and SECRET in json.dumps(one, default=str).lower()]  # fmt: skip


async def duties(bench: Bench) -> None:
    """GDPR is owed since 40 of its 72 hours; another may be."""
    now = bench.clock.now()
    due = Due("first", SECRET, Answer.YES, "aware_at", now - timedelta(hours=40), now + timedelta(hours=32))
    found = Duty("gdpr", SECRET, Answer.YES, SECRET, "first", due.strict, ask=(SECRET,), dues=(due,))
    await bench.desk.submit(
        "INC-1", AnswerDuties((found, replace(found, regime="nis2", answer=Answer.UNKNOWN)), SECRET)
    )


@step
async def asked_and_decided(bench: Bench) -> None:
    await duties(bench)
    await bench.say(AssignDuty("gdpr", (await bench.who("cleo")).id, (await bench.who("ben")).id), "cleo")
    await bench.say(DecideDuty("nis2", Answer.NO, SECRET), "cleo")
    await bench.say(RecordFact(f"{SECRET}_responder", True, SECRET), "ana")
    await bench.say(RecordFact(f"{SECRET}_counsel", None, SECRET), "cleo")


@step
async def its_clock_runs_out(bench: Bench) -> None:
    await duties(bench)
    await bench.settle()
    for _ in range(5):
        await look(bench, 8 * 60)
        await bench.show()


@step
async def a_notice_to_its_filing(bench: Bench) -> None:
    await duties(bench)
    await bench.desk.request_notice("INC-1", "gdpr/first", await bench.who("ana"))
    await bench.say(EnterField("N1", SECRET, SECRET), "ana")
    await bench.say(CommentNotice("N1", SECRET, SECRET), "cleo")
    await bench.desk.ask_approval("INC-1", "N1", await bench.who("ana"))
    await bench.say(RequestChanges("N1", SECRET), "cleo")
    await bench.desk.ask_approval("INC-1", "N1", await bench.who("ana"))
    digest = (await bench.incident()).notices["N1"].latest.digest
    await bench.say(ApproveNotice("N1", digest), "cleo")
    await bench.say(FileNotice("N1", SECRET, SECRET, None, SECRET), "cleo")
    await bench.desk.request_notice("INC-1", "stakeholders/update", await bench.who("ana"))
    await bench.say(ClaimPrivilege("N2", SECRET, SECRET, SECRET), "cleo")
    await bench.say(DropNotice("N2", SECRET), "cleo")


@step
async def worked_on(bench: Bench) -> None:
    await bench.say(Acknowledge(), "ana")
    await bench.say(Assign(Part.OPERATIONS, (await bench.who("ben")).id), "ana")
    await bench.say(RecordFinding(SECRET, SECRET), "ana")
    await bench.say(ChangeSeverity(Severity.SEV1, SECRET), "ana")
    await bench.say(Update(SECRET), "ana")
    await bench.say(AssessImpact(3, 2, None, "EUR", (f"money: {SECRET}",), SECRET), "ana")
    await bench.desk.start_runbook("INC-1", BOOK.name, await bench.who("ana"))
    await bench.say(AddWhy(SECRET), "ana")
    await bench.say(NameRootCause("W1"), "ana")
    await bench.say(AddFollowUp(SECRET, (await bench.who("dev")).id, bench.clock.now().date()), "ana")
    await look(bench, 26 * 60)


@step
async def changed_and_held(bench: Bench) -> None:
    await bench.desk.changes.propose("INC-1", "rollback-v1", SECRET, await bench.who("ana"))
    await bench.say(PlaceHold(SECRET), "cleo")
    await bench.settle()
    await bench.say(ReleaseHold(SECRET), "cleo")
    await look(bench, 16)


@step
async def ended(bench: Bench) -> None:
    await bench.say(Acknowledge(), "ana")
    await bench.say(Resolve(SECRET, SECRET), "ana")
    await look(bench, 90)


async def everybody_looks(bench: Bench) -> None:
    """Home tabs, lists and typed questions, of everybody."""
    for key in EVERYBODY:
        person = await bench.person(key)
        await person.open_home()
        await bench.slack.delivery.settle()
        for typed in ("list", "approve", "legal", "INC-1", "INC-1 ack", "INC-1 note x", "INC-1 next", "oncall"):
            await person.command("/incident", typed)
        await bench.settle()


@pytest.mark.parametrize("name", sorted(STEPS))
async def test_whatever_happens_to_it_no_call_to_slack_holds_its_content(bench: Bench, name: str):
    """Messages, direct messages, Home tabs, lists and refusals, for the named, for counsel and for everybody else."""
    await STEPS[name](bench)
    await bench.settle()
    await bench.show()
    await everybody_looks(bench)
    assert leaked(bench) == []
    assert bench.calls("chat.postMessage")  # something was said, only nothing of it


def bodies(incident: Incident) -> list[tuple[str, str, dict[str, Any]]]:
    """Each button and each form there is, pressed for each part the incident has: (family, deed, what Slack would send)."""
    parts = ["", *incident.notices, *incident.duties, *incident.mitigations, *incident.followups, *incident.whys,
             *(each.fact.key for each in questions()), "N1/C1", f"N1/{SECRET}", "compare"]  # fmt: skip
    made: list[tuple[str, str, dict[str, Any]]] = []
    for number, deed in enumerate(sorted(CLICKS)):
        for part in parts:
            pressed = [{"action_id": deed, "value": Ref("INC-1", part).value, "action_ts": f"{number}.{len(made)}"}]
            made.append(("click", deed, {"type": "block_actions", "actions": pressed, "channel": {"id": "C0INC"}}))
    for deed in sorted(SUBMITS):
        for part in parts:
            view = {"callback_id": deed, "private_metadata": Ref("INC-1", part, "yes").metadata, "blocks": [],
                    "state": {"values": {}}}  # fmt: skip
            made.append(("form", deed, {"type": "view_submission", "view": view}))
    return made


async def test_no_button_and_no_form_opens_its_content_to_anybody(bench: Bench):
    """Every deed the product has, forged for each of its parts: no dialog, no answer and no whisper tells anything."""
    await asked_and_decided(bench)
    await bench.desk.request_notice("INC-1", "gdpr/first", await bench.who("ana"))
    await bench.say(CommentNotice("N1", SECRET), "cleo")
    await bench.desk.changes.propose("INC-1", "rollback-v1", SECRET, await bench.who("ana"))
    await bench.settle()
    before, answers = await bench.incident(), []
    for key in EVERYBODY:
        for number, (_family, deed, body) in enumerate(bodies(before)):
            if deed in _OPEN:
                continue
            trigger = {"trigger_id": f"t{number}.{key}", "user": {"id": f"U0{key.upper()}", "team_id": TEAM}}
            answers.append(str((await bench.room.ingress.take(body | trigger)).body))
        await bench.room.ingress.answers.settle()
    assert len(answers) > 2_000
    assert not [one for one in answers if SECRET in one]
    assert leaked(bench) == []
    after = await bench.incident()
    assert after.seq == before.seq
    assert not [one for one in bench.slack.workspace.ephemerals if SECRET in str(one)]


async def test_the_search_finds_the_word_where_it_may_stand(tmp_path: Path):
    """The same walk in an incident that is not restricted: the word is in messages, so the search is not blind."""
    async with Bench.open(tmp_path) as bench:
        bench.drafts.asked = questions()
        bench.drafts.templates["gdpr/first"] = SECRET
        bench.drafts.items = (Item(SECRET, SECRET, True, "not_investigated"),)
        await bench.declared(f"{SECRET} is wrong")
        await asked_and_decided(bench)
        assert {"chat.postMessage", "chat.update"} <= set(leaked(bench))
