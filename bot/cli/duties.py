"""`tocsin duties`: counsel's calculator; which regimes would want a notice, by when, and what would settle the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli._common import TOCSIN_YAML, AsJson, Config

CHECK = "check"


def duties(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FACTS.yaml | REGIME | check VECTORS.csv]",
            help="A file of facts to ask every regime on, a regime to read, or a table of dated examples to check.",
            show_default=False,
        ),
    ] = None,
    service: Annotated[str, typer.Option(help="A service of the catalogue: its standing legal facts count.")] = "",
    fact: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE, may be repeated; it comes before a file's.", metavar="KEY=VALUE"),
    ] = None,
    facts: Annotated[bool, typer.Option("--facts", help="List the facts there are, and end.")] = False,
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="INSTANT", help="The moment to look from, with its zone; left out, now.", show_default=False
        ),
    ] = "",
    regime: Annotated[str, typer.Option("--regime", metavar="ID", help="Only this regime.", show_default=False)] = "",
    everything: Annotated[bool, typer.Option("--all", help="Show every answer in full, also a plain no.")] = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
) -> None:
    """Ask every regime on given facts: yes, no or not known yet, with the reason and the dates.

    FACTS.yaml holds one fact a line (`--facts` lists them), and may say what was filed already, as
    `submitted: {REGIME/STAGE: INSTANT}`, and where it is counted: `timezone`, `country`. It needs no tocsin.yaml. A
    bare REGIME shows that regime's rule in words. `check` counts every row of a table of dated examples, prints those
    that come out otherwise, and ends with 1 if there are any. A file with the name of a regime, or called check, is
    written ./check.

    --json prints a list, in the order of the text: regime, name, jurisdiction, answer (yes, no, unknown), because,
    citations, confidence, rests_on [fact, label, value], ask [fact, label, asks, note], applies_from, would_be,
    remarks, watched, at, timezone, country, rule_version, and stages [stage, name, kind, answer, because, ask,
    recipients, strict, outer, by_law, counted, standing (due, overdue, filed, filed_late, not_started, no_number),
    submitted]. Of a REGIME, and of check, it prints one object.
    """
    from bot.cli import _duties as ask

    words = what or []
    if words[:1] == [CHECK]:
        ask.check(words[1:], config, as_json=as_json)
        return
    if len(words) > 1:
        raise typer.BadParameter(f"{words[1]!r} is one word too many", param_hint="FACTS.yaml")
    shelf = ask.shelf(config)
    if facts:
        ask.listed(shelf, as_json=as_json)
        return
    word = words[0] if words else ""
    named = regime or (word if word in shelf.regimes.by_id else "")
    if named:
        ask.known(shelf, named)
    file = Path(word) if word and word != named else None
    if named and file is None and not fact and not service:
        ask.page(shelf.regimes.by_id[named], as_json=as_json)
        return
    case = ask.case(shelf, file, service=service, given=fact or (), at=at)
    ask.answers(shelf, case, only=named, file=file, everything=everything, as_json=as_json)
