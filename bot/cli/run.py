"""`tocsin run`: the house at work, from one configuration file, until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path, typer.Option("--config", "-c", help="path of tocsin.yaml")] = Path("tocsin.yaml"),
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error")] = "info",
) -> None:
    """Watch the SLOs, answer in Slack and on the web, until stopped."""
    import asyncio
    import os

    from bot import openings, telemetry
    from bot.config.load import load
    from bot.serving import serve

    installation = load(config, environ=os.environ, models=openings.models)
    telemetry.listen(log_level)
    for warning in installation.warnings:
        telemetry.log().warning(str(warning))
    asyncio.run(serve(installation))
