"""Work on incidents from a terminal: whatever Slack and the console can do, the running server does for these words."""

from typing import Annotated

import typer

from bot.cli import _alone, _change, _group, _hold, _learn, _tell, _write
from bot.cli._ask import ask, door, said
from bot.cli._common import TOCSIN_YAML, As, AsJson, Because, Config, Incident

app = typer.Typer(no_args_is_help=True)
PARTS = {"commander": "incident commander", "operations": "operations lead", "communications": "communications lead"}


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also what is closed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest to look through.")] = 100,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """The newest incidents; those that are closed only with --all."""
    from bot.cli._show import listing
    from bot.cli._text import out, out_json
    from bot.clock import SystemClock

    api = door(config, person)
    found = api.get(f"/api/incidents?limit={limit}")
    with api.understood():
        rows = [row for row in found if every or row["phase"] != "closed"]
        lines = [] if as_json else list(listing(rows, SystemClock().now()))
    if as_json:
        out_json(rows)
    out(lines)


@app.command()
def show(
    incident: Incident,
    every: Annotated[bool, typer.Option("--all", help="Every line of the timeline.")] = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """All that is known of one incident, and the commands for what waits."""
    from bot.cli._ask import look
    from bot.cli._paint import Paint
    from bot.cli._show import picture
    from bot.cli._text import out, out_json
    from bot.clock import SystemClock

    api = door(config, person)
    found = look(api, incident)
    if as_json:
        out_json(found)
        return
    with api.understood():
        lines = list(picture(found, SystemClock().now(), whole=every, paint=Paint.here()))
    out(lines)


@app.command()
def declare(
    title: Annotated[str, typer.Argument(help="What is broken, in a few words.", show_default=False)],
    severity: Annotated[str, typer.Option(help="SEV1 (the worst) to SEV4.")] = "SEV3",
    service: Annotated[str, typer.Option(help="The service of the catalogue, where it is one.")] = "",
    because: Because = "",
    restricted: Annotated[bool, typer.Option("--restricted", help="Only for the people it names.")] = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Open an incident by hand."""
    api = door(config, person)
    body = {"title": title, "severity": severity, "service": service, "because": because, "restricted": restricted}
    made = api.post("/api/incidents", body)
    said(api, made, "Declared.")


@app.command()
def ack(incident: Incident, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Take the page: you answer for it from now on."""
    ask(config, person, incident, "acknowledge", "Acknowledged: paging stops.")


@app.command()
def update(
    incident: Incident,
    text: Annotated[str, typer.Argument(help="Where things stand.", show_default=False)],
    again: Annotated[
        str, typer.Option("--next", help="When they hear again: 30m, 2h, 1d, never; else as the policy says.")
    ] = "",
    broadcast: Annotated[
        bool | None,
        typer.Option("--broadcast/--thread-only", help="To the whole channel, or the thread; else by severity."),
    ] = None,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Tell everybody where things stand, and when they hear again."""
    more = {"next": again or None, "broadcast": broadcast}
    ask(config, person, incident, "update", "Update posted.", text=text, **more)


@app.command()
def severity(
    incident: Incident,
    grade: Annotated[str, typer.Argument(help="SEV1 to SEV4.", metavar="SEVERITY", show_default=False)],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Raise or lower the severity."""
    ask(config, person, incident, "severity", "Severity set.", severity=grade, because=because)


@app.command()
def assign(
    incident: Incident,
    part: Annotated[str, typer.Argument(help="commander, operations or communications.", show_default=False)],
    to: Annotated[str, typer.Argument(help="Whom, by key of people.yaml.", metavar="PERSON", show_default=False)],
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Give a part to a person."""
    known = {**PARTS, **{words: words for words in PARTS.values()}}
    if part not in known:
        raise typer.BadParameter(f"{part!r} is none of {', '.join(PARTS)}", param_hint="PART")
    ask(config, person, incident, "assign", "Part assigned.", part=known[part], person=to)


@app.command()
def page(
    incident: Incident,
    whom: Annotated[str, typer.Argument(help="Whom, by key of people.yaml.", metavar="PERSON", show_default=False)],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Page a person by name, whoever is on call."""
    ask(config, person, incident, "page", "Paged: the timeline says whether it arrived.", person=whom, because=because)


@app.command()
def resolve(
    incident: Incident,
    summary: Annotated[str, typer.Argument(help="What happened and what ended it.", show_default=False)],
    waive: Annotated[str, typer.Option(help="Why it is over although checks are open.", show_default=False)] = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Say that it is over."""
    ask(config, person, incident, "resolve", "Resolved.", summary=summary, waive=waive)


@app.command()
def room(incident: Incident, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Promote the thread to a war room, a channel of its own."""
    ask(config, person, incident, "room", "The war room is being opened.")


@app.command()
def reopen(incident: Incident, because: Because = "", config: Config = TOCSIN_YAML, person: As = "") -> None:
    """It came back, or was never over."""
    ask(config, person, incident, "reopen", "Open again.", because=because)


@app.command()
def close(incident: Incident, config: Config = TOCSIN_YAML, person: As = "") -> None:
    """File it away: learning is done."""
    ask(config, person, incident, "close", "Closed.")


for _more in (_change.app, _alone.app, _group.app, _hold.app, _learn.app, _tell.app, _write.app):
    app.add_typer(_more)
