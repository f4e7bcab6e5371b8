"""The message of an incident's duties in counsel's channel: what is owed by when, what may be, and what was decided."""

from collections.abc import Sequence

from bot.blockkit.blocks import Block, Element, actions, context, section, untrusted
from bot.blockkit.validate import weigh
from bot.domain.clocks import running
from bot.domain.duty import Answer, Duty
from bot.engine.situation import Situation
from bot.slack.message import Message
from bot.slack.views import _duty
from bot.slack.views._words import about, at, brief, bulleted, in_full, press

MOST, BLOCKS = 11_000, 44
"""So much a message may weigh, and so many blocks it may have, before the buttons below it."""
ROWS = 4
"""So many duties have their buttons in a row below them; the others are opened."""
OPEN, REASONS = "duty.open", "duty.reasons"


def render(situation: Situation) -> Message:
    """Every duty that is owed, may be or was decided against the facts; those that do not apply are counted."""
    incident = situation.incident
    asked = _duty.ordered(situation)
    shown = [duty for duty in asked if _duty.rank(situation, duty) in (0, 1, 2)]
    lead = _lead(situation) if shown else "*There is no duty to tell.*"
    blocks: list[Block] = [section(f"{about(situation)}\n{lead}")]
    told = 0
    for duty in shown or [duty for duty in asked if duty.decided_by]:
        pieces = _piece(situation, duty, row=told < ROWS)
        if weigh([*blocks, *pieces]) > MOST or len(blocks) + len(pieces) > BLOCKS:
            break
        blocks += pieces
        told += 1
    coming = [duty for duty in asked if _duty.rank(situation, duty) == 3]  # noqa: PLR2004 - see rank
    if coming:
        lines = [f"{untrusted(duty.name, 150)} {_duty.state(situation, duty)}" for duty in coming]
        blocks.append(section(f"*Applies later*\n{bulleted(lines, 8, 900)}"))
    blocks.append(context(_left(situation, asked, told)))
    row = [press("Read all reasons", REASONS, incident.id), press("Duties and notices", "legal.open", incident.id)]
    blocks.append(actions(*row, hold_button(situation)))
    return Message(f"{brief(incident)}: {counted(situation)}. Look at duties and notices.", in_full(situation, blocks))


def _lead(situation: Situation) -> str:
    """How many notices' duties there are, and the first date of those that are owed."""
    first = next((each for each in running(situation.incident) if each.sure), None)
    due = f" The first is due {at(first.strict)}." if first is not None else ""
    words = counted(situation)
    return f"*{words[:1].upper()}{words[1:]}.*{due}"


def counted(situation: Situation) -> str:
    """How many duties there are, how many nobody can tell of yet, and how many decisions the facts overtook."""
    duties = situation.incident.duties.values()
    yes = sum(1 for duty in duties if duty.answer is Answer.YES)
    open_ = sum(1 for duty in duties if duty.answer is Answer.UNKNOWN)
    against = sum(1 for duty in duties if _duty.overtaken(situation, duty))
    said = [f"{yes} dut{'y' if yes == 1 else 'ies'} to tell"] if yes else []
    said += [f"{open_} not known yet"] if open_ else []
    said += [f"{against} decided against the facts"] if against else []
    return " and ".join(said) or "no duty to tell"


def _left(situation: Situation, asked: Sequence[Duty], told: int) -> str:
    """What is not listed: those without a duty, and those for which there was no room."""
    no = sum(1 for duty in asked if _duty.rank(situation, duty) > 3)  # noqa: PLR2004 - see rank
    listed = [duty for duty in asked if _duty.rank(situation, duty) in (0, 1, 2)]
    if not listed:
        no -= told  # decided against, and shown because nothing else is
    left = max(0, len(listed) - told)
    said = [f"{left} more answered below “Read all reasons”, or on the console"] if left else []
    said += [f"no duty under {no} {'other' if told else 'regime'}{'s' if no != 1 else ''}"] if no else []
    return " · ".join(said) or "all duties are shown"


def _piece(situation: Situation, duty: Duty, *, row: bool) -> list[Block]:
    """A duty, with its buttons in a row below it, or one that opens it."""
    incident, small = situation.incident.id, _duty.rank(situation, duty) > 1
    words = f"*{untrusted(duty.name, 150)}*: {_duty.state(situation, duty)}"
    words += "".join(f"\n{line}" for line in _duty.dates(situation, duty))
    words += f"\n{_duty.because(duty, 300)}"
    if duty.answer is Answer.YES:
        words += f"\n{_duty.responsible(situation, duty.regime)}"
    if small or not row:
        return [section(words, accessory=press("Open", OPEN, incident, duty.regime))]
    return [section(words), actions(*deeds(situation, duty))]


def deeds(situation: Situation, duty: Duty) -> list[Element]:
    """What may be done about a duty: begin or review its notice, decide, say who answers for it."""
    incident, regime = situation.incident.id, duty.regime
    begun = _duty.begun(situation, regime)
    row = []
    if duty.answer is not Answer.NO:
        row.append(
            press(f"Review {begun[0].id}", "notice.open", incident, begun[0].id) if begun
            else press("Begin the notice", "duty.begin", incident, regime, style="primary")
        )  # fmt: skip
    row.append(press("Decide", "duty.choose", incident, regime))
    row += [press("Assign", "duty.owner", incident, regime)] if duty.answer is not Answer.NO else []
    return row


def hold_button(situation: Situation) -> Element:
    """Counsel's way to hold everything as it is, or to let it go on."""
    if situation.incident.legal_hold is None:
        return press("Place legal hold", "hold.open", situation.incident.id)
    return press("Release hold", "release.open", situation.incident.id)
