"""A dated example in one line: regime, stage, clock starts and zone in; the date the regime files give for it out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.notices.applicability import in_force
from bot.notices.clocks import clocks
from bot.notices.deadline import Dates, Policy, deadlines, starts
from bot.notices.facts import Facts, FactType, UnreadableError, Value
from bot.notices.logic import facts_of
from bot.notices.places import deciding
from bot.notices.regime import Regime, Stage

COLUMNS = ("id", "regime", "stage", "clock_start_iso", "tz", "expected_deadline_iso")
NOT_APPLICABLE = "NOT_APPLICABLE"
BY_LAW = ("strict", "outer", "legal")
OPTIONS = {"ms": "", "entity": "dora_entity_type", "nis2": "nis2_entity", "annex": "high_risk_ai_system"}
ANNEX = {"III": "annex_iii", "I": "annex_i"}
ALIASES = {
    "aware": "aware_at",
    "classified": "classified_major_at",
    "processor_aware": "processor_aware_at",
    "controller_informed": "controller_informed_at",
}
_STAGE = re.compile(r"(?P<id>\w+)(?:@(?P<policy>\w+))?(?:\[(?P<options>[^\[\]]*)\])?\Z")
_INSTANT = FactType("timestamp")
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?\Z")


class RowError(ValueError):
    """A cell that means nothing: the column, what is wrong with it, and what was expected."""

    def __init__(self, column: str, what: str, expected: str = "") -> None:
        super().__init__(what)
        self.column, self.what, self.expected = column, what, expected


@dataclass(frozen=True, slots=True)
class Vector:
    """One row, read: what it is counted from and what should come out; None is that the regime does not apply."""

    id: str
    regime: Regime
    stage: Stage
    policy: str
    country: str
    facts: Mapping[str, Value]
    starts: Mapping[str, datetime]
    zone: ZoneInfo
    expected: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """What came out of a row: the date, or None and why there is none; `applies` is whether the law is in force."""

    date: datetime | None
    counted: str
    applies: bool = True

    def fits(self, vector: Vector) -> bool:
        """Whether it is the same instant as expected, or the law is not in force and none was."""
        return self.date == vector.expected if vector.expected else not self.applies


def read(row: Mapping[str, str], regimes: Mapping[str, Regime]) -> Vector:
    """A row's cells as what they mean. Raises RowError for the first that means nothing."""
    regime = regimes.get(row["regime"])
    if regime is None:
        raise RowError("regime", f"there is no regime {row['regime']!r}", _near(row["regime"], regimes))
    zone = _zone(row["tz"])
    stage, policy, options = _stage(row["stage"], regime)
    country, facts = _options(options, regime)
    moments = _moments(row["clock_start_iso"], regime, stage)
    return Vector(
        row["id"],
        regime,
        stage,
        policy,
        country,
        facts,
        moments,
        zone,
        _expected(row["expected_deadline_iso"]),
    )


def found(vector: Vector, policy: Policy | None = None) -> Found:
    """Count it: the date its policy asks for, in its zone, or why there is none. Raises RowError."""
    regime = vector.regime
    special = (key for each in vector.stage.deadline.variants for key in facts_of(each.when))
    ordinary = dict.fromkeys((key for key in special if regime.facts[key].type.kind == "bool"), False)
    facts: Facts = {**ordinary, **vector.facts, **vector.starts}  # a row that names no special case is of none
    moments = {**vector.starts, **starts(regime, facts)}
    began = moments.get(regime.clock_start) or min(moments.values())
    gate = in_force(regime, facts, began.astimezone(vector.zone).date())
    if gate is not None and gate[0] is False:
        return Found(None, f"Not in force: {gate[2]}.", applies=False)
    country = vector.country or deciding(regime, facts, str(vector.zone), "").country
    dates = deadlines(vector.stage, moments, str(vector.zone), country, policy, facts)
    return Found(_asked_for(vector.policy, dates), dates.because)


def _asked_for(policy: str, dates: Dates) -> datetime | None:
    if policy not in BY_LAW and dates.by_law and dates.strict:
        raise RowError("stage", f"the law gives this stage a number, so {policy!r} is none of its dates", _listed())
    if policy == "legal" and dates.strict != dates.outer:
        raise RowError("stage", "this stage has two dates: the target and the last arguable one", "strict or outer")
    return dates.outer if policy == "outer" else dates.strict


def _listed() -> str:
    return ", ".join(BY_LAW)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RowError("tz", f"there is no time zone {text!r}", "an IANA name such as Europe/Berlin") from None


def _stage(text: str, regime: Regime) -> tuple[Stage, str, str]:
    read = _STAGE.match(text.strip())
    if read is None:
        raise RowError("stage", f"{text!r} is no stage", "stage@policy[key=value,...]")
    stage = regime.stage(read["id"])
    if stage is None:
        known = {each.id: each for each in regime.stages}
        raise RowError("stage", f"{regime.id} has no stage {read['id']!r}", _near(read["id"], known))
    return stage, read["policy"] or "strict", read["options"] or ""


def _options(text: str, regime: Regime) -> tuple[str, dict[str, Value]]:
    """The place of `ms`, and the facts the other keys state."""
    country, facts = "", dict[str, Value]()
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, sign, value = pair.partition("=")
        if not sign or key not in OPTIONS:
            raise RowError("stage", f"{pair!r} is no key=value that is known here", ", ".join(OPTIONS))
        if key == "ms":
            if not _PLACE.match(value):
                raise RowError("stage", f"{value!r} is no country or region", "such as DE or DE-BY")
            country = value
            continue
        if key == "annex" and value not in ANNEX:
            raise RowError("stage", f"there is no annex {value!r}", " or ".join(ANNEX))
        fact = regime.facts.get(OPTIONS[key])
        try:
            stated = fact.type.read(ANNEX.get(value, value)) if fact else ANNEX.get(value, value)
        except UnreadableError as wrong:
            raise RowError("stage", f"{key}: {wrong}") from None
        if stated is not None:
            facts[OPTIONS[key]] = stated
    return country, facts


def _moments(text: str, regime: Regime, stage: Stage) -> dict[str, datetime]:
    """`instant` for the stage's own clock, or `name=instant;name=instant`."""
    if "=" not in text:
        names = clocks(stage)
        return {names[0] if len(names) == 1 else stage.clock_start: _instant(text, "clock_start_iso")}
    moments: dict[str, datetime] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        name, _, value = part.partition("=")
        key = ALIASES.get(name.strip(), name.strip())
        fact = regime.facts.get(key)
        if (fact is None or fact.type.kind != "timestamp") and key not in clocks(stage):
            times = [each for each, kind in regime.facts.items() if kind.type.kind == "timestamp"]
            raise RowError("clock_start_iso", f"no clock starts on {name.strip()!r}", _near(key, [*ALIASES, *times]))
        if key in moments:
            raise RowError("clock_start_iso", f"{name.strip()!r} is stated twice")
        moments[key] = _instant(value, "clock_start_iso")
    return moments


def _instant(text: str, column: str) -> datetime:
    try:
        moment = _INSTANT.read(text.strip())
    except UnreadableError as wrong:
        raise RowError(column, str(wrong)) from None
    if not isinstance(moment, datetime):
        raise RowError(column, "nothing stands here", "an instant such as 2026-11-20T08:00:00+01:00")
    return moment


def _expected(text: str) -> datetime | None:
    return None if text.strip() == NOT_APPLICABLE else _instant(text, "expected_deadline_iso")


def _near(word: str, known: Mapping[str, object] | list[str]) -> str:
    near = get_close_matches(word, list(known), 3)
    listed = ", ".join(near or sorted(known)[:8])
    return listed if near or len(known) <= 8 else f"{listed}, ..."  # noqa: PLR2004 - as many as read well
