"""Notices in the private legal channel: the duties, each draft, its gaps and clock, and counsel's decision on it."""

from collections.abc import Sequence

from bot.blockkit.blocks import (
    Block,
    Element,
    View,
    actions,
    context,
    divider,
    input_block,
    modal,
    option,
    plain_text_input,
    section,
    static_select,
    untrusted,
)
from bot.blockkit.text import clean
from bot.blockkit.validate import weigh
from bot.domain.duty import Answer, Duty
from bot.domain.notice import Notice, Standing, Version
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.message import Message
from bot.slack.views._words import Reading, about, at, brief, filled, in_full, left_out, person, press, too_long

MOST = 12_000
"""So much a message may weigh before the buttons below it."""
LISTED = 20
REQUEST, ASK, APPROVE, CHANGES, FILE = "legal", "notice.ask", "notice.approve", "notice.changes", "notice.file"

DECIDE, DECIDE_OPEN = "duty.decide", "duty.decide.open"


# -- messages --------------------------------------------------------------------------------------------------------


def duties(situation: Situation) -> Message:
    """Which duties apply and by when; those that do not apply are counted."""
    incident = situation.incident
    asked = sorted(incident.duties.values(), key=lambda duty: (duty.answer is not Answer.YES, duty.regime))
    shown = [duty for duty in asked if duty.answer is not Answer.NO]
    lead = "Duties to tell, with the reason for each answer." if shown else "*There is no duty to tell.*"
    blocks = [section(f"{about(situation)}\n{lead}")]
    told, denied = 0, not shown
    shown = shown or [duty for duty in asked if duty.decided_by]
    for duty in shown[:15]:
        piece = section(_duty(duty))
        if weigh([*blocks, piece]) > MOST:
            break
        blocks.append(piece)
        told += 1
    left = len(asked) - told
    blocks.append(context(_left(left, denied=denied)))
    blocks.append(actions(press("Duties and notices", "legal.open", incident.id), _hold_button(situation)))
    return Message(f"{brief(incident)}: {_counted(asked)}. Look at duties and notices.", blocks)


def _counted(duties: Sequence[Duty]) -> str:
    """How many duties there are, and how many nobody can tell of yet."""
    yes = sum(1 for duty in duties if duty.answer is Answer.YES)
    open_ = sum(1 for duty in duties if duty.answer is Answer.UNKNOWN)
    said = [f"{yes} dut{'y' if yes == 1 else 'ies'} to tell"] if yes else []
    return " and ".join([*said, *([f"{open_} not known yet"] if open_ else [])]) or "no duty to tell"


def _left(left: int, *, denied: bool) -> str:
    """What is not listed: where no duty is left, those that regimes answered themselves."""
    if not left:
        return "all duties are shown"
    more = "answered no; they are" if denied else "answered"
    return f"{left} more {more} on the console"


def _duty(duty: Duty) -> str:
    words = f"*{untrusted(duty.name, 150)}*: {duty.answer}. {untrusted(duty.because, 600)}"
    if duty.strict is not None and duty.answer is not Answer.NO:
        words += f"\nby {at(duty.strict)}" + (f" (at the latest {at(duty.outer)})" if duty.outer else "")
    if duty.ask and duty.answer is not Answer.NO:
        words += "\nWould settle it: " + untrusted(", ".join(duty.ask), 300)
    return words


def render(situation: Situation, notice: Notice) -> Message:
    """One notice: where it stands, its gaps and its clock; never its text, which is read in the dialog."""
    incident = situation.incident
    kind = situation.notice_kinds.get(notice.template, notice.template)
    blocks = [
        section(f"*{incident.id} {notice.id} · {untrusted(kind, 200)}*\n{_standing(situation, notice)}"),
        context(_clock(situation, notice)),
        actions(press("Review", "notice.open", incident.id, notice.id, style="primary")),
    ]
    text = f"{brief(incident)} {notice.id}: {untrusted(kind, 150)} is {notice.standing.said}. Review it."
    return Message(text, in_full(situation, blocks))


def _standing(situation: Situation, notice: Notice) -> str:
    latest = notice.latest
    if latest is None:
        return f"Requested by {person(situation, notice.requested_by)}; the draft follows the facts."
    version = f"Version {latest.number}, asked for by {person(situation, latest.asked_by)}"
    words = {
        Standing.FROZEN: "waits for the approval of a second person.",
        Standing.APPROVED: f"approved by {person(situation, notice.approved_by)}; a person must send it.",
        Standing.STALE: "is stale: later facts change its words. Ask for approval again.",
        Standing.CHANGES: f"needs other words: {untrusted(notice.note, 400)}",
        Standing.FILED: "was filed.",
        Standing.DRAFTING: "is being drafted.",
    }
    return f"{version} {words[notice.standing]}"


def _clock(situation: Situation, notice: Notice) -> str:
    duty = situation.incident.duties.get(notice.regime)
    parts = []
    if duty is not None and duty.strict is not None:
        parts.append(f"due {at(duty.strict)}" + (f", outer {at(duty.outer)}" if duty.outer else ""))
    latest = notice.latest
    if latest is not None:
        parts.append(f"{len(latest.gaps)} gaps · digest `{latest.digest[:12]}` · as of {at(latest.as_of)}")
    return " · ".join(parts) or "no clock runs"


# -- dialogs ---------------------------------------------------------------------------------------------------------


def overview(situation: Situation, *, decides: bool = False, holds: bool = False) -> View:
    """Duties and notices of an incident, its hold, and a form to request another notice.

    `decides` is for whoever decides on duties, `holds` for whoever may hold everything as it is.
    """
    incident = situation.incident
    blocks: list[Block] = [section(about(situation)), _impact(situation), *_hold(situation, holds=holds)]
    asked = sorted(incident.duties.values(), key=lambda duty: (duty.answer is not Answer.YES, duty.regime))
    blocks += [_decided(situation, duty, decides=decides) for duty in asked[:LISTED]]
    if len(asked) > LISTED:
        blocks.append(context(f"… and {len(asked) - LISTED} more duties on the console"))
    if not asked:
        blocks.append(context("No regime was asked yet; it happens by itself once the facts are there."))
    blocks.append(divider())
    for notice in list(incident.notices.values())[:LISTED]:
        kind = untrusted(situation.notice_kinds.get(notice.template, notice.template), 150)
        blocks.append(section(f"*{notice.id}* {kind}: {notice.standing}",
                              accessory=press("Review", "notice.open", incident.id, notice.id)))  # fmt: skip
    if len(incident.notices) > LISTED:
        blocks.append(context(f"… and {len(incident.notices) - LISTED} more notices on the console"))
    taken = {notice.template for notice in incident.notices.values()}
    no = {duty.regime for duty in incident.duties.values() if duty.answer is Answer.NO}
    free = [(name, words) for name, words in situation.notice_kinds.items()
            if name not in taken and name.partition("/")[0] not in no]  # fmt: skip
    if not free:
        return modal("Legal and impact", blocks, callback_id="info", close="Close")
    choices = [_choice(name, words) for name, words in free[:100]]
    hint = left_out(len(choices), len(free))
    blocks.append(input_block("Request a notice", static_select("value", choices), block_id="kind", hint=hint))
    return modal("Legal and impact", blocks, callback_id=REQUEST, submit="Request",
                 private_metadata=Ref(incident.id).metadata)  # fmt: skip


def _hold_button(situation: Situation) -> Element:
    """Counsel's way to hold everything as it is, or to let it go on."""
    if situation.incident.legal_hold is None:
        return press("Place legal hold", "hold.open", situation.incident.id)
    return press("Release hold", "release.open", situation.incident.id)


def _hold(situation: Situation, *, holds: bool) -> list[Block]:
    """Counsel's hold, for everybody while there is one; the button for counsel."""
    hold = situation.incident.legal_hold
    words = "*Legal hold* none: changes go on as the rules allow."
    if hold is not None:
        words = f"*Legal hold* by {person(situation, hold.by)} since {at(hold.at)}: {untrusted(hold.because, 600)}"
    return [section(words, accessory=_hold_button(situation) if holds else None)] if holds or hold is not None else []


def _decided(situation: Situation, duty: Duty, *, decides: bool) -> Block:
    """A duty, who decided on it, and the button to decide otherwise."""
    words = _duty(duty)
    if duty.decided_by:
        words += f"\nDecided by {person(situation, duty.decided_by)}."
    label = "Reportable" if duty.answer is Answer.NO else "Not reportable"
    return section(words, accessory=press(label, DECIDE_OPEN, situation.incident.id, duty.regime) if decides else None)


def decide(situation: Situation, duty: Duty) -> View:
    """Counsel's reason for deciding otherwise; the answer travels along, so that what is sent is what was read."""
    no = duty.answer is not Answer.NO
    heading, answer = ("Not reportable", Answer.NO) if no else ("Reportable", Answer.YES)
    label = "Why is there no duty to tell?" if no else "Why is there a duty to tell?"
    field = plain_text_input("value", multiline=True, max_length=2_000)
    blocks = [section(about(situation)), section(_duty(duty)), input_block(label, field, block_id="reason")]
    return modal(heading, in_full(situation, blocks), callback_id=DECIDE, submit="Decide",
                 private_metadata=Ref(situation.incident.id, duty.regime, answer).metadata)  # fmt: skip


def _impact(situation: Situation) -> Block:
    """What is known of the impact, on which most duties hang, and the way to say more."""
    incident, impact = situation.incident, situation.incident.impact
    known = "not assessed yet"
    if impact is not None:
        counts = {"events": impact.events, "people": impact.people, "money": impact.money}
        told = [f"{name} {'not known' if count is None else count}" for name, count in counts.items()]
        known = f"{', '.join(told)} ({untrusted(impact.currency, 10)})"
    label = "Assess again" if impact is not None else "Assess impact"
    return section(f"*Impact* {known}", accessory=press(label, "impact.open", incident.id))


def _choice(name: str, words: str) -> Block:
    """A kind of notice to choose: the stage first, which tells it from its neighbours, and the regime below it."""
    regime, _, stage = words.partition(": ")
    if not stage or name.startswith("stakeholders/"):
        regime, stage = stage, regime
    return option(filled(stage or name, 75), name[:150], description=clean(regime, 75) or None)


def review(situation: Situation, notice: Notice) -> View:
    """One notice to read, and the next deed it allows."""
    latest = notice.latest
    heading = clean(f"{situation.incident.id} {notice.id}", 24)
    if notice.standing is Standing.FROZEN and latest is not None:
        reading = Reading()
        blocks = _words(situation, notice, latest.text, latest.gaps, reading)
        blocks.append(context(f"version {latest.number} · digest `{latest.digest}` · as of {at(latest.as_of)}"))
        blocks.append(actions(press("Request changes", "notice.changes.open", situation.incident.id, notice.id)))
        if not reading.whole:
            return modal(heading, [too_long(situation), *blocks], callback_id=APPROVE, close="Close")
        ref = Ref(situation.incident.id, notice.id, latest.digest)
        return modal(
            heading, in_full(situation, blocks), callback_id=APPROVE, submit="Approve", private_metadata=ref.metadata
        )
    if notice.standing in (Standing.APPROVED, Standing.FILED) and latest is not None:
        blocks = _words(situation, notice, latest.text, latest.gaps)
        if notice.standing is Standing.FILED:
            return modal(heading, in_full(situation, blocks), callback_id="info", close="Close")
        return _file(situation, notice, heading, blocks)
    draft = situation.drafts.get(notice.id)
    why_not = situation.unfilled.get(notice.id, "There is no draft yet.")
    text, gaps = (draft.text, draft.gaps) if draft else (why_not, ())
    blocks = _words(situation, notice, text, gaps)
    ref = Ref(situation.incident.id, notice.id)
    submit = "Ask for approval" if draft else None
    return modal(heading, in_full(situation, blocks), callback_id=ASK, submit=submit, private_metadata=ref.metadata)


def whole(version: Version) -> bool:
    """Whether the dialog shows every word and gap of a version; only then may it be approved there."""
    reading = Reading()
    _read(version.text, version.gaps, reading)
    return reading.whole


def _words(
    situation: Situation, notice: Notice, text: str, gaps: tuple[str, ...], reading: Reading | None = None
) -> list[Block]:
    kind = situation.notice_kinds.get(notice.template, notice.template)
    blocks: list[Block] = [section(f"*{untrusted(kind, 200)}*\n{_standing(situation, notice)}")]
    blocks.append(context(_clock(situation, notice)))
    return blocks + _read(text, gaps, reading or Reading())


def _read(text: str, gaps: tuple[str, ...], reading: Reading) -> list[Block]:
    """What an approval binds to: the words and what they leave open."""
    blocks = []
    if gaps:
        listed = reading.paragraphs("\n".join(f"• {gap}" for gap in gaps), most=4)
        blocks = [section("*Still open*"), *(section(piece) for piece in listed)]
    return [*blocks, divider(), *(section(piece) for piece in reading.paragraphs(text, most=20))]


def _file(situation: Situation, notice: Notice, heading: str, blocks: list[Block]) -> View:
    where = plain_text_input("value", max_length=500)
    blocks.append(input_block("Where did you send it?", where, block_id="where"))
    reference = plain_text_input("value", max_length=300)
    blocks.append(input_block("Reference", reference, block_id="reference", optional=True))
    ref = Ref(situation.incident.id, notice.id)
    return modal(
        heading, in_full(situation, blocks), callback_id=FILE, submit="Record filing", private_metadata=ref.metadata
    )


def changes(situation: Situation, notice: Notice) -> View:
    """What must change."""
    field = plain_text_input("value", multiline=True, max_length=2_000)
    blocks = [section(f"*{notice.id}* {_standing(situation, notice)}"),
              input_block("What must change?", field, block_id="reason")]  # fmt: skip
    ref = Ref(situation.incident.id, notice.id)
    return modal(
        "Request changes",
        in_full(situation, blocks),
        callback_id=CHANGES,
        submit="Request",
        private_metadata=ref.metadata,
    )
