"""The configuration as people look at it: every value with its line, no secret, and how the folder stands in git."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["value", "secret", "hidden"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One value: where in the file it stands, and what it says in words.

    A `secret` is told by its reference alone, with whether that leads anywhere; what is `hidden` is told by nothing.
    """

    path: str
    words: str
    line: int
    kind: Kind = "value"
    is_set: bool = True


@dataclass(frozen=True, slots=True)
class File:
    """One file. `changed`: it is not what it was when Tocsin started; `settings` are cut short after `more` others."""

    name: str
    sha256: str
    lines: int
    settings: tuple[Setting, ...] = ()
    changed: bool = False
    more: int = 0
    unread: str = ""
    """Why its values are not told: it is a text of its own, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where the folder stands in git; `because` says why nothing is known."""

    commit: str = ""
    at: str = ""
    subject: str = ""
    dirty: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class AsRead:
    """The whole folder. `problems` would keep Tocsin from starting with it, `gone` were there when it started."""

    folder: str
    files: tuple[File, ...]
    repository: Repository
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def unset(self) -> tuple[tuple[str, Setting], ...]:
        """Every secret whose reference leads nowhere, with its file."""
        return tuple((file.name, each) for file in self.files for each in file.settings if not each.is_set)

    @property
    def changed(self) -> tuple[str, ...]:
        """The files that are not what they were when Tocsin started."""
        return tuple(file.name for file in self.files if file.changed)


class Settings(Protocol):
    """The configuration folder, read when it is looked at."""

    def read(self) -> AsRead:
        """As the files are now; reads files and asks git, so it is called in a thread."""
