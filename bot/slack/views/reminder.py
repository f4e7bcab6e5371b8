"""The reminder one person gets: everything that waits for them, each with the button that settles it, and quiet."""

from collections.abc import Sequence

from bot.blockkit.blocks import Block, actions, context, section
from bot.blockkit.text import untrusted
from bot.domain.reminder import Matter, Reason
from bot.engine.ports import Waiting
from bot.engine.situation import Situation
from bot.slack.message import Message
from bot.slack.views._words import at, press, title

MOST = 8
"""Matters told one by one."""


def render(waiting: Sequence[Waiting]) -> Message:
    """One message for everything that waits for one person."""
    told = [(each.situation, matter) for each in waiting for matter in each.matters]
    blocks: list[Block] = []
    for situation, matter in told[:MOST]:
        incident = situation.incident
        words = f"*{incident.severity} {incident.id}* "
        if incident.restricted:
            blocks.append(section(f"{words}is restricted and waits for you on the console."))
            continue
        label, deed, item = _button(matter)
        blocks.append(
            section(
                f"{words}{title(incident, 80)}\n{saying(situation, matter)}",
                accessory=press(label, deed, incident.id, item),
            )
        )
    if len(told) > MOST:
        blocks.append(context(f"… and {len(told) - MOST} more on your Home tab"))
    first = waiting[0].situation.incident.id
    blocks.append(actions(press("Remind me in 15 min", "snooze", first)))
    many = f"{len(told)} things wait for you" if len(told) > 1 else "Something waits for you"
    names = ", ".join(dict.fromkeys(each.situation.incident.id for each in waiting))
    return Message(f"{many}: {names}", blocks)


def saying(situation: Situation, matter: Matter) -> str:
    """What waits, in one sentence of mrkdwn."""
    incident = situation.incident
    match matter.reason:
        case Reason.UPDATE:
            return f"The update promised for {at(matter.due)} is due."
        case Reason.STEP:
            step = incident.run.step if incident.run else None
            return f"The runbook step “{untrusted(step.title, 120) if step else matter.item}” waits since a while."
        case Reason.APPROVAL:
            mitigation = incident.mitigations.get(matter.item)
            until = f" until {at(mitigation.expires_at)}" if mitigation else ""
            return f"{matter.item} waits for a second person's approval{until}."
        case Reason.LEARN:
            found = sum(1 for one in incident.findings if one.gone is None)
            return f"It is over. 5 Whys: {found} finding{'s' if found != 1 else ''} ready to build on."
        case Reason.FOLLOWUP:
            item = incident.followups.get(matter.item)
            words = untrusted(item.text, 200) if item else matter.item
            return f"Your follow-up is overdue: {words}"


def _button(matter: Matter) -> tuple[str, str, str]:
    """Label, deed and item of the button that settles a matter."""
    return {
        Reason.UPDATE: ("Post update", "update.open", ""),
        Reason.STEP: ("Continue runbook", "runbook.open", ""),
        Reason.APPROVAL: ("Review & approve", "approve.open", matter.item),
        Reason.LEARN: ("5 Whys", "whys.open", ""),
        Reason.FOLLOWUP: ("Done", "followup.done", matter.item),
    }[matter.reason]
