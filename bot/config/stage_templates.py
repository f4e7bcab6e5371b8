"""What is wrong with a regime's templates: of no stage, in no language, or with a word that no draft will be given."""

from collections.abc import Collection, Iterator
from pathlib import Path

from bot.config.fit import listing
from bot.domain.errors import Invalid, Problem
from bot.notices.draft import ITEMS, VOCABULARY
from bot.notices.locales import LOCALES, SUFFIX, known, parted
from bot.notices.regime import Regime
from bot.words import Strange, column, undefined_words


def template_problems(folder: Path, regime: Regime) -> list[Problem]:
    """Templates of no stage or no language, and words in a template that no draft of this regime will be given."""
    stages = {stage.id for stage in regime.stages}
    problems = [each for path in sorted(folder.glob(f"*{SUFFIX}")) for each in _name_problems(path, regime.id, stages)]
    for path in sorted(folder.glob("*.j2")):
        problems += strange_words(path, regime)
    return problems


def _name_problems(path: Path, regime: str, stages: Collection[str]) -> Iterator[Problem]:
    name, tag = parted(path.name.removesuffix(SUFFIX))
    if not name.startswith("_") and name not in stages:
        yield Problem(str(path), 1, 1, f"{regime} has no stage {name}", listing(stages))
    yield from locale_problems(path, tag)


def locale_problems(path: Path, tag: str) -> Iterator[Problem]:
    """A language in a file's name whose dates and figures nobody knows how to write."""
    if tag and not known(tag):
        yield Problem(str(path), 1, 1, f"{tag!r} is no language a template can be in", listing(LOCALES))


def strange_words(path: Path, regime: Regime) -> list[Problem]:
    """Words and filters in one template of a regime that no draft of it will be given."""
    own = regime.stage(parted(path.name.removesuffix(SUFFIX))[0])
    fields = set(own.keys) if own else set(regime.fields)
    allowed = {**VOCABULARY, "facts": frozenset(regime.facts), "fields": frozenset(fields), "gap": frozenset[str]()}
    try:
        unknown = undefined_words(path, allowed, ITEMS)
    except Invalid as wrong:
        return list(wrong.problems)
    return [strange(path, each) for each in unknown]


def strange(path: Path, each: Strange) -> Problem:
    """What is wrong with a word no draft is given, and what could stand in its place."""
    says = f"{each.word!r} is no {each.what} a template knows"
    return Problem(str(path), each.line, column(path, each.word, each.line), says, listing(each.there_is))
