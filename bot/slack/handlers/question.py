"""Answering what the law asks: yes, no, not known, or a form; an answer somebody gave before is not passed over."""

from bot.blockkit.text import untrusted
from bot.domain.duty import READERS, RecordFact
from bot.domain.errors import Refused
from bot.engine.situation import Situation
from bot.notices.ask import OpenQuestion
from bot.notices.facts import FactType, UnreadableError
from bot.slack.knock import Errors, Knock, Reply, Show, Tell
from bot.slack.views import question

QUICK: dict[str, bool | None] = {"fact.yes": True, "fact.no": False, "fact.unknown": None}


async def _asked(knock: Knock) -> tuple[Situation, OpenQuestion | None]:
    situation = await knock.situation()
    situation.policy.require(knock.who.person, READERS, "record a fact")
    found = next((each for each in situation.questions if each.fact.key == knock.ref.item), None)
    return situation, found


async def quick(knock: Knock) -> Reply:
    """One press answers; where somebody answered otherwise meanwhile, it stands, and that is told."""
    situation, found = await _asked(knock)
    value = QUICK[knock.deed]
    if found is None:
        return None if _known(situation, knock.ref.item) is value else _over(situation, knock.ref.item)
    await knock.submit(RecordFact(knock.ref.item, value))
    return None


async def opened(knock: Knock) -> Reply:
    """The form."""
    situation, found = await _asked(knock)
    if found is None:
        return _over(situation, knock.ref.item)
    return Show(question.answer(situation, found))


async def answered(knock: Knock) -> Reply:
    """What the form says."""
    situation, found = await _asked(knock)
    if found is None:
        raise Refused(_said(situation, knock.ref.item))
    value = _value(knock, found.fact.type)
    if isinstance(value, Errors):
        return value
    await knock.submit(RecordFact(found.fact.key, value, knock.values.text("because")))
    return None


def _value(knock: Knock, kind: FactType) -> str | tuple[str, ...] | Errors | None:
    """The answer in the words a fact is typed in; None where it is not known; what is wrong with it."""
    values = knock.values
    text, ticked = values.text("value"), values.chosen("value")
    unknown = values.ticked("unknown")
    if text == question.UNKNOWN or (unknown and not text and not ticked):
        return None
    if not text and not ticked:
        return Errors({"value": "Answer, or tick that it is not known yet."})
    if unknown:
        return Errors({"unknown": "Either an answer, or that it is not known; not both."})
    if ticked:
        if question.NONE in ticked and len(ticked) > 1:
            return Errors({"value": "None of them, or those that apply; not both."})
        return () if question.NONE in ticked else tuple(ticked)
    try:
        said = question.given(kind, text, values.text("until")) if kind.kind in {"timestamp", "date"} else text
        kind.read(kind.typed(said))
    except UnreadableError as wrong:
        return Errors({"value": f"{str(wrong)[:1].upper()}{str(wrong)[1:]}."})
    except ValueError:
        return Errors({"value": "That is no time; choose day and hour."})
    return said


def _known(situation: Situation, key: str) -> object:
    return situation.incident.facts.get(key, ...)


def _over(situation: Situation, key: str) -> Tell:
    return Tell(untrusted(_said(situation, key), 1_000))


def _said(situation: Situation, key: str) -> str:
    """Why a question is not asked any more: somebody answered it, or it changes nothing now."""
    name = key.replace("_", " ")
    who = question.stated(situation, key)
    value = _known(situation, key)
    if who is None or value is ...:
        return f"“{name}” is not asked any more: no duty hangs on it now."
    shown = {True: "yes", False: "no", None: "not known"}.get(value) if isinstance(value, bool | None) else str(value)
    return (
        f"{situation.name(who[0])} answered “{name}” already: {shown}. "
        "Whoever knows better records it on the console, with the reason."
    )


CLICKS = {**dict.fromkeys(QUICK, quick), question.OPEN: opened}
SUBMITS = {question.ANSWER: answered}
