"""Looking into it from a terminal: findings, notes, runbook steps, impact, whys, follow-ups, and times set right."""

from typing import Annotated

import typer

from bot.cli._ask import ask, door, look, post, said
from bot.cli._common import TOCSIN_YAML, As, Because, Config, Incident

app = typer.Typer()


@app.command()
def finding(
    incident: Incident,
    text: Annotated[str, typer.Argument(help="What was found.", show_default=False)],
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Write down something found."""
    ask(config, person, incident, "finding", "Finding recorded.", text=text)


@app.command()
def note(
    incident: Incident,
    text: Annotated[str, typer.Argument(help="What is to stand in the timeline.", show_default=False)],
    at: Annotated[str, typer.Option(help="When it was so, with its offset; left out: now.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Put a line into the timeline."""
    ask(config, person, incident, "note", "In the timeline.", text=text, at=at)


@app.command("take-back")
def take_back(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="A note (T1) or a person's finding (F2).", show_default=False)],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Take a note or a finding back; the record keeps it."""
    ask(config, person, incident, "take-back", "Taken back.", name=name, because=because)


@app.command()
def snooze(incident: Incident, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Put off for a quarter of an hour what you were last reminded of here."""
    ask(config, person, incident, "snooze", "You hear of it again in 15 minutes.")


@app.command()
def runbook(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="The runbook.", show_default=False)],
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Follow a runbook from its first step."""
    _stepped(config, person, incident, "runbook", "Runbook started.", name=name)


@app.command()
def step(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="The step you read; left out, it is shown.", metavar="STEP")] = "",
    answer: Annotated[str, typer.Argument(help="One of its answers.")] = "",
    note: Annotated[str, typer.Option(help="What you saw.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """See the live step, or answer it; naming the step keeps an answer from landing on another."""
    from bot.cli._show import step as live_step
    from bot.cli._text import out
    from bot.domain.errors import Refused

    if name and not answer:
        raise typer.BadParameter("an answer is needed too; without a step the live one is shown with its answers")
    if name:
        _stepped(config, person, incident, "step", "Step answered.", step=name, answer=answer, note=note)
        return
    api = door(config, person)
    run = look(api, incident).get("run")
    if run is None:
        raise Refused(f"{incident} follows no runbook; to start one: tocsin incident runbook {incident} NAME")
    with api.understood():
        lines = list(live_step(incident, run))
    out(lines)


def _stepped(config: Config, person: str, incident: str, verb: str, done: str, /, **body: object) -> None:
    from bot.cli._show import step as live_step
    from bot.cli._text import out

    api = door(config, person)
    after = post(api, incident, verb, **body)
    said(api, after, done)
    with api.understood():
        lines = list(live_step(incident, after["run"])) if after["run"] else []
    out(lines)


@app.command()
def impact(
    incident: Incident,
    events: Annotated[int | None, typer.Option(help="Events that went wrong.", show_default=False)] = None,
    people: Annotated[int | None, typer.Option(help="People it hurt.", show_default=False)] = None,
    money: Annotated[str | None, typer.Option(help="In the service's currency.", show_default=False)] = None,
    unknown: Annotated[list[str] | None, typer.Option(help="What is not known, and why; may be repeated.")] = None,
    note: Annotated[str, typer.Option(help="Whom it hurts, in words.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """State the impact; with no option given, see what the data alone say."""
    from bot.cli._api import segment
    from bot.cli._show import impact_lines
    from bot.cli._text import out

    api = door(config, person)
    if events is None and people is None and money is None and not unknown and not note:
        guess = api.get(f"/api/incidents/{segment(incident)}/impact")
        with api.understood():
            lines = ["By the data and the catalogue alone; nothing was recorded:", *impact_lines(guess)]
        out(lines)
        return
    body = {"events": events, "people": people, "money": money, "unknowns": list(unknown or ()), "note": note}
    said(api, post(api, incident, "impact", **body), "Impact recorded.")


@app.command()
def why(
    incident: Incident,
    text: Annotated[str, typer.Argument(help="The answer to why.", show_default=False)],
    parent: Annotated[str, typer.Option("--under", help="The why it answers, such as W1.", show_default=False)] = "",
    evidence: Annotated[str, typer.Option(help="The finding it rests on, such as F2.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Answer "why?", resting on a finding or assumed."""
    ask(config, person, incident, "why", "Why answered.", text=text, parent=parent, evidence=evidence)


@app.command()
def root(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="The why, such as W3.", metavar="WHY", show_default=False)],
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Name a why as a root cause."""
    ask(config, person, incident, "root", "Root cause named.", why=name)


@app.command()
def revise(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="The why, such as W3.", metavar="WHY", show_default=False)],
    text: Annotated[str, typer.Option(help="What it says instead.", show_default=False)] = "",
    evidence: Annotated[str | None, typer.Option(help="The finding it rests on; empty for assumed.")] = None,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Correct a why; the record keeps how it read."""
    ask(config, person, incident, "revise", "Why corrected.", why=name, text=text, evidence=evidence)


@app.command()
def strike(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="The why, such as W3.", metavar="WHY", show_default=False)],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Take a why out of the tree with all that hangs on it."""
    ask(config, person, incident, "strike", "Why struck.", why=name, because=because)


@app.command()
def followup(
    incident: Incident,
    text: Annotated[str, typer.Argument(help="What will change.", show_default=False)],
    owner: Annotated[str, typer.Option(help="Who does it, by key of people.yaml.", show_default=False)],
    due: Annotated[str, typer.Option(help="By when, such as 2026-12-01.", show_default=False)],
    name: Annotated[str, typer.Option("--why", help="The why it answers, such as W3.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Promise a change, with an owner and a date."""
    ask(config, person, incident, "followup", "Follow-up added.", text=text, owner=owner, due=due, why=name)


@app.command()
def finish(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="The follow-up.", metavar="FOLLOWUP", show_default=False)],
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """A follow-up was done."""
    ask(config, person, incident, "finish", "Follow-up finished.", followup=name)


@app.command()
def move(
    incident: Incident,
    name: Annotated[str, typer.Argument(help="The follow-up.", metavar="FOLLOWUP", show_default=False)],
    owner: Annotated[str, typer.Option(help="Who does it now, by key of people.yaml.", show_default=False)] = "",
    due: Annotated[str | None, typer.Option(help="By when, such as 2026-12-01.", show_default=False)] = None,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Give a follow-up to another owner, or another date."""
    ask(config, person, incident, "move", "Follow-up changed.", followup=name, owner=owner, due=due)


@app.command()
def postmortem(incident: Incident, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """The draft of the post-mortem, read off the record as of now, in Markdown."""
    from bot.cli._api import segment
    from bot.cli._text import clean, out

    api = door(config, person)
    found = api.get(f"/api/incidents/{segment(incident)}/postmortem")
    with api.understood():
        lines = clean(found["markdown"]).rstrip("\n").split("\n")
    out(lines)


@app.command()
def correct(
    incident: Incident,
    moment: Annotated[str, typer.Argument(help="onset, mitigated or resolved.", show_default=False)],
    to: Annotated[str, typer.Argument(help="When it was, such as 2026-11-20T03:02:00Z.", show_default=False)],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Set a time right; the former belief stays in the log."""
    ask(config, person, incident, "correct", "Time corrected.", moment=moment, to=to, because=because)
