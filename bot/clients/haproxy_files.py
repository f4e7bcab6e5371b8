"""What HAProxy reads when it starts: its state file and its maps, written so that a reload finds what was changed.

A file is replaced whole and at once, so HAProxy never reads half of one; its owner and mode stay.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from bot.domain.errors import Unavailable

WHAT = "HAProxy's files"
_MOST = 64 * 1024 * 1024


def read(path: str) -> str:
    """The file's text, "" where there is none yet. Raises Unavailable."""
    try:
        if Path(path).stat().st_size > _MOST:
            raise Unavailable(WHAT, f"{path} is larger than {_MOST // (1024 * 1024)} MB")
        return Path(path).read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise Unavailable(WHAT, f"{path} cannot be read: {_why(error)}") from None


def write(path: str, text: str) -> None:
    """Put the text in the file's place, at once and for good; a link stays a link. Raises Unavailable."""
    place = Path(os.path.realpath(path))
    try:
        handle, made = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    except OSError as error:
        raise Unavailable(WHAT, f"{path} cannot be written: {_why(error)}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode(errors="surrogateescape"))
            file.flush()
            _like(place, file.fileno())
            os.fsync(file.fileno())
        Path(made).replace(place)
        _keep_folder(place.parent)
    except OSError as error:
        Path(made).unlink(missing_ok=True)
        raise Unavailable(WHAT, f"{path} cannot be written: {_why(error)}") from None


def entry(text: str, key: str) -> str | None:
    """What a map file says of a key; of several lines HAProxy takes the first."""
    for line in text.splitlines():
        cells = line.split(maxsplit=1)
        if len(cells) > 1 and cells[0] == key:
            return cells[1].strip()
    return None


def with_entry(text: str, key: str, value: str | None) -> str:
    """The map file with that key once and at that value, or without it; all else as it stands, comments too."""
    kept: list[str] = []
    put = value is None
    for line in text.splitlines(keepends=True):
        cells = line.split(maxsplit=1)
        if not cells or cells[0] != key:
            kept.append(line)
        elif not put:
            kept.append(f"{key} {value}\n")
            put = True
    if not put:
        if kept and not kept[-1].endswith("\n"):
            kept[-1] += "\n"
        kept.append(f"{key} {value}\n")
    return "".join(kept)


def _like(place: Path, handle: int) -> None:
    """Give an open file the mode and, where we may, the owner of the file it replaces; readable by all if it is new."""
    try:
        was = place.stat()
    except FileNotFoundError:
        os.fchmod(handle, 0o644)
        return
    with contextlib.suppress(PermissionError):
        os.fchown(handle, was.st_uid, was.st_gid)
    os.fchmod(handle, was.st_mode & 0o7777)


def _keep_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
