"""Runbooks: Markdown with the steps on top, read so that a broken one is found by `tocsin check` and not at 3 a.m."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot import steps
from bot.config.files import listed, one_page, read_text
from bot.config.fit import Fitter, closest
from bot.config.marks import Marked
from bot.domain.errors import Invalid, Problem
from bot.domain.finding import Cause
from bot.domain.runbook import END, Kind, Option, Runbook, Step

_ID = r"^[a-z0-9][a-z0-9_-]*$"
_LABEL = 75  # the text of a Slack button or choice
_TITLE = 150
_MOST_OPTIONS = 10  # the most choices one set of Slack radio buttons takes
_FENCE = re.compile(r"---[ \t]*\n")


class OptionModel(BaseModel):
    """One answer of a step."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str = Field(pattern=_ID, max_length=_LABEL)
    label: str = Field(min_length=1, max_length=_LABEL)
    next: str = ""


class StepModel(BaseModel):
    """One step."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=_ID, max_length=_LABEL)
    kind: Kind
    title: str = Field(min_length=1, max_length=_TITLE)
    text: str = Field(default="", max_length=2900)  # one Slack section
    options: list[OptionModel] = Field(default_factory=list, max_length=_MOST_OPTIONS)
    next: str = ""
    params: dict[str, Any] = Field(default_factory=dict)


class RunbookModel(BaseModel):
    """The front matter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=_ID)
    title: str = Field(min_length=1, max_length=_TITLE)
    causes: list[Cause] = Field(default_factory=list)
    steps: list[StepModel] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Written:
    """A runbook and the page it was read from."""

    book: Runbook
    page: Marked

    def references(self) -> Iterator[tuple[steps.Reference, tuple[str | int, ...]]]:
        """Every name its steps use, with the place of each in the page."""
        for index, step in enumerate(self.book.steps):
            for reference in steps.params(step).refers():
                yield reference, ("steps", index, "params", reference.key)


def read_runbook(path: Path, fitter: Fitter) -> Written | None:
    """One runbook, or None with problems added."""
    text = read_text(path, fitter.problems)
    if text is None:
        return None
    text = text.replace("\r\n", "\n")
    parts = _parts(text, str(path), fitter.problems)
    page = one_page(parts[0], str(path), fitter.problems) if parts else None
    before = len(fitter.problems)
    model = fitter.fit(RunbookModel, page, references=False) if page is not None else None
    if parts is None or page is None or model is None:
        return None
    if model.name != path.stem:
        what = f"the runbook {model.name!r} stands in {path.name}"
        fitter.problems.append(page.problem(what, "name", expected=f"{path.stem}, the name of its file"))
    made = tuple(_step(index, step, page, fitter.problems) for index, step in enumerate(model.steps))
    fitter.problems += _ways(made, page)
    if len(fitter.problems) > before:
        return None
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Written(Runbook(model.name, model.title, digest, made, tuple(model.causes), parts[1]), page)


def read_runbooks(fitter: Fitter, *folders: Path) -> dict[str, Written]:
    """Every runbook of the folders by name; a folder named first wins over one named later."""
    found: dict[str, Written] = {}
    for folder in reversed(folders):
        for path in listed(folder, ".md"):
            if path.name.lower() == "readme.md":
                continue
            written = read_runbook(path, fitter)
            if written is not None:
                found[written.book.name] = written
    return found


def load_runbook(path: Path) -> Runbook:
    """One runbook by itself. Raises Invalid with every problem."""
    from bot.config.secrets import Secrets

    fitter = Fitter(Secrets({}, path.parent))
    written = read_runbook(path, fitter)
    if written is None:
        raise Invalid(fitter.problems)
    return written.book


def _parts(text: str, file: str, problems: list[Problem]) -> tuple[str, str] | None:
    """The front matter, its lines where they are in the file, and the prose."""
    opening = _FENCE.match(text)
    if opening is None:
        problems.append(
            Problem(file, 1, 1, "does not begin with its steps", "a line `---`, then name, title and steps")
        )
        return None
    closing = re.compile(r"^---[ \t]*$", re.MULTILINE).search(text, opening.end())
    if closing is None:
        last = text.count("\n") + 1
        problems.append(Problem(file, last, 1, "the steps never end", "a line `---` between steps and prose"))
        return None
    return "\n" + text[opening.end() : closing.start()], text[closing.end() :].strip()


def _step(index: int, model: StepModel, page: Marked, problems: list[Problem]) -> Step:
    params: Mapping[str, object] = {}
    here = ("steps", index)
    try:
        params = steps.read(model.kind, model.params).stored()
    except steps.MistakenError as wrong:
        for mistake in wrong.mistakes:
            path = (*here, "params", mistake.key) if mistake.key else here
            unknown = mistake.what.startswith("unknown")
            problems.append(page.problem(mistake.what, *path, key=unknown, expected=mistake.expected))
    options = tuple(Option(each.value, each.label, each.next) for each in model.options)
    problems += _option_problems(model, here, page)
    text = model.text.strip()
    return Step(
        model.id, model.kind, model.title, text, options or steps.default_options(model.kind), model.next, params
    )


def _option_problems(model: StepModel, here: tuple[str | int, ...], page: Marked) -> Iterator[Problem]:
    """What a step's options must be, by its kind."""
    values = [option.value for option in model.options]
    for place, value in enumerate(values):
        if value in values[:place]:
            yield page.problem(f"the option {value!r} stands here twice", *here, "options", place, "value")
    if model.kind is Kind.ASK and len(values) < 2:  # noqa: PLR2004 - one answer is no question
        yield page.problem(
            f"the question {model.id!r} has fewer than two answers", *here, expected="two options or more"
        )
    if model.kind is Kind.QUERY and values:
        yield page.problem("a query reads figures out and has no options", *here, "options", key=True)
        return
    kind = steps.KINDS[model.kind]
    known = [value for value, _ in kind.answers]
    if not values or not kind.fixed:
        return
    for place, value in enumerate(values):
        if value not in known:
            what = f"a {model.kind} step never answers {value!r}{closest(value, known)}"
            yield page.problem(what, *here, "options", place, "value", expected=", ".join(known))
    for value in known:
        if value not in values:
            what = f"a {model.kind} step may answer {value!r}, and nothing is said for it"
            yield page.problem(what, *here, "options", expected=f"an option for each of {', '.join(known)}")


def _ways(made: tuple[Step, ...], page: Marked) -> Iterator[Problem]:
    """Ids that stand twice, ways that lead nowhere, steps nobody reaches, and circles nobody can leave."""
    ids = [step.id for step in made]
    for index, name in enumerate(ids):
        if name == END:
            yield page.problem(f"{END!r} is the end of every runbook, not a step", "steps", index, "id")
        if name in ids[:index]:
            yield page.problem(f"the step {name!r} stands here twice", "steps", index, "id", expected="each id once")
    for index, step in enumerate(made):
        yield from _dead_ends(step, ("steps", index), ids, page)
    ways = {step.id: _follows(step, ids) for step in made}
    reached = _reach(ids[0], ways)
    for index, name in enumerate(ids):
        if name not in reached:
            yield page.problem(f"no way leads to the step {name!r}", "steps", index, "id")
    asks = {step.id for step in made if step.kind is Kind.ASK}
    unasked = {name: {to for to in follows if to not in asks} for name, follows in ways.items() if name not in asks}
    circle = [name for name in unasked if name in set().union(*(_reach(to, unasked) for to in unasked[name]), set())]
    if circle:
        what = f"the steps {', '.join(circle)} go round in a circle that asks nobody"
        yield page.problem(what, "steps", ids.index(circle[0]), "id", expected="an ask step in every circle")


def _dead_ends(step: Step, here: tuple[str | int, ...], ids: list[str], page: Marked) -> Iterator[Problem]:
    ends = [(step.next, (*here, "next"))]
    ends += [(option.next, (*here, "options", place, "next")) for place, option in enumerate(step.options)]
    for name, path in ends:
        if name and name != END and name not in ids:
            yield page.problem(f"there is no step {name!r}{closest(name, ids)}", *path, expected=", ".join([*ids, END]))


def _follows(step: Step, ids: list[str]) -> set[str]:
    """The steps an answer can lead to."""
    after = ids.index(step.id) + 1
    in_order = step.next or (ids[after] if after < len(ids) else END)
    ways = {option.next or in_order for option in step.options} or {in_order}
    return {way for way in ways if way in ids}


def _reach(start: str, ways: Mapping[str, set[str]]) -> set[str]:
    seen, ahead = set[str](), [start]
    while ahead:
        name = ahead.pop()
        if name not in seen and name in ways:
            seen.add(name)
            ahead += ways[name]
    return seen
