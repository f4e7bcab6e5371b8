"""What is promised to change: made, moved to another owner or date, and kept."""

from datetime import date

from bot.domain.errors import Refused
from bot.domain.followup import AddFollowUp, ChangeFollowUp, FinishFollowUp, FollowUp
from bot.slack.handlers import talk
from bot.slack.keeping import Kind
from bot.slack.knock import Errors, Knock, Reply, Show, Tell
from bot.slack.views import followup, whys


async def opened(knock: Knock) -> Reply:
    """The form."""
    return Show(followup.render(await knock.situation(), knock.user))


async def promised(knock: Knock) -> Reply:
    """Keep the promise's words, owner and date; from the 5 Whys it leads back to the tree."""
    found = await _owner_and_day(knock)
    if isinstance(found, Errors):
        return found
    owner, due = found
    why = knock.ref.item or knock.values.text("why")
    if knock.ref.said:
        text, why = knock.values.text("text"), "" if why == followup.NONE else why
        return await talk.filled(knock, Kind.FOLLOWUP, text=text, owner=owner, due=due, why=why)
    try:
        await knock.submit(AddFollowUp(knock.values.text("text"), owner, due, "" if why == followup.NONE else why))
    except Refused as refused:
        situation = await knock.situation()
        if knock.ref.digest != followup.BACK or why in situation.incident.whys:
            raise
        return Show(whys.render(situation, refused.because))  # the root cause was struck below the dialog
    if knock.ref.digest == followup.BACK:
        return Show(whys.render(await knock.situation(), f"Promised: {due.isoformat()}. Is there another cause?"))
    return None


async def _owner_and_day(knock: Knock) -> tuple[str, date] | Errors:
    """Whom and when a dialog names, or what is wrong with it."""
    try:
        due = date.fromisoformat(knock.values.text("due"))
    except ValueError:
        return Errors({"due": "Choose a day."})
    if due < knock.desk.clock.now().date():
        return Errors({"due": "That day has passed already."})
    owner = await knock.desk.people.by_slack(knock.who.slack_team, knock.values.text("owner"))
    return (owner.id, due) if owner is not None else Errors({"owner": "The directory does not know this person."})


async def _item(knock: Knock) -> FollowUp:
    """The follow-up that is meant. Raises Refused."""
    item = (await knock.desk.log.load(knock.ref.incident)).followups.get(knock.ref.item)
    if item is None:
        raise Refused(f"there is no follow-up {knock.ref.item}" if knock.ref.item else "say which follow-up")
    return item


async def finished(knock: Knock) -> Reply:
    """The promise was kept."""
    before = await _item(knock)
    await knock.submit(FinishFollowUp(before.id))
    return Tell(f"{before.id} is done already.") if before.done is not None else None


async def changing(knock: Knock) -> Reply:
    """Another owner or date."""
    item = await _item(knock)
    if item.done is not None:
        return Tell(f"{item.id} is done already.")
    return Show(followup.change(await knock.situation(), item))


async def changed(knock: Knock) -> Reply:
    """The promise moves."""
    found = await _owner_and_day(knock)
    if isinstance(found, Errors):
        return found
    await knock.submit(ChangeFollowUp(knock.ref.item, *found))
    return None


CLICKS = {"followup.open": opened, "followup.done": finished, "followup.change": changing}
SUBMITS = {followup.NAME: promised, followup.MOVE: changed}
