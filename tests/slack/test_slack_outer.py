"""The latest date anybody could argue for is counsel's: no dialog shows it to somebody who cannot approve a notice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.blockkit.blocks import View
from bot.domain.duty import Answer, AnswerDuties, Due, Duty
from bot.domain.errors import Refused
from bot.domain.wording import CommentNotice
from bot.slack.handlers import duty, notice, writing
from bot.slack.ids import Ref
from bot.slack.knock import Knock, Redraw, Reply, Show
from tests.kit import NOON
from tests.slack.bench import Bench

REGIME, STAGE = "eu_gdpr_art33", "sa_notification"
STRICT, OUTER = NOON + timedelta(hours=72), NOON + timedelta(hours=77)
DOORS = {**notice.CLICKS, **duty.CLICKS, **writing.CLICKS}
ITEMS = {"notice.settle": "N1/C1", "duty.reasons.on": "0", "duty.reasons.back": "0"}
DATED = ("legal.open", "duty.open", "notice.open", "notice.settle")
"""Where a date stands at all."""


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        await made.declared()
        due = Due(STAGE, "Notification", Answer.YES, "aware_at", NOON, STRICT, OUTER)
        plain = Duty("other", "Another law", Answer.YES, "it applies", "", STRICT, OUTER)
        gdpr = Duty(REGIME, "GDPR Art. 33", Answer.YES, "personal data", STAGE, STRICT, OUTER, dues=(due,))
        await made.desk.submit("INC-1", AnswerDuties((gdpr, plain), "b1"))
        made.drafts.templates[f"{REGIME}/{STAGE}"] = "GDPR: notification"
        await made.desk.request_notice("INC-1", f"{REGIME}/{STAGE}", await made.who("ana"))
        await made.say(CommentNotice("N1", "who says so?"), "ana")
        await made.settle()
        yield made


async def shown(bench: Bench, key: str, deed: str, item: str = "") -> str:
    """What somebody reads there; the refusal where it is not for them."""
    item = item or ITEMS.get(deed, REGIME if deed.startswith("duty") else "N1")
    knock = Knock(bench.desk, bench.room.client, await bench.who(key), "", deed, Ref("INC-1", item))
    try:
        return str(await view(await DOORS[deed](knock)))
    except Refused as refused:
        return refused.because


async def view(reply: Reply) -> View:
    assert isinstance(reply, Show | Redraw), reply
    return reply.view if isinstance(reply, Show) else await reply.draw()


def tells(words: str, at: datetime) -> bool:
    return f"<!date^{int(at.timestamp())}^" in words


@pytest.mark.parametrize("key", ["ana", "ben"])
async def test_no_dialog_tells_a_responder_the_outer_date(bench: Bench, key: str):
    """Of a notice, of a duty with a clock and of one with a date alone, whichever button opens it."""
    for deed in DOORS:
        for item in ("", "other") if deed.startswith("duty") and deed not in ITEMS else ("",):
            said = await shown(bench, key, deed, item)
            assert said
            assert not tells(said, OUTER), deed
            assert "at the latest" not in said
            assert "outer" not in said
            if deed in DATED:
                assert tells(said, STRICT), deed


async def test_counsel_reads_it_there_and_in_their_own_channel(bench: Bench):
    """Beside the strict one, in the same dialogs, and in the messages of the legal channel."""
    for deed in DATED:
        assert tells(await shown(bench, "cleo", deed), OUTER), deed
    assert tells(str(bench.posts("duties", "C0LEGAL")), OUTER)
    assert tells(str(bench.posts("notice:N1", "C0LEGAL")), OUTER)
    assert not tells(str(bench.posts("card")), OUTER)
