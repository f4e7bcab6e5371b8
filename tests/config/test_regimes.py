"""Regimes are files: what is right is read whole, what is wrong is named by file, line and column."""

import shutil
from datetime import date

import pytest

from bot.config.regimes import enabled, load, read_answers, read_facts, read_regime
from bot.domain.errors import Invalid
from bot.notices.regime import Deadline
from bot.words import house

SHIPPED = house() / "templates" / "notices"
FACTS = read_facts(SHIPPED / "facts.yaml")
GOOD = """\
id: xx
name: X
jurisdiction: EU
category: cyber
confidence: B
citations: [{instrument: Act, provision: "Art. 1"}]
in_force: {since: 2020-01-01}
trigger: "deaths > 0 and ai_system"
clock_start: aware_at
stages:
  - id: first
    kind: hard
    deadline: {amount: 24, unit: hours, counting: elapsed_hours}
    required: [what]
fields:
  what: {label: "what happened", from: incident.summary}
"""


def regime(tmp_path, text):
    (tmp_path / "xx").mkdir(exist_ok=True)
    path = tmp_path / "xx" / "regime.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path, text):
    path = regime(tmp_path, text)
    with pytest.raises(Invalid) as wrong:
        read_regime(path, FACTS)
    assert all(problem.file == str(path) for problem in wrong.value.problems)
    return [(problem.line, problem.column, problem.what) for problem in wrong.value.problems]


def test_every_shipped_regime_is_read_without_a_problem():
    """Every regime says it is no advice by its degree of confidence, has a citation, a date and a template per stage."""
    regimes = load(SHIPPED)
    assert {"eu_ai_act_art73", "eu_gdpr_art33"} <= set(regimes.by_id)
    for found in regimes.by_id.values():
        assert found.citations
        assert found.as_of
        assert found.confidence in "ABC"
        assert all((SHIPPED.parent / stage.template).is_file() for stage in found.stages)
    gdpr = regimes.by_id["eu_gdpr_art33"]
    assert [stage.id for stage in gdpr.stages] == ["sa_notification", "sa_follow_up", "processor_to_controller"]
    assert gdpr.stage("sa_notification").deadline == Deadline(
        "elapsed_hours", 72, "hours", outer="eu_hours_1182", also="without_undue_delay"
    )
    assert regimes.by_id["eu_ai_act_art73"].in_force.dates["annex_i"] == date(2028, 8, 2)


def test_a_small_regime_is_read_whole(tmp_path):
    """The least a regime file must say."""
    read = read_regime(regime(tmp_path, GOOD), FACTS)
    assert (read.id, read.clock_start, read.stages[0].template) == ("xx", "aware_at", "notices/_checklist.md.j2")
    assert read.enabled


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("id: xx", "id: yy", (1, 5, "not the name of its folder")),
        ("deaths > 0 and ai_system", "deaths > 0 and ai_sistem", (8, 26, "no fact called 'ai_sistem'")),
        ("clock_start: aware_at", "clock_start: deaths", (9, 14, "no fact of type timestamp")),
        ("clock_start: aware_at", "clock_start: stage_submitted(second)", (9, 14, "no stage called 'second'")),
        ("kind: hard", "kind: hard\n    clock_start: [aware_at, deaths]", (13, 29, "no fact of type timestamp")),
        ("counting: elapsed_hours", "counting: banker_hours", (13, 51, "no way of counting")),
        ("unit: hours", "unit: days", (13, 34, "elapsed_hours does not count days")),
        ("amount: 24", "amount: soon", (13, 24, "whole number")),
        ("required: [what]", "required: [what, why]", (14, 22, "'why' is not among")),
        ("from: incident.summary", "from: incident.mood", (16, 40, "no place in an incident")),
        ("kind: hard", "kind: firm", (12, 11, "no kind of stage")),
        ("kind: hard", "kind: hard\n    voluntary: maybe", (13, 16, "no yes or no")),
        ("confidence: B", "confidence: D", (5, 13, "no degree of confidence")),
        ("since: 2020-01-01", "since: soon", (7, 19, "expected a date")),
        ("since: 2020-01-01", "since: {annex_iii: 2020-01-01}", (7, 19, "need `by`")),
        ("name: X", "nmae: X", (2, 1, "'nmae' means nothing here")),
        ("name: X", "name: X\nname: Y", (3, 1, "stands here twice")),
        ("{amount: 24, unit: hours, counting: elapsed_hours}", "{}", (13, 15, "neither an amount")),
        (
            "{amount: 24, unit: hours,",
            "{amounts: {CA: 3}, text: x, unit: hours,",
            (13, 25, "in `amounts_by`, the fact"),
        ),
        (
            "{amount: 24, unit: hours,",
            "{amounts_by: deaths, amounts: {CA: 3}, text: x, unit: hours,",
            (13, 28, "by place"),
        ),
        ("{amount: 24, unit: hours,", "{amounts_by: residents_by_state, unit: hours,", (13, 28, "needs `amounts`")),
        (
            "{amount: 24, unit: hours,",
            "{amounts_by: residents_by_state, amounts: {CA: 3}, unit: hours,",
            (13, 57, "is said in `text`"),
        ),
        (
            "{amount: 24, unit: hours,",
            "{amounts_by: residents_by_state, amounts: {CA: 3}, text: x, unit: days,",
            (13, 81, "elapsed_hours does not count days"),
        ),
        ("from: incident.summary", "from: facts.deaths.CA", (16, 40, "no place in an incident")),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, old, new, expected):
    """An editor can jump to it."""
    line, column, what = expected
    assert any(
        (at, to) == (line, column) and what in said for at, to, said in problems(tmp_path, GOOD.replace(old, new))
    ), problems(tmp_path, GOOD.replace(old, new))


FORM = GOOD.replace("    required: [what]\n", "").replace(
    "fields:\n",
    """\
    required: &lines [what]
    conditional: &cases [{field: other, says: "where it is other", given: {kind: other (say which)}}]
  - id: second
    kind: hard
    deadline: {text: later}
    answers: {kind: a fault}
    required: [*lines, kind]
    conditional: [*cases, {field: size, says: "where people died", when: "deaths > 0"}]
fields:
  kind: {label: "kind", type: choice, choices: [a fault, other (say which)]}
  other: {label: "which"}
  size: {label: "size", type: choices, choose: {large: "deaths > 10", small: "deaths <= 10"}}
""",
)


def test_a_form_repeats_lists_by_name_and_says_what_answers_what(tmp_path):
    """A later report has the lines of the one before and its own, without either being written twice."""
    read = read_regime(regime(tmp_path, FORM), FACTS)
    first, second = read.stages
    assert (first.required, second.required) == (("what",), ("what", "kind"))
    assert [each.key for each in second.conditional] == ["other", "size"]
    assert first.conditional[0].given == {"kind": "other (say which)"}
    assert second.answers == {"kind": "a fault"}
    assert (read.fields["size"].choices, set(read.fields["size"].choose)) == (("large", "small"), {"large", "small"})


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("answers: {kind: a fault}", "answers: {kind: a storm}", "'a storm' is no choice of kind"),
        ("answers: {kind: a fault}", "answers: {mood: grim}", "'mood' is not among the `fields`"),
        ("given: {kind: other (say which)}", "given: {kind: others}", "'others' is no choice of kind"),
        ("given: {kind: other (say which)}", "given: {kinds: any}", "'kinds' is not among the `fields`"),
        ('large: "deaths > 10"', 'large: "death > 10"', "no fact called 'death'"),
        ("[*lines, kind]", "[*lines, kinds]", "'kinds' is not among the `fields`"),
        ("&lines [what]", "&lines [why]", "'why' is not among the `fields`"),
    ],
)
def test_a_form_that_answers_with_what_it_does_not_have_is_refused(tmp_path, old, new, what):
    """A line that could never be called for would be missed without anybody noticing."""
    assert old in FORM
    assert any(what in said for _, _, said in problems(tmp_path, FORM.replace(old, new)))


def test_the_place_inside_a_folded_rule_is_found(tmp_path):
    """A rule over several lines is counted by what can be seen."""
    folded = GOOD.replace(
        'trigger: "deaths > 0 and ai_system"', "trigger: >-\n  deaths > 0 and\n  ai_system and\n  nonsense"
    )
    assert (11, 3, "there is no fact called 'nonsense'") in problems(tmp_path, folded)


def test_all_problems_of_a_file_come_at_once(tmp_path):
    """Nobody corrects one line at a time."""
    text = GOOD.replace("kind: hard", "kind: firm").replace("confidence: B", "confidence: D").replace("deaths", "deads")
    assert len(problems(tmp_path, text)) == 3


def test_several_moments_can_start_the_clock_of_a_stage(tmp_path):
    """The last one is the stage's own; those before it start it too, whichever comes first."""
    several = GOOD.replace("kind: hard", "kind: hard\n    clock_start: [controller_informed_at, aware_at]")
    (stage,) = read_regime(regime(tmp_path, several), FACTS).stages
    assert (stage.clock_start, stage.clock_also) == ("aware_at", ("controller_informed_at",))
    (stage,) = read_regime(regime(tmp_path, GOOD), FACTS).stages
    assert (stage.clock_start, stage.clock_also) == ("aware_at", ())


@pytest.mark.parametrize("text", ["", "- a list", "a: [1", "a: \t b: c: d", "\x00"])
def test_junk_is_refused_with_a_place(tmp_path, text):
    """A file that is no mapping, or no YAML, or empty."""
    assert problems(tmp_path, text)


def test_an_unknown_word_in_a_template_is_a_problem_and_a_template_of_no_stage_too(tmp_path):
    """Found at load, not when counsel opens the draft; a stage without a template is written as its checklist."""
    regime(tmp_path, GOOD)
    shutil.copy(SHIPPED / "facts.yaml", tmp_path / "facts.yaml")
    assert load(tmp_path).by_id["xx"].stages[0].template == "notices/_checklist.md.j2"
    (tmp_path / "xx" / "frist.md.j2").write_text("{{ fields.what | filled }}\n", encoding="utf-8")
    with pytest.raises(Invalid, match=r"frist\.md\.j2:1:1: xx has no stage frist"):
        load(tmp_path)
    (tmp_path / "xx" / "frist.md.j2").unlink()
    (tmp_path / "xx" / "first.md.j2").write_text(
        "{{ fields.what | filled }}\n{{ fields.why | filled }}\n", encoding="utf-8"
    )
    with pytest.raises(Invalid, match=r"first\.md\.j2:2:4: 'fields\.why' is no word a template knows"):
        load(tmp_path)
    (tmp_path / "xx" / "first.md.j2").write_text("{{ fields.what | filled }}\n", encoding="utf-8")
    assert set(load(tmp_path).by_id) == {"xx"}


def test_an_own_folder_wins_over_the_shipped_one(tmp_path):
    """An organisation may hold a stricter reading of a regime."""
    own = tmp_path / "eu_gdpr_art33"
    shutil.copytree(SHIPPED / "eu_gdpr_art33", own)
    text = (own / "regime.yaml").read_text(encoding="utf-8").replace("amount: 72", "amount: 48")
    (own / "regime.yaml").write_text(text, encoding="utf-8")
    regimes = load(tmp_path, SHIPPED)
    assert regimes.by_id["eu_gdpr_art33"].stage("sa_notification").deadline.amount == 48
    assert "eu_ai_act_art73" in regimes.by_id


def test_answers_take_yaml_as_people_write_it(tmp_path):
    """A bare `no` is the word no; unknown is unknown; UK is GB."""
    path = tmp_path / "facts.yaml"
    path.write_text(
        "high_risk_ai_system: no\ndeaths: unknown\nmember_states_affected: [DE, 'NO']\nai_system: yes\n",
        encoding="utf-8",
    )
    assert read_answers(path, FACTS) == {
        "high_risk_ai_system": "no",
        "deaths": None,
        "member_states_affected": frozenset({"DE", "NO"}),
        "ai_system": True,
    }


def test_the_norway_trap_is_named_with_its_line(tmp_path):
    """YAML reads NO as false; the sentence says how to write it."""
    path = tmp_path / "facts.yaml"
    path.write_text("ai_system: yes\nmember_states_affected: [DE, NO]\nshoe_size: 4\n", encoding="utf-8")
    with pytest.raises(Invalid) as wrong:
        read_answers(path, FACTS)
    first, second = wrong.value.problems
    assert (first.line, first.column) == (2, 25)
    assert "'NO'" in first.what
    assert (second.line, second.what) == (3, "there is no fact called 'shoe_size'")


def test_a_fact_of_unknown_type_is_a_problem(tmp_path):
    """The fact list is checked like everything else."""
    path = tmp_path / "facts.yaml"
    path.write_text("facts:\n  a: {type: boolean}\n  b: {label: no type}\n", encoding="utf-8")
    with pytest.raises(Invalid) as wrong:
        read_facts(path)
    assert [problem.line for problem in wrong.value.problems][:1] == [2]
    assert len(wrong.value.problems) >= 2


def test_a_template_is_of_a_stage_and_a_language_there_is(tmp_path):
    """`first.de` is the stage `first` in German; any other name is told with what there is."""
    regime(tmp_path, GOOD)
    for name in ("first", "first.de", "first.de-AT", "_part.de", "firts.de", "first.xx"):
        (tmp_path / "xx" / f"{name}.md.j2").write_text("x", encoding="utf-8")
    (tmp_path / "facts.yaml").write_text((SHIPPED / "facts.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(Invalid) as wrong:
        load(tmp_path)
    assert [(problem.file.rpartition("/")[2], problem.what) for problem in wrong.value.problems] == [
        ("first.xx.md.j2", "'xx' is no language a template can be in"),
        ("firts.de.md.j2", "xx has no stage firts"),
    ]


def test_fields_have_names_in_other_languages(tmp_path):
    """A region is named as its language; where there is no such name the English one stands."""
    path = regime(tmp_path, GOOD)
    (path.parent / "fields.de.yaml").write_text('what: "was geschah"\n', encoding="utf-8")
    field = read_regime(path, FACTS).fields["what"]
    assert [field.named(tag) for tag in ("de", "de-AT", "fr", "")] == [
        "was geschah",
        "was geschah",
        "what happened",
        "what happened",
    ]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("fields.de.yaml", "what: x\nwaht: y\n", (2, "the regime has no field 'waht'; did you mean 'what'?")),
        ("fields.de.yaml", "what:\n", (1, "what is left without a name")),
        ("fields.de.yaml", "what: [\n", (2, "")),
        ("fields.xx.yaml", "what: x\n", (1, "'xx' is no language a field can be named in")),
    ],
)
def test_a_wrong_name_of_a_field_is_told_in_its_own_file(tmp_path, name, text, told):
    """Not in the regime's: the line is the one to mend."""
    path = regime(tmp_path, GOOD)
    (path.parent / name).write_text(text, encoding="utf-8")
    with pytest.raises(Invalid) as wrong:
        read_regime(path, FACTS)
    (problem,) = wrong.value.problems
    assert (problem.file, problem.line) == (str(path.parent / name), told[0])
    assert problem.what.startswith(told[1])


@pytest.mark.parametrize(
    ("computed", "says"),
    [
        ("others(people)", "names after a comma what it leaves out"),
        ("total(people, CA)", "names after a comma what it leaves out"),
        ("others(persons, CA)", "no fact called 'persons'"),
    ],
)
def test_what_a_count_leaves_out_is_named_where_it_is_meant(tmp_path, computed, says):
    """`others(people, CA, NY)` and nothing like it."""
    path = tmp_path / "facts.yaml"
    text = 'facts:\n  people: {{type: "map<state,int>"}}\n  rest: {{type: int, computed: "{}"}}\n'
    path.write_text(text.format("others(people, CA, NY)"), encoding="utf-8")
    assert read_facts(path)["rest"].computed.but == ("CA", "NY")
    path.write_text(text.format(computed), encoding="utf-8")
    with pytest.raises(Invalid, match=says) as wrong:
        read_facts(path)
    assert wrong.value.problems[0].line == 3


def test_a_pattern_asks_every_regime_it_fits_but_none_that_is_switched_off() -> None:
    """`*` is all of them; a switched-off one is asked only by its own name."""
    known = load(SHIPPED)
    assert "us_circia" not in enabled(["*"], known)
    assert "us_circia" in enabled(["us_circia"], known)
    assert set(enabled(["eu_gdpr_*", "eu_ai_act_art73", "eu_ai_*"], known)) >= {"eu_gdpr_art33", "eu_ai_act_art73"}
    assert len(enabled(["*"], known)) == len(set(enabled(["*", "us_*"], known)))
