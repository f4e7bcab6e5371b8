"""Keeps the world's facts on disk, so that a killed and restarted world stands where it stood."""

import json
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.domain.errors import Invalid, Problem

Now = Callable[[], datetime]


def stamp(at: float) -> str:
    """Unix seconds as ISO 8601 in UTC with microseconds, the form of every time this world tells."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


def moment(text: str) -> float:
    """Unix seconds from Unix seconds or ISO 8601 (without an offset: UTC); raises ValueError on anything else."""
    try:
        return float(text)
    except ValueError:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # an unescaped + of a query string arrives as a blank
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def write(path: Path, value: Any) -> None:
    """Replace the file by `value` as JSON, whole or not at all, on disk before this returns."""
    keep(path, json.dumps(value, separators=(",", ":")).encode())


def keep(path: Path, content: bytes) -> None:
    """Replace the file by these bytes, whole or not at all, on disk before this returns."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path) -> dict[str, Any] | None:
    """The object the file holds, or None where there is no file; raises Invalid when it cannot be read."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Invalid([Problem(str(path), 1, 1, f"not JSON: {error}", "a file this world wrote")]) from error
    if not isinstance(value, dict):
        raise Invalid([Problem(str(path), 1, 1, f"a {type(value).__name__}", "an object this world wrote")])
    return value
