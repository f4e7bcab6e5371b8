"""Reads every file of a configuration folder and names file, line and column of whatever must be corrected."""

from pathlib import Path

import typer


def check(
    config: Path = typer.Option(Path("tocsin.yaml"), "--config", "-c", help="The file to begin with."),
    strict: bool = typer.Option(False, "--strict", help="Treat warnings as problems (for continuous integration)."),
    policy: bool = typer.Option(False, "--policy", help="Show the rules of changes as they are enforced, as a table."),
    oncall: bool = typer.Option(False, "--oncall", help="Look whether everybody on call will be reached; 1 where not."),
    days: int = typer.Option(30, "--days", min=1, max=366, help="How far --oncall looks ahead."),
) -> None:
    """Check a configuration folder, and name every problem's place."""
    import os
    import sys

    from bot.config import budget_policy
    from bot.config.load import load
    from bot.domain.errors import Invalid
    from bot.shelf import load as choose

    beside = config.parent / budget_policy.FILE
    try:
        installation = load(config, environ=os.environ, models=lambda shelf, name: choose(shelf, name).Settings)
    except Invalid as wrong:
        raise Invalid([*wrong.problems, *budget_policy.problems(beside)]) from None
    budget_policy.load(beside, services=installation.services)
    if strict and installation.warnings:
        raise Invalid(installation.warnings)
    for warning in installation.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    counts = {
        "source": len(installation.sources),
        "service": len(installation.services),
        "objective": len(installation.slos),
        "runbook": len(installation.runbooks),
        "rota": len(installation.rotas) + len(installation.schedules),
        "escalation": len(installation.escalations),
        "regime": len(installation.regimes),
    }
    told = [f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items()]
    people = len(installation.people)
    told.append(f"{people} {'person' if people == 1 else 'people'}")
    print(f"{config}: in order. {', '.join(told)}")
    if policy:
        import shutil

        from bot.cli._rules import table
        from bot.cli._text import WIDTH, out
        from bot.clock import SystemClock

        coloured = sys.stdout.isatty()
        width = min(shutil.get_terminal_size((WIDTH, 24)).columns, 120)
        out(["", *table(installation, SystemClock().now(), width=width, coloured=coloured)])
    if oncall:
        from bot.cli._oncall import Known, readiness, run
        from bot.cli._text import out

        found = run(Known(installation), lambda known: readiness(known, days))
        out(["", *found.lines])
        if found.alarms:
            raise SystemExit(1)
