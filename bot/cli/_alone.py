"""What takes more than a yes, from a terminal: a one-time code, acting alone, and looking at that afterwards."""

from enum import StrEnum
from typing import Annotated

import typer

from bot.cli._ask import agreed_plan, ask, door, look, may_approve, one, post, said
from bot.cli._common import TOCSIN_YAML, Agreed, As, AsJson, Because, Code, Config, Incident, Mitigation

app = typer.Typer()


HEARD = "those on call, managers and administrators are paged, and somebody else reviews it."


class Verdict(StrEnum):
    """What a review says."""

    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


@app.command()
def code(
    incident: Incident,
    mitigation: Mitigation = "",
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Get a fresh one-time code for a wide change, by your own token; the one before is void."""
    import sys

    from bot.cli._api import segment
    from bot.cli._text import clean, clock, line, out, out_json

    api = door(config, person)
    found = one(api, look(api, incident).get("mitigations"), "mitigation", mitigation, "proposed")
    may_approve(config, person, found["id"], "")
    given = api.post(f"/api/incidents/{segment(incident)}/code", {"mitigation": found["id"]})
    if as_json:
        out_json(given)
        return
    with api.understood():
        made, until = line(given["code"]), clock(given["until"])
    out([made])
    print(f"Good until {until}, for {clean(found['id'])} and for you alone.", file=sys.stderr)


@app.command()
def alone(
    incident: Incident,
    mitigation: Mitigation = "",
    because: Because = "",
    yes: Agreed = "",
    code: Code = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Break the glass: carry out a plan on your word alone. People are paged, and somebody reviews it."""
    api = door(config, person)
    question, warning = "Carry out exactly this, alone?", f"You act alone: {HEARD}"
    name, read, code = agreed_plan(
        api, config, person, incident, mitigation, question, yes=yes, code=code, warning=warning, alone=True
    )
    after = post(api, incident, "alone", mitigation=name, digest=read, because=because, code=code)
    said(api, after, f"It is carried out on your word: {HEARD}")


@app.command()
def review(
    incident: Incident,
    mitigation: Mitigation,
    verdict: Annotated[Verdict, typer.Argument(help="Whether acting alone was right.", show_default=False)],
    words: Annotated[str, typer.Argument(help="What you found.", show_default=False)],
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Look at what one person did alone; nobody who acted in it may."""
    justified = verdict is Verdict.JUSTIFIED
    ask(config, person, incident, "review", "Reviewed.", mitigation=mitigation, justified=justified, words=words)
