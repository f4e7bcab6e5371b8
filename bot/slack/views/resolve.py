"""The dialog to resolve: every check met or waived with a reason of its own, and what goes on although it is over."""

import hashlib
import json
from collections.abc import Sequence

from bot.blockkit.blocks import (
    Block,
    View,
    alert,
    checkboxes,
    input_block,
    modal,
    option,
    plain_text_input,
    section,
    untrusted,
)
from bot.blockkit.text import clean
from bot.domain.checks import Check, resolve_checks
from bot.domain.incident import Incident
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import info
from bot.slack.views._words import about, bulleted, console, filled

NAME = "resolve"
CHECKS = 20
"""So many open checks have a question each; of more the last question is for all the others, which are listed."""
REST = "waive-rest"
LISTED = 60
"""More others than that, or longer ones than Slack shows, are waived on the console: nobody waives what is not read."""
STAYS = "stays/"


def render(situation: Situation, told: str = "") -> View:
    """The checks, how it ended, a reason for each that is open, and what is left; `told` says why it came back."""
    incident = situation.incident
    if not incident.is_open:
        return info.render("Resolve", f"{incident.id} is {incident.phase} already.")
    checks = resolve_checks(incident)
    blocking = sorted((check for check in checks if check.blocking), key=lambda check: check.met)
    lines = [f"{'✓' if check.met else '✗'} {untrusted(check.what, 300)}" for check in blocking]
    blocks: list[Block] = [alert(untrusted(told, 200))] if told else []
    blocks.append(section(f"{about(situation)}\n{bulleted(lines, CHECKS, 2_600, mark='')}"))
    field = plain_text_input("value", multiline=True, max_length=2_000)
    blocks.append(input_block("How did it end?", field, block_id="summary"))
    waived = questions([check for check in blocking if check.open])
    blocks += [_waiver(check) for check, name in waived if name != REST]
    rest = [f"✗ {untrusted(check.what, 300)}" for check, name in waived if name == REST]
    if rest:
        told = bulleted(rest, LISTED, 2_800, mark="")
        if told != "\n".join(rest):
            return _too_many(situation, len(waived))
        blocks += _others(told, len(rest))
    blocks += _goes_on([check for check in checks if not check.blocking])
    ref = Ref(incident.id, digest=digest(incident))
    return modal("Resolve", blocks, callback_id=NAME, submit="Resolve", private_metadata=ref.metadata)


def digest(incident: Incident) -> str:
    """What the dialog asked: another list of open checks, or another state of one, is another dialog."""
    asked = [(check.key, check.what) for check in resolve_checks(incident) if check.open]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def question(check: Check) -> str:
    """The name of the question that takes the reason of a check; the same check has the same in every dialog."""
    return f"waive-{hashlib.sha256(check.key.encode()).hexdigest()[:12]}"


def _waiver(check: Check) -> Block:
    reason = plain_text_input("value", multiline=True, max_length=1_000)
    hint = "Say what else shows that it is over. Missing data is no good news."
    label = clean(f"✗ {check.what}. Resolve all the same, because", 300)
    return input_block(label, reason, block_id=question(check), hint=hint)


def questions(checks: Sequence[Check]) -> list[tuple[Check, str]]:
    """Each open check with the name of the question for its reason; many checks share the last one."""
    own = len(checks) if len(checks) <= CHECKS else CHECKS - 1
    return [(check, question(check) if place < own else REST) for place, check in enumerate(checks)]


def _others(listed: str, many: int) -> list[Block]:
    reason = plain_text_input("value", multiline=True, max_length=1_000)
    hint = "One reason that holds for each of them. Missing data is no good news."
    label = f"✗ {many} others, listed above. Resolve all the same, because"
    return [section(listed), input_block(label, reason, block_id=REST, hint=hint)]


def _too_many(situation: Situation, many: int) -> View:
    """No question for what nobody could read here, and so no button that could never work."""
    way = console(situation, "Resolve it on the console")
    words = f"{many} checks are open, more than Slack shows. {way or 'Resolve it on the console.'}"
    return info.told("Resolve", f"{about(situation)}\n{words}")


def _goes_on(notes: list[Check]) -> list[Block]:
    if not notes:
        return []
    lines = [untrusted(note.what, 300) for note in notes]
    blocks: list[Block] = [section(f"*This goes on*\n{bulleted(lines, 12, 2_500)}")]
    staying = [note for note in notes if note.key.startswith(STAYS)][:10]
    if staying:
        boxes = [option(filled(note.what.partition(" stays ")[0], 75), note.key) for note in staying]
        ticked = checkboxes("value", boxes, initial=[note.key for note in staying])
        hint = "For the lead, in 14 days: make it permanent or undo it."
        blocks.append(input_block("Make a follow-up for", ticked, block_id="permanent", optional=True, hint=hint))
    return blocks
