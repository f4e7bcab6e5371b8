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


PACKING = 120.0
"""Seconds a pack may take: every approved notice is set as PDF and Word."""

PROMISES = frozenset({*Format, "csv", "doc", "html", "odt", "txt", "xlsx"})
"""Endings that say what is inside."""


def export(
    incident: Incident,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; - for the standard output.")],
    notice: Annotated[str, typer.Option(help="One notice, such as N1; left out, the whole incident as JSON.")] = "",
    kind: Annotated[
        Format | None, typer.Option("--format", help="Left out, what the file's name ends with.", show_default=False)
    ] = None,
    pack: Annotated[
        bool, typer.Option("--pack", help="The auditor's pack: the whole record as a zip that proves itself.")
    ] = False,
    redline: Annotated[
        bool, typer.Option("--redline", help="With --notice and docx: what changed since the version before, tracked.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file where it is there.")] = False,
    config: Config = TOCSIN_YAML,
    person: As = "",
) -> None:
    """Write a notice (pdf, docx, md, json), an incident (json), or the auditor's pack (zip) to a file."""
    import sys

    from bot.cli._ask import door
    from bot.cli._file import write
    from bot.domain.errors import Refused

    if pack:
        _require_zip(output, notice, kind, redline=redline)
    else:
        wanted = _kind(output, kind, whole=not notice)
        if redline and (not notice or wanted is not Format.DOCX):
            raise typer.BadParameter("a redline is of one notice, as docx: --notice N1 and a name that ends with .docx")
    to_stdout = str(output) == "-"
    if not to_stdout and output.exists() and not force:
        raise Refused(f"{output} is there already; --force replaces it")
    api = door(config, person)
    if pack:
        content = _pack(api, incident)
    else:
        content = _notice(api, incident, notice, wanted, redline=redline) if notice else _whole(api, incident)
    if to_stdout:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    write(output, content)
    print(f"wrote {output} ({len(content):,} bytes)")
    if pack:
        print(_how_to_check(output, content))


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


def _require_zip(output: Path, notice: str, kind: Format | None, *, redline: bool) -> None:
    """Raise a usage error where something else than a zip of the whole incident is asked for."""
    if notice or kind or redline:
        raise typer.BadParameter("a pack holds the whole incident, every notice in every form; leave the others out")
    if str(output) != "-" and output.suffix.lower() != ".zip":
        raise typer.BadParameter(f"a pack is a zip, and {output.name} does not end with .zip")


def _pack(api: Api, incident: str) -> bytes:
    from bot.cli._api import segment
    from bot.domain.errors import Unavailable

    content = api.file(f"/incidents/{segment(incident)}/export.pack", patience=PACKING)
    if not content.startswith(b"PK"):
        raise Unavailable(api.url, "gave something that is no pack; nothing was written")
    return content


def _how_to_check(output: Path, content: bytes) -> str:
    """What to write down elsewhere, and what the person who is given the file does with it."""
    import io
    import json
    import zipfile

    from bot.domain.errors import Unavailable

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as held:
            head = str(json.loads(held.read("MANIFEST.json"))["head"])
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError):
        raise Unavailable(str(output), "was written, and is no pack this version can read") from None
    return f"head {head}\nGive the head by another way. To check: python3 -I verify.py {output.name} {head}"


def _whole(api: Api, incident: str) -> bytes:
    import json

    from bot.cli._ask import look
    from bot.domain.errors import Unavailable

    found = look(api, incident)
    lacking = [part for part in ("timeline", "head") if not found.get(part)]
    if lacking:
        raise Unavailable(api.url, f"gave an incident without its {' and '.join(lacking)}; nothing was written")
    return json.dumps(found, indent=2).encode() + b"\n"


def _notice(api: Api, incident: str, notice: str, kind: Format, *, redline: bool) -> bytes:
    from bot.cli._api import segment
    from bot.cli._ask import look, one
    from bot.domain.errors import Unavailable

    one(api, look(api, incident).get("notices"), "notice", notice)
    content = api.file(
        f"/incidents/{segment(incident)}/notices/{segment(notice)}/{'redline' if redline else 'export'}.{kind}"
    )
    if not content:
        raise Unavailable(api.url, "gave an empty file; nothing was written")
    return content
