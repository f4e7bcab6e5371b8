"""Reads the regimes and their facts from `templates/notices/`, and names file, line and column of whatever is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from bot.config.legal_facts import read_answers, read_facts
from bot.config.regime_file import read_regime
from bot.config.regime_pages import collect
from bot.config.stage_templates import strange_words, template_problems
from bot.domain.errors import Invalid, Problem
from bot.notices.regime import (
    Fact,
    Regime,
)

__all__ = ["Regimes", "load", "read_answers", "read_facts", "read_regime", "strange_words", "template_problems"]


@dataclass(frozen=True, slots=True)
class Regimes:
    """The fact list and every regime of an installation, by id."""

    facts: Mapping[str, Fact]
    by_id: Mapping[str, Regime]


def load(*folders: Path) -> Regimes:
    """Every `<folder>/<id>/regime.yaml` with the facts of every `<folder>/facts.yaml`; an earlier folder wins.

    Read once for as long as no file of theirs changes. Raises Invalid with every problem of every file at once.
    """
    read = _read(folders, tuple(_state(folder) for folder in folders))
    if isinstance(read, Regimes):
        return read
    raise Invalid(list(read))


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Every file below a folder with its time and size: where they are as they were, so is what stands in them."""
    found = ((path, path.stat()) for path in folder.rglob("*") if path.is_file())
    return tuple(sorted((str(path), state.st_mtime_ns, state.st_size) for path, state in found))


@lru_cache(maxsize=8)
def _read(folders: tuple[Path, ...], _states: tuple[object, ...]) -> Regimes | tuple[Problem, ...]:
    problems: list[Problem] = []
    facts: dict[str, Fact] = {}
    for folder in reversed(folders):
        if (folder / "facts.yaml").is_file():
            facts |= collect(problems, read_facts, folder / "facts.yaml") or {}
    found: dict[str, Regime] = {}
    for path in (path for folder in reversed(folders) for path in sorted(folder.glob("*/regime.yaml"))):
        regime = collect(problems, read_regime, path, facts, folders)
        if regime is not None:
            found[regime.id] = regime
            problems += template_problems(path.parent, regime)
    return tuple(problems) if problems else Regimes(MappingProxyType(facts), MappingProxyType(found))


def enabled(wanted: Iterable[str], known: Regimes | None) -> tuple[str, ...]:
    """The regimes that are asked: names, and patterns such as `eu_*`, which take none that is switched off."""
    chosen: list[str] = []
    for name in wanted:
        if is_pattern(name):
            by_id = known.by_id if known is not None else {}
            chosen += sorted(one for one, regime in by_id.items() if regime.enabled and fnmatchcase(one, name))
        else:
            chosen.append(name)
    return tuple(dict.fromkeys(chosen))


def is_pattern(name: str) -> bool:
    """Whether it stands for several regimes."""
    return "*" in name
