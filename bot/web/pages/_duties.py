"""Duties as a page groups them, and the questions that would settle them, each with the input its kind asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.domain.duty import Answer
from bot.engine.situation import Situation
from bot.notices.facts import FactType
from bot.web.shapes_notice import DutyShape, QuestionShape

FIRST = 5
"""Questions that stand open at once; the rest are folded."""
EXAMPLES = {"state": "such as CA: 120, TX: 40", "country": "such as DE: 120, FR: 40"}
WHOM = {"counsel": "counsel", "responder": "whoever leads the incident", "manager": "the manager in charge"}


@dataclass(frozen=True, slots=True)
class Group:
    """Duties with the same standing under one heading."""

    id: str
    title: str
    tone: str
    duties: tuple[DutyShape, ...]
    folded: bool = False

    @property
    def near(self) -> tuple[DutyShape, ...]:
        """Those that stand open at once: all of what is owed; of what is not certain, those whose clock runs."""
        if self.id != "open":
            return self.duties
        near = [each for each in self.duties if any(due.strict and not due.filed for due in each.dues)]
        return self.duties if len(self.duties) - len(near) <= FIRST else tuple(near)

    @property
    def far(self) -> tuple[DutyShape, ...]:
        """The rest, folded."""
        return tuple(each for each in self.duties if each not in self.near)


def grouped(duties: Sequence[DutyShape], today: date) -> list[Group]:
    """Decided against the facts, owed, may be owed, applies later, none; the one due first before the others."""
    found: dict[str, list[DutyShape]] = {"against": [], "owed": [], "open": [], "later": [], "none": []}
    for each in duties:
        found[_standing(each, today)].append(each)
    later = sorted(found["later"], key=lambda each: each.applies_from or today)
    groups = [
        Group("against", "Decided, and the facts now say otherwise", "bad", tuple(found["against"])),
        Group("owed", "Owed", "bad", tuple(sorted(found["owed"], key=_soonest))),
        Group("open", "May be owed", "wait", tuple(sorted(found["open"], key=_soonest))),
        Group("later", "Applies later", "quiet", tuple(later), folded=True),
        Group("none", "No duty", "quiet", tuple(found["none"]), folded=True),
    ]
    return [group for group in groups if group.duties]


def _standing(duty: DutyShape, today: date) -> str:
    if duty.contradicted:
        return "against"
    if duty.answer == Answer.YES:
        return "owed"
    if duty.answer == Answer.UNKNOWN:
        return "open"
    later = duty.applies_from is not None and duty.applies_from > today
    would = duty.would_be in {Answer.YES, Answer.UNKNOWN}
    return "later" if later and would and not duty.decided_by else "none"


def _soonest(duty: DutyShape) -> tuple[bool, float, str]:
    return (duty.strict is None, duty.strict.timestamp() if duty.strict else 0.0, duty.name)


@dataclass(frozen=True, slots=True)
class Question:
    """One question as a form asks it."""

    fact: str
    label: str
    note: str
    whom: str
    settles: tuple[str, ...]  # regimes by name
    kind: str  # buttons, choice, boxes, moment, day, number, text
    options: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    said_unknown: bool = False


def asked(situation: Situation, questions: Sequence[QuestionShape]) -> list[Question]:
    """The questions in the order of how much they settle."""
    duties, facts = situation.incident.duties, situation.incident.facts
    found = []
    for each in questions:
        kind, options, hint = _input(FactType.parse(each.type))
        names = tuple(duties[name].name if name in duties else name for name in each.regimes)
        said_unknown = each.fact in facts and facts[each.fact] is None
        whom = WHOM.get(each.asks, each.asks)
        found.append(Question(each.fact, each.label, each.note, whom, names, kind, options, hint, said_unknown))
    return found


def _input(kind: FactType) -> tuple[str, tuple[tuple[str, str], ...], str]:
    """What a value of that type is typed into, its options and a hint."""
    options = tuple((each, each.replace("_", " ")) for each in kind.members)
    match kind.kind:
        case "bool":
            return "buttons", (("yes", "Yes"), ("no", "No")), ""
        case "enum":
            return "choice", options, ""
        case "set" if options:
            return "boxes", options, ""
        case "timestamp":
            return "moment", (), ""
        case "date":
            return "day", (), ""
        case "int" | "number":
            return "number", (), "a number, or a range such as 400..600" if kind.ranged else "a number"
        case "set" | "list":
            return "text", (), "several apart by commas" + (", such as DE, FR" if kind.of == "country" else "")
        case "map":
            gives = "time" if kind.to == "timestamp" else "number"
            return "text", (), f"{kind.of}: {gives}, {EXAMPLES.get(kind.of, 'several apart by commas')}"
        case "country":
            return "text", (), "two letters, such as DE"
        case _:
            return "text", (), ""


def labels(situation: Situation) -> dict[str, str]:
    """How a page names the facts it knows the question of."""
    return {each.fact.key: each.fact.label for each in situation.questions}
