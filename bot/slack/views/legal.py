"""Duties, notices, hold and impact of an incident in one dialog, and the form that begins another notice."""

from collections.abc import Sequence

from bot.blockkit.blocks import Block, View, context, divider, input_block, modal, option, section, static_select
from bot.blockkit.text import clean, untrusted
from bot.domain.duty import Answer, Duty
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import _duty
from bot.slack.views._notice import called_for
from bot.slack.views._words import about, at, filled, left_out, person, press
from bot.slack.views.duties import hold_button
from bot.slack.views.duty import DECIDE_OPEN, REQUEST
from bot.slack.views.notice import kind

LISTED = 20


def overview(situation: Situation, *, decides: bool = False, holds: bool = False) -> View:
    """Duties and notices of an incident, its hold, and a form to request another notice.

    `decides` is for whoever decides on duties, `holds` for whoever may hold everything as it is.
    """
    incident = situation.incident
    blocks: list[Block] = [section(about(situation)), _impact(situation), *_hold(situation, holds=holds)]
    asked = _duty.ordered(situation)
    blocks += [_decided(situation, duty, decides=decides) for duty in asked[:LISTED]]
    if len(asked) > LISTED:
        blocks.append(context(f"… and {len(asked) - LISTED} more duties on the console"))
    if not asked:
        blocks.append(context("No regime was asked yet; it happens by itself once the facts are there."))
    blocks.append(divider())
    for notice in list(incident.notices.values())[:LISTED]:
        words = f"*{notice.id}* {untrusted(kind(situation, notice), 150)}: {notice.standing}"
        blocks.append(section(words, accessory=press("Review", "notice.open", incident.id, notice.id)))
    if len(incident.notices) > LISTED:
        blocks.append(context(f"… and {len(incident.notices) - LISTED} more notices on the console"))
    free = requestable(situation)
    if not free:
        return modal("Legal and impact", blocks, callback_id="info", close="Close")
    choices = [_choice(name, words) for name, words in free[:100]]
    hint = left_out(len(choices), len(free))
    blocks.append(input_block("Request a notice", static_select("value", choices), block_id="kind", hint=hint))
    return modal("Legal and impact", blocks, callback_id=REQUEST, submit="Request",
                 private_metadata=Ref(incident.id).metadata)  # fmt: skip


def requestable(situation: Situation) -> Sequence[tuple[str, str]]:
    """The kinds of notice that may be begun: of regimes that did not answer no, those that are owed first."""
    duties = situation.incident.duties
    taken = {called_for(notice) for notice in situation.incident.notices.values() if not notice.over}
    no = {duty.regime for duty in duties.values() if duty.answer is Answer.NO}
    free = [(name, words) for name, words in situation.notice_kinds.items()
            if name not in taken and name.partition("/")[0] not in no]  # fmt: skip
    order = {Answer.YES: 0, Answer.UNKNOWN: 2}

    def place(pair: tuple[str, str]) -> int:
        known = duties.get(pair[0].partition("/")[0])
        return order.get(known.answer, 1) if known is not None else 1

    return sorted(free, key=place)


def _hold(situation: Situation, *, holds: bool) -> list[Block]:
    """Counsel's hold, for everybody while there is one; the button for counsel."""
    hold = situation.incident.legal_hold
    words = "*Legal hold* none: changes go on as the rules allow."
    if hold is not None:
        words = f"*Legal hold* by {person(situation, hold.by)} since {at(hold.at)}: {untrusted(hold.because, 600)}"
    return [section(words, accessory=hold_button(situation) if holds else None)] if holds or hold is not None else []


def _decided(situation: Situation, duty: Duty, *, decides: bool) -> Block:
    """A duty, who decided on it, and the button to decide otherwise."""
    words = f"*{untrusted(duty.name, 150)}*: {duty.answer}. {untrusted(duty.because, 600)}"
    if duty.decided_by:
        words += f"\nDecided by {person(situation, duty.decided_by)}."
    if duty.contradicted:
        now = "now " if _duty.overtaken(situation, duty) else ""
        words += f"\n⚠ The facts {now}say {duty.facts_say}: {untrusted(duty.facts_because, 400)}"
    words += "".join(f"\n{line}" for line in _duty.dates(situation, duty)[:3])
    if duty.ask and duty.answer is not Answer.NO:
        words += "\nWould settle it: " + untrusted(", ".join(each.replace("_", " ") for each in duty.ask), 300)
    if not decides:
        return section(words)
    label = {Answer.NO: "Reportable", Answer.YES: "Not reportable", Answer.UNKNOWN: "Decide"}[duty.answer]
    return section(words, accessory=press(label, DECIDE_OPEN, situation.incident.id, duty.regime))


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
