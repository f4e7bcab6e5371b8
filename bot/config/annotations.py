"""Reads the settings that other people's formats have no words for: annotations under `tocsin.dev/`."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Literal, TypedDict, TypeVar

from bot.config.marks import Page
from bot.domain.errors import Invalid
from bot.slo.notation import parse_length, parse_tiers
from bot.slo.spec import MIN_EVENTS, NO_DATA_AFTER, RECOVER_FOR, Slice, Tier

PREFIX = "tocsin.dev/"
NAMES = (
    "slice", "slice-by", "tiers", "min-events", "no-data-after", "recover-for", "runbook", "severity", "missing-bad",
    "source", "births", "page-rule", "empty-slices", "fairness",
)  # fmt: skip
WORST, MILDEST = 1, 5
WIDEST = 0.5  # a gap beyond it is none that anybody allows

Missing = Literal["zero", "no_data"]
Empty = Literal["unknown", "good", "bad"]
T = TypeVar("T")
W = TypeVar("W", bound=str)

_SHARE = re.compile(r"0?\.\d+|0")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MISSING: dict[str, Missing] = {"zero": "zero", "no_data": "no_data"}
_EMPTY: dict[str, Empty] = {"unknown": "unknown", "good": "good", "bad": "bad"}
_BIRTHS: dict[str, Literal["count", "skip"]] = {"count": "count", "skip": "skip"}
_RULES: dict[str, Literal["evidence", "burn_rate"]] = {"evidence": "evidence", "burn-rate": "burn_rate"}


class Settings(TypedDict):
    """The settings of an objective that are the same in every format, by the names of its fields."""

    slice: Slice | None
    slice_by: str
    allowed_gap: float | None
    births: Literal["count", "skip"]
    rule: Literal["evidence", "burn_rate"]
    min_events: int
    no_data_after: timedelta
    recover_for: timedelta
    runbook: str | None
    severity: int | None


class Annotations:
    """The annotations of one document; each that cannot be meant is told at its place."""

    def __init__(self, page: Page, *more: str) -> None:
        """`more` are annotations that only this format knows."""
        self.page = page
        held = page.get("metadata", "annotations")
        if held is not None:
            names = tuple(held) if isinstance(held, dict) else ()
            foreign = tuple(name for name in names if not str(name).startswith(PREFIX))
            page.known(("metadata", "annotations"), *(PREFIX + name for name in (*NAMES, *more)), *foreign)

    def settings(self, no_data_after: timedelta = NO_DATA_AFTER) -> Settings:
        """Everything but what depends on the rest of the document."""
        allowed_gap = self._parsed("fairness", _parity, "parity, or parity@0.05 where so large a gap is allowed")
        if allowed_gap is not None and self.text("slice-by") is None:
            what = "between whom is this to be fair?"
            self.page.complain(what, *self.path("fairness"), expected=f"{PREFIX}slice-by beside it, such as age_group")
        return Settings(
            slice=self._parsed("slice", _slice, "dimension=value, as in health=poor"),
            slice_by=self._parsed("slice-by", _label, "a label's name, such as region") or "",
            allowed_gap=allowed_gap,
            births=self._one_of("births", _BIRTHS) or "count",
            rule=self._one_of("page-rule", _RULES) or "evidence",
            min_events=self._number("min-events", 1, 10**9) or MIN_EVENTS,
            no_data_after=self._length("no-data-after") or no_data_after,
            recover_for=self._length("recover-for") or RECOVER_FOR,
            runbook=self.text("runbook"),
            severity=self._number("severity", WORST, MILDEST),
        )

    def text(self, name: str) -> str | None:
        """The annotation's text; a bare number is taken as written, for YAML users rarely quote one."""
        path = self.path(name)
        value = self.page.get(*path)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return f"{value}"
        return self.page.text(*path) or None if value is not None else None

    def missing_bad(self) -> Missing | None:
        """What an absent series of bad events means."""
        return self._one_of("missing-bad", _MISSING)

    def empty_slices(self) -> Empty:
        """What a time slice without events is."""
        return self._one_of("empty-slices", _EMPTY) or "unknown"

    def tiers(self, window: timedelta) -> tuple[Tier, ...] | None:
        """The tiers written, none where none are, None where they cannot be read."""
        text = self.text("tiers")
        if text is None:
            return ()
        try:
            return parse_tiers(text, window)
        except Invalid as error:
            for each in error.problems:
                self.page.complain(each.what, *self.path("tiers"), expected=each.expected, offset=each.column - 1)
            return None

    @staticmethod
    def path(name: str) -> tuple[str, str, str]:
        """Where that annotation stands."""
        return ("metadata", "annotations", PREFIX + name)

    def _number(self, name: str, least: int, most: int) -> int | None:
        def parse(text: str) -> int:
            if not text.strip().isdecimal() or not least <= int(text) <= most:
                raise ValueError(f"{name} is {text!r}")
            return int(text)

        return self._parsed(name, parse, f"a whole number from {least} to {most}")

    def _length(self, name: str) -> timedelta | None:
        return self._parsed(name, parse_length, "such as 10m, 1h or 15s")

    def _one_of(self, name: str, words: dict[str, W]) -> W | None:
        def parse(text: str) -> W:
            if text not in words:
                raise ValueError(f"{name} is {text!r}")
            return words[text]

        return self._parsed(name, parse, " or ".join(words))

    def _parsed(self, name: str, parse: Callable[[str], T], expected: str) -> T | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.page.complain(str(error), *self.path(name), expected=expected)
            return None


def _slice(text: str) -> Slice:
    dimension, equals, value = (each.strip() for each in text.partition("="))
    if not (dimension and equals and value) or not all(each.strip() for each in value.split("|")):
        raise ValueError(f"{text!r} is no slice")
    return Slice(dimension, value)


def _parity(text: str) -> float:
    """The gap that is allowed: none, unless it is said."""
    kind, sign, gap = (each.strip() for each in text.partition("@"))
    if kind == "odds":
        raise ValueError("equalised odds are two objectives: parity of true positives, and of false ones")
    if kind != "parity" or (sign and not _SHARE.fullmatch(gap)) or (sign and float(gap) >= WIDEST):
        raise ValueError(f"{text!r} is no measure of fairness")
    return float(gap) if sign else 0.0


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no label")
    return text.strip()
