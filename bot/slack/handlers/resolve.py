"""Saying that it is over: each open check with its reason, and promises for what stays in place."""

from bot.domain.checks import resolve_checks
from bot.domain.followup import AddFollowUp
from bot.domain.lifecycle import Resolve
from bot.domain.phase import Phase
from bot.domain.reminder import leader
from bot.slack.knock import Errors, Knock, Reply, Show
from bot.slack.views import followup, resolve


async def opened(knock: Knock) -> Reply:
    """The checks."""
    return Show(resolve.render(await knock.situation()))


async def resolved(knock: Knock) -> Reply:
    """It is over; where the checks changed below the dialog it comes back with the new list and what was typed."""
    incident = await knock.desk.log.load(knock.ref.incident)
    if incident.is_open and knock.ref.digest and knock.ref.digest != resolve.digest(incident):
        return Show(resolve.render(await knock.situation(), "Something changed meanwhile: look at the list again."))
    checks = [check for check in resolve_checks(incident) if check.open]
    asked = [(check.key, name, knock.values.text(name)) for check, name in resolve.questions(checks)]
    if bare := [name for _key, name, reason in asked if not reason]:
        return Errors(dict.fromkeys(bare, "Say why it is over all the same."))
    waivers = tuple((key, reason) for key, _name, reason in asked)
    after = await knock.submit(Resolve(knock.values.text("summary"), waivers=waivers))
    owner, due = leader(after) or knock.who.id, knock.desk.clock.now().date() + followup.IN
    for key in knock.values.chosen("permanent"):
        mitigation = after.mitigations.get(key.removeprefix(resolve.STAYS))
        if mitigation is not None and after.phase is Phase.RESOLVED:
            what = f"Make {mitigation.id} ({mitigation.plan.means} on {mitigation.plan.target}) permanent, or undo it"
            await knock.submit(AddFollowUp(what, owner, due), part=f"#{key}")
    return None


CLICKS = {"resolve.open": opened}
SUBMITS = {resolve.NAME: resolved}
