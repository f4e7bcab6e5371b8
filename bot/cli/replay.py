"""`tocsin replay`: runs objectives over history and tells what would have happened, change by change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli._common import TOCSIN_YAML, AsJson, Config


def replay(
    slo: Annotated[
        list[str] | None, typer.Option(help="One objective by name; may be repeated. Left out, all of them.")
    ] = None,
    start: Annotated[
        str, typer.Option(help="From when: 2026-11-01T12:00:00Z, 2026-11-01 (UTC), or 7d: so long before the end.")
    ] = "",
    end: Annotated[str, typer.Option(help="Until when. Left out: now, or the file's last sample.")] = "",
    step: Annotated[str, typer.Option(help="How often to poll, 1s to 1m. Left out: as configured, or 15s.")] = "",
    lookback: Annotated[
        str,
        typer.Option(help="A series without a sample for so long is gone. Left out: as configured, or 60s at least."),
    ] = "",
    slos: Annotated[
        Path | None, typer.Option(help="A folder of objectives (or one file) in place of the configuration's.")
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option(help="A file of samples with timestamps: OpenMetrics or Prometheus text.")
    ] = None,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
) -> None:
    """Tell what would have happened, from a Prometheus's past or from a file without any server.

    Counting begins at --start with nothing: an objective is UNKNOWN until there are enough events, and its windows hold
    what happened since. Choose a start well before what you want to see.
    """
    import asyncio
    import sys

    from bot import telemetry
    from bot.cli import _past
    from bot.cli._text import out

    telemetry.listen("error")
    asked = _past.Asked(tuple(slo or ()), start, end, step, lookback, slos, metrics, config)
    past = asyncio.run(_past.recount(asked))
    for note in past.notes:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        out(past.lines())
        return
    from bot.cli._chart import chart, table

    out(table(past.turns))
    out(chart(past))
