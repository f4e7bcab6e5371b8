"""Writing things down: findings and updates."""

from bot.domain.finding import RecordFinding
from bot.domain.lifecycle import Update
from bot.slack.knock import Knock, Reply, Show
from bot.slack.views import finding, update_modal

RESPONDER = "responder"
"""The source of what a person found."""


async def finding_open(knock: Knock) -> Reply:
    """The form; from a message's menu its words are filled in."""
    said = knock.body.get("message") or {}
    text = str(said.get("text") or "") if knock.body.get("type") == "message_action" else ""
    link = await knock.slack.permalink(knock.channel, str(said.get("ts"))) if text else ""
    return Show(finding.render(await knock.situation(), text, link))


async def found(knock: Knock) -> Reply:
    """Keep it."""
    await knock.submit(RecordFinding(knock.values.text("text"), RESPONDER, link=knock.values.text("link")))
    return None


async def update_open(knock: Knock) -> Reply:
    """The form."""
    return Show(update_modal.render(await knock.situation()))


async def updated(knock: Knock) -> Reply:
    """Tell everybody."""
    await knock.submit(Update(knock.values.text("text")))
    return None


CLICKS = {"finding.open": finding_open, "update.open": update_open}
SUBMITS = {"finding": found, "update": updated}
