"""The typed facts a legal question turns on, and how a typed-in answer becomes one, with unknown as a value."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias


class UnreadableError(ValueError):
    """An answer or a fact type that cannot be read; carries the sentence to show."""


@dataclass(frozen=True, slots=True)
class Range:
    """A number or time known only between two ends, both included: `Range(400, 600)` people.

    A number known to be at least so high has no upper end: `Range(400, inf)`.
    """

    low: float | date
    high: float | date

    def __post_init__(self) -> None:
        if self.low > self.high:  # type: ignore[operator]
            raise UnreadableError(f"the range runs backwards: {self.low} to {self.high}")


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A set of which some members are known and more may turn up: what is absent is unknown, not excluded."""

    items: frozenset[str]


Value: TypeAlias = (
    bool
    | int
    | float
    | str
    | date
    | datetime
    | frozenset[str]
    | tuple[str, ...]
    | Mapping[str, int]
    | Mapping[str, datetime]
    | Range
    | AtLeast
)
Facts: TypeAlias = Mapping[str, Value | None]  # an absent key and None both mean: unknown

MOST_DIGITS = 15  # whole numbers that JSON keeps exactly
_SCALARS = ("bool", "int", "number", "string", "timestamp", "date", "country", "list")
_BRACED = re.compile(r"(enum|set)\{([a-z0-9_]+(?:,\s*[a-z0-9_]+)*)\}\Z")
_ANGLED = re.compile(r"(set|map)<([a-z]+)(?:,\s*([a-z]+))?>\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_NORWAY = "an unquoted NO is read as `false`; write Norway in quotes: 'NO'"


@dataclass(frozen=True, slots=True)
class FactType:
    """One type of the fact list: `bool`, `int_or_range`, `enum{a,b}`, `set{a,b}`, `set<country>`, `map<state,int>`."""

    kind: str
    members: tuple[str, ...] = ()
    of: str = "string"
    ranged: bool = False
    to: str = "int"  # what a map gives for each word: int or timestamp

    @classmethod
    def parse(cls, text: str) -> "FactType":
        """Read the notation of the fact list. Raises UnreadableError with a sentence."""
        word = text.strip()
        if found := _BRACED.match(word):
            return cls(found[1], tuple(part.strip() for part in found[2].split(",")))
        if found := _ANGLED.match(word):
            if (found[1] == "map") != (found[3] is not None) or found[3] not in {None, "int", "timestamp"}:
                raise UnreadableError(
                    f"{word!r}: a set has one type between < and >, a map has two, the second int or timestamp"
                )
            return cls(found[1], of=found[2], to=found[3] or "int")
        base, ranged = word.removesuffix("_or_range"), word.endswith("_or_range")
        if base not in _SCALARS or (ranged and base not in {"int", "number", "timestamp", "date"}):
            raise UnreadableError(
                f"{word!r} is no fact type; there is {', '.join(_SCALARS)}, enum{{..}}, set{{..}}, map<..>"
            )
        return cls(base, ranged=ranged)

    def __str__(self) -> str:
        if self.members:
            return f"{self.kind}{{{','.join(self.members)}}}"
        if self.kind in {"set", "map"}:
            return f"{self.kind}<{self.of}{f',{self.to}' if self.kind == 'map' else ''}>"
        return self.kind + ("_or_range" if self.ranged else "")

    @property
    def ordered(self) -> bool:
        """Whether `<` and `>` mean something."""
        return self.kind in {"int", "number", "timestamp", "date"}

    def read(self, raw: object) -> Value | None:
        """What a person, YAML or JSON gave, as a value of this type; None and "unknown" mean unknown.

        Raises UnreadableError with the sentence to show.
        """
        if raw is None or raw == "unknown":
            return None
        if self.kind == "set":
            return self._set(raw)
        if self.kind == "map":
            return self._map(raw)
        if self.kind == "list":
            if not isinstance(raw, list | tuple):
                raise UnreadableError(f"expected a list, got {raw!r}")
            return tuple(_item(item) for item in raw)
        if self.ranged and isinstance(raw, Mapping | list | tuple):
            return self._range(raw)
        return self._scalar(raw)

    def typed(self, text: str) -> object:
        """What somebody typed, in the shape YAML would have given: numbers, lists by comma, ranges as 400..600."""
        word = text.strip()
        if word.lower() in {"", "unknown"}:
            return None
        match self.kind:
            case "set" | "list":
                return [] if word == "none" else [part.strip() for part in word.split(",") if part.strip()]
            case "map":
                pairs = (part.partition(":") for part in word.split(",") if word != "none")
                return {key.strip(): _as_number(count) for key, _, count in pairs}
            case "bool":
                return word.lower()
        numeric = self.kind in {"int", "number"}
        if self.ranged and ".." in word:
            return [_as_number(end) if numeric else end.strip() for end in word.split("..")]
        return _as_number(word) if numeric else word

    def _range(self, raw: object) -> Range:
        ends = [raw.get("low"), raw.get("high")] if isinstance(raw, Mapping) else list(raw)  # type: ignore[call-overload]
        if len(ends) != 2 or None in ends:  # noqa: PLR2004 - a range has two ends
            raise UnreadableError("a range has two ends: {low: 400, high: 600}")
        low, high = (self._scalar(end) for end in ends)
        return Range(low, high)  # type: ignore[arg-type]

    def _set(self, raw: object) -> Value:
        if isinstance(raw, Mapping) and set(raw) == {"at_least"}:
            return AtLeast(self._members(raw["at_least"]))
        return self._members(raw)

    def _members(self, raw: object) -> frozenset[str]:
        if isinstance(raw, str) or not isinstance(raw, list | tuple | set | frozenset):
            raise UnreadableError(f"expected a list of {self.of if not self.members else 'words'}, got {raw!r}")
        return frozenset(self._word(item) for item in raw)

    def _word(self, item: object) -> str:
        if item is False and self.of in {"country", "state"} and not self.members:
            raise UnreadableError(_NORWAY)
        if not isinstance(item, str):
            raise UnreadableError(f"expected a word, got {item!r}")
        if self.members and item not in self.members:
            raise UnreadableError(f"{item!r} is none of {', '.join(self.members)}")
        return country(item) if self.of == "country" and not self.members else item

    def _map(self, raw: object) -> Value:
        if isinstance(raw, list | tuple) and all(isinstance(item, Mapping) for item in raw):
            raw = self._from_rows(raw)
        if not isinstance(raw, Mapping):
            raise UnreadableError(f"expected {self.of}: {self._gives}, got {raw!r}")
        answer: dict[str, int] = {}
        moments: dict[str, datetime] = {}
        for key, given in raw.items():
            if self.to == "timestamp":
                moments[self._word(key)] = _instant(given)
            elif isinstance(given, bool) or not isinstance(given, int) or given < 0:
                raise UnreadableError(f"{key}: expected a whole number, got {given!r}")
            else:
                answer[self._word(key)] = given
        return moments or answer

    @property
    def _gives(self) -> str:
        return "time" if self.to == "timestamp" else "number"

    def _from_rows(self, rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """A list of `{counterparty: Acme, hours: 48}` as `{Acme: 48}`: the way contracts are usually written down."""
        found: dict[str, object] = {}
        for row in rows:
            if self.of not in row:
                raise UnreadableError(f"expected {self.of} in each of the list, got {dict(row)!r}")
            found[str(row[self.of])] = row.get("hours", row.get("count", 0))
        return found

    def _scalar(self, raw: object) -> Value:
        match self.kind:
            case "bool":
                return _yes_or_no(raw)
            case "int" | "number":
                return _number(raw, whole=self.kind == "int")
            case "enum":
                return _member(raw, self.members)
            case "timestamp":
                return _instant(raw)
            case "date":
                return _day(raw)
            case "country":
                if raw is False:
                    raise UnreadableError(_NORWAY)
                return country(str(raw))
            case _ if isinstance(raw, list | tuple | Mapping):
                raise UnreadableError(f"expected words, got {raw!r}")
            case _:
                return str(raw)


def _item(raw: object) -> str:
    """One thing of a list in words: `{authority: BaFin, at: ...}` reads as "authority: BaFin, at: ..."."""
    if isinstance(raw, Mapping):
        return ", ".join(f"{key}: {value}" for key, value in raw.items())
    return str(raw)


def _as_number(text: str) -> object:
    word = text.strip()
    try:
        return int(word) if word.lstrip("-").isdigit() and len(word) <= MOST_DIGITS else float(word)
    except ValueError:
        return word  # the type says what it expected


def country(text: str) -> str:
    """An ISO 3166 alpha-2 code; UK, which people write and laws use, stands for GB. Raises UnreadableError."""
    if not _COUNTRY.match(text):
        raise UnreadableError(f"{text!r} is no country code; expected two capital letters such as DE")
    return "GB" if text == "UK" else text


def _yes_or_no(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw in {"yes", "no", "true", "false"}:
        return raw in {"yes", "true"}
    raise UnreadableError(f"expected yes, no or unknown, got {raw!r}")


def _number(raw: object, *, whole: bool) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or (whole and not isinstance(raw, int)):
        raise UnreadableError(f"expected a {'whole ' if whole else ''}number, got {raw!r}")
    if not math.isfinite(raw):  # neither is an answer
        raise UnreadableError("expected a number, got not-a-number or infinity")
    return raw


def _member(raw: object, members: tuple[str, ...]) -> str:
    word = "no" if raw is False else "yes" if raw is True else raw  # YAML 1.1 reads a bare no as false
    if not isinstance(word, str) or word not in members:
        raise UnreadableError(f"{raw!r} is none of {', '.join(members)}")
    return word


def _instant(raw: object) -> datetime:
    if isinstance(raw, str):
        try:
            raw = datetime.fromisoformat(raw)
        except ValueError:
            raise UnreadableError(f"{raw!r} is no time; expected 2026-11-20T08:00:00+01:00") from None
    if not isinstance(raw, datetime) or raw.tzinfo is None:
        raise UnreadableError(f"{raw} has no time zone; a legal clock needs one, such as 2026-11-20T08:00:00+01:00")
    return raw.astimezone(UTC)


def _day(raw: object) -> date:
    if isinstance(raw, datetime):
        raise UnreadableError(f"expected a date without a time, got {raw}")
    if isinstance(raw, date):
        return raw
    try:
        return date.fromisoformat(str(raw))
    except ValueError:
        raise UnreadableError(f"{raw!r} is no date; expected 2026-11-20") from None


def plain(value: object) -> object:
    """A value as JSON can hold it, always the same for equal values: sets sorted, times in UTC, ranges as two ends."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Range):
        return {"low": plain(value.low), "high": None if value.high == math.inf else plain(value.high)}
    if isinstance(value, AtLeast):
        return {"at_least": sorted(value.items)}
    if isinstance(value, frozenset | set):
        return sorted(str(item) for item in value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def shown(value: Value | None) -> str:
    """A value as a person reads it in a reason: yes, 12, 400 to 600, DE and FR."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, Range):
        least = shown(value.low)
        return f"at least {least}" if value.high == math.inf else f"{least} to {shown(value.high)}"
    if isinstance(value, AtLeast):
        return f"at least {', '.join(sorted(value.items)) or 'none'}"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_counted(count)}" for key, count in sorted(value.items())) or "none"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return str(value)


def _counted(entry: object) -> str:
    return shown(entry) if isinstance(entry, datetime) else str(entry)
