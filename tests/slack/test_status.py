"""What Slack says of the status page: that a statement waits or stands there, never words that were not published."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.reminder import Matter, Reason
from bot.domain.status import Kind, State, Statement, Step
from bot.engine.situation import Situation
from bot.slack.views.card import status_line
from bot.slack.views.reminder import saying
from tests.kit import NOON, declared

STATEMENT = Statement("S1", Kind.INVESTIGATING, "Predictions <!channel>", "zzz", (("web", State.MAJOR),))


def card(**changes: object) -> str:
    """The card's words of one statement."""
    return status_line(replace(declared().incident, statements={"S1": replace(STATEMENT, **changes)}))


def test_the_card_says_where_a_statement_stands() -> None:
    """Nothing of a draft, that one waits or is approved, and since when which one is on the page."""
    assert card() == ""
    assert card(step=Step.FROZEN) == "status page: S1 waits for approval"
    assert card(step=Step.APPROVED) == "status page: S1 is approved"
    live = card(step=Step.PUBLISHED, digest=STATEMENT.said, published_at=NOON, since=NOON)
    assert live.startswith("status page: investigating, S1 of ")
    assert card(step=Step.WITHDRAWN, published_at=NOON) == ""


def test_the_reminder_names_the_statement_harmlessly() -> None:
    """Who published it reads what still stands there, and where to set it right; a title commands nothing."""
    incident = replace(declared().incident, statements={"S1": replace(STATEMENT, published_by="ana")})
    told = saying(
        Situation(incident, (), NOON, web_url="https://t.example"),
        Matter("ana", Reason.STATUS, "S1", NOON, "status:S1:x"),
    )
    assert "the status page still says “Predictions" in told
    assert "<!channel>" not in told
    assert "https://t.example/incidents/INC-1" in told
