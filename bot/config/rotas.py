"""`rotas/*.yaml`: each rota of ours, with its layers and overrides, and each schedule that is kept elsewhere."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from bot.config import wall
from bot.config.files import listed, read_page
from bot.config.fit import Fitter, closest
from bot.config.marks import Marked, Page, kind_of
from bot.config.shelves import Models, settings_model
from bot.rota.rota import Layer, Only, Override, Rota, Turn, Unit

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
TURNS = "daily, weekly, {hours: 12}, {days: 3} or {weeks: 2}"
LONGEST = {Unit.HOURS: 24 * 366, Unit.DAYS: 366, Unit.WEEKS: 53}
NAMED = {"daily": Turn(1, Unit.DAYS), "weekly": Turn(1, Unit.WEEKS)}


class Elsewhere(NamedTuple):
    """A schedule kept elsewhere: who keeps it, and how they are asked."""

    provider: str
    settings: BaseModel
    title: str
    zone: str


@dataclass(frozen=True, slots=True)
class Rotas:
    """Every rota and schedule that could be read, and every name that stands in the folder."""

    by_name: dict[str, Rota] = field(default_factory=dict)
    schedules: dict[str, Elsewhere] = field(default_factory=dict)
    pages: dict[str, Marked] = field(default_factory=dict)
    named: frozenset[str] = frozenset()


def read_rotas(folder: Path, fitter: Fitter, models: Models) -> Rotas:
    """Every file of the folder; a rota's name is its file's."""
    found = Rotas()
    named: set[str] = set()
    for path, document in pages(folder, fitter, "rota", named):
        page = Page(document, fitter.problems)
        before = len(fitter.problems)
        if page.get("provider") is not None or page.get("settings") is not None:
            schedule = _elsewhere(page, fitter, models)
            if schedule is not None:
                found.schedules[path.stem] = schedule
        elif (rota := _rota(page, path.stem)) is not None and len(fitter.problems) == before:
            found.by_name[path.stem] = rota
        found.pages[path.stem] = document
    return Rotas(found.by_name, found.schedules, found.pages, frozenset(named))


def pages(folder: Path, fitter: Fitter, what: str, named: set[str]) -> Iterator[tuple[Path, Marked]]:
    """The documents of a folder whose files' names are names of what stands in them; `named` takes in every name."""
    for path in listed(folder, ".yaml", ".yml"):
        document = read_page(path, fitter.problems)
        taken = path.stem in named
        named.add(path.stem)
        if document is None:
            continue
        if not NAME.fullmatch(path.stem):
            told = f"the file's name is the {what}'s, and {path.stem!r} is no name"
            fitter.problems.append(document.problem(told, expected="small letters, digits, . _ -"))
        elif taken:
            told = f"the {what} {path.stem!r} stands in {path.stem}.yaml already"
            fitter.problems.append(document.problem(told, expected="each name once"))
        else:
            yield path, document


def _elsewhere(page: Page, fitter: Fitter, models: Models) -> Elsewhere | None:
    if not page.known((), "title", "zone", "provider", "settings"):
        return None
    provider, zone = page.text("provider"), wall.zone(page, "zone")
    title = page.text("title") if page.get("title") is not None else ""
    if not provider:
        return None
    model = settings_model("oncall", provider, page.document, ("provider",), models, fitter.problems)
    settings = fitter.fit(model, page.document, "settings") if model is not None else None
    return Elsewhere(provider, settings, title, zone) if settings is not None and zone else None


def _rota(page: Page, name: str) -> Rota | None:
    if not page.known((), "title", "zone", "layers", "overrides"):
        return None
    title = page.text("title") if page.get("title") is not None else ""
    zone = wall.zone(page, "zone")
    layers = [_layer(page, "layers", index) for index in _each(page, "layers", required=True)]
    overrides = [_override(page, "overrides", index) for index in _each(page, "overrides")]
    _twice(page, layers)
    return Rota(
        name=name,
        zone=zone,
        layers=tuple(layer for layer in layers if layer is not None),
        overrides=tuple(override for override in overrides if override is not None),
        title=title,
    )


def _layer(page: Page, *here: str | int) -> Layer | None:
    if not page.known(here, "name", "from", "to", "zone", "turn", "people", "only"):
        return None
    name = page.text(*here, "name") if page.get(*here, "name") is not None else ""
    start = wall.moment(page, *here, "from")
    end = wall.moment(page, *here, "to") if page.get(*here, "to") is not None else None
    zone = wall.zone(page, *here, "zone", required=False)
    turn, turns = _turn(page, *here, "turn"), tuple(_people(page, *here, "people"))
    only = tuple(each for index in _each(page, *here, "only") for each in _only(page, *here, "only", index))
    if start is None or turn is None:
        return None
    if end is not None and end <= start:
        page.complain("this layer ends before it begins", *here, "to", expected="a time after `from`")
        return None
    return Layer(name, turns, start, turn, end, only, zone)


def _turn(page: Page, *here: str | int) -> Turn | None:
    value = page.get(*here)
    if isinstance(value, str) and value in NAMED:
        return NAMED[value]
    if value is None:
        page.complain("turn is missing", *here, expected=TURNS)
        return None
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in list(Unit):
        what = f"turn is {kind_of(value)}{closest(value, NAMED) if isinstance(value, str) else ''}"
        page.complain(what, *here, expected=TURNS)
        return None
    ((unit, amount),) = value.items()
    most = LONGEST[Unit(unit)]
    if not isinstance(amount, int) or isinstance(amount, bool) or not 1 <= amount <= most:
        page.complain(f"{unit} is {kind_of(amount)}", *here, unit, expected=f"a whole number from 1 to {most}")
        return None
    return Turn(amount, Unit(unit))


def _people(page: Page, *here: str | int) -> Iterator[tuple[str, ...]]:
    """Those of each turn; `[]` is a turn that nobody has."""
    for index in _each(page, *here, required=True):
        if not isinstance(page.get(*here, index), list):
            if name := page.text(*here, index):
                yield (name,)
            continue
        inner = _each(page, *here, index)
        turn = tuple(name for at in inner if (name := page.text(*here, index, at)))
        for at, name in enumerate(turn):
            if name in turn[:at]:
                page.complain(f"{name} stands in this turn twice", *here, index, at, expected="each person once")
        if turn or not inner:
            yield turn


def _only(page: Page, *here: str | int) -> Iterator[Only]:
    """A stretch of the week as it is, or one for each of the days."""
    if not page.known(here, "days", "from", "to"):
        return
    weekly = [isinstance(value := page.get(*here, key), str) and value[:1].isalpha() for key in ("from", "to")]
    if page.get(*here, "days") is None and any(weekly):
        since, until = wall.of_week(page, *here, "from"), wall.of_week(page, *here, "to")
        if since is not None and until is not None:
            yield Only(*since, *until)
        return
    days = wall.weekdays(page, *here, "days") if page.get(*here, "days") is not None else tuple(range(7))
    begin, stop = wall.clock(page, *here, "from"), wall.clock(page, *here, "to", end=True)
    if begin is None or stop is None:
        return
    for day in days:
        yield Only(day, begin, day if stop > begin else (day + 1) % 7, stop)


def _override(page: Page, *here: str | int) -> Override | None:
    if not page.known(here, "from", "to", "person", "instead_of"):
        return None
    start, end = wall.moment(page, *here, "from"), wall.moment(page, *here, "to")
    nobody = page.get(*here, "person") == ""
    person = "" if nobody else page.text(*here, "person")
    instead_of = page.text(*here, "instead_of") if page.get(*here, "instead_of") is not None else ""
    if start is None or end is None or not (person or nobody):
        return None
    if end <= start:
        page.complain("this override ends before it begins", *here, "to", expected="a time after `from`")
        return None
    if person and person == instead_of:
        page.complain(f"{person} cannot stand in for themselves", *here, "instead_of", expected="another person")
        return None
    return Override(start, end, person, instead_of)


def _each(page: Page, *here: str | int, required: bool = False) -> range:
    """The places of a list; complains where there is something else, or nothing where something must be."""
    held = page.get(*here)
    if isinstance(held, list) and (held or not required):
        return range(len(held))
    if held is not None or required:
        what = "is missing" if held is None else "is empty" if held == [] else f"is {kind_of(held)}"
        page.complain(f"{here[-1]} {what}", *here, expected="a list")
    return range(0)


def _twice(page: Page, layers: list[Layer | None]) -> None:
    """Of two layers of one name nobody could tell by which somebody is on call."""
    names = [layer.name if layer is not None else "" for layer in layers]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            what = f"the layer {name!r} stands here twice"
            page.complain(what, "layers", index, "name", expected="each name once")
