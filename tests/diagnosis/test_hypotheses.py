"""Evidence moves explanations: deterministically, never by more than it says, and never out of nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.diagnosis.hypotheses import EXPLANATIONS, rank
from bot.domain.finding import Cause, Finding
from bot.domain.mitigation import Means
from tests.kit import NOON


def finding(number: int, *bears: tuple[str, float]) -> Finding:
    return Finding(f"F{number}", f"finding {number}", "test", NOON, "tocsin", tuple(bears))


def test_nothing_found_explains_nothing() -> None:
    """No findings, or findings that speak only against, leave no explanation."""
    assert rank([]) == ()
    assert rank([finding(1)]) == ()
    assert rank([finding(1, ("training_data", -3.0))]) == ()


def test_a_badly_taught_version_asks_for_a_rollback() -> None:
    """The first remedy is to roll back, and nothing speaks against it."""
    found = rank([
        finding(1, ("feature_pipeline", -2.0), ("upstream", -0.5)),
        finding(2, ("training_data", 3.0), ("concept_drift", -2.0)),
        finding(3, ("training_data", 0.5), ("code_change", 0.5)),
        finding(4, ("code_change", -2.0)),
    ])  # fmt: skip
    first = found[0]
    assert first.cause is Cause.TRAINING_DATA
    assert first.belief > 0.8
    assert (first.supported_by, first.opposed_by) == (("F2", "F3"), ())
    assert first.remedies[0] == "rollback"
    assert "bypass" in first.remedies
    assert first.unfit == ()
    assert found[1].cause is Cause.CODE_CHANGE
    assert found[1].opposed_by == ("F4",)


def test_a_broken_pipeline_advises_against_a_rollback() -> None:
    """What would not help is said with its reason, and is no remedy."""
    first = rank([finding(1, ("feature_pipeline", 3.0), ("training_data", -2.0))])[0]
    assert first.cause is Cause.FEATURE_PIPELINE
    assert first.remedies[:2] == ("bypass", "pause")
    assert "rollback: every version sees the same broken feature; rolling back changes nothing" in first.unfit


def test_unknown_causes_and_broken_weights_are_passed_over() -> None:
    """A finding of a newer version, or with a weight that is no number, moves nothing it should not."""
    noise = finding(1, ("phase_of_the_moon", 9.0), ("training_data", math.nan), ("code_change", math.inf))
    assert rank([noise]) == ()
    assert rank([noise, finding(2, ("upstream", 1.0))]) == rank([finding(2, ("upstream", 1.0))])


def test_equal_evidence_keeps_one_order() -> None:
    """Ties stand in the order of the causes, whatever the order of the findings."""
    one, two = finding(1, ("code_change", 1.0)), finding(2, ("training_data", 1.0))
    assert [each.cause for each in rank([one, two])] == [Cause.TRAINING_DATA, Cause.CODE_CHANGE]
    assert [each.cause for each in rank([two, one])] == [Cause.TRAINING_DATA, Cause.CODE_CHANGE]


def test_every_cause_is_explained() -> None:
    """Each has a next test and remedies of known kinds; a remedy is never unfit; every unfit one says why."""
    means = {str(each) for each in Means}
    assert EXPLANATIONS.keys() == set(Cause)
    for known in EXPLANATIONS.values():
        assert known.next_test
        assert known.remedies
        assert set(known.remedies) <= means
        unfit = {words.partition(": ")[0] for words in known.unfit}
        assert unfit <= means
        assert not unfit & set(known.remedies)
        assert all(words.partition(": ")[2] for words in known.unfit)


@pytest.mark.parametrize("cause", list(Cause))
def test_strong_evidence_puts_any_cause_first(cause: Cause) -> None:
    """No prior is so strong that clear evidence could not overcome it."""
    assert rank([finding(1, (str(cause), 4.0))])[0].cause is cause


BEARS = st.lists(
    st.tuples(st.sampled_from([*map(str, Cause), "other"]), st.floats(allow_nan=True, allow_infinity=True)), max_size=4
)


@settings(max_examples=100)
@given(st.lists(BEARS, max_size=8))
def test_beliefs_are_shares_in_order(all_bears: list[list[tuple[str, float]]]) -> None:
    """Between 0 and 1, together at most 1, falling; each listed cause has support; the same again gives the same."""
    findings = [finding(number, *bears) for number, bears in enumerate(all_bears, 1)]
    found = rank(findings)
    beliefs = [each.belief for each in found]
    assert beliefs == sorted(beliefs, reverse=True)
    assert all(0 <= belief <= 1 for belief in beliefs)
    assert sum(beliefs) <= 1.001
    assert all(each.supported_by for each in found)
    assert len({each.cause for each in found}) == len(found)
    assert rank(findings) == found


@settings(max_examples=60)
@given(st.lists(BEARS, max_size=5), st.sampled_from(list(Cause)))
def test_more_evidence_never_lowers_a_belief(all_bears: list[list[tuple[str, float]]], cause: Cause) -> None:
    """A further finding for a cause leaves its share as high or raises it."""
    findings = [finding(number, *bears) for number, bears in enumerate(all_bears, 1)]
    before = {each.cause: each.belief for each in rank([*findings, finding(98, (str(cause), 1e-9))])}
    after = {each.cause: each.belief for each in rank([*findings, finding(99, (str(cause), 1.0))])}
    assert after[cause] >= before[cause]
