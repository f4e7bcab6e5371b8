"""The Evidently report of an incident in its main numbers: which column drifted, by which test, against what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import Refused, Tampered
from bot.web.door import Console

LARGEST = 2_000_000
"""Bytes of a report that is read for a page; a larger one is taken away and read elsewhere."""
MOST = 200
DISTANCES = frozenset({"psi", "wasserstein", "jensenshannon", "kl_div", "hellinger", "TVD", "ed"})
"""Tests whose value is a distance: the larger, the further apart. The others give a p-value: the smaller."""
NAMES = {
    "ks": "Kolmogorov-Smirnov, p", "psi": "PSI", "wasserstein": "Wasserstein", "jensenshannon": "Jensen-Shannon",
    "chisquare": "χ², p", "z": "Z-test, p", "kl_div": "Kullback-Leibler",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column compared: `drifted` is the report's own verdict; shares of missing values live and in training."""

    name: str
    drifted: bool
    test: str
    value: float | None
    threshold: float | None
    missing: tuple[float, float] | None

    @property
    def apart(self) -> str:
        """How the value is read."""
        return "drifts from" if self.test in {NAMES.get(each, each) for each in DISTANCES} else "drifts below"


@dataclass(frozen=True, slots=True)
class Report:
    """What the page shows; `because` says why there are no numbers, with the attachment beside."""

    exhibit: str
    name: str
    columns: tuple[Column, ...] = ()
    live: int = 0
    reference: int = 0
    left_out: tuple[tuple[str, str], ...] = ()
    because: str = ""

    @property
    def drifted(self) -> int:
        return sum(each.drifted for each in self.columns)


async def report_of(here: Console, incident: str, exhibit: str) -> Report | None:
    """The drift report that was attached to an incident; None where none was. Raises Unavailable."""
    if not exhibit:
        return None
    try:
        found = await here.desk.exhibits.get(exhibit)
    except (Refused, Tampered) as gone:
        return Report(exhibit, "", because=gone.because if isinstance(gone, Refused) else str(gone))
    if found is None or found.incident != incident:
        return None
    if len(found.content) > LARGEST:
        return Report(exhibit, found.name, because="it is too large to be shown here")
    return read(exhibit, found.name, found.content)


def read(exhibit: str, name: str, content: bytes) -> Report:
    """The numbers of a report, the columns that drifted first. One of another shape is an attachment alone."""
    try:
        told = json.loads(content)
        rows, metrics = told["rows"], told["report"]["metrics"]
        failed = {
            str(each["metric_config"]["metric_id"]): each["status"] == "FAIL"
            for each in told["report"].get("tests", [])
        }
        columns = [
            _column(each, failed, told.get("missing", {}))
            for each in metrics
            if str(each.get("config", {}).get("type", "")).endswith(":ValueDrift")
        ]
        left_out = tuple((str(column), str(why)) for column, why in told.get("left_out", {}).items())
        live, reference = int(rows["current"]), int(rows["reference"])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return Report(exhibit, name, because="it is of a shape that is not read here")
    columns.sort(key=lambda each: (not each.drifted, each.name))
    return Report(exhibit, name, tuple(columns[:MOST]), live, reference, left_out)


def _column(metric: Mapping[str, Any], failed: Mapping[str, bool], missing: Mapping[str, Any]) -> Column:
    config = metric["config"]
    name, method = str(config["column"]), str(config["method"])
    value, threshold = _number(metric.get("value")), _number(config.get("threshold"))
    drifted = failed.get(str(metric.get("id", "")))
    if drifted is None:
        known = value is not None and threshold is not None
        drifted = known and (value >= threshold if method in DISTANCES else value < threshold)  # type: ignore[operator]
    shares = missing.get(name)
    pair = (float(shares[0]), float(shares[1])) if isinstance(shares, list) else None
    return Column(name, bool(drifted), NAMES.get(method, method), value, threshold, pair)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
