"""`tocsin import`: turns another system's exported schedules, escalations and users into our files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_(
    system: Annotated[
        str, typer.Argument(help="pagerduty, opsgenie or grafana-oncall.", metavar="SYSTEM", show_default=False)
    ],
    file: Annotated[
        Path | None,
        typer.Argument(help="What its API answered; left out, how to make such a file.", metavar="[FILE]"),
    ] = None,
    to: Annotated[Path, typer.Option("--to", help="The folder of tocsin.yaml.", metavar="DIR")] = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be written, and write nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write over rotas and escalations that say something else.")
    ] = False,
) -> None:
    """Bring rotas, escalations and people from PagerDuty, Opsgenie or Grafana OnCall.

    What stands in the folder already stays: people.yaml is added to, other files are only written over with --force.
    The report names what does not carry over, with its place in the export.
    """
    from bot.cli import _import
    from bot.cli._text import out

    importer = _import.importer(system)
    if file is None:
        out(_import.how(importer))
        return
    _import.run(importer, file, to, dry_run=dry_run, force=force)
