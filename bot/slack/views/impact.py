"""The dialog to state the impact: what the data and the catalogue say already, and what nobody knows yet."""

from bot.blockkit.blocks import View, context, input_block, modal, plain_text_input, section, untrusted
from bot.blockkit.text import clean
from bot.domain.impact import Impact
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views._words import about, bulleted

NAME = "impact"


def render(situation: Situation, estimated: Impact | None) -> View:
    """Events, people and money; blank means not known, and then the reason is asked for."""
    incident = situation.incident
    known = incident.impact or estimated
    currency = known.currency if known else (situation.service.currency if situation.service else "EUR")
    blocks = [section(about(situation))]
    if incident.impact is None and estimated is not None:
        blocks.append(context("Filled in from the SLI and the catalogue: correct what you know better."))
    values = {"events": known.events, "people": known.people, "money": known.money} if known else {}
    labels = {"events": "Affected events", "people": "Affected people", "money": f"Money lost ({currency[:10]})"}
    for name, label in labels.items():
        value = values.get(name)
        field = plain_text_input("value", initial=str(value) if value is not None else None, max_length=40)
        blocks.append(input_block(label, field, block_id=name, optional=True, hint="Leave blank if it is not known."))
    reasons = "\n".join(known.unknowns) if known else ""
    why = plain_text_input("value", multiline=True, initial=clean(reasons, 2_900) or None, max_length=3_000)
    hint = "One line each, such as “people: the log has no user ids”."
    blocks.append(input_block("Why the blanks are not known", why, block_id="unknowns", optional=True, hint=hint))
    note = clean(known.note, 2_900) or None if known else None
    words = plain_text_input("value", multiline=True, initial=note, max_length=3_000)
    blocks.append(input_block("Who notices, and how", words, block_id="note", optional=True))
    if known is not None and known.unknowns:
        blocks.append(context("Not known: " + bulleted([untrusted(u, 200) for u in known.unknowns], 8, 1_500)))
    return modal("Assess impact", blocks, callback_id=NAME, submit="State impact",
                 private_metadata=Ref(incident.id, currency[:10]).metadata)  # fmt: skip
