"""Puts an import into a folder: all of it or nothing, and nothing in the place of what stands there already."""

from __future__ import annotations

import contextlib
import difflib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bot.domain.errors import Invalid, Problem, Unavailable
from bot.importers import _yaml
from bot.importers._found import Harvest, Known, Person

PEOPLE = "people.yaml"
_HEAD = "# Who works here. The key is what other files call the person.\n"


@dataclass(frozen=True, slots=True)
class Change:
    """One file: what it is to say, what it says now (None: it is not there), and what it comes from."""

    path: Path
    text: str
    before: str | None
    source: str = ""
    added: tuple[str, ...] = ()
    """The keys that are appended to people.yaml."""

    @property
    def is_same(self) -> bool:
        return self.before == self.text

    @property
    def replaces(self) -> bool:
        """Whether something that stands there would be gone."""
        return self.before is not None and not self.is_same and not self.added

    def difference(self) -> Iterator[str]:
        """What would be replaced, line by line."""
        lines = (self.before or "").splitlines(), self.text.splitlines()
        return difflib.unified_diff(*lines, str(self.path), f"{self.path} (imported)", lineterm="")


@dataclass
class Plan:
    """What an import would write."""

    changes: list[Change] = field(default_factory=list)

    @property
    def wanted(self) -> list[Change]:
        """The files that would change."""
        return [each for each in self.changes if not each.is_same]

    @property
    def conflicts(self) -> list[Change]:
        return [each for each in self.changes if each.replaces]


def known(folder: Path) -> list[Known]:
    """Everybody people.yaml names. Raises Invalid where it cannot be read: nobody may be written twice."""
    text = _text(folder / PEOPLE)
    if text is None:
        return []
    data = _entries(text, folder / PEOPLE)
    found = []
    for key, entry in data.items():
        held = entry if isinstance(entry, dict) else {}
        found.append(Known(str(key), str(held.get("name") or ""), str(held.get("email") or "")))
    return found


def plan(harvest: Harvest, folder: Path) -> Plan:
    """What is to be written there. Raises Invalid where a file that stands there cannot be read or added to."""
    found = Plan()
    for each in harvest.rotas:
        found.changes.append(_change(folder / "rotas" / f"{each.rota.name}.yaml", _yaml.rota(each), each.source))
    for kept in harvest.elsewhere:
        found.changes.append(_change(folder / "rotas" / f"{kept.name}.yaml", _yaml.elsewhere(kept), kept.source))
    for one in harvest.escalations:
        found.changes.append(_change(folder / "escalations" / f"{one.name}.yaml", _yaml.escalation(one), one.source))
    new = [person for person in harvest.people if person.is_new]
    if new:
        found.changes.append(_people(folder / PEOPLE, new, harvest.vendor))
    return found


def write(wanted: Sequence[Change]) -> None:
    """Write them, all or none where the disk allows it. Raises Unavailable."""
    fresh: list[tuple[Path, Path]] = []
    try:
        for each in wanted:
            each.path.parent.mkdir(parents=True, exist_ok=True)
            target = each.path.resolve()
            beside = target.with_name(f".{target.name}.{os.getpid()}")
            fresh.append((beside, target))
            with beside.open("x", encoding="utf-8", newline="\n") as file:
                file.write(each.text)
            if target.exists():
                shutil.copymode(target, beside)
        for beside, target in fresh:
            beside.replace(target)
    except OSError as error:
        raise Unavailable(str(error.filename or "the folder"), error.strerror or str(error)) from None
    finally:
        for beside, _target in fresh:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def _change(path: Path, text: str, source: str) -> Change:
    return Change(path, text, _text(path), source)


def _people(path: Path, new: Sequence[Person], vendor: str) -> Change:
    """people.yaml with the new ones after those who are there, whose every letter stays."""
    before, more = _text(path), _yaml.people(new)
    keys = tuple(person.key for person in new)
    if before is None or not before.strip():
        return Change(path, _HEAD + "\n" + more, before, vendor, keys)
    text = before + ("" if before.endswith("\n") else "\n") + "\n" + more
    added = yaml.safe_load(more)
    try:
        whole = yaml.safe_load(text)
    except yaml.YAMLError:
        whole = None
    if whole != {**_entries(before, path), **added}:
        expected = "one `key:` line for each person, from the beginning of the line"
        raise Invalid([Problem(str(path), 1, 1, "nobody can be added at its end", expected)])
    return Change(path, text, before, vendor, keys)


def _entries(text: str, path: Path) -> dict[object, object]:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise Invalid([Problem(str(path), line, column, "is not YAML here")]) from None
    if data is not None and not isinstance(data, dict):
        raise Invalid([Problem(str(path), 1, 1, "holds no people", "`key:` lines, one for each person")])
    return data or {}


def _text(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise Invalid([Problem(str(path), 1, 1, "is not text", "UTF-8")]) from None
    except OSError as error:
        raise Invalid([Problem(str(path), 1, 1, f"cannot be read: {error.strerror or error}")]) from None
