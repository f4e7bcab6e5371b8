"""`tocsin login`: a one-time link into the web console, for whoever can read the state folder."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli._common import TOCSIN_YAML, Config


def login(
    name: Annotated[str, typer.Argument(help="Whom it lets in: a key of people.yaml.", show_default=False)],
    config: Config = TOCSIN_YAML,
) -> None:
    """Print a link to a page whose button logs one person into the console, once, within 15 minutes."""
    import os

    from bot.cli._api import Api, place
    from bot.cli._text import clean, out

    api = Api(place(Path(config), os.environ))
    answer = api.post("/api/login", {"person": name})
    with api.understood():
        url = str(answer["url"])
        if not url.startswith(("http://", "https://")):
            raise ValueError(url)
    out([clean(url)])
