"""Writing things down: findings, updates, the resolution, and what is promised to change."""

from datetime import date, timedelta

from bot.domain.errors import Refused
from bot.domain.finding import RecordFinding
from bot.domain.followup import AddFollowUp, FinishFollowUp
from bot.domain.lengths import length
from bot.domain.lifecycle import Resolve, Update
from bot.slack.handlers import talk
from bot.slack.keeping import RESPONDER, Kind
from bot.slack.knock import Errors, Knock, Reply, Show, Tell
from bot.slack.views import finding, followup, resolve, update_modal
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


async def resolve_open(knock: Knock) -> Reply:
    """The checks."""
    return Show(resolve.render(await knock.situation()))


async def resolved(knock: Knock) -> Reply:
    """It is over."""
    await knock.submit(Resolve(knock.values.text("summary"), knock.values.text("waive")))
    return None


async def followup_open(knock: Knock) -> Reply:
    """The form."""
    return Show(followup.render(await knock.situation(), knock.user))


async def promised(knock: Knock) -> Reply:
    """Keep the promise's words, owner and date."""
    try:
        due = date.fromisoformat(knock.values.text("due"))
    except ValueError:
        return Errors({"due": "A date such as 2026-12-31, please."})
    user = knock.values.text("owner")
    owner = await knock.desk.people.by_slack(knock.who.slack_team, user)
    if owner is None:
        return Errors({"owner": "The directory does not know this person."})
    why = knock.values.text("why")
    text, why = knock.values.text("text"), "" if why == followup.NONE else why
    if knock.ref.said:
        return await talk.filled(knock, Kind.FOLLOWUP, text=text, owner=owner.id, due=due, why=why)
    await knock.submit(AddFollowUp(text, owner.id, due, why))
    return None


async def finished(knock: Knock) -> Reply:
    """The promise was kept."""
    if not knock.ref.item:
        raise Refused("say which follow-up")
    item = (await knock.desk.log.load(knock.ref.incident)).followups.get(knock.ref.item)
    if item is not None and item.done is not None:
        return Tell(f"{item.id} is done already.")
    await knock.submit(FinishFollowUp(knock.ref.item))
    return None


CLICKS = {"finding.open": finding_open, "update.open": update_open, "resolve.open": resolve_open,
          "followup.open": followup_open, "followup.done": finished}  # fmt: skip
SUBMITS = {"finding": found, "update": updated, "resolve": resolved, "followup": promised}
