"""Where a replay gets its objectives and its history from: a configuration and its sources, or files alone."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bot.domain.errors import Invalid, Problem, Refused
from bot.engine.ports import History
from bot.engine.replay import LONGEST_STEP, Replay, Summary, Turn, line, summary
from bot.slo.notation import parse_length
from bot.slo.spec import Expression, Slo

if TYPE_CHECKING:
    from bot.config.installation import Installation

LOOKBACK, STEP = timedelta(seconds=60), timedelta(seconds=15)
SHORTEST_STEP = timedelta(seconds=1)
FILE = "the file"

_SECONDS = re.compile(r"\d{9,11}(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of the command line; empty where left out."""

    names: Sequence[str]
    start: str
    end: str
    step: str
    lookback: str
    slos: Path | None
    metrics: Path | None
    config: Path


@dataclass(frozen=True, slots=True)
class Past:
    """What would have happened."""

    slos: tuple[Slo, ...]
    turns: tuple[Turn, ...]
    summary: Summary
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """One JSON object a line: every change, then what it came to."""
        for turn in self.turns:
            yield json.dumps(line(turn))
        yield json.dumps(self.summary.as_dict())


async def recount(asked: Asked) -> Past:
    """Run the objectives over their history. Raises Invalid, Refused, Unavailable, or a usage error."""
    installation = None if asked.slos is not None and asked.metrics is not None else _installation(asked.config)
    slos = _chosen(_objectives(asked, installation), asked.names)
    step = _step(asked, installation)
    if asked.metrics is not None:
        return await _from_file(asked, asked.metrics, slos, step)
    if installation is None:
        raise AssertionError("without a file there is a configuration")
    async with _doors(installation, slos) as doors:
        return await _from_sources(asked, installation, doors, slos, step)


def objectives(folder: Path) -> tuple[list[Slo], list[Problem]]:
    """The objectives of a folder, or of one file, in whatever format, and every problem found in it."""
    from bot.config.files import listed
    from bot.config.objectives import objectives as read

    if not folder.exists():
        return [], [Problem(str(folder), 1, 1, "is not there", "a folder of objectives, or one file of them")]
    found = read(listed(folder, ".yaml", ".yml", ".json") if folder.is_dir() else [folder])
    if not found.slos and not found.problems:
        what = Problem(str(folder), 1, 1, "holds no objective", "files in OpenSLO, Sloth's or Pyrra's format")
        found.problems.append(what)
    return found.slos, found.problems


def _installation(config: Path) -> Installation:
    from bot.cli._database import configured

    return configured(config)


def _objectives(asked: Asked, installation: Installation | None) -> list[Slo]:
    if asked.slos is None:
        return list(installation.slos) if installation is not None else []
    slos, problems = objectives(asked.slos)
    if problems:
        raise Invalid(problems)
    if installation is not None and len(installation.sources) == 1:
        only = next(iter(installation.sources))
        slos = [slo if slo.source in installation.sources else replace(slo, source=only) for slo in slos]
    return slos


def _chosen(slos: Sequence[Slo], names: Sequence[str]) -> list[Slo]:
    there_is = {slo.name: slo for slo in slos}
    for name in names:
        if name not in there_is:
            listing = ", ".join(sorted(there_is)) or "none"
            raise typer.BadParameter(f"there is no objective {name!r}; there is {listing}", param_hint="--slo")
    if not slos:
        raise Refused("there is no objective to replay")
    return [there_is[name] for name in dict.fromkeys(names)] if names else list(slos)


# -- from a file -----------------------------------------------------------------------------------------------------


async def _from_file(asked: Asked, path: Path, slos: Sequence[Slo], step: timedelta) -> Past:
    from bot.importers import openmetrics

    only_selectors(slos, path)
    queries = [query for slo in slos for measure in slo.measures for query in measure.queries]
    file = openmetrics.read(path, queries)
    lookback = _length(asked.lookback, "--lookback") or max(LOOKBACK, 2 * file.interval)
    end = _time(asked.end, "--end", file.last) if asked.end else file.last
    start = _time(asked.start, "--start", end) if asked.start else file.first
    if start > file.last or end < file.first:
        raise typer.BadParameter(f"{path} has samples from {file.first} to {file.last} only", param_hint="--start")
    made = _replay(slos, start, end, step, lookback)
    turns = [turn async for turn in made.run(file.recall(queries, made.since, end, step))]
    return Past(tuple(slos), tuple(turns), summary([made]), tuple(openmetrics.lines(file)))


def only_selectors(slos: Sequence[Slo], path: Path) -> None:
    """Raises Invalid for every query that only a server can work out."""
    problems = []
    for slo in slos:
        for query in (query for measure in slo.measures for query in measure.queries):
            if isinstance(query, Expression):
                file, line, column = (slo.origin.file, slo.origin.line, slo.origin.column) if slo.origin else ("", 1, 1)
                what = f"the objective {slo.name!r} asks {query.text!r}, which needs a server: {path} is only samples"
                problems.append(
                    Problem(file, line, column, what, 'a plain selector, such as requests_total{code=~"5.."}')
                )
    if problems:
        raise Invalid(dict.fromkeys(problems))


# -- from the sources of a configuration -----------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _doors(installation: Installation, slos: Sequence[Slo]) -> AsyncIterator[Mapping[str, History]]:
    """The sources these objectives need. Raises Refused where one remembers nothing, or is not there."""
    from bot import shelf
    from bot.clock import SystemClock

    async with contextlib.AsyncExitStack() as stack:
        doors: dict[str, History] = {}
        for name in dict.fromkeys(slo.source for slo in slos):
            if name not in installation.sources:
                raise Refused(
                    f"there is no source {name!r} in the configuration; there is {', '.join(installation.sources)}"
                )
            kind, settings = installation.sources[name]
            door = shelf.load("sources", kind)(settings, clock=SystemClock())
            stack.push_async_callback(door.close)
            if not isinstance(door, History):
                raise Refused(
                    f"the source {name!r} ({kind}) remembers nothing of the past; replay a file of it: --metrics FILE"
                )
            doors[name] = door
        yield doors


async def _from_sources(
    asked: Asked, installation: Installation, doors: Mapping[str, History], slos: Sequence[Slo], step: timedelta
) -> Past:
    from bot.clock import SystemClock

    now = SystemClock().now()
    end = _time(asked.end, "--end", now) if asked.end else now.replace(microsecond=0)
    if end > now:
        raise typer.BadParameter(f"{end} is yet to come", param_hint="--end")
    longest = max(slo.window for slo in slos)
    start = _time(asked.start, "--start", end) if asked.start else end - longest
    replays, turns = [], list[Turn]()
    for name, door in doors.items():
        mine = [slo for slo in slos if slo.source == name]
        held = getattr(installation.sources[name][1], "lookback_seconds", LOOKBACK.total_seconds())
        lookback = _length(asked.lookback, "--lookback") or timedelta(seconds=held)
        made = _replay(mine, start, end, step, lookback)
        queries = list(dict.fromkeys(query for slo in mine for each in slo.measures for query in each.queries))
        turns += [turn async for turn in made.run(door.recall(queries, made.since, end, step))]
        replays.append(made)
    return Past(tuple(slos), tuple(sorted(turns, key=lambda turn: turn.at)), summary(replays))


def _replay(slos: Sequence[Slo], start: datetime, end: datetime, step: timedelta, lookback: timedelta) -> Replay:
    if start >= end:
        raise typer.BadParameter(f"the start {start} is not before the end {end}", param_hint="--start")
    return Replay(slos, start=start, end=end, step=step, lookback=lookback)


# -- times and lengths as people write them --------------------------------------------------------------------------


def _step(asked: Asked, installation: Installation | None) -> timedelta:
    configured = min(installation.poll_every, LONGEST_STEP) if installation is not None else STEP
    step = _length(asked.step, "--step") or max(configured, SHORTEST_STEP)
    if not SHORTEST_STEP <= step <= LONGEST_STEP:
        raise typer.BadParameter(
            "a step is between 1s and 1m: two minutes without a look are a gap", param_hint="--step"
        )
    return step


def _length(text: str, option: str) -> timedelta | None:
    if not text:
        return None
    try:
        return parse_length(text)
    except ValueError as wrong:
        raise typer.BadParameter(f"{wrong} (expected such as 15s, 5m or 7d)", param_hint=option) from None


def _time(text: str, option: str, end: datetime) -> datetime:
    """A moment: RFC 3339, a date (UTC), seconds since 1970, or a length before `end`."""
    text = text.strip()
    try:
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        try:
            return end - parse_length(text)
        except ValueError:
            expected = "expected such as 2026-11-01T12:00:00Z, 2026-11-01 or 7d"
            raise typer.BadParameter(f"{text!r} is no time ({expected})", param_hint=option) from None
    return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
