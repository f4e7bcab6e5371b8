"""`tocsin.dev/fairness`: parity between the groups that `tocsin.dev/slice-by` names."""

import pytest

from bot.config.openslo import gather
from tests.config.openslo_texts import one, slo
from tests.config.reading import gathered

PLAIN = "missing-bad: zero"


def said(**annotations: str) -> str:
    """An SLO with these annotations beside its own."""
    more = ", ".join(f"tocsin.dev/{name.replace('_', '-')}: {value}" for name, value in annotations.items())
    return slo(["{target: 0.99}"]).replace(PLAIN, f"{PLAIN}, {more}")


def test_parity_is_between_groups():
    """Without a number no gap is allowed; an objective that says nothing is not watched for fairness."""
    assert one(said(slice_by="age_group", fairness="parity")).allowed_gap == 0.0
    assert one(said(slice_by="age_group", fairness="parity@0.05")).allowed_gap == 0.05
    assert one(slo(["{target: 0.99}"])).allowed_gap is None


@pytest.mark.parametrize(
    ("annotations", "what"),
    [
        ({"fairness": "parity"}, "between whom is this to be fair?"),
        ({"fairness": "odds", "slice_by": "age_group"}, "equalised odds are two objectives"),
        ({"fairness": "equality", "slice_by": "age_group"}, "'equality' is no measure of fairness"),
        ({"fairness": "parity@0.9", "slice_by": "age_group"}, "'parity@0.9' is no measure of fairness"),
    ],
)
def test_what_is_no_fairness_is_told(annotations, what):
    """At the annotation, with what is expected."""
    found = gathered(gather, said(**annotations))
    assert any(each.what.startswith(what) and each.expected for each in found.problems)
