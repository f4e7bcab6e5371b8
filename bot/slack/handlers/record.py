"""Writing things down: findings and updates."""

from datetime import timedelta

from bot.domain.finding import RecordFinding
from bot.domain.lengths import length
from bot.domain.lifecycle import Update
from bot.slack.handlers import talk
from bot.slack.keeping import RESPONDER, Kind
from bot.slack.knock import Knock, Reply, Show
from bot.slack.views import finding, update_modal
from bot.slack.zone import tomorrow, zone_of


async def finding_open(knock: Knock) -> Reply:
    """The form."""
    return Show(finding.render(await knock.situation()))


async def found(knock: Knock) -> Reply:
    """Keep it; of a message once."""
    text, link = knock.values.text("text"), knock.values.text("link")
    if knock.ref.said:
        return await talk.filled(knock, Kind.FINDING, text=text, link=link)
    await knock.submit(RecordFinding(text, RESPONDER, link=link))
    return None


async def update_open(knock: Knock) -> Reply:
    """The form."""
    return Show(update_modal.render(await knock.situation(), knock.desk.catalogue.policy))


async def updated(knock: Knock) -> Reply:
    """Tell everybody, and keep in mind when they hear again."""
    chosen = knock.values.text("next")
    if chosen == update_modal.TOMORROW:
        now = knock.desk.clock.now()
        next_in: timedelta | None = tomorrow(now, await zone_of(knock.slack, knock.user)) - now
    else:
        next_in = length(chosen) if chosen else None
    await knock.submit(Update(knock.values.text("text"), next_in, knock.values.ticked("broadcast")))
    return None


CLICKS = {"finding.open": finding_open, "update.open": update_open}
SUBMITS = {"finding": found, "update": updated}
