"""What belongs together, from a terminal: merge incidents, split alerts off, give a storm's child a card."""

from typing import Annotated

import typer

from bot.cli._ask import ask
from bot.cli._common import TOCSIN_YAML, As, Because, Config, Incident

app = typer.Typer()


@app.command()
def merge(
    incident: Incident,
    into: Annotated[str, typer.Argument(help="The incident that goes on with its alerts.", show_default=False)],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Say that it is the same thing as another incident: this one is resolved and points there."""
    ask(config, person, incident, "merge", f"{incident} is merged; it goes on here:", into=into, because=because)


@app.command()
def split(
    incident: Incident,
    alerts: Annotated[list[str], typer.Argument(help="The keys of the alerts, as `show` tells them.")],
    because: Because = "",
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Say that some of its alerts are another thing: a new incident goes on with them."""
    ask(config, person, incident, "split", "Split off; the new incident:", alerts=alerts, because=because)


@app.command()
def promote(incident: Incident, because: Because = "", config: Config = TOCSIN_YAML, person: As = "") -> None:
    """Give a child of a storm a card of its own, and all its duties."""
    ask(config, person, incident, "promote", "It has a card of its own now.", because=because)
