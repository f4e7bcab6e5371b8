"""Reads an installation's templates as a draft will: every word must be given, and a sample must come out whole."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.config.regimes import Regimes
from bot.config.stage_templates import locale_problems, strange, strange_words
from bot.domain.errors import Invalid, NotFound, Problem
from bot.notices.audience import audience_problems
from bot.notices.checklist import checklist
from bot.notices.draft import ITEMS, VOCABULARY, context, plain_context
from bot.notices.locales import SUFFIX, parted
from bot.notices.regime import Regime, Stage
from bot.notices.sample import BARE, FULL, sample_facts
from bot.words import Words, undefined_words

UPDATES = "stakeholders"
OF_REGIMES = frozenset({"notice", "fields"})
"""Words that only the templates of a regime are given."""


def template_problems(folder: Path, shipped: Path, regimes: Regimes | None) -> Iterator[Problem]:
    """Words in this installation's own templates that they will not be given, and places where a draft would break.

    A regime with its own regime.yaml there was looked at with it. A template that takes a shipped one's place may use
    its words.
    """
    words = [problem for path in sorted(folder.rglob("*.j2")) for problem in _words(path, folder, shipped, regimes)]
    yield from words
    if folder.is_dir():
        told = {problem.file for problem in words}
        yield from (each for each in _trials(folder, shipped, regimes) if each.file not in told)


def _words(path: Path, folder: Path, shipped: Path, regimes: Regimes | None) -> list[Problem]:
    name = path.relative_to(folder)
    if name.parts[0] == "web" or (path.parent / "regime.yaml").is_file():
        return []
    tag = parted(path.name.removesuffix(SUFFIX))[1]
    if name.parts[0] == "notices":
        regime = regimes.by_id.get(path.parent.name) if regimes else None
        return [*locale_problems(path, tag), *(strange_words(path, regime) if regime else ())]
    allowed: dict[str, frozenset[str]] = {**VOCABULARY, "gap": frozenset()}
    allowed = {word: parts for word, parts in allowed.items() if word not in OF_REGIMES}
    allowed |= {"facts": frozenset(regimes.facts if regimes else ())}
    front: list[Problem] = []
    try:
        theirs = {each.word for each in undefined_words(shipped / name, allowed)} if (shipped / name).is_file() else {}
        if name.parts[0] == UPDATES:
            front = [*locale_problems(path, tag), *audience_problems(path.read_text(encoding="utf-8"), str(path))]
        unknown = undefined_words(path, allowed, ITEMS)
    except Invalid as wrong:
        return list(wrong.problems)
    return [*front, *(strange(path, each) for each in unknown if each.word not in theirs)]


def _trials(folder: Path, shipped: Path, regimes: Regimes | None) -> Iterator[Problem]:
    """What would go wrong in filling each template, once with all there can be and once with hardly anything known."""
    templates = Words(folder, shipped=shipped)
    told: dict[tuple[str, int], Problem] = {}
    for name, given in _samples(folder, templates, regimes):
        try:
            templates.fill(name, given)
        except NotFound as missing:
            told.setdefault((name, 1), Problem(str(folder / name), 1, 1, str(missing)))
        except Invalid as wrong:
            for each in wrong.problems:
                if Path(each.file).is_relative_to(folder):
                    told.setdefault((each.file, each.line), each)
    yield from told.values()


def _samples(folder: Path, templates: Words, regimes: Regimes | None) -> Iterator[tuple[str, Mapping[str, object]]]:
    fact_list = regimes.facts if regimes else {}
    for base in (FULL, BARE):
        facts = sample_facts(fact_list) if base is FULL else {}
        for path in sorted((folder / UPDATES).glob(f"*{SUFFIX}")):
            yield f"{UPDATES}/{path.name}", plain_context(base, fact_list, facts)
        for regime in regimes.by_id.values() if regimes else ():
            for stage in regime.stages:
                given = _drafted(regime, stage, base)
                for name in (stage.template, *spoken(templates, stage.template)):
                    yield name, given


def spoken(templates: Words, name: str) -> Iterator[str]:
    """A template's files in other languages."""
    stem = name.removesuffix(SUFFIX)
    yield from (f"{stem}.{tag}{SUFFIX}" for tag in templates.locales(name))


def _drafted(regime: Regime, stage: Stage, base: Mapping[str, object]) -> Mapping[str, object]:
    facts = sample_facts(regime.facts) if base is FULL else {}
    items = checklist(regime, stage, {**base, "facts": facts})
    return context(regime, stage, items, base, facts)
