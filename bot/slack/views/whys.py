"""The 5 Whys as one dialog that grows in place: the tree, one question, and the finding the answer rests on."""

from bot.blockkit.blocks import (
    Block,
    Element,
    View,
    actions,
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
from bot.domain.five_whys import DEEPEST, Why, depth, walk
from bot.domain.followup import unanswered
from bot.domain.incident import Incident
from bot.domain.saying import ground
from bot.engine.situation import Situation
from bot.slack.ids import Ref, choice
from bot.slack.views._words import about, console, filled, left_out, press

NAME, FIX = "whys", "whys.fix"
ASSUMED, FIRST = "assumed", "-"
NODES = 60
"""A larger tree is read on the console."""
ENOUGH = 5
ROOTS = 10
OURS = ("we control", "under our control", "in our hands", "up to us", "our own")
"""Words by which people say that the chain may end here."""


def render(situation: Situation, told: str = "", asked: str | None = None, *, name: str = "") -> View:
    """The tree and the next question.

    `asked` is the why whose why is asked ("" for the incident itself, None for the usual next one), `told` a word of
    advice on the last answer, `name` the why that may be named a root cause because of it.
    """
    incident = situation.incident
    parent = asked if asked is not None and (not asked or _askable(incident, asked)) else deepest(incident)
    blocks: list[Block] = [section(about(situation)), *_tree(situation)]
    if told:
        button = press(f"Name {name} a root cause", "whys.root", incident.id, name) if name in incident.whys else None
        blocks.append(section(f":bulb: {untrusted(told, 500)}", accessory=button))
    turn = len(incident.whys) + len(incident.struck)
    label = f"Why “{incident.whys[parent].text}”?" if parent else f"Why: “{incident.title}”?"
    answer = plain_text_input("value", multiline=True, max_length=1_500)
    blocks.append(input_block(clean(label, 500), answer, block_id=f"answer:{turn}"))
    blocks.append(input_block("It rests on", _grounds(incident), block_id=f"evidence:{turn}", hint=_missing(incident)))
    root = checkboxes("value", [option("This is a root cause: something we control", "root")])
    blocks.append(input_block("Enough?", root, block_id=f"root:{turn}", optional=True))
    blocks += _ways(incident, parent)
    return modal("5 Whys", blocks, callback_id=NAME, submit="Add answer", close="Done",
                 private_metadata=Ref(incident.id, parent).metadata)  # fmt: skip


def fix(situation: Situation, why: Why) -> View:
    """One answer to be corrected, or struck with everything below it."""
    incident = situation.incident
    below = sum(1 for _ in walk(incident.whys, why.id))
    words = plain_text_input("value", multiline=True, initial=clean(why.text, 1_500) or None, max_length=1_500)
    blocks = [
        section(about(situation)),
        input_block(f"{why.id} says", words, block_id=f"text:{why.id}"),
        input_block("It rests on", _grounds(incident, why.evidence), block_id=f"evidence:{why.id}"),
    ]
    if not why.root:
        root = checkboxes("value", [option("This is a root cause: something we control", "root")])
        blocks.append(input_block("Enough?", root, block_id=f"root:{why.id}", optional=True))
    more = f", with the {below} answer{'s' if below > 1 else ''} below it" if below else ""
    reason = plain_text_input("value", multiline=True, max_length=500)
    blocks.append(input_block(f"Or strike it{more}, because", reason, block_id=f"strike:{why.id}", optional=True,
                              hint="The record keeps what was said; the tree shows it no more."))  # fmt: skip
    blocks.append(actions(press("Back to the tree", "whys.ask", incident.id, why.parent or FIRST)))
    return modal(clean(f"Correct {why.id}", 24), blocks, callback_id=FIX, submit="Correct",
                 private_metadata=Ref(incident.id, why.id).metadata)  # fmt: skip


def advice(situation: Situation, text: str, deep: int) -> tuple[str, bool]:
    """A gentle prompt: from a person to the system that let it happen; or (True) that it is time to name the root."""
    names = [part for shown in situation.people.values() for part in shown.name.split() if len(part) > 2]  # noqa: PLR2004
    words = {word.strip(".,;:!?()'\"").casefold() for word in text.split()}
    if any(name.casefold() in words for name in names):
        return "The answer names a person. What in the system let that happen, or did not catch it?", False
    if any(ours in text.casefold() for ours in OURS):
        return "If the organisation controls this, it may be a root cause.", True
    if deep >= ENOUGH:
        return "Five whys deep: is this something the organisation controls? Then it is a root cause.", True
    return "", False


def deepest(incident: Incident) -> str:
    """The newest answer that may be asked about; the usual next question."""
    unrooted = (why.id for why in reversed(list(incident.whys.values())) if not why.root)
    return next((name for name in unrooted if _askable(incident, name)), "")


def _askable(incident: Incident, name: str) -> bool:
    return name in incident.whys and depth(incident.whys, name) < DEEPEST


def _tree(situation: Situation) -> list[Block]:
    incident = situation.incident
    if not incident.whys:
        return [context("Every answer rests on a finding or is marked as assumed. Ask on until we control the cause.")]
    waiting = {why.id for why in unanswered(incident)}
    blocks: list[Block] = []
    if len(incident.whys) > NODES:
        words = f"{len(incident.whys)} answers so far: read the tree on the console."
        blocks += [section(words), *([context(link)] if (link := console(situation)) else [])]
    else:
        lists = []
        for why, deep in walk(incident.whys):
            mark = (" · root cause, no follow-up yet" if why.id in waiting else " · root cause") if why.root else ""
            small = run(f"  ({why.id}, {ground(incident, why.evidence)}{mark})", italic=True)
            node = rich_section(run(filled(why.text, 160), bold=why.root), small)
            lists.append(bullets([node], indent=min(deep - 1, 8)))
        blocks.append(rich_text(*lists))
    roots = [incident.whys[name] for name in incident.whys if name in waiting]
    blocks += [
        section(f"Nobody has promised yet what changes because of *{why.id}*.",
                accessory=press("Make follow-up", "whys.followup", incident.id, why.id))
        for why in roots[:ROOTS]
    ]  # fmt: skip
    return blocks


def _grounds(incident: Incident, chosen: str = "") -> Element:
    found = [finding for finding in incident.findings if finding.gone is None]
    grounds = [option("Assumed, nothing shows it yet", ASSUMED)]
    grounds += [option(clean(f"{one.id} {one.text}", 75), one.id) for one in found[-99:]]
    known = any(one["value"] == chosen for one in grounds)
    return static_select("value", grounds, initial=chosen if known else ASSUMED)


def _missing(incident: Incident) -> str | None:
    """How many findings the choice does not offer."""
    standing = sum(1 for one in incident.findings if one.gone is None)
    return left_out(min(standing, 99), standing)


def _ways(incident: Incident, parent: str) -> list[Block]:
    """To another branch, back to the why above, and to what must be set right."""
    if not incident.whys:
        return []
    whys = list(incident.whys.values())[-99:]
    row: list[Element] = []
    if parent:
        row.append(press("Back", "whys.ask", incident.id, incident.whys[parent].parent or FIRST))
    branches = [option("The incident itself", choice("whys.ask", Ref(incident.id, FIRST)))]
    branches += [
        option(clean(f"{why.id} {why.text}", 75), choice("whys.ask", Ref(incident.id, why.id)))
        for why in whys
        if _askable(incident, why.id)
    ]
    row.append(static_select("more.branch", branches, placeholder="Add branch: ask the why of"))
    fixes = [option(clean(f"{why.id} {why.text}", 75), choice("whys.fix", Ref(incident.id, why.id))) for why in whys]
    row.append(static_select("more.fix", fixes, placeholder="Correct or strike"))
    return [actions(*row)]
