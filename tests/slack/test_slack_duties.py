"""Counsel decides on a duty in the legal overview: with a reason, by counsel alone, and as often as they change mind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.duty import Answer, AnswerDuties, Duty
from bot.slack.ids import Ref
from tests.slack.bench import TEAM, Bench

GDPR = Duty("eu_gdpr_art33", "GDPR Art. 33", Answer.YES, "personal data of patients")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        await made.declared()
        await made.desk.submit("INC-1", AnswerDuties((GDPR,), "b1"))
        await made.settle()
        yield made


async def looked(bench: Bench, key: str, room: str = "C0INC") -> str:
    """The overview as somebody sees it."""
    person = await bench.person(key, room)
    if room == "C0LEGAL":
        await person.click("legal.open")
    else:
        await person.click("more", value="legal.open INC-1")
    await bench.settle()
    return str((await person.views())[-1]["blocks"])


async def test_counsel_says_that_there_is_no_duty_and_why(bench: Bench):
    """The reason is in the record with its decider; the overview says so, and offers the way back."""
    assert "'Not reportable'" in await looked(bench, "cleo", "C0LEGAL")
    cleo = await bench.person("cleo", "C0LEGAL")
    await cleo.click_in_view("duty.decide.open")
    await bench.settle()
    await cleo.submit({"reason": "only test data was seen"})
    duty = (await bench.incident()).duties["eu_gdpr_art33"]
    assert (duty.answer, duty.because) == (Answer.NO, "only test data was seen")
    assert duty.decided_by == (await bench.who("cleo")).id
    seen = str((await cleo.views())[-1]["blocks"])
    assert "only test data was seen\\nDecided by <@U0CLEO>." in seen
    await cleo.click_in_view("duty.decide.open")
    await bench.settle()
    view = (await cleo.views())[-1]
    assert view["title"]["text"] == "Reportable"
    await cleo.submit({"reason": "the data were real"})
    assert (await bench.incident()).duties["eu_gdpr_art33"].answer is Answer.YES


async def test_others_see_the_duty_without_the_button_and_a_forged_form_is_refused(bench: Bench):
    """A responder reads who decided; what they send all the same changes nothing, nor does junk."""
    assert "GDPR Art. 33" in (seen := await looked(bench, "ana"))
    assert "duty.decide" not in seen
    values = {"reason": {"value": {"type": "plain_text_input", "value": "no"}}}

    async def sent(key: str, ref: Ref) -> str:
        body = {"type": "view_submission", "user": {"id": f"U0{key.upper()}", "team_id": TEAM},
                "trigger_id": f"t.{key}{ref.digest}",
                "view": {"callback_id": "duty.decide", "private_metadata": ref.metadata, "blocks": [],
                         "state": {"values": values}}}  # fmt: skip
        answer = await bench.room.ingress.take(body)
        return str(answer.body)

    assert "Only counsel may decide a duty" in await sent("ana", Ref("INC-1", "eu_gdpr_art33", "no"))
    assert "another version" in await sent("cleo", Ref("INC-1", "eu_gdpr_art33", "maybe"))
    assert "was not asked" in await sent("cleo", Ref("INC-1", "nis2", "no"))
    values["reason"]["value"]["value"] = "  "
    assert "needs its reason" in await sent("cleo", Ref("INC-1", "eu_gdpr_art33", "no"))
    assert (await bench.incident()).duties["eu_gdpr_art33"] == GDPR
