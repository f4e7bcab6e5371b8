"""The 5 Whys as one dialog that grows: the tree so far, one question, and the finding the answer rests on."""

from bot.blockkit.blocks import (
    Block,
    Element,
    View,
    bullets,
    checkboxes,
    context,
    input_block,
    modal,
    option,
    plain_text_input,
    rich_section,
    rich_text,
    run,
    section,
    static_select,
    untrusted,
)
from bot.blockkit.text import clean
from bot.domain.five_whys import DEEPEST, Why, depth
from bot.domain.incident import Incident
from bot.domain.saying import ground
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views._words import about, console, filled, left_out

NAME = "whys"
ASSUMED, FIRST = "assumed", "first"
NODES = 60
"""A larger tree is read on the console."""
ENOUGH = 5


def render(situation: Situation, told: str = "") -> View:
    """The tree and the next question; `told` is a word of advice on the last answer."""
    incident = situation.incident
    blocks: list[Block] = [section(about(situation))]
    blocks += _tree(situation)
    blocks += [section(f":bulb: {untrusted(told, 500)}")] if told else []
    turn = len(incident.whys)
    parent = _deepest(incident)
    asked = f"Why “{incident.whys[parent].text}”?" if parent else f"Why: “{incident.title}”?"
    label = clean(asked, 500) if turn else clean(f"First why: {incident.title}?", 500)
    answer = plain_text_input("value", multiline=True, max_length=1_500)
    blocks.append(input_block(label, answer, block_id=f"answer:{turn}"))
    if turn:
        blocks.append(input_block("Answers the why of", _parents(incident, parent), block_id=f"parent:{turn}"))
    standing = [one for one in incident.findings if one.gone is None]
    grounds = [option("Assumed, nothing shows it yet", ASSUMED)]
    grounds += [option(clean(f"{f.id} {f.text}", 75), f.id) for f in standing[-99:]]
    rests = static_select("value", grounds, initial=ASSUMED)
    hint = left_out(len(grounds) - 1, len(standing))
    blocks.append(input_block("It rests on", rests, block_id=f"evidence:{turn}", hint=hint))
    root = checkboxes("value", [option("This is a root cause: something we control", "root")])
    blocks.append(input_block("Enough?", root, block_id=f"root:{turn}", optional=True))
    return modal("5 Whys", blocks, callback_id=NAME, submit="Add answer", close="Done",
                 private_metadata=Ref(incident.id).metadata)  # fmt: skip


def advice(situation: Situation, text: str, deep: int) -> str:
    """A gentle prompt: from a person to the system that let it happen; or that it is time to name the root."""
    names = [part for shown in situation.people.values() for part in shown.name.split() if len(part) > 2]  # noqa: PLR2004
    words = {word.strip(".,;:!?()'\"").casefold() for word in text.split()}
    if any(name.casefold() in words for name in names):
        return "The answer names a person. What in the system let that happen, or did not catch it?"
    if deep >= ENOUGH:
        return "Five whys deep: is this something the organisation controls? Then it is a root cause."
    return ""


def _tree(situation: Situation) -> list[Block]:
    incident = situation.incident
    if not incident.whys:
        return [context("Every answer rests on a finding or is marked as assumed. Ask on until we control the cause.")]
    if len(incident.whys) > NODES:
        words = f"{len(incident.whys)} answers so far: read the tree on the console."
        return [section(words), *([context(link)] if (link := console(situation)) else [])]
    children: dict[str, list[Why]] = {}
    for why in incident.whys.values():
        children.setdefault(why.parent, []).append(why)
    lists = []
    stack = [(why, 0) for why in reversed(children.get("", []))]
    while stack:
        why, deep = stack.pop()
        mark = " · root cause" if why.root else ""
        small = run(f"  ({why.id}, {ground(incident, why.evidence)}{mark})", italic=True)
        node = rich_section(run(filled(why.text, 160), bold=why.root), small)
        lists.append(bullets([node], indent=min(deep, 8)))
        stack += [(child, deep + 1) for child in reversed(children.get(why.id, []))]
    return [rich_text(*lists)]


def _deepest(incident: Incident) -> str:
    """The newest answer that may be asked about; the usual next question."""
    for why in reversed(list(incident.whys.values())):
        if not why.root and depth(dict(incident.whys), why.id) < DEEPEST:
            return why.id
    return ""


def _parents(incident: Incident, chosen: str) -> Element:
    choices = [option("The incident itself (another branch)", FIRST)]
    whys = [why for why in incident.whys.values() if depth(dict(incident.whys), why.id) < DEEPEST]
    choices += [option(clean(f"{why.id} {why.text}", 75), why.id) for why in whys[-99:]]
    return static_select("value", choices, initial=chosen or FIRST)
