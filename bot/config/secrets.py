"""Secrets stand in files only as references, `{env: NAME}` or `{file: PATH}`; here each is looked up, or missed."""

from collections.abc import Mapping
from pathlib import Path

from bot.domain.errors import Problem

WAYS = "{env: NAME} or {file: PATH}"


class Resolved(str):
    """A value that came from the environment or a file: never to be shown in a complaint."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class Missing(LookupError):  # noqa: N818 - reads as the sentence it is
    """A reference that leads nowhere; carries the sentence to show, never a value."""


class Secrets:
    """Looks references up: names in `environ`, paths from the folder `root`."""

    def __init__(self, environ: Mapping[str, str], root: Path) -> None:
        self._environ, self._root = environ, root

    def look_up(self, reference: Mapping[str, object]) -> Resolved:
        """The value a reference stands for. Raises Missing."""
        ((way, name),) = reference.items()
        if not isinstance(name, str) or not name:
            raise Missing(f"a secret's {way} is {name!r}, not a name")
        if way == "env":
            value = self._environ.get(name, "")
            if not value:
                raise Missing(f"missing secret: the environment has no {name}")
            return Resolved(value)
        try:
            value = (self._root / name).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
            raise Missing(f"missing secret: the file {name} cannot be read: {reason}") from None
        if not value:
            raise Missing(f"missing secret: the file {name} is empty")
        return Resolved(value)


def is_reference(raw: object) -> bool:
    """Whether this is `{env: …}` or `{file: …}` and nothing more."""
    return isinstance(raw, dict) and len(raw) == 1 and next(iter(raw)) in {"env", "file"}


def plain_secret(file: str, line: int, column: int, name: str) -> Problem:
    """The complaint about a secret written out in a file."""
    what = f"a secret must be a reference: {name} is written out here"
    return Problem(file, line, column, what, f"{WAYS}; then change the secret, it has been in a file")
