"""The dialog of a runbook: choose one, or answer its live step with a note."""

from bot.blockkit.blocks import (
    View,
    context,
    input_block,
    modal,
    option,
    plain_text_input,
    radio_buttons,
    section,
    static_select,
    untrusted,
)
from bot.blockkit.text import clean
from bot.domain.runbook import Runbook, Step
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import info
from bot.slack.views._words import at, bulleted, filled, in_full, left_out, paragraphs, person
from bot.slack.views.step import answers

ANSWER, START = "step", "runbook"
RADIO = 10


def render(situation: Situation) -> View:
    """What can be done about the runbook now."""
    incident = situation.incident
    if not incident.is_open:
        return info.render("Runbook", f"{incident.id} is {incident.phase}; re-open it to follow a runbook.")
    run = incident.run
    if run is None or run.step is None:
        return _choose(situation)
    return _answer(situation, run.step)


def _answer(situation: Situation, step: Step) -> View:
    incident = situation.incident
    run = incident.run
    place = run.place if run is not None else ""
    blocks = [section(f"*{untrusted(step.title, 300)}*")]
    blocks += [section(piece) for piece in paragraphs(step.text, most=8)]
    why = _why(situation)
    blocks += [context(why)] if why else []
    if step.kind.automatic:
        blocks.append(section("Tocsin does this step itself; its answer appears in the thread."))
        return modal(clean(f"Step {place}", 24), in_full(situation, blocks), callback_id=info.NAME, close="Close")
    choices = [option(filled(label, 75), str(index)) for index, (_value, label) in enumerate(answers(step)[:100])]
    element = radio_buttons("value", choices) if len(choices) <= RADIO else static_select("value", choices)
    blocks.append(input_block("Result", element, block_id=f"answer:{step.id}"[:255]))
    note = plain_text_input("value", multiline=True, max_length=3_000)
    hint = "A query, a link, what you saw: it goes into the timeline."
    blocks.append(input_block("Evidence", note, block_id=f"note:{step.id}"[:255], optional=True, hint=hint))
    return modal(
        clean(f"Step {place}", 24), in_full(situation, blocks), callback_id=ANSWER, submit="Next step",
        private_metadata=Ref(incident.id, step.id).metadata,
    )  # fmt: skip


def _why(situation: Situation) -> str:
    """Why this step: the answer that led here."""
    run = situation.incident.run
    if run is None or not run.done:
        return ""
    last = run.done[-1]
    note = f" ({untrusted(last.note, 200)})" if last.note else ""
    return f"Because {person(situation, last.by)} answered “{untrusted(last.answer, 80)}”{note} {at(last.at)}"


def _choose(situation: Situation) -> View:
    """A runbook to follow, those made for the likely cause and the service first."""
    incident = situation.incident
    ranked = fitting(situation)[:100]
    if not ranked:
        return info.render("Runbook", "There is no runbook yet. Add one under runbooks/ and load the configuration.")
    choices = [option(filled(book.title or book.name, 75), book.name[:150]) for book in ranked]
    select = static_select("value", choices, initial=choices[0]["value"])
    blocks = [section("Follow a runbook step by step; every answer goes into the timeline.")]
    finished = incident.run.book if incident.run else None
    if finished is not None:
        blocks.append(context(f"Finished: {untrusted(finished.title, 150)}"))
    hint = left_out(len(ranked), len(situation.runbooks))
    blocks.append(input_block("Runbook", select, block_id="book", hint=hint))
    steps = [untrusted(step.title, 120) for step in ranked[0].steps]
    blocks.append(context(f"{untrusted(ranked[0].title, 120)}:\n{bulleted(steps, 10, 1_500) or 'no steps'}"))
    return modal("Start a runbook", in_full(situation, blocks), callback_id=START, submit="Start",
                 private_metadata=Ref(incident.id).metadata)  # fmt: skip


def fitting(situation: Situation) -> list[Runbook]:
    """All runbooks: first those for the likely cause, then the service's own, then the rest."""
    own = situation.service.runbooks if situation.service else ()
    cause = situation.incident.cause

    def rank(book: Runbook) -> tuple[bool, bool, str]:
        return (not (cause and cause in book.causes), book.name not in own, book.name)

    return sorted(situation.runbooks, key=rank)
