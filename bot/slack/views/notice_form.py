"""The forms of a notice: fill in a line, remark, want other words, give it up, and record that it was sent."""

from bot.blockkit.blocks import (
    Block,
    View,
    actions,
    context,
    datetimepicker,
    input_block,
    modal,
    plain_text_input,
    section,
    untrusted,
)
from bot.blockkit.text import clean
from bot.domain.notice import Notice, Standing
from bot.engine.situation import Situation
from bot.notices.checklist import Item
from bot.slack.ids import Ref
from bot.slack.views import _notice
from bot.slack.views._words import about, ended, in_full, press

FILL, COMMENT, CHANGES, DROP, FILE = (
    "notice.fill", "notice.comment", "notice.changes", "notice.drop", "notice.file",
)  # fmt: skip
WRITTEN = frozenset({Standing.DRAFTING, Standing.STALE, Standing.CHANGES})
"""While its words are not frozen its lines are filled in here."""
FIELD = 3_000


def lines(situation: Situation, notice: Notice) -> list[Item]:
    """The required lines nobody has looked into, in the order of the form."""
    draft = situation.drafts.get(notice.id)
    if draft is None or notice.standing not in WRITTEN or notice.privilege is not None:
        return []
    return [each for each in draft.items if each.required and each.state == "not_investigated"]


def fill(situation: Situation, notice: Notice, key: str = "", told: str = "") -> View:
    """One empty line: a value, or that it is unknown and why. `key` names it; the first where it is not empty."""
    left = lines(situation, notice)
    heading = clean(f"Fill in {notice.id}", 24)
    if not left:
        words = "*Every required line is filled in, or says why it is unknown.*"
        row = actions(press("Review", "notice.open", situation.incident.id, notice.id, style="primary"))
        return modal(heading, [section(f"{about(situation)}\n{words}"), row], callback_id="info", close="Close")
    place = next((number for number, each in enumerate(left) if each.key == key), 0)
    line = left[place]
    number = f"{untrusted(line.number, 20)} " if line.number else ""
    words = f"*{number}{untrusted(line.label, 300)}*"
    words += f"\n{untrusted(line.help, 900)}" if line.help else ""
    words += f"\nRequired: {untrusted(line.when, 300)}" if line.when else ""
    blocks: list[Block] = [section(about(situation))]
    blocks += [context(f"✓ {untrusted(told, 200)}")] if told else []
    blocks.append(section(words))
    value = plain_text_input("value", multiline=True, max_length=FIELD)
    why = plain_text_input("value", max_length=1_000)
    blocks.append(input_block("What is to be written here", value, block_id=f"value:{line.key}"[:255], optional=True))
    blocks.append(input_block("Or unknown, because", why, block_id=f"unknown:{line.key}"[:255], optional=True))
    count = f"line {place + 1} of {len(left)} that are empty" if len(left) > 1 else "the last line that is empty"
    blocks.append(context(f"{count} · whoever fills in a line does not sign this notice"))
    if len(left) > 1:
        after = left[(place + 1) % len(left)]
        skip = press("Skip this line", "notice.skip", situation.incident.id, f"{notice.id}/{after.key}")
        blocks.append(actions(skip))
    ref = Ref(situation.incident.id, f"{notice.id}/{line.key}")
    return modal(heading, in_full(situation, blocks), callback_id=FILL, submit="Save and go on", close="Later",
                 private_metadata=ref.metadata)  # fmt: skip


def comment(situation: Situation, notice: Notice) -> View:
    """A remark, on some of its words or on all of it."""
    blocks = [
        section(f"{about(situation)}\n*{notice.id}* {untrusted(_notice.kind(situation, notice), 200)}"),
        input_block("Your remark", plain_text_input("value", multiline=True, max_length=2_000), block_id="text"),
        input_block("The words you mean", plain_text_input("value", max_length=500), block_id="quote", optional=True),
    ]
    return _modal("Comment", situation, notice, blocks, COMMENT, "Comment")


def changes(situation: Situation, notice: Notice) -> View:
    """What must change."""
    return _why(situation, notice, "Request changes", "What must change?", CHANGES, "Request")


def drop(situation: Situation, notice: Notice) -> View:
    """Why it is given up; what was written stays in the log."""
    return _why(situation, notice, "Give up", "Why is it given up?", DROP, "Give up")


def _why(situation: Situation, notice: Notice, heading: str, label: str, name: str, submit: str) -> View:
    field = plain_text_input("value", multiline=True, max_length=2_000)
    words = ended(_notice.standing(situation, notice)) if notice.privilege is None else _notice.private(notice)
    blocks = [section(f"*{notice.id}* {words}"), input_block(label, field, block_id="reason")]
    return _modal(heading, situation, notice, blocks, name, submit)


def file(situation: Situation, notice: Notice, heading: str, blocks: list[Block]) -> View:
    """Below the approved words: where a person sent them, when, under which reference, and what proves it."""
    when = datetimepicker("value", initial=int(situation.now.timestamp()))
    asked = [
        input_block("Where did you send it?", plain_text_input("value", max_length=500), block_id="where"),
        input_block("When?", when, block_id="when", hint="In your own zone; not before it was approved."),
        input_block("Reference", plain_text_input("value", max_length=300), block_id="reference", optional=True,
                    hint="As the receiver gave it."),
        input_block("Proof", plain_text_input("value", max_length=500), block_id="proof", optional=True,
                    hint="Such as where the confirmation is kept."),
    ]  # fmt: skip
    digest = notice.latest.digest if notice.latest else ""
    return _modal(heading, situation, notice, [*blocks, *asked], FILE, "Record filing", digest)


def _modal(
    heading: str, situation: Situation, notice: Notice, blocks: list[Block], name: str, submit: str, digest: str = ""
) -> View:
    ref = Ref(situation.incident.id, notice.id, digest)
    return modal(heading, in_full(situation, blocks), callback_id=name, submit=submit, private_metadata=ref.metadata)
