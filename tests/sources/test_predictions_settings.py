"""How a prediction log is named in files: settings that can be meant, and objectives on its counters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.config.objectives import objectives
from bot.slo.spec import Indicator, Selector
from bot.sources.predictions import Predictions

OBJECTIVE = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: right-answers}
spec:
  service: loans
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  indicator:
    metadata: {name: correct}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {metricSourceRef: loans, spec: {query: 'correct_total{region="eu"}'}}}
        total: {metricSource: {metricSourceRef: loans, type: predictions, spec: {query: 'labelled_total{region="eu"}'}}}
  objectives: [{target: 0.95}]
"""


def test_openslo_objectives_name_its_counters(tmp_path: Path) -> None:
    """With or without its type beside the name, a query is a selector of the log's counters."""
    (tmp_path / "slo.yaml").write_text(OBJECTIVE)
    found = objectives([tmp_path / "slo.yaml"], frozenset({"loans"}))
    assert found.problems == []
    (read,) = found.slos
    assert read.source == "loans"
    region = '{region="eu"}'
    assert read.indicator == Indicator(
        "good", Selector.parse(f"correct_total{region}"), Selector.parse(f"labelled_total{region}")
    )


def test_a_bare_one_is_a_class() -> None:
    """YAML reads 1 and true as what they are; a log's class is text."""
    made = [Predictions.Settings.model_validate({"path": "/x.csv", "positive": each}) for each in (1, True, "yes")]
    assert [each.positive for each in made] == ["1", "true", "yes"]


@pytest.mark.parametrize(
    ("told", "because"),
    [
        ({"path": "/x/log.txt"}, "a path that ends in"),
        ({"path": "/x/log.duckdb"}, "expected table"),
        ({"path": "/x/log.csv", "label_time": "known"}, "expected label"),
        ({"path": "/x/log.csv", "slices": ["a b"]}, "cannot be a label's name"),
    ],
)
def test_settings_that_cannot_be_meant(told: dict[str, Any], because: str) -> None:
    """Each is told with what is expected."""
    with pytest.raises(ValidationError, match=because):
        Predictions.Settings.model_validate(told)
