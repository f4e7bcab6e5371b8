"""What the readers of objectives share: what they hand back, and how each kind of value is read and complained of."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.config import promql
from bot.config.marks import Page, Path, kind_of
from bot.domain.errors import Invalid, Problem
from bot.slo.measure import Measure
from bot.slo.notation import parse_length
from bot.slo.selector import Selector
from bot.slo.spec import Origin, Severity, Slo, Tier, floored, max_burn

Places = dict[tuple[Origin, str], tuple[int, int]]
"""Where an objective (by its origin) names its service, source or runbook: line and column."""

WHOLE = 100
LENGTHS = "such as 30d, 4w, 1h30m or 15s"

_LOUD = ("page", "critical", "high", "urgent", "sev0", "sev1", "sev-0", "sev-1", "p0", "p1")


@dataclass(frozen=True, slots=True)
class DataSource:
    """A source as a file of objectives describes it: its name, its type, and where the type stands."""

    name: str
    type: str
    at: Problem


@dataclass
class Found:
    """What files of objectives gave. `names` are those of all objectives that stand in them, the broken ones too."""

    slos: list[Slo] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    places: Places = field(default_factory=dict)
    sources: list[DataSource] = field(default_factory=list)
    sound: bool = True
    """Whether every file could be read: else there may be names that nobody saw."""

    def add(self, other: "Found") -> None:
        """Take in what another reader found."""
        self.slos += other.slos
        self.problems += other.problems
        self.notes += other.notes
        self.names |= other.names
        self.places |= other.places
        self.sources += other.sources


def number(page: Page, *path: str | int, expected: str = "a number") -> float | None:
    """The number at `path`; complains and returns None where there is none."""
    value = page.get(*path)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if value is None:
        page.complain(f"{path[-1]} is missing", *path, expected=expected)
    else:
        page.complain(f"{path[-1]} is {kind_of(value)}", *path, expected=expected)
    return None


def between(page: Page, *path: str | int, most: float) -> float | None:
    """A target: the number at `path`, above 0 and below `most`."""
    value = number(page, *path)
    if value is not None and not 0 < value < most:
        page.complain(
            f"{path[-1]} {value:g} leaves no error budget or no objective", *path,
            expected=f"a number between 0 and {most:g}, both excluded",
        )  # fmt: skip
        return None
    return value


def yes_or_no(page: Page, *path: str | int) -> bool | None:
    """The yes or no at `path`; None where nothing stands there, or something else (told)."""
    value = page.get(*path)
    if value is None or isinstance(value, bool):
        return value
    page.complain(f"{path[-1]} is {kind_of(value)}", *path, expected="true or false")
    return None


def length(page: Page, *path: str | int, expected: str = LENGTHS) -> timedelta | None:
    """The length of time at `path`; complains and returns None where there is none."""
    text = page.text(*path)
    if not text:
        return None
    try:
        return parse_length(text)
    except ValueError as error:
        page.complain(str(error), *path, expected=expected)
        return None


def query(page: Page, *path: str | int) -> promql.Phrase | None:
    """The PromQL query at `path`, understood; complains at the letter where it stops being one."""
    text = page.text(*path)
    if not text:
        return None
    try:
        return promql.parse(text)
    except Invalid as error:
        for each in error.problems:
            page.complain(each.what, *path, expected=each.expected, offset=each.column - 1)
        return None


def labels(page: Page, *path: str | int, plain: bool = False) -> dict[str, str]:
    """The labels at `path`, several values of one joined by commas; `plain` lets numbers and yes/no pass as written."""
    held = page.get(*path)
    if held is None:
        return {}
    if not isinstance(held, dict):
        page.complain(f"labels is {kind_of(held)}", *path, expected="a map")
        return {}
    found = {}
    for name, value in held.items():
        many = value if isinstance(value, list) else [value]
        if plain and not isinstance(value, (list, dict)) and value is not None:
            many = [str(value).lower() if isinstance(value, bool) else f"{value}"]
        if all(isinstance(each, str) for each in many):
            found[str(name)] = ",".join(many)
        else:
            page.complain(f"label {name} is {kind_of(value)}", *path, name, expected="text")
    return found


def apart(page: Page, path: Path, label: str, measured: Measure) -> None:
    """Complains where a label's values are to be watched against one another and the series themselves are not read."""
    if label and not all(isinstance(each, Selector) for each in measured.queries):
        what = (
            f"{label} can be told apart only in raw series, and a query of this objective is worked out by the server"
        )
        page.complain(what, *path, expected="queries that are one selector each")


def origin(page: Page, *path: str | int) -> Origin:
    """Where what stands at `path` is written."""
    return Origin(page.document.file, *page.document.where(*path))


def loudness(severity: str) -> Severity:
    """What other tools call critical pages somebody here; every other word is a ticket."""
    return "page" if any(word in severity.lower() for word in _LOUD) else "ticket"


def within_reach(page: Page, path: Path, tiers: Iterable[Tier], target: float) -> tuple[Tier, ...]:
    """The tiers that can fire at all; the others are told as a note: where they come from they never fire either."""
    largest = max_burn(target)
    kept = tuple(tier for tier in tiers if tier.factor <= largest * (1 + 1e-9))
    lost = [tier for tier in tiers if tier not in kept]
    if lost:
        named = ", ".join(f"{tier.severity} at {tier.factor:.4g}×" for tier in lost)
        what = f"even a total outage burns only {floored(largest)}×: left out are {named}, which could never fire"
        page.note(what, *path)
    if not kept:
        page.complain("no alert of this objective can ever fire", *path, expected=f"a target above {target:g}")
    return kept
