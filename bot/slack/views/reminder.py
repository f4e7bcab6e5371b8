"""The reminder one person gets: everything that waits for them, each with the button that settles it, and quiet."""

from collections.abc import Sequence

from bot.blockkit.blocks import Block, Element, actions, context, section
from bot.blockkit.text import untrusted
from bot.domain.clocks import running
from bot.domain.reminder import Matter, Reason, Reminded
from bot.domain.reminder import waits as still
from bot.engine.situation import Situation
from bot.engine.values import Waiting
from bot.slack.message import Message
from bot.slack.views._words import at, console, press, title
from bot.slack.views.followup import kept

MOST = 8
"""Matters told one by one."""
ORDER = tuple(Reason)


def render(waiting: Sequence[Waiting], key: str) -> Message:
    """One message for everything that waits for one person, as it stands; without buttons once nothing does.

    `key` is the reminder's own: `remind:INC-1:p_ana:3`, the third to Ana that began with INC-1.
    """
    first, *others = waiting
    ordered = [first, *sorted(others, key=lambda each: (len(each.situation.incident.id), each.situation.incident.id))]
    told = [(each.situation, matter) for each in ordered for matter in sorted(_newest(each.matters), key=_rank)]
    open_ones = [pair for pair in told if _waits(*pair)]
    blocks = [_line(situation, matter) for situation, matter in open_ones[:MOST]]
    if len(open_ones) > MOST:
        blocks.append(context(f"… and {len(open_ones) - MOST} more on your Home tab"))
    settled = list(dict.fromkeys(_name(situation) for situation, matter in told if not _waits(situation, matter)))
    if settled:
        blocks.append(context(f"✓ settled: {', '.join(settled)}"))
    blocks += [_quiet(open_ones, key)] if open_ones else []
    names = ", ".join(dict.fromkeys(situation.incident.id for situation, _matter in told))
    if not open_ones:
        return Message(f"Nothing waits for you any more: {names}", blocks)
    many = f"{len(open_ones)} things wait for you" if len(open_ones) > 1 else "Something waits for you"
    return Message(f"{many}: {names}", blocks)


def replaced(incidents: Sequence[str]) -> Message:
    """What is left of a reminder after a newer one came."""
    words = f"Reminded of {', '.join(incidents)}. A newer reminder follows below."
    return Message(words, [context(words)])


def waits(waiting: Sequence[Waiting]) -> bool:
    """Whether anything of it still waits."""
    return any(_waits(each.situation, matter) for each in waiting for matter in each.matters)


def _waits(situation: Situation, matter: Matter) -> bool:
    return still(situation.incident, matter.person, matter.mark)


def _newest(matters: Sequence[Matter]) -> list[Matter]:
    """Of several reminders of one thing the latest: that half of a clock's time is gone says nothing beside 90 %."""
    return list({(each.reason, each.item): each for each in sorted(matters, key=lambda each: each.due)}.values())


def _rank(matter: Matter) -> tuple[int, str]:
    return ORDER.index(matter.reason), matter.mark


def _name(situation: Situation) -> str:
    return f"{situation.incident.severity} {situation.incident.id}"


def _line(situation: Situation, matter: Matter) -> Block:
    """One matter with its button; a restricted incident tells nothing and is settled on the console."""
    incident = situation.incident
    if incident.restricted:
        page = console(situation)
        return section(f"*{_name(situation)}* is restricted and waits for you on the console. {page}".strip())
    words = f"*{_name(situation)}* {title(incident, 80)}\n{saying(situation, matter)}"
    return section(words, accessory=_button(situation, matter))


def _quiet(told: Sequence[tuple[Situation, Matter]], key: str) -> Block:
    """The button that puts it all off, or until when it is."""
    for situation, matter in told:
        known = situation.incident.reminded.get(matter.person, Reminded())
        if known.key == key and matter.mark not in known.marks and known.until is not None:
            return context(f"Snoozed: you hear of it again {at(known.until)}.")
    _remind, incident, _person, times = key.split(":")
    return actions(press("Snooze 15 min", "snooze", incident, times))


def saying(situation: Situation, matter: Matter) -> str:
    """What waits, in one sentence of mrkdwn."""
    incident = situation.incident
    match matter.reason:
        case Reason.UPDATE:
            return f"The update promised for {at(incident.update_due)} is due."
        case Reason.STEP:
            run = incident.run
            step = untrusted(run.step.title, 120) if run and run.step else matter.item
            return f"The runbook step “{step}” waits since {at(run.since) if run else '–'}."
        case Reason.APPROVAL:
            mitigation = incident.mitigations.get(matter.item)
            if mitigation is None:
                return f"{matter.item} waits for approval."
            what = untrusted(f"{mitigation.plan.means} on {mitigation.plan.target}", 120)
            so_far = f", {len(mitigation.approvers)} of {mitigation.needs} approved" if mitigation.needs > 1 else ""
            return f"{matter.item} ({what}) waits for your approval until {at(mitigation.expires_at)}{so_far}."
        case Reason.CLOCK:
            return _clock(situation, matter)
        case Reason.LEARN:
            found = sum(1 for one in incident.findings if one.gone is None)
            return f"It is over. 5 Whys: {found} finding{'s' if found != 1 else ''} ready to build on."
        case Reason.FOLLOWUP:
            item = incident.followups.get(matter.item)
            if item is None:
                return f"Your follow-up {matter.item} is overdue."
            return f"Your follow-up is overdue since {item.due.isoformat()}: {untrusted(item.text, 200)}"
        case Reason.STATUS:
            return _spoken(situation, matter)


def _spoken(situation: Situation, matter: Matter) -> str:
    """What readers of the status page still believe, and where that is set right."""
    found = situation.incident.statements.get(matter.item)
    what = f"“{untrusted(found.title, 120)}”" if found is not None else matter.item
    words = f"It is over, and the status page still says {what}, which you published. Say there what holds now."
    return f"{words} {console(situation)}".strip()


def _clock(situation: Situation, matter: Matter) -> str:
    """A legal clock: what is due to whom, and how much of its time is gone."""
    clock = next((each for each in running(situation.incident) if each.item == matter.item), None)
    if clock is None:
        return f"The clock of {untrusted(matter.item, 120)} runs."
    what = untrusted(clock.name, 240)
    owed = "" if clock.sure else " if it is owed, which is not settled"
    gone = clock.share(situation.now)
    if gone >= 1:
        return f"{what} was due {at(clock.strict)}{owed}. Nothing is recorded as filed."
    return f"{what} is due {at(clock.strict)}{owed}; {gone * 100:.0f} % of the time is gone."


def _button(situation: Situation, matter: Matter) -> Element | None:
    """The button that settles a matter; None where it is settled on the console alone."""
    incident, item = situation.incident.id, matter.item
    match matter.reason:
        case Reason.UPDATE:
            return press("Post update", "update.open", incident)
        case Reason.STEP:
            return press("Continue runbook", "runbook.open", incident)
        case Reason.APPROVAL:
            return press("Review & approve", "approve.open", incident, item)
        case Reason.CLOCK:
            return press("Duties", "legal.open", incident)
        case Reason.LEARN:
            return press("5 Whys", "whys.open", incident)
        case Reason.FOLLOWUP:
            promised = situation.incident.followups.get(item)
            return kept(incident, promised) if promised is not None else press("Done", "followup.done", incident, item)
        case Reason.STATUS:
            return None
