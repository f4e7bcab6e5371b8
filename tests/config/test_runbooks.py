"""A broken runbook is found when it is read, not when it is needed; what is shipped can be followed to its end."""

import hashlib

import pytest

from bot import steps
from bot.config.runbooks import load_runbook
from bot.domain.errors import Invalid
from bot.domain.finding import Cause
from bot.domain.runbook import Kind, Run
from bot.words import house

HEAD = "---\nname: book\ntitle: Book\nsteps:\n"
SHIPPED = sorted((house() / "runbooks").glob("*.md"))


def book(tmp_path, body, name="book.md"):
    path = tmp_path / name
    path.write_text(f"{HEAD}{body}---\nProse.\n", encoding="utf-8")
    return path


def told(path):
    with pytest.raises(Invalid) as wrong:
        load_runbook(path)
    return [str(problem).removeprefix(f"{path.parent}/") for problem in wrong.value.problems]


def test_a_runbook_is_read_with_its_wording(tmp_path):
    """The digest is of the whole file: it tells later which wording was followed."""
    path = book(
        tmp_path,
        "  - {id: a, kind: read, title: Read this, text: Slowly.}\n  - {id: b, kind: wait, title: W, params: {for: 1h30m}}\n",
    )
    found = load_runbook(path)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (found.name, found.title, found.prose) == ("book", "Book", "Prose.")
    assert found.step("a").kind is Kind.READ
    assert [option.value for option in found.step("a").options] == ["done"]
    assert found.step("b").params == {"seconds": 5400.0}


ASK = "  - id: a\n    kind: ask\n    title: T\n    options:\n      - {value: x, label: X, next: b}\n      - {value: y, label: Y, next: end}\n"
BROKEN = {
    "unknown kind": ("  - {id: a, kind: raed, title: T}\n", "book.md:5:19: kind is 'raed'"),
    "unknown key": ("  - {id: a, kind: read, titel: T, title: T}\n", "book.md:5:25: unknown key 'titel'; did you mean 'title'?"),
    "way to nowhere": ("  - {id: a, kind: read, title: T, next: bb}\n  - {id: b, kind: read, title: T}\n", "book.md:5:41: there is no step 'bb'; did you mean 'b'? (expected a, b, end)"),
    "option to nowhere": (ASK + "  - {id: c, kind: read, title: T}\n", "book.md:9:36: there is no step 'b' (expected a, c, end)"),
    "id twice": ("  - {id: a, kind: read, title: T}\n  - {id: a, kind: read, title: T}\n", "book.md:6:10: the step 'a' stands here twice (expected each id once)"),
    "end is no step": ("  - {id: end, kind: read, title: T}\n", "book.md:5:10: 'end' is the end of every runbook, not a step"),
    "unreachable": ("  - {id: a, kind: read, title: T, next: c}\n  - {id: b, kind: read, title: T}\n  - {id: c, kind: read, title: T}\n", "book.md:6:10: no way leads to the step 'b'"),
    "circle": ("  - {id: a, kind: read, title: T}\n  - {id: b, kind: wait, title: T, params: {for: 1m}, next: a}\n", "book.md:5:10: the steps a, b go round in a circle that asks nobody (expected an ask step in every circle)"),
    "label too long": (ASK.replace("label: X", "label: " + "X" * 76) + "  - {id: b, kind: read, title: T}\n", f"book.md:9:27: label is '{'X' * 56}… (expected String should have at most 75 characters)"),
    "option twice": (ASK.replace("value: y", "value: x") + "  - {id: b, kind: read, title: T}\n", "book.md:10:17: the option 'x' stands here twice"),
    "no question": ("  - {id: a, kind: ask, title: T}\n", "book.md:5:5: the question 'a' has fewer than two answers (expected two options or more)"),
    "answer a check never gives": ("  - id: a\n    kind: check\n    title: T\n    options:\n      - {value: met, label: M}\n      - {value: breached, label: B}\n      - {value: nodata, label: N}\n", "book.md:11:17: a check step never answers 'nodata'; did you mean 'no_data'? (expected met, breached, no_data)"),
    "answer nothing is said for": ("  - id: a\n    kind: check\n    title: T\n    options:\n      - {value: met, label: M}\n      - {value: breached, label: B}\n", "book.md:9:7: a check step may answer 'no_data', and nothing is said for it (expected an option for each of met, breached, no_data)"),
    "query with options": ("  - id: a\n    kind: query\n    title: T\n    options: [{value: x, label: X}]\n", "book.md:8:5: a query reads figures out and has no options"),
    "unknown parameter": ("  - {id: a, kind: query, title: T, params: {widow: 5m}}\n", "book.md:5:45: unknown parameter 'widow' (expected slo, window)"),
    "wait without a length": ("  - {id: a, kind: wait, title: T}\n", "book.md:5:5: a wait step that does not say how long (expected for: 5m)"),
    "wait for days": ("  - {id: a, kind: wait, title: T, params: {for: 2d}}\n", "book.md:5:49: a wait step of more than a day (expected at most 1d)"),
    "act on nothing": ("  - {id: a, kind: act, title: T}\n", "book.md:5:5: an act step with neither an offer nor a means"),
    "unknown means": ("  - {id: a, kind: act, title: T, params: {means: pray}}\n", "book.md:5:50: there is no means 'pray' (expected rollback, traffic, bypass, pause, retrain, restart)"),
    "page nobody": ("  - {id: a, kind: page, title: T}\n", "book.md:5:5: a page step with neither a person nor a role"),
    "no steps": ("  []\n", "book.md:5:3: steps is a list"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_runbook_is_told_with_its_place(tmp_path, kind):
    """File, line and column, as every other complaint."""
    body, expected = BROKEN[kind]
    lines = told(book(tmp_path, body))
    assert [line for line in lines if line.startswith(expected)], lines


def test_a_circle_through_a_question_is_fine(tmp_path):
    """Looking again after a wait is what people do; a person decides each time."""
    body = "  - {id: w, kind: wait, title: T, params: {for: 1m}}\n" + ASK.replace("next: b", "next: w")
    assert len(load_runbook(book(tmp_path, body)).steps) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "book.md:1:1: does not begin with its steps"),
        ("# Title\n", "book.md:1:1: does not begin with its steps"),
        ("---\nname: book\n", "book.md:3:1: the steps never end"),
        ("---\nname: [book\n---\n", "book.md:3:1: is not YAML here"),
        ("---\n---\nProse\n", "book.md:1:1: is empty"),
    ],
)
def test_a_page_without_steps_is_told(tmp_path, text, expected):
    """Prose alone guides nobody step by step."""
    path = tmp_path / "book.md"
    path.write_text(text, encoding="utf-8")
    assert told(path)[0].startswith(expected)


def test_a_runbook_has_the_name_of_its_file(tmp_path):
    """Otherwise a service could name what nobody finds."""
    (line,) = told(book(tmp_path, "  - {id: a, kind: read, title: T}\n", name="other.md"))
    assert line == "other.md:2:7: the runbook 'book' stands in other.md (expected other, the name of its file)"


def test_windows_line_ends_are_read(tmp_path):
    """A file edited elsewhere is the same runbook."""
    path = book(tmp_path, "  - {id: a, kind: read, title: T}\n")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_runbook(path).prose == "Prose."


def test_every_cause_but_drift_of_the_world_has_a_shipped_runbook():
    """Whatever the diagnosis names first, there is a runbook to offer."""
    causes = {cause for path in SHIPPED for cause in load_runbook(path).causes}
    assert causes == set(Cause) - {Cause.CONCEPT_DRIFT}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_runbook_ends_whatever_is_answered(path):
    """From every step, after every answer, the end can be reached; each automatic step's answers are all provided for."""
    found = load_runbook(path)
    run = Run(found, found.steps[0].id)
    ways = {
        step.id: {run.after(step, option.value) for option in step.options} or {run.after(step, "")}
        for step in found.steps
    }
    ends = {""}
    while more := {name for name, follows in ways.items() if follows & ends} - ends:
        ends |= more
    assert ends == {"", *ways}
    for step in found.steps:
        kind = steps.KINDS[step.kind]
        assert steps.params(step).stored() == step.params
        if kind.fixed:
            assert {option.value for option in step.options} == {value for value, _ in kind.answers}


def test_the_runbook_for_broken_inputs_offers_no_rollback():
    """Going back to an older model on broken inputs helps nobody."""
    offered = [step.params.get("means") for step in load_runbook(house() / "runbooks" / "feature-pipeline.md").steps]
    assert "rollback" not in offered
    assert {"bypass", "pause"} <= set(offered)
