"""A legal clock made loud in counsel's channel: at each share of its time and at its end, settled once it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.blockkit.blocks import Block, actions, context, section, untrusted
from bot.domain.clocks import Running, called, moments, running
from bot.domain.duty import Answer, Due, Duty
from bot.domain.filing import filed
from bot.engine.situation import Situation
from bot.slack.message import Message
from bot.slack.views import _duty, _notice, duties
from bot.slack.views._words import about, at, brief, clock, in_full, person

WHOLE = 100


@dataclass(frozen=True, slots=True)
class Told:
    """One share of one clock's time that has passed; `newest` of those of its date, `runs` while that date holds."""

    duty: Duty
    due: Due
    percent: int
    newest: bool
    runs: Running | None

    @property
    def name(self) -> str:
        """The name of its message: the same date and share are the same message for ever."""
        strict = self.due.strict.astimezone(UTC).isoformat() if self.due.strict else ""
        return f"clock:{self.duty.regime}/{self.due.stage}:{strict}:{self.percent}"


def passed(situation: Situation) -> list[Told]:
    """Every share that has passed, of today's dates and of those that were counted before; each date once."""
    found: dict[str, Told] = {}
    live = {each.item: each for each in running(situation.incident)}
    for item, counted in situation.incident.due_history.items():
        regime, _, _stage = item.partition("/")
        duty = situation.incident.duties.get(regime)
        now = live.get(item)
        for each in counted if duty is not None else ():
            if duty is not None and each.due.strict is not None and (now is None or each.due.strict != now.strict):
                found.update({one.name: one for one in _shares(situation, duty, each.due, None)})
    for now in live.values():
        found.update({one.name: one for one in _shares(situation, now.duty, now.due, now)})
    return list(found.values())


def _shares(situation: Situation, duty: Duty, due: Due, runs: Running | None) -> Iterator[Told]:
    """The shares of one date that have passed, the newest last."""
    over = [percent for percent, at_ in moments(Running(duty, due), situation.policy) if at_ <= situation.now]
    for percent in over:
        yield Told(duty, due, percent, percent == over[-1], runs)


def render(situation: Situation, told: Told) -> Message:
    """The message of one share, as it stands: what to do now, that a newer one stands below, or how it was settled."""
    what = untrusted(called(told.duty.name, told.due.name), 240)
    if told.runs is None:
        return _settled(situation, told, what)
    name = brief(situation.incident)
    if not told.newest:
        words = f"{name} {told.percent} % of the time for {what} had gone; a newer message follows."
        left = context(f"{told.percent} % of the time for {what} had gone; a newer message follows.")
        return Message(words, in_full(situation, [left]))
    late = told.percent >= WHOLE
    lead = f"⚠ *Overdue* · {what}" if late else f"⏰ *{told.percent} % of the time is gone* · {what}"
    outer = f", at the latest {at(told.due.outer)}" if told.due.outer else ""
    lines = [about(situation), lead, f"{'Was due' if late else 'Due'} {at(told.due.strict)}{outer}"]
    if not told.runs.sure:
        lines.append(f"Whether it is owed is not settled; decide {'now' if late else 'before the time is over'}.")
    blocks: list[Block] = [section("\n".join(lines)), context(_standing(situation, told))]
    blocks.append(actions(*duties.deeds(situation, told.duty)))
    said = f"was due {clock(told.due.strict)}, nothing is filed" if late else f"is due {clock(told.due.strict)}"
    gone = "overdue:" if late else f"{told.percent} % of the time is gone:"
    return Message(f"{name} {gone} {what} {said}.", in_full(situation, blocks))


def _standing(situation: Situation, told: Told) -> str:
    """Who answers for it, and how far its notice is."""
    notices = _duty.begun(situation, told.duty.regime, told.due.stage)
    far = f"{notices[0].id} is {_notice.said(notices[0])}" if notices else "no notice was begun"
    return f"{_duty.responsible(situation, told.duty.regime)} · {far}"


def _settled(situation: Situation, told: Told, what: str) -> Message:
    """Nothing more to do for this date, and why: filed, decided, no duty by the facts, or another date holds now."""
    why, plain = _why(situation, told)
    blocks = in_full(situation, [context(f"✓ {what}: {why}")])
    return Message(f"{brief(situation.incident)} settled: {what}, {plain}.", blocks)


def _why(situation: Situation, told: Told) -> tuple[str, str]:
    """The reason in mrkdwn, and for a notification."""
    duty, stage = told.duty, told.due.stage
    done: datetime | None = filed(situation.incident, duty.regime).get(stage)
    if done is not None:
        return f"filed {at(done)}", f"filed {clock(done)}"
    if duty.answer is Answer.NO and duty.decided_by:
        by = f"{person(situation, duty.decided_by)} decided that there is no duty"
        return f"{by}: {untrusted(duty.because, 300)}", "counsel decided that there is no duty"
    now = duty.due(stage)
    if duty.answer is Answer.NO or now is None or now.answer is Answer.NO:
        return f"no duty any more, {untrusted(duty.because, 300)}", "the facts say that there is no duty"
    if now.strict is None:
        return "its clock does not run any more", "its clock does not run any more"
    return f"the date is {at(now.strict)} now", f"the date is {clock(now.strict)} now"
