"""Who was decided about: counted from the prediction log in numbers alone, and who took the list of the people away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Slot, When, Who, says
from bot.domain.mitigation import EFFECTIVE, State
from bot.domain.phase import RESPONDERS
from bot.domain.policy import Role

if TYPE_CHECKING:
    from bot.domain.incident import Incident

COUNTERS = RESPONDERS | {Role.COUNSEL}
SMALL = 5
"""A cell of fewer people or decisions than this could name somebody, and is withheld."""
OTHERS = "others"
GROUP, COUNTRY, STATE, DAY = "group", "country", "state", "day"
_PLACE = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Cell:
    """Decisions, adverse ones and people of one value; None is withheld, for so few could be recognised."""

    value: str
    decisions: int | None
    adverse: int | None
    people: int | None


@dataclass(frozen=True, slots=True)
class Cut:
    """The same numbers told apart by one column; `silent` decisions do not say (None: some, and withheld)."""

    by: str
    kind: str  # group, country, state or day
    cells: tuple[Cell, ...]
    silent: int | None = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Selection rates of two groups: the lowest over the highest, with its 95 % interval.

    `small` groups have too few decisions to be compared. A ratio below 0.8 is a screen, not a legal conclusion.
    """

    by: str
    lowest: str
    highest: str
    ratio: float
    low: float
    high: float
    small: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tallied:
    """What the log was asked, and what it holds; `decisions` of None is not known, and `because` says why.

    A count that is not `complete` is a least one. `sha256` is that of the list of these decisions as a file.
    """

    since: datetime
    until: datetime
    versions: tuple[str, ...]  # none: every version
    slice: str  # "": everybody
    decisions: int | None
    adverse: int | None = None
    people: int | None = None
    complete: bool = False
    because: tuple[str, ...] = ()
    cuts: tuple[Cut, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Affected:
    """The newest count of an incident, who made it, and when."""

    told: Tallied
    by: str
    at: datetime

    @property
    def basis(self) -> str:
        """Its numbers in one text: where they change, the law is asked again."""
        return json.dumps(asdict(self.told), sort_keys=True, default=str)


def bad_versions(incident: Incident) -> tuple[str, ...]:
    """The versions that changes in effect took traffic from, by the plans' own weights."""
    found: dict[str, None] = {}
    for each in incident.mitigations.values():
        if each.state not in EFFECTIVE | {State.UNDOING}:
            continue
        before, after = each.plan.before.get("weights"), each.plan.after.get("weights")
        if isinstance(before, dict) and isinstance(after, dict):
            found |= {name: None for name, share in before.items() if share > after.get(name, 0)}
    return tuple(found)


def window(
    incident: Incident, now: datetime, since: datetime | None = None, until: datetime | None = None
) -> tuple[datetime, datetime]:
    """From the onset until the harm stopped, or until now, where nothing else is said. Raises Refused."""
    began = since or incident.onset or incident.detected
    if began is None:
        raise Refused(f"nobody knows since when {incident.id} went on; say since when to count")
    ends = [each for each in (incident.mitigated, incident.resolved) if each is not None]
    ended = until or min(ends, default=now)
    if ended < began:
        raise Refused("the stretch to count ends before it begins")
    return began, ended


def covers(incident: Incident, told: Tallied) -> bool:
    """Whether a count is of the whole harm: its stretch to the end, every bad version, and everybody it fell on.

    A narrower one, or one made while the harm went on, says how many there were at least, never that there were none.
    """
    began = incident.onset or incident.detected
    ends = [each for each in (incident.mitigated, incident.resolved) if each is not None]
    bad = frozenset(bad_versions(incident))
    return (
        told.complete
        and began is not None
        and told.since <= began
        and bool(ends)
        and told.until >= min(ends)
        and (not told.versions or (bool(bad) and bad <= frozenset(told.versions)))
        and told.slice in {"", incident.slice}
    )


# -- withholding -----------------------------------------------------------------------------------------------------


def withheld(cut: Cut) -> Cut:
    """The cut without any number that could point at a person.

    Groups too small to be named are told together; a single number withheld would be the difference to the whole, so
    the next smallest goes with it.
    """
    cells = [*cut.cells]
    named = [each for each in cells if _may_be_named(each, cut.kind)]
    rest = [each for each in cells if each not in named]
    if rest:
        decisions, adverse = (sum(n or 0 for n in column) for column in zip(*map(_pair, rest), strict=True))
        named.append(Cell(OTHERS, decisions, adverse, rest[0].people if len(rest) == 1 else None))
    silent = cut.silent
    hidden = silent is not None and 0 < silent < SMALL
    columns = zip(
        _hide([each.decisions for each in named], hidden=hidden),
        _hide([each.adverse for each in named]),
        _hide([each.people for each in named]),
        strict=True,
    )
    told = tuple(Cell(each.value, *numbers) for each, numbers in zip(named, columns, strict=True))
    return replace(cut, cells=told, silent=None if hidden else silent)


def _pair(cell: Cell) -> tuple[int | None, int | None]:
    return cell.decisions, cell.adverse


def _may_be_named(cell: Cell, kind: str) -> bool:
    """A place or a day names nobody; a group does where it is a few people, or were a number a person bears."""
    if kind == DAY:
        return True
    if kind in {COUNTRY, STATE}:
        return bool(_PLACE.fullmatch(cell.value))
    return (cell.decisions or 0) >= SMALL and (cell.people is None or cell.people >= SMALL)


def _hide(numbers: Iterable[int | None], *, hidden: bool = False) -> list[int | None]:
    """The column without small numbers, and without one more where only one would be missing."""
    found = [None if each is None or 0 < each < SMALL else each for each in numbers]
    shown = [place for place, each in enumerate(found) if each]
    if len(found) > 1 and shown and (found.count(None) + hidden) == 1:
        found[min(shown, key=lambda place: found[place] or 0)] = None
    return found


# -- the count -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CountAffected(Command):
    """Write down how many were decided about; numbers that could point at somebody never reach the log."""

    told: Tallied

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, COUNTERS, "count who is affected")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        told = replace(self.told, cuts=tuple(withheld(each) for each in self.told.cuts))
        if incident.affected is None or incident.affected.told != told:
            yield AffectedCounted(told)


@dataclass(frozen=True, slots=True)
class AffectedCounted(Event):
    """The decisions of the stretch, version and slice were counted, or it was found out why they cannot be."""

    told: Tallied

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        before = incident.affected
        if self.told.decisions is None and before is not None and before.told.decisions is not None:
            return incident  # what was known stays known
        return replace(incident, affected=Affected(self.told, entry.by, entry.at))

    def says(self, by: str) -> Sentence:
        told, why = self.told, "; ".join(self.told.because)
        slots: dict[str, Slot] = {
            "who": Who(by),
            "versions": " and ".join(told.versions) or "every version",
            "since": When(told.since),
            "until": When(told.until),
            **({"slice": told.slice} if told.slice else {}),
            **({"why": why} if why else {}),
        }
        reach = "who was decided about by {versions} from {since} to {until}" + (", {slice}" if told.slice else "")
        if told.decisions is None:
            return Sentence("{who} asked " + reach + ": not known, {why}", slots)
        numbers = {"decisions": told.decisions, "adverse": told.adverse, "people": told.people}
        slots |= {name: counted(number, complete=told.complete) for name, number in numbers.items()}
        words = "{who} counted " + reach + ": {decisions} decisions, adverse {adverse}, people {people}"
        return Sentence(words + (" ({why})" if why else ""), slots)


def counted(number: int | None, *, complete: bool) -> str:
    """A number as people read it: 1,204, at least 1,204, or unknown."""
    if number is None:
        return "unknown"
    return f"{number:,}" if complete else f"at least {number:,}"


# -- the list --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakeList(Command):
    """Take the list of the people away; what is in it is not kept here, only that it was taken."""

    rows: int
    sha256: str
    since: datetime
    until: datetime
    versions: tuple[str, ...]
    slice: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        require_people_data(ask)
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        yield ListTaken(self.rows, self.sha256, self.since, self.until, self.versions, self.slice)


def require_people_data(ask: Ask) -> None:
    """Raise Refused unless the person may see personal data of those decided about."""
    ask.policy.require_somebody(ask.person, ask.policy.people_data, "take the list of the people affected")


@dataclass(frozen=True, slots=True)
class ListTaken(Event):
    """Somebody took the list of the people away: how many rows, and the SHA-256 of the file."""

    rows: int
    sha256: str
    since: datetime
    until: datetime
    versions: tuple[str, ...]
    slice: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return incident

    def says(self, by: str) -> Sentence:
        return says(
            "{who} took the list of those decided about: {rows} rows, SHA-256 {sha256}",
            who=Who(by),
            rows=f"{self.rows:,}",
            sha256=self.sha256[:12],
        )
