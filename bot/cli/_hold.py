"""Holds from a terminal: counsel places and releases one, an approver overrides it or does not wait for evidence."""

import typer

from bot.cli._ask import ask
from bot.cli._common import TOCSIN_YAML, As, Because, Config, Incident, Mitigation

app = typer.Typer()
hold = typer.Typer(no_args_is_help=True, help="Counsel's hold: nothing that matters is altered until it is released.")


@app.command("go-ahead")
def go_ahead(
    incident: Incident, mitigation: Mitigation, because: Because = "", config: Config = TOCSIN_YAML, person: As = ""
) -> None:
    """People are at risk: do not wait until the evidence is held."""
    done = "It does not wait for the evidence any more."
    ask(config, person, incident, "go-ahead", done, mitigation=mitigation, because=because)


@app.command()
def override(
    incident: Incident, mitigation: Mitigation, because: Because = "", config: Config = TOCSIN_YAML, person: As = ""
) -> None:
    """Let one change go ahead in spite of counsel's hold."""
    done = "It goes ahead in spite of counsel's hold."
    ask(config, person, incident, "override", done, mitigation=mitigation, because=because)


@hold.command()
def place(incident: Incident, because: Because = "", config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Counsel: alter nothing that matters until I release it."""
    ask(config, person, incident, "hold", "Held: changes of class 2 and 3 wait.", because=because)


@hold.command()
def release(incident: Incident, because: Because = "", config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Counsel: what is needed is safe, go on."""
    ask(config, person, incident, "release", "Released: what was approved goes on.", because=because)


app.add_typer(hold, name="hold")
