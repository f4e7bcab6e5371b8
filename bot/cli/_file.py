"""Writes a file that a command takes away: whole or not at all, and readable by its owner alone."""

from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by its owner alone. Raises Unavailable."""
    import os

    from bot.domain.errors import Unavailable

    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise Unavailable(str(path), f"cannot be written: {error.strerror or error}") from None
