"""`tocsin export`: takes a notice or a whole incident out of the house, as a file for counsel or an auditor."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli._common import TOCSIN_YAML, As, Config, Incident

if TYPE_CHECKING:
    from bot.cli._api import Api


class Format(StrEnum):
    """What a notice can be written as."""

    PDF = "pdf"
    DOCX = "docx"
    MD = "md"
    JSON = "json"


PROMISES = frozenset({*Format, "csv", "doc", "html", "odt", "txt", "xlsx"})
"""Endings that say what is inside."""


def export(
    incident: Incident,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; - for the standard output.")],
    notice: Annotated[str, typer.Option(help="One notice, such as N1; left out, the whole incident as JSON.")] = "",
    kind: Annotated[
        Format | None, typer.Option("--format", help="Left out, what the file's name ends with.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file where it is there.")] = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Write a notice (pdf, docx, md, json), or an incident with its timeline and head (json), to a file."""
    import sys

    from bot.cli._ask import door
    from bot.cli._file import write
    from bot.domain.errors import Refused

    wanted = _kind(output, kind, whole=not notice)
    to_stdout = str(output) == "-"
    if not to_stdout and output.exists() and not force:
        raise Refused(f"{output} is there already; --force replaces it")
    api = door(config, person)
    content = _notice(api, incident, notice, wanted) if notice else _whole(api, incident)
    if to_stdout:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    write(output, content)
    print(f"wrote {output} ({len(content):,} bytes)")


def _kind(output: Path, kind: Format | None, *, whole: bool) -> Format:
    """The form to write. Raises a usage error where the file's name promises another: a name must not lie."""
    ending = output.suffix.lstrip(".").lower()
    if whole:
        if kind not in {None, Format.JSON}:
            raise typer.BadParameter("a whole incident is written as json; --notice N1 names a notice")
        kind = Format.JSON
    if kind is None and ending not in set(Format):
        raise typer.BadParameter(f"say --format: {', '.join(Format)}")
    wanted = kind or Format(ending)
    if ending in PROMISES and ending != wanted:
        what = "a whole incident is written as json" if whole else f"--format says {wanted}"
        hint = "; --notice N1 names a notice" if whole else ""
        raise typer.BadParameter(f"{what}, and {output.name} ends with .{ending}{hint}")
    return wanted


def _whole(api: Api, incident: str) -> bytes:
    import json

    from bot.cli._ask import look
    from bot.domain.errors import Unavailable

    found = look(api, incident)
    lacking = [part for part in ("timeline", "head") if not found.get(part)]
    if lacking:
        raise Unavailable(api.url, f"gave an incident without its {' and '.join(lacking)}; nothing was written")
    return json.dumps(found, indent=2).encode() + b"\n"


def _notice(api: Api, incident: str, notice: str, kind: Format) -> bytes:
    from bot.cli._api import segment
    from bot.cli._ask import look, one
    from bot.domain.errors import Unavailable

    one(api, look(api, incident).get("notices"), "notice", notice)
    content = api.file(f"/incidents/{segment(incident)}/notices/{segment(notice)}/export.{kind}")
    if not content:
        raise Unavailable(api.url, "gave an empty file; nothing was written")
    return content
