"""`tocsin drill`: a whole incident on your own configuration, in which nothing is changed and nobody is paged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli._common import TOCSIN_YAML, AsJson, Config


def drill(
    service: Annotated[str, typer.Argument(help="The service to break; left out, the first that fits.")] = "",
    slo: Annotated[str, typer.Option("--slo", help="The objective to break.", show_default=False)] = "",
    auto: Annotated[bool, typer.Option("--auto", help="Play the people too, and end by itself.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not even read targets and instruments.")] = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
) -> None:
    """Walk one simulated incident from breach to undo, and say what would not have worked.

    People click for themselves in a practice workspace in the browser, or are played (--auto).
    Targets are planned for real where they answer, which only reads, and then acted on in stand-ins. Exit code 1 where
    a link of the chain broke.
    """
    import asyncio
    import os
    import sys
    import tempfile

    from bot import openings, telemetry
    from bot.cli._text import out, out_json
    from bot.config.load import load
    from bot.drill.course import Course
    from bot.drill.house import opened
    from bot.drill.report import Report

    telemetry.listen("error")
    installation = load(config, environ=os.environ, models=openings.models)

    def say(words: str) -> None:
        print(f"DRILL {words}", file=sys.stderr, flush=True)

    async def walk(folder: Path) -> Report:
        async with opened(installation, folder, service=service, slo=slo, offline=offline, people=not auto) as stage:
            if stage.slack is not None:
                say(f"practice workspace, one tab for each person: {stage.slack.url}/")
            report = Report(stage.service.name, stage.slo.name, offline)
            return await Course(stage, report, say).run()

    with tempfile.TemporaryDirectory(prefix="tocsin-drill-", ignore_cleanup_errors=True) as folder:
        report = asyncio.run(walk(Path(folder)))
    if as_json:
        out_json(report.as_json())
    else:
        from bot.cli._drill import told

        out(told(report))
    if not report.held:
        raise typer.Exit(1)
