"""`tocsin gate`: asks before a release whether the error budgets of a service allow it; made for pipelines."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli._common import TOCSIN_YAML, AsJson, Config

if TYPE_CHECKING:
    from bot.slo.gate import Answer, Standing

ALLOWED, FORBIDDEN, UNKNOWN = 0, 1, 2


class Where(StrEnum):
    """Who is asked for the budgets."""

    SERVER = "server"
    HISTORY = "history"


def gate(
    service: Annotated[str, typer.Argument(help="The service to be released.", metavar="SERVICE", show_default=False)],
    policy: Annotated[
        Path | None, typer.Option(help="The policy. Left out: budget-policy.yaml beside tocsin.yaml.")
    ] = None,
    where: Annotated[
        Where | None,
        typer.Option("--from", help="Who knows the budgets. Left out: the running server, else the sources' past."),
    ] = None,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
) -> None:
    """Say whether the error budget allows a release: exit code 0 yes, 1 no, 2 not known or could not be asked.

    Below `freeze_below` of its budget nothing is released. Without a policy only a spent budget forbids it.
    """
    import sys

    from bot.cli._text import clean, out, out_json
    from bot.config import budget_policy
    from bot.domain.errors import Invalid, TocsinError
    from bot.slo.gate import ask

    try:
        path = policy or config.parent / budget_policy.FILE
        if policy is not None and not policy.is_file():
            raise typer.BadParameter(f"there is no file {policy}", param_hint="--policy")
        held = budget_policy.load(path)
        asked, standings = _standings(config, service, where)
    except Invalid:
        raise  # told place by place, and ends with 2
    except TocsinError as trouble:
        print(f"tocsin: not known: {clean(trouble)}", file=sys.stderr)
        raise typer.Exit(UNKNOWN) from None  # an error's usual 1 would say "no"
    answer = ask(held.of(service), standings)
    if as_json:
        out_json(_told(service, answer, asked, held.file))
    else:
        out(_lines(service, answer, held.file or "no policy file: only a spent budget forbids a release"))
    raise typer.Exit({True: ALLOWED, False: FORBIDDEN, None: UNKNOWN}[answer.allowed])


def _standings(config: Path, service: str, where: Where | None) -> tuple[Where, list[Standing]]:
    """What is left of each budget, and who said so. Raises Invalid, NotFound, Unavailable."""
    from bot.cli import _budgets
    from bot.domain.errors import Refused, Unavailable

    if where is not Where.HISTORY:
        try:
            return Where.SERVER, _budgets.of_server(config, service)
        except (Unavailable, Refused):
            if where is Where.SERVER:
                raise
    return Where.HISTORY, _budgets.of_history(config, service)


def _told(service: str, answer: Answer, asked: Where, file: str) -> dict[str, object]:
    return {
        "service": service,
        "allowed": answer.allowed,
        "from": str(asked),
        "policy": file or None,
        "reasons": [
            {
                "slo": reason.slo,
                "allows": reason.allows,
                "budget_remaining": None if reason.budget_remaining is None else round(reason.budget_remaining, 6),
                "severity": reason.severity,
                "because": reason.because,
            }
            for reason in answer.reasons
        ],
    }


def _lines(service: str, answer: Answer, policy: str) -> list[str]:
    from bot.cli._text import line

    said = {True: "a release is allowed", False: "no release", None: "it is not known whether a release is allowed"}
    lines = [f"{line(service)}: {said[answer.allowed]} ({policy})"]
    marks = {True: "ok", False: "NO", None: "?"}
    for reason in answer.reasons:
        calls = f"; that calls for a {reason.severity}" if reason.severity else ""
        lines.append(f"  {marks[reason.allows]:<3} {line(reason.slo)}: {line(reason.because)}{calls}")
    return lines if answer.reasons else [*lines, "  ?   no objective watches it"]
