"""`tocsin affected`: who was decided about by the bad version, in numbers; their list for those who may have it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli._common import TOCSIN_YAML, As, AsJson, Config, Incident

if TYPE_CHECKING:
    from bot.cli._api import Api

PATIENCE = 660.0  # seconds: a count may take ten minutes


def affected(
    incident: Incident,
    count: Annotated[bool, typer.Option("--count", help="Count anew; else the newest count is shown.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Take the list of the people; needs -o.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The CSV file to write; - for the standard output.")
    ] = None,
    since: Annotated[str, typer.Option(help="From when, in UTC; else when it began.", show_default=False)] = "",
    until: Annotated[str, typer.Option(help="Until when; else when it stopped, or now.", show_default=False)] = "",
    version: Annotated[
        list[str] | None, typer.Option(help="A version, or all; else those taken out of traffic.", show_default=False)
    ] = None,
    slice_: Annotated[str, typer.Option("--slice", help="A slice, or all; else the incident's.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the file where it is there.")] = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Show or count who was decided about, or take the list of them; that it was taken is recorded."""
    from bot.cli._ask import door

    if list_ != (output is not None) or (list_ and count):
        raise typer.BadParameter("--list goes with -o FILE, and without --count")
    api = door(config, person)
    given = {"since": since or None, "until": until or None, "versions": version or None, "slice": slice_ or None}
    body = {name: value for name, value in given.items() if value is not None}
    if output is not None:
        _take(api, incident, body, output, force=force)
        return
    _show(api, _counted(api, incident, body, anew=count), incident, as_json=as_json)


def _counted(api: Api, incident: str, body: dict[str, Any], *, anew: bool) -> Any:
    from bot.cli._api import segment
    from bot.cli._ask import look

    if not anew and body:
        raise typer.BadParameter("--since, --until, --version and --slice go with --count or --list")
    if not anew:
        return look(api, incident)
    return api.post(f"/api/incidents/{segment(incident)}/affected", body, patience=PATIENCE)


def _show(api: Api, found: Any, incident: str, *, as_json: bool) -> None:
    from bot.cli._affected import numbers
    from bot.cli._text import out, out_json

    with api.understood():
        told = found["affected"]
        lines = list(numbers(told)) if told and not as_json else []
    if as_json:
        out_json(told)
        return
    out(lines or [f"Not counted yet: tocsin affected {incident} --count"])


def _take(api: Api, incident: str, body: dict[str, Any], output: Path, *, force: bool) -> None:
    """Write the list, whole or not at all. Raises Refused, Unavailable."""
    import hashlib
    import sys

    from bot.cli._api import segment
    from bot.cli._file import write
    from bot.domain.errors import Refused, Unavailable

    to_stdout = str(output) == "-"
    if not to_stdout and output.exists() and not force:
        raise Refused(f"{output} is there already; --force replaces it")
    content, told = api.take(f"/api/incidents/{segment(incident)}/affected/list", body, patience=PATIENCE)
    digest = hashlib.sha256(content).hexdigest()
    if digest != told.get("x-tocsin-sha256"):
        raise Unavailable(api.url, "the list did not arrive whole; nothing was written, though its taking is recorded")
    if to_stdout:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    write(output, content)
    print(f"wrote {output} ({int(told.get('x-tocsin-rows', 0)):,} rows, SHA-256 {digest})")
