"""Reads service level objectives written in OpenSLO, and says file, line and column of everything it cannot use.

OpenSLO v1 (openslo.com) is the native format, all kinds and budgeting methods of it; v2alpha is read where it only
calls things by other names. OpenSLO has no words for multiwindow tiers, slices or missing data; those stand in
annotations under `tocsin.dev/`. What cannot be expressed here is refused by name, never ignored.
"""

from collections.abc import Iterable

from bot.config.found import Found
from bot.config.marks import Marked, read_yaml
from bot.config.openslo.alerting import check_condition, check_policy, check_target
from bot.config.openslo.documents import ALPHA, KINDS, VERSION, Library, Sheet, library
from bot.config.openslo.goal import names
from bot.config.openslo.indicator import DEFAULT, check_indicator, check_source, data_sources, same_language
from bot.config.openslo.objective import objectives
from bot.config.openslo.places import places
from bot.domain.errors import Problem
from bot.slo.spec import Slo

__all__ = ["ALPHA", "DEFAULT", "KINDS", "VERSION", "gather", "places", "read", "same_language"]


def gather(
    documents: Iterable[Marked], sources: frozenset[str] | None = None, *, nothing: str = "none in these files"
) -> Found:
    """The objectives of all documents together: any of them may name an SLI, a policy or a source in another.

    `sources` are the names of those that are set up; a query to any other is in a language nobody here need know. An
    objective with a problem, its own or of what it names, is left out. Ask `openslo_checks.overlaps` about the
    objectives of all formats together.
    """
    documents = list(documents)
    found = Found()
    held = library(documents, found, sources, nothing)
    for sheet in held.sheets:
        if sheet.get("kind") == "SLO":
            found.names |= set(names(sheet))
            found.slos += _sound(sheet, held)
        else:
            _check(sheet, held)
    found.places = places(documents)
    found.sources = data_sources(held)
    found.problems = _in_order(found.problems)
    found.notes = _in_order(found.notes)
    return found


def read(text: str, file: str) -> tuple[list[Slo], list[Problem]]:
    """The objectives of one file that stands alone, and every problem found in it."""
    documents, problems = read_yaml(text, file)
    found = gather((part for each in documents for part in each.parts()), nothing="none in this file")
    slos = [] if problems else found.slos  # of a text that is not sound YAML nothing is taken
    return slos, _in_order([*problems, *found.problems])


def _sound(sheet: Sheet, held: Library) -> list[Slo]:
    before = len(held.problems)
    slos = objectives(sheet, held)
    return slos if len(held.problems) == before and not sheet.flawed else []


def _check(sheet: Sheet, held: Library) -> None:
    """A document that objectives name: looked at by itself too, for nobody may name it."""
    checks = {
        "SLI": check_indicator, "AlertPolicy": check_policy, "AlertCondition": check_condition,
        "AlertNotificationTarget": check_target, "DataSource": check_source,
    }  # fmt: skip
    kind = str(sheet.get("kind"))
    sheet.metadata()
    if kind in checks:
        checks[kind](sheet, held)
    elif sheet.get("spec") is not None:
        sheet.known(("spec",), "description")


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda each: (each.file, each.line, each.column))
