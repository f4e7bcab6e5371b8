"""Each kind of step reads its parameters strictly, and the bot's own answers are sentences with figures."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import steps
from bot.domain.mitigation import Means
from bot.domain.runbook import Kind, Step
from bot.domain.service import Offer, Service
from bot.steps.query import spoken

SERVICE = Service(
    "s", "The service", "team", "#c",
    offers=(Offer("a", "A", "bypass", "t"), Offer("b", "B", "rollback", "t"), Offer("c", "C", "bypass", "t")),
)  # fmt: skip


def wrong(kind, **params):
    with pytest.raises(steps.MistakenError) as caught:
        steps.read(kind, params)
    return [mistake.what for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("text", "length"),
    [("15s", 15), ("5m", 300), ("1h30m", 5400), ("30d", 2_592_000), ("250ms", 0.25), ("1.5h", 5400), ("2w", 1_209_600)],
)
def test_lengths_are_read_as_people_write_them(text, length):
    """Each number carries its unit."""
    assert math.isclose(steps.seconds(text), length)


@pytest.mark.parametrize("text", ["", "5", "m", "5 minutes", "-5m", "5m ago", "1e3s"])
def test_what_is_no_length_is_refused(text):
    """A bare number could mean seconds or minutes."""
    with pytest.raises(ValueError, match="no length of time"):
        steps.seconds(text)


@pytest.mark.parametrize(
    ("verdict", "answer"),
    [
        ("met", "met"),
        ("breached", "breached"),
        ("no data", "no_data"),
        ("no_data", "no_data"),
        ("", "no_data"),
        ("?", "no_data"),
    ],
)
def test_a_check_answers_one_of_three(verdict, answer):
    """Whatever is not plainly met or breached is no data, which is never good news."""
    assert steps.Check("x").outcome(verdict).answer == answer


def test_a_check_says_what_it_saw():
    """The sentence names the objective as people know it."""
    assert steps.Check().outcome("breached", "Answers of the poor").note == "Answers of the poor is breached"


def test_a_query_reads_the_figures_out():
    """Events, share, objective and burn rate stand in one sentence."""
    found = steps.Query("x", 300.0).outcome(970, 30, objective=0.99, title="Answers")
    assert found.answer == "97.00% good"
    assert found.note == (
        "Answers: 970 of 1,000 events were good in the last 5 min (97.00%, objective 99.00%); "
        "the error budget burns at 3.0×"
    )


def test_a_query_without_events_says_no_data():
    """Nothing counted is neither good nor bad."""
    assert steps.Query().outcome(0, 0, objective=0.99).answer == "no data"


def test_a_query_says_where_data_is_lacking():
    """A gap in the window is told beside the figures."""
    assert "part of it has no data" in steps.Query().outcome(1, 1, objective=0.5, covered=False).note


@settings(max_examples=50)
@given(good=st.integers(0, 10**9), bad=st.integers(0, 10**9), objective=st.floats(0.01, 1.0))
def test_a_query_always_has_an_answer(good, bad, objective):
    """No figures make it fail, and its answer is never empty (a step needs one)."""
    found = steps.Query().outcome(good, bad, objective=objective)
    assert found.answer
    assert found.note


def test_a_page_says_whom_it_reached():
    """Who was reached and where, and who was not and why."""
    page = steps.Page(role="approver")
    found = page.outcome({"Ada": "Slack"}, {"Ben": "no account"})
    assert (found.answer, found.note) == ("reached", "paged Ada (Slack); not reached: Ben: no account")
    assert page.outcome({}) == steps.Outcome("not_reached", "nobody was reached: nobody is approver")
    assert page.outcome({}, {"Ben": "no account"}).answer == "not_reached"


def test_a_wait_says_how_long_it_was():
    """The parameter as the log keeps it is seconds."""
    wait = steps.read(Kind.WAIT, {"for": "2m"})
    assert wait.stored() == {"seconds": 120.0}
    assert wait.outcome().note == "2 min have passed"


@pytest.mark.parametrize(
    ("length", "words"), [(300, "5 min"), (3600, "1 h"), (90, "90 s"), (86400, "1 d"), (0.5, "0.5 s"), (5400, "90 min")]
)
def test_lengths_are_spoken_in_the_largest_whole_unit(length, words):
    """As a person would say it."""
    assert spoken(length) == words


def test_an_act_finds_the_services_offers():
    """By name the one, by means all of them, in the catalogue's order."""
    assert [offer.name for offer in steps.Act(means="bypass").fitting(SERVICE)] == ["a", "c"]
    assert [offer.name for offer in steps.Act(offer="b").fitting(SERVICE)] == ["b"]
    assert steps.Act(means="bypass").missing(SERVICE) == ""


def test_an_act_says_what_to_do_where_nothing_is_prepared():
    """A service without that mitigation does not stop the runbook."""
    assert "has no pause prepared" in steps.Act(means="pause").missing(SERVICE)
    assert steps.Act(means="pause").fitting(None) == ()
    assert "this service" in steps.Act(offer="z").missing(None)


def test_every_means_can_be_named():
    """The kinds of change are the domain's, all of them."""
    for means in Means:
        assert steps.read(Kind.ACT, {"means": means.value}).means == means.value


@pytest.mark.parametrize(
    ("kind", "params", "what"),
    [
        (Kind.READ, {"x": 1}, "unknown parameter 'x'"),
        (Kind.ASK, {"x": 1}, "unknown parameter 'x'"),
        (Kind.CHECK, {"slo": 3}, "slo is 3"),
        (Kind.CHECK, {"slo": " "}, "slo is ' '"),
        (Kind.QUERY, {"window": "soon"}, "'soon' is no length of time"),
        (Kind.QUERY, {"window": True}, "'True' is no length of time"),
        (Kind.QUERY, {"window": -5}, "window is not longer than nothing"),
        (Kind.QUERY, {"window": math.nan}, "window is not longer than nothing"),
        (Kind.QUERY, {"window": math.inf}, "window is not longer than nothing"),
        (Kind.WAIT, {}, "a wait step that does not say how long"),
        (Kind.WAIT, {"for": "2d"}, "a wait step of more than a day"),
        (Kind.WAIT, {"for": "1m", "seconds": 60}, "unknown parameter 'seconds'"),
        (Kind.ACT, {"offer": "a", "means": "bypass"}, "an act step with both an offer and a means"),
        (Kind.ACT, {"means": "pray"}, "there is no means 'pray'"),
        (Kind.PAGE, {"person": "ada", "role": "approver"}, "a page step with both a person and a role"),
        (Kind.PAGE, {"role": "boss"}, "there is no role 'boss'"),
    ],
)
def test_a_mistake_is_said(kind, params, what):
    """In words, with the parameter named."""
    assert what in wrong(kind, **params)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (Kind.READ, {}),
        (Kind.ASK, {}),
        (Kind.CHECK, {"slo": "x"}),
        (Kind.QUERY, {"slo": "x", "window": "1h"}),
        (Kind.ACT, {"offer": "x"}),
        (Kind.PAGE, {"role": "counsel"}),
        (Kind.WAIT, {"for": "90s"}),
    ],
)
def test_what_the_log_keeps_is_read_again(kind, params):
    """A step taken up after a restart is the step it was."""
    first = steps.read(kind, params)
    again = steps.params(Step("s", kind, "T", params=first.stored()))
    assert again == first


def test_default_options_are_the_kinds_answers():
    """A runbook that names no options still takes every answer its kind can give."""
    assert [option.value for option in steps.default_options(Kind.CHECK)] == ["met", "breached", "no_data"]
    assert steps.default_options(Kind.QUERY) == ()


def test_references_name_what_must_be_there():
    """So that `tocsin check` can look each of them up."""
    found = [
        list(steps.read(kind, params).refers())
        for kind, params in (
            (Kind.CHECK, {"slo": "x"}), (Kind.ACT, {"offer": "y"}), (Kind.PAGE, {"person": "z"}), (Kind.CHECK, {}),
            (Kind.ACT, {"means": "bypass"}),
        )
    ]  # fmt: skip
    assert [[(each.what, each.name) for each in each_list] for each_list in found] == [
        [("slo", "x")], [("offer", "y")], [("person", "z")], [], [],
    ]  # fmt: skip
