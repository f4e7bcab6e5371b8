"""Carries out `tocsin import`: reads, converts, tells what does not carry over, and writes all of it or nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType

from bot import shelf
from bot.cli._text import clean, line, out, wrapped
from bot.clock import Clock, SystemClock
from bot.domain.errors import NotFound, Refused
from bot.importers import _compare, _export, _files
from bot.importers._compare import Compared
from bot.importers._files import Change, Plan
from bot.importers._found import Harvest, Remark

SHELF = "importers"
MOST_PLACES = 3
MOST_DIFFERENCES = 10


def importer(name: str) -> ModuleType:
    """The file of the shelf that reads what that system exports. Raises NotFound with those there are."""
    wanted = name.strip().lower().replace("-", "_")
    there_is = {each: shelf.module(SHELF, each) for each in shelf.names(SHELF)}
    able = {each: module for each, module in there_is.items() if hasattr(module, "convert")}
    if wanted not in able:
        raise NotFound("system to import from", name, [each.replace("_", "-") for each in able])
    return able[wanted]


def how(module: ModuleType) -> Iterator[str]:
    """How the file is made: what the importer says of itself."""
    yield from (inspect.getdoc(module) or "").splitlines()


def run(
    module: ModuleType, file: Path, folder: Path, *, dry_run: bool, force: bool, clock: Clock | None = None
) -> None:
    """Import that file into the folder. Raises Invalid, Refused, Unavailable; nothing is written then."""
    now = (clock or SystemClock()).now()
    harvest: Harvest = module.convert(_export.read(file), _files.known(folder), now)
    plan = _files.plan(harvest, folder)
    compared = _compare.compare(harvest, now)
    out(_read(harvest))
    out(_files_told(plan, dry_run=dry_run, force=force))
    out(_compared(compared, harvest.vendor))
    out(_remarks(harvest.remarks))
    out(_needed(harvest))
    if plan.conflicts and not force:
        for each in plan.conflicts:
            out(("", *(clean(one) for one in each.difference())))
        paths = ", ".join(str(each.path) for each in plan.conflicts)
        raise Refused(f"nothing was written: {paths} would be overwritten. Keep yours, or import again with --force")
    if not dry_run:
        _files.write(plan.wanted)
    out(("", _end(plan, folder, dry_run=dry_run)))


def _read(harvest: Harvest) -> Iterator[str]:
    counted = [_many(count, what) for what, count in harvest.read.items() if count]
    yield f"Read from {harvest.vendor}: {', '.join(counted)}."


def _files_told(plan: Plan, *, dry_run: bool, force: bool) -> Iterator[str]:
    yield ""
    yield "Files:" if plan.changes else "No file follows from it."
    for each in plan.changes:
        yield f"  {_verb(each, dry_run=dry_run, force=force)} {each.path}  ({line(_of(each))})"


def _of(change: Change) -> str:
    return f"{', '.join(change.added)}" if change.added else f"from {change.source}"


def _verb(change: Change, *, dry_run: bool, force: bool) -> str:
    if change.is_same:
        return "unchanged"
    if change.replaces:
        return "differs  " if not force else "overwrite" if dry_run else "overwrote"
    if change.added:
        return "add to   " if dry_run else "added to "
    return "write    " if dry_run else "wrote    "


def _compared(compared: Sequence[Compared], vendor: str) -> Iterator[str]:
    for each in compared:
        yield ""
        names, since, until = ", ".join(each.rotas), _day(each.start), _day(each.end)
        if not each.differences:
            yield f"{names}: the same people are on call as {vendor} shows, at every instant from {since} to {until}."
            continue
        count = len(each.differences)
        yield f"{names}: differs from what {vendor} shows in {_many(count, 'stretches')}, {since} to {until}:"
        for one in each.differences[:MOST_DIFFERENCES]:
            theirs, ours = (", ".join(people) or "nobody" for people in (one.theirs, one.ours))
            yield f"  {_day(one.start)} to {_day(one.end)}: {line(theirs)} there, {line(ours)} here"
        if count > MOST_DIFFERENCES:
            yield f"  and {count - MOST_DIFFERENCES} more"


def _remarks(remarks: Sequence[Remark]) -> Iterator[str]:
    if not remarks:
        return
    yield ""
    yield "What does not carry over, or not as it was:"
    places: dict[str, list[str]] = {}
    for each in remarks:
        places.setdefault(each.what, []).append(each.place)
    for what, where in places.items():
        more = f" and {len(where) - MOST_PLACES} more" if len(where) > MOST_PLACES else ""
        yield from wrapped(line(f"{', '.join(where[:MOST_PLACES])}{more}: {what}."))


def _needed(harvest: Harvest) -> Iterator[str]:
    """What the files rest on in tocsin.yaml."""
    pagers = sorted({way for person in harvest.people if person.is_new for way in person.reach} - {"slack"})
    if pagers:
        yield ""
        yield f"tocsin.yaml needs these under `pagers`, for people are reached by them: {', '.join(pagers)}."


def _end(plan: Plan, folder: Path, *, dry_run: bool) -> str:
    if not plan.wanted:
        return "Nothing changes: all of it stands there already."
    if dry_run:
        return "Nothing was written (--dry-run)."
    return f"Next: read the files, then `tocsin check -c {folder / 'tocsin.yaml'}`."


def _many(count: int, what: str) -> str:
    if count != 1:
        return f"{count:,} {what}"
    singular = {"policies": "policy", "stretches": "stretch"}
    first, _space, last = what.rpartition(" ")
    return f"1 {first} {singular.get(last, last.removesuffix('s'))}".replace("  ", " ")


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
