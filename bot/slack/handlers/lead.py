"""Taking an incident: acknowledge, lead, close, re-open."""

from bot.blockkit.text import untrusted
from bot.domain.lifecycle import Close, Reopen
from bot.domain.paging import Acknowledge
from bot.domain.roles import Assign, Part
from bot.slack.knock import Knock, Reply, Show, Tell
from bot.slack.views import reason


async def acknowledge(knock: Knock) -> Reply:
    """The page stops; who presses second is told who was first."""
    after = await knock.submit(Acknowledge())
    if not after.unclaimed and after.acknowledged_by != knock.who.id:
        first = await knock.desk.people.by_id(after.acknowledged_by)
        return Tell(f"{untrusted(first.name, 80) if first else 'Somebody'} acknowledged {after.id} already.")
    return None


async def lead(knock: Knock) -> Reply:
    """The person leads from now on."""
    await knock.submit(Assign(Part.COMMANDER, knock.who.id))
    return None


async def close(knock: Knock) -> Reply:
    """Filed away."""
    await knock.submit(Close())
    return None


async def reopen_open(knock: Knock) -> Reply:
    """Ask why."""
    return Show(reason.render("reopen", await knock.situation()))


async def reopen(knock: Knock) -> Reply:
    """It came back."""
    await knock.submit(Reopen(knock.values.text("reason")))
    return None


CLICKS = {"ack": acknowledge, "lead": lead, "close": close, "reopen.open": reopen_open}
SUBMITS = {"reopen": reopen}
