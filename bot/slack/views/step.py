"""The live runbook step as a message of its own; steps that are done shrink to one line."""

from dataclasses import dataclass

from bot.blockkit.blocks import actions, context, section, untrusted
from bot.domain.runbook import Done, Kind, Runbook, RunbookStarted, Step, StepCompleted
from bot.engine.situation import Situation
from bot.slack.message import Message
from bot.slack.views._words import at, brief, in_full, named, paragraphs, person, press
from bot.steps.act import Act

BUTTONS = 4
"""So many answers get a button each; more are chosen in the dialog."""


MEANWHILE = 5
"""So many of the steps Tocsin did itself are told."""


@dataclass(frozen=True, slots=True)
class Walked:
    """A step that became live: its number through the whole incident, and how it ended."""

    number: int
    book: Runbook
    step: Step
    done: Done | None = None
    live: bool = False


def walked(situation: Situation) -> list[Walked]:
    """Every step that was ever live, in order, over all runbooks that were followed."""
    seen: list[Walked] = []
    book: Runbook | None = None

    def enter(name: str) -> None:
        step = book.step(name) if book is not None and name else None
        if book is not None and step is not None:
            seen.append(Walked(len(seen) + 1, book, step))

    for entry in situation.entries:
        match entry.event:
            case RunbookStarted(book=started):
                book = started
                enter(started.steps[0].id)
            case StepCompleted(step=name, answer=answer, note=note, next=follows):
                if seen and seen[-1].step.id == name:
                    last = seen[-1]
                    done = Done(name, answer, note, entry.by, entry.at)
                    seen[-1] = Walked(last.number, last.book, last.step, done)
                enter(follows)
    run = situation.incident.run
    if seen and seen[-1].done is None and run is not None and run.current == seen[-1].step.id:
        last = seen[-1]
        seen[-1] = Walked(last.number, last.book, last.step, None, live=situation.incident.is_open)
    return seen


def answers(step: Step) -> list[tuple[str, str]]:
    """What the step takes: (value, label)."""
    if step.options:
        return [(option.value, option.label or option.value) for option in step.options]
    return list(Act.answers) if step.kind is Kind.ACT else [("done", "Done")]


def render(situation: Situation, walk: Walked) -> Message:
    """One step: with its buttons while it is live, one line afterwards."""
    return _live(situation, walk) if walk.live else _past(situation, walk)


def _past(situation: Situation, walk: Walked) -> Message:
    title = untrusted(walk.step.title, 150)
    told = f"{brief(situation.incident)} step {walk.number}: {title}"
    if walk.done is None:
        return Message(
            f"{told}: left unanswered", in_full(situation, [context(f"Step {walk.number} · {title} · left unanswered")])
        )
    label = dict(answers(walk.step)).get(walk.done.answer, walk.done.answer)
    words = f"Step {walk.number} · {title} · *{untrusted(label, 75)}* · {person(situation, walk.done.by)}"
    note = f"\n{untrusted(walk.done.note, 300)}" if walk.done.note else ""
    return Message(f"{told}: {untrusted(label, 75)}", in_full(situation, [context(words + note)]))


def _live(situation: Situation, walk: Walked) -> Message:
    incident, step = situation.incident, walk.step
    title = untrusted(step.title, 200)
    blocks = [section(f"*Step {walk.number} · {title}*\n_{untrusted(walk.book.title, 120)}_")]
    blocks += [section(piece) for piece in paragraphs(step.text, most=3)]
    before = _meanwhile(situation, walk)
    blocks += [context(before)] if before else []
    row = []
    choices = answers(step)
    if step.kind is Kind.ACT:
        offers = list(Act(**_params(step)).fitting(situation.service))
        if offers:
            label = f"Propose: {offers[0].label}" if len(offers) == 1 else "Propose action"
            row.append(press(label, "propose.open", incident.id, f"step:{step.id}", style="primary"))
    if len(choices) <= BUTTONS:
        for index, (_value, label) in enumerate(choices):
            item = f"{step.id}:{index}"
            row.append(press(label, f"step.do.{index}", incident.id, item, style=None if row else "primary"))
    row.append(press("Answer with a note", "runbook.open", incident.id))
    blocks.append(actions(*row))
    return Message(
        f"{brief(incident)} step {walk.number}: {title}. Answer it in the thread.", in_full(situation, blocks)
    )


def _params(step: Step) -> dict[str, str]:
    return {name: str(step.params[name]) for name in ("offer", "means") if step.params.get(name)}


def _meanwhile(situation: Situation, walk: Walked) -> str:
    """What Tocsin did by itself since the last step a person answered."""
    lines: list[str] = []
    for other in reversed(walked(situation)[: walk.number - 1]):
        if not other.step.kind.automatic or other.done is None:
            break
        said = f"{other.step.title}: {other.done.answer}" + (f" ({other.done.note})" if other.done.note else "")
        lines.append(untrusted(said, 300))
    more = [f"… and {len(lines) - MEANWHILE} before"] if len(lines) > MEANWHILE else []
    return "\n".join([*more, *reversed(lines[:MEANWHILE])])


def summary(situation: Situation, walk: Walked) -> str:
    """One plain line for lists."""
    by = f" by {named(situation, walk.done.by)}" if walk.done else ""
    return f"{walk.step.title}{by} {at(walk.done.at) if walk.done else ''}".strip()
