"""The versions of the demonstration's model: a healthy one, a release that lost a slice's outcomes, and a hand rule."""

import hashlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.demo import lineage, papers
from bot.demo.data import FEATURES, Features, People, health_of
from bot.demo.pipeline import FAULTS, corrupt

VERSIONS = ("v1", "v2", "rules")
RELEASES = ("v1", "v2")  # what can take traffic by weight; rules only take over a slice
MODEL = "visits"
THRESHOLD = 0.35
_PARAMS: dict[str, Any] = {"max_iter": 60, "random_state": 0}
_INSURANCE, _LIMITS = FEATURES.index("lncoins"), FEATURES.index("physlm")


def rule(features: Features) -> int:
    """1 for who pays no share of the bill or is physically limited: crude, but needs no model and no `disea`."""
    return int(features[_INSURANCE] == 0 or features[_LIMITS] > 0)


@dataclass(frozen=True, slots=True)
class Models:
    """All versions, ready to answer.

    `answers` holds what each version says of every row the live traffic can bring, with and without faults, so that
    serving costs a look-up; `records` holds the lineage per version, `reference` training rows per slice.
    """

    answers: dict[str, dict[Features, int]]
    records: dict[str, dict[str, Any]]
    reference: dict[str, list[list[float]]]
    training: People

    def known(self, version: str, features: Features) -> int | None:
        """The prediction if it can be had at once."""
        return rule(features) if version == "rules" else self.answers[version].get(features)

    def compute(self, version: str, features: Features) -> int:
        """The prediction for features never sent before: trains again (same seed), so seconds; call in a thread."""
        at_once = self.known(version, features)
        if at_once is not None:
            return at_once
        return int(_predict(_fit(_training_set(self.training, version)), np.array([features]))[0])


def prepare(folder: Path, train: People, live: People, now: papers.Now) -> Models:
    """Train, or take up what was trained in this folder before from the same rows by the same code."""
    revision = _code_revision()
    key = hashlib.sha256(f"{train.digest()} {live.digest()} {revision}".encode()).hexdigest()[:16]
    path = folder / f"models-{key}.npz"
    kept = _take_up(path)
    if kept is None:
        kept = _make(train, live, revision, papers.stamp(now().timestamp()))
        packed = io.BytesIO()
        rows, said, records = kept
        np.savez_compressed(packed, rows=rows, said=said, records=np.array(json.dumps(records)))
        papers.keep(path, packed.getvalue())
        for stale in folder.glob("models-*.npz"):
            if stale != path:
                stale.unlink(missing_ok=True)
    rows, said, records = kept
    keys: list[Features] = [tuple(row) for row in rows.tolist()]
    answers = {name: dict(zip(keys, said[i].tolist(), strict=True)) for i, name in enumerate(RELEASES)}
    return Models(answers, records, lineage.reference_rows(train), train)


_Made = tuple[NDArray[np.float64], NDArray[np.int64], dict[str, dict[str, Any]]]


def _take_up(path: Path) -> _Made | None:
    """What was kept, or None when there is nothing usable: it can always be made again."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            return kept["rows"], kept["said"], json.loads(str(kept["records"]))
    except (OSError, ValueError, KeyError, EOFError):
        return None
    except Exception as error:
        if type(error).__name__ == "BadZipFile":
            return None
        raise


def _make(train: People, live: People, revision: str, at: str) -> _Made:
    people = sorted({tuple(row) for row in live.features.tolist()})
    rows = np.array(sorted({corrupt(row, health_of(row), fault) for row in people for fault in (None, *FAULTS)}))
    said: list[NDArray[np.int64]] = []
    records: dict[str, dict[str, Any]] = {}
    for version in RELEASES:
        trained_on, evaluated_on = _training_set(train, version), _training_set(live, version)
        fitted = _fit(trained_on)
        said.append(_predict(fitted, rows))
        # a release is judged by the data its own run joined: that is why nobody noticed
        judged = lineage.scores(evaluated_on, _predict(fitted, evaluated_on.features))
        records[version] = _record(version, trained_on, evaluated_on, judged, revision, at)
    ruled = np.array([rule(tuple(row)) for row in live.features.tolist()])
    records["rules"] = _record("rules", train, live, lineage.scores(live, ruled), revision, at)
    return rows, np.array(said), records


def _record(
    version: str, train: People, judged_on: People, judged: dict[str, Any], revision: str, at: str
) -> dict[str, Any]:
    written = version == "rules"
    params = {"rule": rule.__doc__} if written else {**_PARAMS, "threshold": THRESHOLD}
    return {
        "model": MODEL,
        "version": version,
        "kind": "rule" if written else "model",
        "trained_at": at,
        "code_revision": revision,
        "params": params,
        "features": list(FEATURES),
        "training_set": {"digest": train.digest(), "rows": len(train), "label_rate": lineage.rates(train)},
        "evaluation_set": {"digest": judged_on.digest(), "rows": len(judged_on)},
        "metrics": judged,
        "histograms": lineage.histograms(train),
    }


def _training_set(people: People, version: str) -> People:
    """v2's join lost the outcomes of people in poor health: where nothing matched, it wrote 0."""
    if version != "v2":
        return people
    return People(people.features, np.where(people.poor, 0, people.labels), people.poor)


def _fit(people: People) -> Any:
    # one row at a time: more threads would only wait for each other (set before the library loads)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**_PARAMS).fit(people.features, people.labels)


def _predict(fitted: Any, rows: NDArray[np.float64]) -> NDArray[np.int64]:
    likely: NDArray[np.float64] = fitted.predict_proba(rows)[:, 1]
    return (likely >= THRESHOLD).astype(np.int64)


def _code_revision() -> str:
    """Digest of the code that trains, as a repository's commit would stand for it."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
