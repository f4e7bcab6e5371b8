"""The options many commands share, written once so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path, typer.Option("--config", "-c", help="The file to begin with.")]
As = Annotated[
    str, typer.Option("--as", envvar="TOCSIN_PERSON", help="Who asks: a key of people.yaml.", show_default=False)
]
Incident = Annotated[str, typer.Argument(help="The incident, such as INC-1.", metavar="INCIDENT", show_default=False)]
Mitigation = Annotated[
    str, typer.Argument(help="The mitigation, such as M1.", metavar="MITIGATION", show_default=False)
]
Code = Annotated[str, typer.Option("--code", help="Your one-time code, where one is wanted.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Because = Annotated[str, typer.Option("--because", help="The reason; it is kept.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")]
Agreed = Annotated[
    str,
    typer.Option(
        "--yes",
        metavar="DIGEST",
        help="Do not ask: yes to exactly this digest, and to nothing else; for scripts.",
        show_default=False,
    ),
]

TOCSIN_YAML = Path("tocsin.yaml")


def somebody(person: str) -> str:
    """The person who asks. Raises a usage error where nobody was named."""
    if not person.strip():
        raise typer.BadParameter("say who you are: --as NAME (a key of people.yaml), or set TOCSIN_PERSON")
    return person.strip()
