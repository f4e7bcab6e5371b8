"""Shows the configuration folder as it is: each value with its line, secrets by their reference, what is wrong."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bot.config import budget_policy
from bot.config.files import MOST_BYTES
from bot.config.load import load
from bot.config.marks import Marked, read_yaml
from bot.config.repository import repository
from bot.config.secrets import Missing, Secrets, is_reference
from bot.config.shelves import Models
from bot.domain.errors import Invalid, Problem
from bot.engine.as_read import AsRead, File, Setting

FOLDERS = ("services", "slos", "rotas", "escalations", "runbooks", "templates")
BESIDE = ("people.yaml", "maintenance.yaml", budget_policy.FILE)
YAML = frozenset({".yaml", ".yml", ".json"})
MOST_FILES, MOST_VALUES, LONGEST = 2_000, 3_000, 600
"""What is shown at most: files, values of one file, letters of a value."""

_SECRETIVE = re.compile(r"(?i)token|secret|passw|credential|api_?key|private|authorization|cookie|dsn|signing")
_CONTACTS = frozenset({"phone", "email", "push"})
"""What `people.yaml` says of how to reach somebody: it is for the pagers alone."""
_ADDRESSED = frozenset({"heartbeat", "pagers"})
"""Parts whose addresses are as good as a password: only the host is told."""
HIDDEN = "not shown"

Step = str | int


class Shown:
    """The folder of one installation. What it was when this was made is what the house runs on."""

    def __init__(self, path: Path, environ: Mapping[str, str], models: Models) -> None:
        self.path, self.root, self.environ, self.models = path, path.parent.resolve(), environ, models
        self.secrets = Secrets(environ, self.root)
        self.started = self._digests()
        self._checked: tuple[Mapping[str, str], tuple[str, ...], tuple[str, ...]] | None = None

    def read(self) -> AsRead:
        """As the files are now."""
        digests = self._digests()
        problems, warnings = self._check(digests)
        files = tuple(self._file(name, digest) for name, digest in digests.items())
        gone = tuple(name for name in self.started if name not in digests)
        return AsRead(str(self.root), files, repository(self.root), problems, warnings, gone)

    def _digests(self) -> dict[str, str]:
        """Every file of the folder that is read as configuration, by its name from there."""
        found = {}
        for path in self._paths():
            try:
                found[path.relative_to(self.root).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError:
                found[path.relative_to(self.root).as_posix()] = ""
        return found

    def _paths(self) -> list[Path]:
        first = [path for name in (self.path.name, *BESIDE) if (path := self.root / name).is_file()]
        below = sorted(
            path
            for folder in FOLDERS
            if (self.root / folder).is_dir()
            for path in (self.root / folder).rglob("*")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(self.root).parts)
        )
        return [*first, *below][:MOST_FILES]

    def _check(self, digests: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What `tocsin check` would say of the files as they are; asked anew when one of them changed."""
        if self._checked is None or self._checked[0] != digests:
            problems: Sequence[Problem] = ()
            warnings: Sequence[Problem] = ()
            beside = self.root / budget_policy.FILE
            try:
                made = load(self.root / self.path.name, environ=self.environ, models=self.models)
                budget_policy.load(beside, services=made.services)
                warnings = made.warnings
            except Invalid as wrong:
                problems = [*wrong.problems, *(budget_policy.problems(beside))]
            self._checked = (dict(digests), self._told(problems), self._told(warnings))
        return self._checked[1], self._checked[2]

    def _told(self, found: Sequence[Problem]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(each).removeprefix(f"{self.root}/") for each in found))

    def _file(self, name: str, digest: str) -> File:
        path, changed = self.root / name, self.started.get(name) != digest
        try:
            raw = path.read_bytes()
            text = raw.decode("utf-8-sig") if len(raw) <= MOST_BYTES else ""
        except (OSError, UnicodeDecodeError):
            return File(name, digest, 0, changed=changed, unread="it cannot be read as text")
        lines = text.count("\n") + (not text.endswith("\n") and bool(text))
        if path.suffix not in YAML:
            return File(name, digest, lines, changed=changed, unread="a text of its own, read as it stands")
        pages, wrong = read_yaml(text, name)
        if wrong:
            return File(name, digest, lines, changed=changed, unread=f"it is not sound: {wrong[0].what}")
        found = [
            each for at, page in enumerate(pages) for each in self._settings(page, name, at if len(pages) > 1 else None)
        ]
        return File(name, digest, lines, tuple(found[:MOST_VALUES]), changed, max(0, len(found) - MOST_VALUES))

    def _settings(self, page: Marked, name: str, number: int | None) -> Iterator[Setting]:
        for path in _leaves(page.data, ()):
            line, _ = page.where(*path)
            value = page.get(*path)
            yield self._setting(path, value, line, name, "" if number is None else f"[{number}]")

    def _setting(self, path: tuple[Step, ...], value: Any, line: int, name: str, before: str) -> Setting:
        where = f"{before}{'.' if before and path else ''}{_address(path)}" or "."
        if is_reference(value):
            ((way, named),) = value.items()
            return Setting(where, f"{{{way}: {named}}}", line, "secret", self._leads(value))
        if _is_hidden(path, value, name):
            return Setting(where, HIDDEN, line, "hidden")
        return Setting(where, _words(value, path), line)

    def _leads(self, reference: Mapping[str, object]) -> bool:
        try:
            self.secrets.look_up(reference)
        except Missing:
            return False
        return True


def _leaves(value: Any, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Every place that holds a plain value, an empty list or map, or a reference to a secret."""
    if is_reference(value) or not value or not isinstance(value, dict | list):
        yield path
        return
    for step, below in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves(below, (*path, step))


def _address(path: tuple[Step, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _is_hidden(path: tuple[Step, ...], value: Any, name: str) -> bool:
    """A secret that was written out, a way to reach somebody, an address that holds a password."""
    keys = [str(step) for step in path]
    if name == "people.yaml" and any(key in _CONTACTS for key in keys[1:2]):
        return value not in (None, "", [], {})
    if (
        any(_SECRETIVE.search(key) for key in keys[-1:])
        and isinstance(value, str | int)
        and not isinstance(value, bool)
    ):
        return bool(value)
    return "prediction_log" in keys and isinstance(value, str) and "://" in value


def _words(value: Any, path: tuple[Step, ...]) -> str:
    """A value as it would be written, cut where it is long; of an address no more than may be seen."""
    if isinstance(value, str):
        shown = _bare(value, whole=not _ADDRESSED & {str(step) for step in path[:1]}) if "://" in value else value
        return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}… ({len(shown)} letters)"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    return {"[]": "an empty list", "{}": "an empty map"}.get(text := json.dumps(value, default=str).strip('"'), text)


def _bare(address: str, *, whole: bool) -> str:
    """An address without what may be a secret in it: user, password and query; only the host where not `whole`."""
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return HIDDEN
    if not whole:
        return f"{parts.scheme}://{host}/…" if parts.path not in {"", "/"} else f"{parts.scheme}://{host}"
    netloc = f"…@{host}" if "@" in parts.netloc else host
    return urlunsplit((parts.scheme, netloc, parts.path, "…" if parts.query else "", ""))
