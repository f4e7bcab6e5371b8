"""One duty in a dialog: its clocks, how its dates came about, and the forms to decide, begin its notice, assign it."""

from bot.blockkit.blocks import (
    Block,
    View,
    actions,
    context,
    input_block,
    modal,
    option,
    plain_text_input,
    radio_buttons,
    section,
    static_select,
    untrusted,
    users_select,
)
from bot.blockkit.text import clean
from bot.domain.clocks import answering
from bot.domain.duty import Answer, Duty
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import _duty, _notice, duties
from bot.slack.views._words import about, at, filled, in_full, person, press

DECIDE, DECIDE_OPEN, OWNER, REQUEST = "duty.decide", "duty.decide.open", "duty.owner", "legal"
PAGE = 20
"""Duties on one page of reasons."""
DATES = 12
YES, NO = (Answer.YES, "Yes, we must tell"), (Answer.NO, "No, there is no duty")


def one(situation: Situation, duty: Duty) -> View:
    """Everything known of one duty, and what may be done about it."""
    words = f"*{untrusted(duty.name, 200)}*: {_duty.state(situation, duty)}\n{_duty.because(duty, 1_000)}"
    blocks: list[Block] = [section(about(situation)), section(words)]
    lines = _duty.dates(situation, duty)
    blocks += [section("\n".join(lines))] if lines else []
    if duty.ask and duty.answer is not Answer.NO:
        asked = ", ".join(each.replace("_", " ") for each in duty.ask)
        blocks.append(section(f"*Would settle it* {untrusted(asked, 500)}"))
    blocks += [context(_duty.responsible(situation, duty.regime))] if duty.answer is not Answer.NO else []
    blocks.append(actions(*duties.deeds(situation, duty)))
    past = _past(situation, duty)
    if past:
        blocks.append(section("*Dates as they were counted*\n" + "\n".join(past)))
    return modal("Duty", in_full(situation, blocks), callback_id="info", close="Close")


def _past(situation: Situation, duty: Duty) -> list[str]:
    """Each date a clock ever had, the newest last, where it moved."""
    lines = []
    for due in duty.dues:
        counted = situation.incident.due_history.get(f"{duty.regime}/{due.stage}", ())
        if len(counted) > 1:
            lines += [f"{untrusted(due.name, 80)}: {at(each.due.strict)}, counted {at(each.at)}" for each in counted]
    return lines[-DATES:]


def reasons(situation: Situation, page: int = 0) -> View:
    """Every regime with its answer and reason, a page at a time; whatever a page number was once, there is a page."""
    asked = _duty.ordered(situation)
    last = max(0, (len(asked) - 1) // PAGE)
    page = min(max(page, 0), last)
    shown = asked[page * PAGE : (page + 1) * PAGE]
    blocks: list[Block] = [section(about(situation))]
    for duty in shown:
        words = f"*{untrusted(duty.name, 150)}*: {_duty.state(situation, duty)}\n{_duty.because(duty, 700)}"
        blocks.append(section(words, accessory=press("Open", duties.OPEN, situation.incident.id, duty.regime)))
    if not asked:
        blocks.append(section("No regime was asked yet; it happens by itself once the facts are there."))
    if last:
        name = situation.incident.id
        row = [press("Former", "duty.reasons.back", name, str(page - 1))] if page else []
        row += [press("Next", "duty.reasons.on", name, str(page + 1))] if page < last else []
        blocks += [context(f"page {page + 1} of {last + 1}, {len(asked)} regimes"), actions(*row)]
    return modal("All reasons", in_full(situation, blocks), callback_id="info", close="Close")


def decide(situation: Situation, duty: Duty, *, free: bool = False) -> View:
    """Counsel's decision with its reason.

    Where it is the opposite of how it stands, the answer travels along, so that what is sent is what was read; `free`
    asks which.
    """
    free = free or duty.answer is Answer.UNKNOWN
    no = duty.answer is not Answer.NO
    heading, answer = ("Not reportable", Answer.NO) if no else ("Reportable", Answer.YES)
    label = "Why is there no duty to tell?" if no else "Why is there a duty to tell?"
    words = f"*{untrusted(duty.name, 150)}*: {_duty.state(situation, duty)}\n{_duty.because(duty, 1_000)}"
    blocks: list[Block] = [section(about(situation)), section(words)]
    if free:
        choices = radio_buttons("value", [option(words, each.value) for each, words in (YES, NO)])
        blocks.append(input_block("Must we tell?", choices, block_id="answer"))
        heading, label = "Decide", "Because"
    field = plain_text_input("value", multiline=True, max_length=2_000)
    blocks.append(input_block(label, field, block_id="reason", hint="It is kept with your name, whatever is decided."))
    ref = Ref(situation.incident.id, duty.regime, "" if free else answer)
    return modal(heading, in_full(situation, blocks), callback_id=DECIDE, submit="Decide",
                 private_metadata=ref.metadata)  # fmt: skip


def begin(situation: Situation, duty: Duty) -> View:
    """Which notice of a regime to begin, the one due first chosen already; those begun stand there to be read."""
    kinds = {name: words for name, words in situation.notice_kinds.items() if name.startswith(f"{duty.regime}/")}
    begun = {_notice.called_for(notice): notice for notice in _duty.begun(situation, duty.regime)}
    free = {name: words for name, words in kinds.items() if name not in begun}
    blocks: list[Block] = [section(f"{about(situation)}\n*{untrusted(duty.name, 150)}*")]
    for name, notice in begun.items():
        words = f"{notice.id} {untrusted(kinds.get(name, name), 200)}: {notice.standing}"
        blocks.append(section(words, accessory=press("Review", "notice.open", situation.incident.id, notice.id)))
    if not free:
        blocks.append(context("There is no other notice of it to begin."))
        return modal("Begin a notice", blocks, callback_id="info", close="Close")
    choices = [option(filled(words.partition(": ")[2] or words, 75), name[:150]) for name, words in free.items()]
    first = f"{duty.regime}/{duty.stage}"
    select = static_select("value", choices[:100], initial=first if first in free else choices[0]["value"])
    blocks.append(input_block("Which notice?", select, block_id="kind"))
    return modal("Begin a notice", blocks, callback_id=REQUEST, submit="Begin",
                 private_metadata=Ref(situation.incident.id).metadata)  # fmt: skip


def owner(situation: Situation, duty: Duty) -> View:
    """Who answers for a duty's clocks, and who steps in; both are reminded."""
    now = [*answering(situation.incident, duty.regime, situation.policy, situation.directory), "", ""]
    first, second = (situation.people[each].slack_user if each in situation.people else "" for each in now[:2])
    blocks = [
        section(f"{about(situation)}\n*{untrusted(duty.name, 150)}*"),
        input_block("Who answers for it?", users_select("value", initial=first or None), block_id="owner",
                    hint="Reminded as the time runs, in a direct message."),
        input_block("Deputy", users_select("value", initial=second or None), block_id="deputy", optional=True,
                    hint="Reminded as well, and steps in."),
    ]  # fmt: skip
    if duty.regime in situation.incident.duty_owners:
        names = [person(situation, each) for each in situation.incident.duty_owners[duty.regime] if each]
        blocks.append(context(f"assigned now: {', '.join(names)}"))
    return modal(clean("Who answers for it", 24), blocks, callback_id=OWNER, submit="Assign",
                 private_metadata=Ref(situation.incident.id, duty.regime).metadata)  # fmt: skip
