"""Saying that it is over: each open check with its reason, and promises for what stays in place."""

import logging

from bot.domain.checks import resolve_checks
from bot.domain.errors import Conflict, Refused, Unavailable
from bot.domain.followup import AddFollowUp
from bot.domain.incident import Incident
from bot.domain.lifecycle import Resolve
from bot.domain.phase import Phase
from bot.domain.reminder import leader
from bot.slack.knock import Errors, Knock, Reply, Show, Tell
from bot.slack.views import followup, resolve

_log = logging.getLogger(__name__)


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
    if lost := await _promised(knock, after):
        names = ", ".join(lost)
        return Tell(
            f"{after.id} is resolved. No follow-up could be recorded for {names}: press Add follow-up on the card."
        )
    return None


async def _promised(knock: Knock, after: Incident) -> list[str]:
    """A follow-up for each change that stays and was ticked; those for which it could not be recorded."""
    owner, due = leader(after) or knock.who.id, knock.desk.clock.now().date() + followup.IN
    lost: list[str] = []
    for key in knock.values.chosen("permanent"):
        mitigation = after.mitigations.get(key.removeprefix(resolve.STAYS))
        if mitigation is None or after.phase is not Phase.RESOLVED:
            continue
        what = f"Make {mitigation.id} ({mitigation.plan.means} on {mitigation.plan.target}) permanent, or undo it"
        try:
            await knock.submit(AddFollowUp(what, owner, due), part=f"#{key}")
        except (Refused, Unavailable, Conflict) as away:  # it is resolved all the same
            _log.warning("%s: no follow-up for %s: %s", after.id, mitigation.id, away)
            lost.append(mitigation.id)
    return lost


CLICKS = {"resolve.open": opened}
SUBMITS = {resolve.NAME: resolved}
