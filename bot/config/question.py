"""Reads what counsel asks about: the facts of a case, what was filed already, and where it is counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from bot.config.legal_facts import answered
from bot.config.model import known_place
from bot.config.regime_pages import Page
from bot.notices.facts import Facts, FactType, UnreadableError
from bot.notices.regime import Fact, Regime

BESIDE = ("facts", "submitted", "timezone", "country")
_INSTANT = FactType("timestamp")


@dataclass(frozen=True, slots=True)
class Question:
    """One case. `timezone` and `country` are "" where the file leaves them to the organisation's own."""

    facts: Facts
    submitted: Mapping[str, Mapping[str, datetime]]
    timezone: str = ""
    country: str = ""


def read_question(path: Path, facts: Mapping[str, Fact], regimes: Mapping[str, Regime]) -> Question:
    """The case of one YAML file: a fact a line (or all of them under `facts:`), and beside them what is optional.

    `submitted: {<regime>/<stage>: instant}` says what was filed, `timezone` and `country` where it is counted. Raises
    Invalid with every mistake of the file.
    """
    page = Page(path)
    top = page.entries(page.root)
    beside = {key: top.pop(key) for key in BESIDE if key in top}
    grouped = page.entries(beside.get("facts"))
    for key in grouped.keys() & top.keys():
        page.wrong(grouped[key], f"{key!r} stands here twice")
    known = answered(page, {**grouped, **top}, facts)
    question = Question(
        known,
        _submitted(page, beside.get("submitted"), regimes),
        _timezone(page, beside.get("timezone")),
        _country(page, beside.get("country")),
    )
    page.problems.sort(key=lambda each: (each.line, each.column))
    page.finish()
    return question


def _submitted(
    page: Page, node: yaml.Node | None, regimes: Mapping[str, Regime]
) -> Mapping[str, Mapping[str, datetime]]:
    found: dict[str, dict[str, datetime]] = {}
    for key, entry in page.entries(node).items():
        regime_id, _, stage_id = key.partition("/")
        regime = regimes.get(regime_id)
        if regime is None or regime.stage(stage_id) is None:
            stages = [f"{each.id}/{stage.id}" for each in regimes.values() for stage in each.stages]
            near = get_close_matches(key, stages, 3)
            page.wrong(entry, f"{key!r} is no notice of a regime", ", ".join(near) or "<regime>/<stage>")
            continue
        try:
            moment = _INSTANT.read(page.plain(entry))
        except UnreadableError as wrong:
            page.wrong(entry, f"{key}: {wrong}")
            continue
        if isinstance(moment, datetime):  # unknown: not filed, as far as anybody knows
            found.setdefault(regime_id, {})[stage_id] = moment
    return found


def _timezone(page: Page, node: yaml.Node | None) -> str:
    name = page.text(node)
    try:
        return str(ZoneInfo(name)) if name else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        page.wrong(node, f"there is no time zone {name!r}", "an IANA name such as Europe/Berlin")
        return ""


def _country(page: Page, node: yaml.Node | None) -> str:
    name = page.text(node)
    try:
        return known_place(name) if name else ""
    except ValueError as wrong:
        page.wrong(node, str(wrong))
        return ""
