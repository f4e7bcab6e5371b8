"""Following a runbook: start it, answer its live step by a button or in the dialog."""

from bot.domain.errors import Refused
from bot.domain.runbook import CompleteStep, Step
from bot.slack.knock import Knock, Reply, Show
from bot.slack.views import step_modal
from bot.slack.views.step import answers


async def opened(knock: Knock) -> Reply:
    """The dialog of the live step, or the choice of a runbook."""
    return Show(step_modal.render(await knock.situation()))


async def start(knock: Knock) -> Reply:
    """Start the chosen runbook."""
    await knock.desk.start_runbook(knock.ref.incident, knock.values.text("book"), knock.who, inbound=knock.inbound)
    return None


async def step_of(knock: Knock, name: str) -> Step:
    """The step of the runbook being followed. Raises Refused where there is none."""
    run = (await knock.desk.log.load(knock.ref.incident)).run
    if run is None:
        raise Refused("no runbook is being followed")
    step = run.book.step(name)
    if step is None:
        raise Refused(f"the runbook {run.book.name} that is followed now has no step {name!r}")
    return step


def picked(step: Step, index: str) -> str:
    """The answer of that place. Raises Refused for a place the step does not have."""
    choices = answers(step)
    if not index.isdigit() or int(index) >= len(choices):
        raise Refused(f"choose an answer: {', '.join(label for _value, label in choices)}")
    return choices[int(index)][0]


async def answer(knock: Knock) -> Reply:
    """The dialog was sent."""
    step = await step_of(knock, knock.ref.item)
    value = picked(step, knock.values.text("answer"))
    await knock.submit(CompleteStep(step.id, value, knock.values.text("note")))
    return None


async def quick(knock: Knock) -> Reply:
    """A button of the step's message: `<step>:<place of the answer>`."""
    name, _, index = knock.ref.item.rpartition(":")
    step = await step_of(knock, name)
    await knock.submit(CompleteStep(step.id, picked(step, index)))
    return None


CLICKS = {"runbook.open": opened, "step.do": quick}
SUBMITS = {"runbook": start, "step": answer}
