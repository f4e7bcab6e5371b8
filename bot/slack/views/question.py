"""What the law asks of the facts, put to whoever can answer: three questions at a time, and the form for each."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from bot.blockkit.blocks import (
    Block,
    Element,
    View,
    actions,
    checkboxes,
    context,
    datepicker,
    datetimepicker,
    input_block,
    modal,
    option,
    plain_text_input,
    radio_buttons,
    section,
    static_select,
    untrusted,
)
from bot.domain.duty import FactRecorded
from bot.engine.situation import Situation
from bot.notices.ask import OpenQuestion
from bot.notices.facts import FactType
from bot.slack.ids import Ref, choice
from bot.slack.message import Message
from bot.slack.views._words import about, at, brief, bulleted, called, filled, in_full, left_out, press

ANSWER, OPEN = "fact", "fact.open"
MOST = 3
"""So many questions are asked at a time, those that settle most."""
UNKNOWN, NONE = "unknown", "none"
CHOICES = 10
COUNSEL, RESPONDER, MANAGER = "counsel", "responder", "manager"
_ASKED = {"timestamp": "when?", "date": "when?", "int": "how many?", "number": "how much?", "set": "which?",
          "enum": "which?", "country": "which?", "list": "which?", "map": "how many, for each?"}  # fmt: skip
_HINTS = {
    "int": "A whole number.",
    "number": "A number, such as 0.25 or 1200.",
    "country": "Two capital letters, such as DE.",
    "list": "Several apart by commas; none where there is none.",
}
_MAPPED = {"int": "Such as CA: 500, NY: 20; none where there is none.",
           "timestamp": "A time with its zone for each; it is entered on the console."}  # fmt: skip


def asked(situation: Situation, who: str) -> list[OpenQuestion]:
    """The open questions for counsel, responders or managers, without those of which nobody knows the answer yet."""
    return [each for each in situation.questions if each.fact.asks == who and each.fact.key not in unknown(situation)]


def unknown(situation: Situation) -> set[str]:
    """What somebody said is not known."""
    return {key for key, value in situation.incident.facts.items() if value is None}


def words(question: OpenQuestion, limit: int = 200) -> str:
    """A question as people ask it, in mrkdwn."""
    return untrusted(plainly(question), limit)


def plainly(question: OpenQuestion) -> str:
    """The same for plain text."""
    kind, label = question.fact.type.kind, question.fact.label or question.fact.key.replace("_", " ")
    label = label[:1].upper() + label[1:]
    if kind == "bool":
        return f"{label}?"
    asks = label.partition(" ")[0].lower() in {"what", "which", "how", "who", "when"}
    return f"{label}: {_ASKED[kind]}" if kind in _ASKED and not asks else label


# -- the message -----------------------------------------------------------------------------------------------------


def render(situation: Situation, who: str) -> Message:
    """The questions for counsel or responders, those that settle most first; the others can be chosen below them."""
    incident = situation.incident
    now = asked(situation, who)
    pending = [each for each in situation.questions if each.fact.asks == who and each not in now]
    if not now:
        words_ = "*No question is open.*" + ("" if pending else " Every one was answered, or matters no more.")
        blocks: list[Block] = [section(f"{about(situation)}\n{words_}"), *_pending(situation, pending)]
        return Message(f"{brief(incident)}: no question of the law is open.", in_full(situation, blocks))
    many = f"{len(now)} questions" if len(now) > 1 else "One question"
    lead = f"*{many} the law asks*\nWhoever knows answers; the first settle{'s' if len(now) == 1 else ''} most."
    blocks = [section(f"{about(situation)}\n{lead}")]
    for question in now[:MOST]:
        blocks += [section(_asking(situation, question, named=who == COUNSEL)), actions(*_ways(situation, question))]
    others = now[MOST:]
    if others:
        choices = [option(filled(plainly(each), 75), _to(situation, each)) for each in others[:100]]
        blocks.append(actions(static_select("more.question", choices, placeholder=f"{len(others)} more questions")))
    blocks += _pending(situation, pending)
    return Message(f"{brief(incident)}: {many.lower()} to answer. First: {words(now[0])}", in_full(situation, blocks))


def _asking(situation: Situation, question: OpenQuestion, *, named: bool) -> str:
    """A question, what the law means by it, and what its answer settles: by name where counsel reads it."""
    note = f"\n{untrusted(question.fact.note, 300)}" if question.fact.note else ""
    return f"*{words(question)}*{note}\n{_settles(situation, question, named=named)}"


def _settles(situation: Situation, question: OpenQuestion, *, named: bool) -> str:
    many = len(question.regimes)
    if not named:
        return f"Helps to settle {many} dut{'y' if many == 1 else 'ies'}."
    duties = situation.incident.duties
    names = [untrusted(duties[each].name if each in duties else each, 80) for each in question.regimes[:4]]
    return f"Helps to settle {', '.join(names)}" + (f" and {many - 4} more." if many > 4 else ".")  # noqa: PLR2004


def _ways(situation: Situation, question: OpenQuestion) -> list[Element]:
    incident, key = situation.incident.id, question.fact.key
    none = press("Not known yet", "fact.unknown", incident, key)
    if question.fact.type.kind == "bool":
        return [press("Yes", "fact.yes", incident, key), press("No", "fact.no", incident, key), none,
                press("Say how you know", OPEN, incident, key)]  # fmt: skip
    return [press("Answer", OPEN, incident, key), none]


def _to(situation: Situation, question: OpenQuestion) -> str:
    return choice(OPEN, Ref(situation.incident.id, question.fact.key))[:150]


def _pending(situation: Situation, pending: Sequence[OpenQuestion]) -> list[Block]:
    """What was said not to be known, with the way to say it once it is."""
    if not pending:
        return []
    lines = [f"{words(each)} {_said_by(situation, each.fact.key)}".strip() for each in pending]
    choices = [option(filled(plainly(each), 75), _to(situation, each)) for each in pending[:100]]
    return [
        context(f"*Not known yet*\n{bulleted(lines, 6, 1_200)}"),
        actions(static_select("more.unknown", choices, placeholder="It is known now")),
    ]


def _said_by(situation: Situation, key: str) -> str:
    said = stated(situation, key)
    return f"(said {called(situation, said[0])} {at(said[1])})" if said is not None else ""


def stated(situation: Situation, key: str) -> tuple[str, datetime] | None:
    """Who stated a fact last, and when."""
    found = [one for one in situation.entries if isinstance(one.event, FactRecorded) and one.event.fact == key]
    return (found[-1].by, found[-1].at) if found else None


# -- the form --------------------------------------------------------------------------------------------------------


def answer(situation: Situation, question: OpenQuestion, *, named: bool = False) -> View:
    """The form for one question, with the input that fits its kind."""
    fact = question.fact
    blocks: list[Block] = [section(f"{about(situation)}\n{_asking(situation, question, named=named)}")]
    blocks += _inputs(situation, fact.type)
    because = plain_text_input("value", multiline=True, max_length=1_000)
    blocks.append(input_block("How do you know?", because, block_id="because", optional=True))
    return modal("Answer", in_full(situation, blocks), callback_id=ANSWER, submit="Answer",
                 private_metadata=Ref(situation.incident.id, fact.key).metadata)  # fmt: skip


def _inputs(situation: Situation, kind: FactType) -> list[Block]:
    """What takes the answer; a box to say that it is not known where the input itself cannot."""
    known = option("Not known yet", UNKNOWN)
    if kind.kind in {"bool", "enum"}:
        members = ("yes", "no") if kind.kind == "bool" else kind.members
        choices = [option(filled(_read(each), 75), each[:150]) for each in members] + [known]
        few = len(choices) <= CHOICES
        element = radio_buttons("value", choices) if few else static_select("value", choices[:100])
        hint = None if few else left_out(len(choices[:100]), len(choices))
        return [input_block("Answer", element, block_id="value", hint=hint)]
    box = input_block("Or", checkboxes("value", [known]), block_id="unknown", optional=True)
    if kind.kind == "set" and 0 < len(kind.members) < CHOICES:
        choices = [option(filled(_read(each), 75), each[:150]) for each in kind.members] + [
            option("None of them", NONE)
        ]
        return [input_block("All that apply", checkboxes("value", choices), block_id="value", optional=True), box]
    if kind.kind in {"timestamp", "date"}:
        return [*_moments(situation, kind), box]
    hint = _HINTS.get(kind.kind)
    if kind.kind == "set":
        of = {"country": "Two capital letters each, such as DE, FR", "state": "Two letters each, such as CA, NY"}
        hint = f"{of.get(kind.of, 'Several apart by commas')}; none where there is none."
    elif kind.kind == "map":
        hint = _MAPPED.get(kind.to)
    if kind.ranged:
        hint = f"{hint or ''} Known only between two: 400..600".strip()
    field = plain_text_input("value", max_length=2_000)
    return [input_block("Answer", field, block_id="value", hint=hint, optional=True), box]


def _moments(situation: Situation, kind: FactType) -> list[Block]:
    """A day or a time; two of them where it may be known only between two."""

    def element() -> Element:
        if kind.kind == "date":
            return datepicker("value")
        return datetimepicker("value")

    first = "Day" if kind.kind == "date" else "Time"
    hint = None if kind.kind == "date" else f"In your own zone. It is {situation.now.astimezone(UTC):%H:%M} UTC now."
    blocks = [input_block(f"{first}, or the earliest", element(), block_id="value", hint=hint, optional=True)]
    if not kind.ranged:
        return [input_block(first, element(), block_id="value", hint=hint, optional=True)]
    later = "Only where it is known no better than between two."
    return [*blocks, input_block("The latest", element(), block_id="until", hint=later, optional=True)]


def _read(word: str) -> str:
    """An option as people read it."""
    plain = word.replace("_", " ")
    return plain[:1].upper() + plain[1:]


def given(kind: FactType, first: str, until: str = "") -> str:
    """What a picker gave, in the words a fact is typed in. Raises ValueError for what is no time."""
    ends = [each for each in (first, until) if each]
    if kind.kind == "timestamp":
        ends = [datetime.fromtimestamp(int(each), UTC).isoformat() for each in ends]
    elif kind.kind == "date":
        ends = [date.fromisoformat(each).isoformat() for each in ends]
    return "..".join(ends)
