"""The people whose doctor visits the demonstration's model predicts: 20,190 real rows, none of them made up.

The rows come from the RAND Health Insurance Experiment, public domain, and travel with statsmodels.
The question: will this person see a doctor three times or more within the year?
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bot.domain.errors import Unavailable

Health = Literal["poor", "good"]
Features = tuple[float, ...]

FEATURES = ("lncoins", "idp", "lpi", "fmde", "physlm", "disea", "hlthg", "hlthf", "hlthp")
DISEASES = FEATURES.index("disea")
HEALTHS: tuple[Health, ...] = ("good", "poor")
FREQUENT = 3  # visits a year from which a person counts as a frequent visitor
_SEED, _TRAIN_SHARE = 0, 0.6


@dataclass(frozen=True, eq=False, slots=True)
class People:
    """Rows side by side: `features` (n, 9) float64 in the order of FEATURES, `labels` (n,) 0 or 1, `poor` (n,) bool."""

    features: NDArray[np.float64]
    labels: NDArray[np.int64]
    poor: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    def among(self, health: str) -> NDArray[np.bool_]:
        """Which rows belong to the slice; `all` for every row."""
        return np.ones(len(self), bool) if health == "all" else self.poor == (health == "poor")

    def digest(self) -> str:
        """SHA-256 over features and labels in order: two data sets with one digest are the same data set."""
        seen = hashlib.sha256(",".join(FEATURES).encode())
        seen.update(np.ascontiguousarray(self.features, "<f8").tobytes())
        seen.update(np.ascontiguousarray(self.labels, "<i8").tobytes())
        return f"sha256:{seen.hexdigest()}"


def load() -> tuple[People, People]:
    """(training part, held-out part that becomes live traffic), 60 to 40, always the same split.

    Reads the file beside statsmodels without importing it (50 ms instead of seconds).
    Raises Unavailable when the file is not there.
    """
    spec = importlib.util.find_spec("statsmodels")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    paths = [path for folder in folders if (path := Path(folder, "datasets", "randhie", "randhie.csv")).is_file()]
    if not paths:
        raise Unavailable("demonstration data", "statsmodels with its randhie data set is not installed")
    with paths[0].open(encoding="utf-8") as file:
        columns = file.readline().strip().split(",")
        raw = np.loadtxt(file, delimiter=",")
    everyone = _people(raw, columns)
    order = np.random.default_rng(_SEED).permutation(len(everyone))
    cut = int(len(order) * _TRAIN_SHARE)
    return _pick(everyone, order[:cut]), _pick(everyone, order[cut:])


def health_of(features: Features) -> Health:
    """The slice a person belongs to, by their own word: fair or poor health is `poor`."""
    return "poor" if features[FEATURES.index("hlthf")] + features[FEATURES.index("hlthp")] > 0 else "good"


def _people(raw: NDArray[np.float64], columns: list[str]) -> People:
    features = raw[:, [columns.index(name) for name in FEATURES]]
    labels = (raw[:, columns.index("mdvis")] >= FREQUENT).astype(np.int64)
    poor = features[:, FEATURES.index("hlthf")] + features[:, FEATURES.index("hlthp")] > 0
    return People(features, labels, poor)


def _pick(people: People, rows: NDArray[np.int64]) -> People:
    return People(people.features[rows], people.labels[rows], people.poor[rows])
