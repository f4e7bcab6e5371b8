"""`tocsin doctor`: looks at every part Tocsin stands on and says of each whether it is well."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli._common import TOCSIN_YAML, AsJson, Config


def doctor(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Also write the lists that pages read anew from the log.")
    ] = False,
    slack: Annotated[
        bool,
        typer.Option("--slack", help="Look at Slack alone, closely: scopes, channels, people, clock, every view."),
    ] = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
) -> None:
    """Look at configuration, database, state folder, server, sign-in, sources, targets and Slack; changes nothing."""
    import asyncio
    import os

    from bot.cli._checks import BAD, examine, rebuilt
    from bot.cli._database import configured
    from bot.cli._slack import closely
    from bot.cli._text import out, out_json

    if slack and rebuild:
        raise typer.BadParameter("--slack looks at Slack alone; --rebuild writes lists: say one of them")
    installation = configured(config)
    found = asyncio.run(closely(installation) if slack else examine(installation, config, os.environ))
    if rebuild:
        found.append(asyncio.run(rebuilt(installation)))
    bad = sum(each.mark == BAD for each in found)
    if as_json:
        out_json([{"mark": each.mark, "what": each.what, "said": each.said} for each in found])
    else:
        out(str(each) for each in found)
        out([f"{bad} {'part is' if bad == 1 else 'parts are'} not well" if bad else "all is well"])
    if bad:
        raise typer.Exit(1)
