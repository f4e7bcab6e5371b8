"""Which messages an incident should have in Slack, computed from its situation alone."""

from dataclasses import replace
from datetime import datetime

from bot.domain.duty import Answer
from bot.domain.hold import HoldOverridden, HoldPlaced
from bot.domain.lifecycle import UpdatePosted
from bot.domain.mitigation import EFFECTIVE, PENDING
from bot.domain.named import named
from bot.domain.phase import Phase
from bot.engine.calling import Kind, Summons
from bot.engine.situation import Situation
from bot.slack.message import Surface
from bot.slack.settings import SlackSettings
from bot.slack.views import aloud, card, deadline, duties, notice, question, request, room, step, summary, update

CARD, ROOM = "card", "room"
"""The card below which the thread hangs, and the same in the war room."""
LEGAL = ("duties", "asked", "clock:", "notice:")
"""How the names of messages begin that are counsel's."""


def wanted(situation: Situation, settings: SlackSettings) -> list[Surface]:
    """Every surface in the order in which they should be posted; the card first, the thread hangs on it."""
    incident = situation.incident
    if incident.restricted:
        return _restricted(situation)
    if incident.is_silent:  # counted on the storm's card
        return []
    found = [Surface(CARD, card.render(situation, charts=settings.charts), in_thread=False)]
    found += [
        Surface(f"step:{walk.number}", step.render(situation, walk), fresh=walk.live, follows=walk.live)
        for walk in step.walked(situation)
        if not walk.step.kind.automatic
    ]
    found += [
        Surface(f"request:{one.id}", request.render(situation, one), follows=one.state in PENDING | EFFECTIVE)
        for one in incident.mitigations.values()
    ]
    found += [
        Surface(f"aloud:{entry.seq}", aloud.render(situation, entry), broadcast=aloud.broadcast(entry),
                fresh=aloud.stands(situation, entry))
        for entry in aloud.told(situation)
    ]  # fmt: skip
    found += [
        Surface(f"update:{entry.seq}", update.render(situation, entry), broadcast=entry.event.broadcast)
        for entry in situation.entries
        if isinstance(entry.event, UpdatePosted)
    ]
    found += _questions(situation, question.RESPONDER)
    found += _ends(situation)
    return found + _room(situation, settings) + _legal(situation, settings)


def _room(situation: Situation, settings: SlackSettings) -> list[Surface]:
    """The thread says where the war room is; the room has the card, and hears the updates and the end as well."""
    now = situation.incident.room
    told = [past for past in room.rooms(situation) if past.settled]
    found = [Surface(f"room:told:{past.number}", room.told(situation, past)) for past in told]
    if now is None or not now.stands or now.opened is None:
        return found
    since = now.opened
    found.append(
        Surface(
            ROOM, card.render(situation, charts=settings.charts), now.channel, in_thread=False, moves=True, pinned=True
        )
    )
    found += [
        Surface(f"room:aloud:{entry.seq}", aloud.render(situation, entry), now.channel, in_thread=False,
                fresh=aloud.stands(situation, entry))
        for entry in aloud.told(situation)
        if entry.at >= since
    ]  # fmt: skip
    found += [
        Surface(f"room:update:{entry.seq}", update.render(situation, entry), now.channel, in_thread=False)
        for entry in situation.entries
        if isinstance(entry.event, UpdatePosted) and entry.at >= since
    ]
    ends = _ends(situation, f"room:summary:{now.number}", f"room:reopened:{now.number}", since)
    return found + [replace(one, channel=now.channel, in_thread=False, broadcast=False) for one in ends]


def _ends(
    situation: Situation, over: str = "summary", again: str = "reopened", since: datetime | None = None
) -> list[Surface]:
    """Each end is a message of its own: the first has the plain name, a later one its number; and each re-opening.

    What became history while Slack was away is not told any more. `since` leaves out what was before.
    """
    incident = situation.incident
    found: list[Surface] = []
    told = summary.endings(situation)
    for number, (ended, back) in enumerate(told, 1):
        mark = "" if number == 1 else f":{number}"
        if back is not None and (since is None or back.at >= since):
            latest = number == len(told) and incident.is_open
            found.append(Surface(f"{over}{mark}", summary.past(situation, ended, back), fresh=False))
            message = summary.reopened(situation, back)
            found.append(Surface(f"{again}{mark}", message, broadcast=True, fresh=latest))
    if incident.phase in (Phase.RESOLVED, Phase.CLOSED):
        mark = "" if len(told) <= 1 else f":{len(told)}"
        found.append(Surface(f"{over}{mark}", summary.render(situation)))
    return found


def _legal(situation: Situation, settings: SlackSettings) -> list[Surface]:
    """Duties, notices and counsel's hold, in the private channel alone; without one they are on the console alone."""
    incident, channel = situation.incident, settings.legal_channel
    if not channel:
        return []
    found: list[Surface] = []
    if incident.duties:  # none that may apply is no news, but what said otherwise must not stand
        news = any(duty.answer is not Answer.NO for duty in incident.duties.values())
        found.append(Surface("duties", duties.render(situation), channel, in_thread=False, fresh=news))
        found += _questions(situation, question.COUNSEL, channel)
    found += _clocks(situation, channel)
    for entry in situation.entries:
        if isinstance(entry.event, HoldPlaced):
            stands = aloud.stands(situation, entry)
            found.append(
                Surface(f"hold:{entry.seq}", aloud.held(situation, entry), channel, in_thread=False, fresh=stands)
            )
        elif isinstance(entry.event, HoldOverridden):
            found.append(Surface(f"hold:{entry.seq}", aloud.overridden(situation, entry), channel, in_thread=False))
    notices = incident.notices.values()
    return found + [
        Surface(f"notice:{one.id}", notice.render(situation, one), channel, in_thread=False) for one in notices
    ]


def counsels(surface: str) -> bool:
    """Whether what is said below a message of that name is counsel's."""
    return surface.startswith(LEGAL)


def _questions(situation: Situation, who: str, channel: str = "") -> list[Surface]:
    """One message that is only ever changed; it appears with the first question and never with none."""
    if not situation.incident.duties:
        return []
    asked = bool(question.asked(situation, who)) and situation.incident.phase is not Phase.CLOSED
    name = "asked" if channel else "questions"
    return [Surface(name, question.render(situation, who), channel, in_thread=not channel, fresh=asked)]


def _clocks(situation: Situation, channel: str) -> list[Surface]:
    """The shares of each legal clock that have passed: of each date the latest is posted, the others are kept true."""
    return [
        Surface(told.name, deadline.render(situation, told), channel, in_thread=False,
                fresh=told.newest and told.runs is not None)
        for told in deadline.passed(situation)
    ]  # fmt: skip


def _restricted(situation: Situation) -> list[Surface]:
    """Open in delivery, never in audience: named people learn by direct message that it is there, nobody else."""
    message = card.restricted(situation)
    people = sorted(named(situation.incident) | set(situation.on_call))
    users = [(one, situation.people[one].slack_user) for one in people if one in situation.people]
    return [Surface(f"card:{one}", message, in_thread=False, person=user) for one, user in users if user]


def paged(situation: Situation, key: str) -> Surface:
    """A direct message that paged a person, as it reads now."""
    return Surface(f"page:{key}", update.page(situation, key), in_thread=False)


def page(summons: Summons, user: str) -> Surface:
    """The direct message that pages a person; one about several incidents stays as it was sent."""
    if summons.kind is not Kind.PAGE:
        message = update.apart(summons)
        return Surface(f"pages:{summons.key}", message, in_thread=False, person=user)
    first, *rest = summons.ordered
    kind = "pages" if rest else "page"
    return Surface(f"{kind}:{summons.key}", update.page(first, summons.key, rest), in_thread=False, person=user)
