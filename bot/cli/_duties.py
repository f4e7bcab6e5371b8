"""What `tocsin duties` asks and of whom: the regimes at hand, the facts of a case, the moment it is looked at from."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typer

from bot.cli._common import TOCSIN_YAML
from bot.cli._text import out, out_json
from bot.config.load import organisation
from bot.config.model import Organisation
from bot.config.question import Question, read_question
from bot.config.regimes import Regimes, enabled, load
from bot.domain.errors import Invalid, NotFound, Refused
from bot.notices.calculator import Given, calculate
from bot.notices.deadline import Policy
from bot.notices.derive import derived
from bot.notices.facts import FactType, UnreadableError, Value
from bot.notices.places import zone_of
from bot.notices.regime import Regime
from bot.words import house


@dataclass(frozen=True, slots=True)
class Shelf:
    """The regimes there are, and whose they are: `own` is None in a folder without tocsin.yaml."""

    config: Path
    regimes: Regimes
    own: Organisation | None
    watched: tuple[str, ...]


def shelf(config: Path) -> Shelf:
    """All regimes shipped, the organisation's own before them. Raises Invalid, NotFound."""
    import os

    own: Organisation | None = None
    watched: tuple[str, ...] = ()
    if config != TOCSIN_YAML or config.exists():
        own, watched = organisation(config, environ=os.environ)
    regimes = _regimes(config)
    watched = enabled(watched, regimes)
    for name in watched:
        if name not in regimes.by_id:
            raise NotFound("regime", name, sorted(regimes.by_id))
    return Shelf(config, regimes, own, watched)


def _regimes(config: Path) -> Regimes:
    folders = (config.parent / "templates" / "notices", house() / "templates" / "notices")
    return load(*(folder for folder in folders if folder.is_dir()))


def known(shelf: Shelf, name: str) -> None:
    """Raises NotFound where there is no regime of that name."""
    if name not in shelf.regimes.by_id:
        raise NotFound("regime", name, sorted(shelf.regimes.by_id))


def listed(shelf: Shelf, *, as_json: bool) -> None:
    """The facts there are, with their type and who can answer them."""
    facts = sorted(shelf.regimes.facts.values(), key=lambda fact: fact.key)
    if as_json:
        out_json(
            [{"fact": f.key, "type": str(f.type), "label": f.label, "asks": f.asks, "note": f.note} for f in facts]
        )
        return
    out(f"{each.key}  {each.type}  {each.label}" for each in facts)


def case(shelf: Shelf, file: Path | None, *, service: str, given: Sequence[str], at: str) -> Given:
    """The question: the organisation's facts, a service's over them, then the file's, then the command line's.

    Raises Invalid with every mistake of the file, NotFound, and usage errors with their sentence.
    """
    from bot.clock import SystemClock

    regimes = shelf.regimes
    question = _read(file, regimes) if file else Question({}, {})
    standing = _standing(shelf.config, service) if service else {}
    stated = dict(_stated(regimes, each) for each in given)
    own = shelf.own
    house_facts = dict(_of_organisation(shelf.config, own, regimes)) if own else {}
    country = question.country or (own.country if own else "")
    zone = question.timezone or (own.timezone if own and not question.country else "") or zone_of(country) or "UTC"
    closures = {place: frozenset(days) for place, days in own.closures.items()} if own else {}
    return Given(
        derived({**house_facts, **standing, **question.facts, **stated}, regimes.facts),
        _instant(at) if at else SystemClock().now(),
        question.submitted,
        zone,
        country,
        Policy(closures=closures),
    )


def _read(file: Path, regimes: Regimes) -> Question:
    if not file.exists():
        from difflib import get_close_matches

        near = get_close_matches(str(file), regimes.by_id, 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise Refused(f"there is no file {file}, nor a regime of that name{hint}")
    return read_question(file, regimes.facts, regimes.by_id)


def _of_organisation(config: Path, own: Organisation, regimes: Regimes) -> Iterator[tuple[str, Value | None]]:
    """What holds of it in every incident. Raises Refused for what is no fact of that kind."""
    for key, raw in own.legal.items():
        fact = regimes.facts.get(key)
        if fact is None:
            raise Refused(f"{config}: organisation.legal: there is no fact {key!r}; `tocsin check` names the place")
        try:
            yield key, fact.type.read(fact.type.typed(raw) if isinstance(raw, str) else raw)
        except UnreadableError as wrong:
            raise Refused(f"{config}: organisation.legal: {key}: {wrong}; `tocsin check` names the place") from None


def _standing(config: Path, service: str) -> dict[str, Value | None]:
    """What the catalogue says of a service, whatever happened. Raises Invalid, NotFound."""
    from bot import openings
    from bot.cli._database import configured
    from bot.clock import SystemClock
    from bot.domain.incident import Incident
    from bot.engine.situation import Situation

    installation = configured(config)
    if service not in installation.services:
        raise NotFound("service", service, sorted(installation.services))
    incident = Incident("what-if", service=service)
    what_if = Situation(incident, (), SystemClock().now(), service=installation.services[service])
    found = openings.drafting_room(installation).known(what_if)
    return {key: value for key, value in found.items() if key in installation.services[service].legal}


def _stated(regimes: Regimes, text: str) -> tuple[str, Value | None]:
    """KEY=VALUE as the fact's own type reads it. Raises a usage error with the sentence to show."""
    from bot.notices.regime import stated

    key, sign, value = text.partition("=")
    key = key.strip()
    if not sign:
        raise typer.BadParameter(f"{text!r} is no KEY=VALUE", param_hint="--fact")
    try:
        stated(regimes.facts, key, value)
        kind = regimes.facts[key].type
        return key, kind.read(kind.typed(value))
    except UnreadableError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--fact") from None


def _instant(text: str) -> datetime:
    try:
        moment = FactType("timestamp").read(text.strip())
    except UnreadableError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--at") from None
    if not isinstance(moment, datetime):
        raise typer.BadParameter(f"{text!r} is no moment", param_hint="--at")
    return moment


def answers(shelf: Shelf, case: Given, *, only: str, file: Path | None, everything: bool, as_json: bool) -> None:
    """Ask and tell. Raises Refused where no regime is there to be asked."""
    from bot.cli import _rulings

    regimes = list(_asked(shelf, only, file))
    if not regimes:
        raise Refused(f"no regime is enabled; name them under `regimes:` in {shelf.config}")
    rulings = calculate(regimes, case)
    watched = frozenset(shelf.watched) if shelf.own else None
    if as_json:
        out_json([_rulings.plain(each, case, watched) for each in rulings])
    else:
        out(_rulings.lines(rulings, case, watched, in_full=everything or bool(only)))


def _asked(shelf: Shelf, only: str, file: Path | None) -> Iterator[Regime]:
    """One alone; without a file those the installation watches; with one, or without tocsin.yaml, all that are on."""
    for regime in shelf.regimes.by_id.values():
        if only:
            wanted = regime.id == only
        elif file is None and shelf.own is not None:
            wanted = regime.id in shelf.watched
        else:
            wanted = regime.enabled or regime.id in shelf.watched
        if wanted:
            yield regime


def page(regime: Regime, *, as_json: bool) -> None:
    """One regime as it stands on file."""
    from bot.cli import _regime

    if as_json:
        out_json(_regime.plain(regime))
    else:
        out(_regime.lines(regime))


def check(words: Sequence[str], config: Path, *, as_json: bool) -> None:
    """Count every row of a table, tell what comes out otherwise, and end with 1 if anything does. Raises Invalid."""
    from bot.cli import _vectors
    from bot.config.vectors import check as checked

    if len(words) != 1:
        raise typer.BadParameter("name one table: tocsin duties check VECTORS.csv", param_hint="check")
    try:
        rows = checked(Path(words[0]), _regimes(config).by_id)
    except Invalid as wrong:
        for problem in wrong.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        out_json(_vectors.plain(rows))
    else:
        out(_vectors.lines(rows))
    if not all(each.fits for each in rows):
        raise typer.Exit(1)
