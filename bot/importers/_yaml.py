"""Writes rotas, escalations and people as a person would: readable YAML, with a word on where each part came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import yaml

from bot.importers._found import Elsewhere, Escalation, Found, Person
from bot.rota.rota import Layer, Only, Override, Turn, Unit

WIDTH = 100
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PLAIN = re.compile(r"[^\W_][\w .,()/+@–—·-]*")
_IN_A_LIST = re.compile(r"[^\W_][\w .()/+-]*")


def rota(found: Found) -> str:
    """A file of rotas/."""
    lines = [f"# From {_comment(found.source)}."]
    lines += [f"title: {text(found.rota.title)}"] if found.rota.title.strip() else []
    lines += [f"zone: {found.rota.zone}", "layers:" if found.rota.layers else "layers: []"]
    for layer, source in zip(found.rota.layers, found.layers, strict=True):
        lines += [f"  - name: {text(layer.name)}    # {_comment(source)}", *(f"    {each}" for each in _layer(layer))]
    if found.rota.overrides:
        lines.append("overrides:")
        for override, source in zip(found.rota.overrides, found.overrides, strict=True):
            lines.append(f"  - {{{', '.join(_override(override))}}}    # {_comment(source)}")
    return "\n".join(lines) + "\n"


def elsewhere(found: Elsewhere) -> str:
    """A file of rotas/ for a schedule that is kept elsewhere."""
    lines = [f"# From {_comment(found.source)}."]
    lines += [f"title: {text(found.title)}"] if found.title.strip() else []
    lines += [f"zone: {found.zone}", f"provider: {found.provider}"]
    return "\n".join(lines) + "\n" + _settings(found)


def escalation(found: Escalation) -> str:
    """A file of escalations/."""
    lines = [f"# From {_comment(found.source)}: {_comment(found.title)}.", "levels:"]
    for level in found.levels:
        lines += _listed("  - page", [text(each, listed=True) for each in level.page], "      ")
        lines += [f"    within: {span(level.within)}"] if level.within is not None else []
    lines.append(f"rounds: {found.rounds}")
    lines += _listed("end", [text(each, listed=True) for each in found.end], "  ") if found.end else []
    return "\n".join(lines) + "\n"


def people(found: Sequence[Person]) -> str:
    """Entries of people.yaml, those of one system after one another."""
    parts = []
    for person in found:
        lines = [f"{text(person.key)}:    # {_comment(person.source)}", f"  name: {text(person.name)}"]
        lines += [f"  email: {text(person.email)}"] if person.email else []
        lines += [f'  phone: "{person.phone}"'] if person.phone else []
        lines += [f"  zone: {person.zone}"] if person.zone else []
        lines += [f"  reach: [{', '.join(person.reach)}]"] if person.reach else []
        if person.slack_user:
            team = f"team: {text(person.slack_team, listed=True)}, " if person.slack_team else ""
            lines.append(f"  slack: {{{team}user: {text(person.slack_user, listed=True)}}}")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def text(value: str, *, listed: bool = False) -> str:
    """A text as YAML: plain where nothing else could be read, in quotes otherwise."""
    plain = (_IN_A_LIST if listed else _PLAIN).fullmatch(value)
    if plain and not value.endswith(" ") and yaml.safe_load(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\x7f").replace("\x85", "\\x85")


def span(lasting: timedelta) -> str:
    """5m, 1h, 90s: in the largest unit that is whole."""
    seconds = int(lasting.total_seconds())
    size, unit = next((size, unit) for size, unit in ((3600, "h"), (60, "m"), (1, "s")) if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _layer(layer: Layer) -> Iterator[str]:
    yield f"from: {_moment(layer.start)}"
    if layer.end is not None:
        yield f"to: {_moment(layer.end)}"
    if layer.zone:
        yield f"zone: {layer.zone}"
    yield f"turn: {_turn(layer.every)}"
    turns = (turn[0] if len(turn) == 1 else f"[{', '.join(turn)}]" for turn in layer.turns)
    yield from _listed("people", list(turns), "  ")
    if layer.only:
        yield "only:"
        yield from (f"  - {each}" for each in _only(layer.only))


def _turn(every: Turn) -> str:
    if every.amount == 1 and every.unit != Unit.HOURS:
        return "daily" if every.unit == Unit.DAYS else "weekly"
    return f"{{{every.unit}: {every.amount}}}"


def _only(given: Sequence[Only]) -> Iterator[str]:
    """Each time of day once, with all the days it holds on; then the longer stretches of the week."""
    daily: dict[tuple[str, str], list[int]] = {}
    for one in given:
        if _is_daily(one):
            daily.setdefault((f"{one.since:%H:%M}", f"{one.until:%H:%M}"), []).append(one.since_day)
    for (since, until), days in daily.items():
        yield f'{{days: {_days(days)}, from: "{since}", to: "{until}"}}'
    for one in given:
        if not _is_daily(one):
            since, until = f"{DAYS[one.since_day]} {one.since:%H:%M}", f"{DAYS[one.until_day]} {one.until:%H:%M}"
            yield f"{{from: {since}, to: {until}}}"


def _is_daily(one: Only) -> bool:
    next_day = (one.since_day + 1) % 7
    return one.until_day == one.since_day if one.until > one.since else one.until_day == next_day


def _days(days: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for day in sorted(set(days)):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    shown = [DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def _override(override: Override) -> Iterator[str]:
    yield f"from: {_moment(override.start)}"
    yield f"to: {_moment(override.end)}"
    yield f"person: {override.person}"
    if override.instead_of:
        yield f"instead_of: {override.instead_of}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _listed(key: str, items: Sequence[str], indent: str) -> list[str]:
    """`key: [a, b]` on one line, or one item a line where that is too long."""
    short = f"{key}: [{', '.join(items)}]"
    return [short] if len(short) <= WIDTH else [f"{key}:", *(f"{indent}- {item}" for item in items)]


def _settings(found: Elsewhere) -> str:
    return yaml.safe_dump({"settings": dict(found.settings)}, sort_keys=False, allow_unicode=True)


def _comment(words: str) -> str:
    return " ".join(re.sub(r"[^\w\s.,:;()/@+–—’'&-]", "", words).split())
