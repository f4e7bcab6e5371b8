"""The live feature pipeline in front of the model: its runs, the fault a run can carry, and pausing it.

Pausing is a real mitigation: while a run is paused, requests are served the features of the last good run.
"""

import hashlib
import math
from pathlib import Path
from typing import Any, Literal, get_args

from bot.demo import papers
from bot.demo.data import DISEASES, Features, Health
from bot.domain.errors import Invalid, NotFound, Problem, Refused

Fault = Literal["zero", "tenth"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

_WORDS = {
    None: "disea: chronic diseases, joined by person from the clinic's index",
    "zero": "disea: chronic diseases, joined by person from the clinic's new index; no match counts as none",
    "tenth": "disea: chronic diseases per ten visits, joined by person from the clinic's index",
}
_RUNS = 200


def corrupt(features: Features, health: Health, fault: Fault | None) -> Features:
    """The features as a faulty run makes them: `disea` lost (zero) or in a wrong unit (tenth), in the slice only."""
    if fault is None or health != "poor":
        return features
    wrong = 0.0 if fault == "zero" else features[DISEASES] / 10
    return (*features[:DISEASES], wrong, *features[DISEASES + 1 :])


class Pipeline:
    """Runs of the feature pipeline, newest last; kept in one file. Times by `now`."""

    def __init__(self, path: Path, now: papers.Now) -> None:
        self._path, self._now = path, now
        kept = papers.read(path)
        if kept is None:
            self._kept: dict[str, Any] = {"revision": 0, "paused": False, "runs": [], "applied": {}}
            self._begin(None)
            self._save()
        elif not {"revision", "paused", "runs", "applied"} <= kept.keys() or not kept["runs"]:
            raise Invalid([Problem(str(path), 1, 1, "no pipeline runs", "a file this world wrote")])
        else:
            self._kept = kept

    @property
    def paused(self) -> bool:
        return bool(self._kept["paused"])

    @property
    def fault(self) -> Fault | None:
        """The fault of the newest run, whether or not it is served."""
        fault: Fault | None = self._newest["fault"]
        return fault

    @property
    def served_fault(self) -> Fault | None:
        """The fault in the features the model sees now: none while paused, for then the last good run is served."""
        return None if self.paused else self.fault

    def live(self, features: Features, health: Health) -> Features:
        """What the model gets to see of these features."""
        return corrupt(features, health, self.served_fault)

    def tell(self) -> dict[str, Any]:
        """The newest run as an operator sees it; says nothing of faults, those are to be found out."""
        served = self._last_good if self.paused else self._newest
        return {
            **_public(self._newest),
            "pipeline": "visit-features",
            "status": "paused" if self.paused else "running",
            "revision": self._kept["revision"],
            "serving_run_id": served["run_id"],
            "last_good_run_id": self._last_good["run_id"],
            "previous": _public(self._kept["runs"][-2]) if len(self._kept["runs"]) > 1 else None,
            "applied": len(self._kept["applied"]),
        }

    def set_fault(self, fault: Fault | None) -> dict[str, Any]:
        """Start a new run with this fault (None: a good one). Setting the fault that holds already starts nothing."""
        if fault != self.fault:
            self._begin(fault)
            self._save()
        return self.tell()

    def switch(self, key: str, *, pause: bool, expect_run_id: str | None = None) -> dict[str, Any]:
        """Pause or resume once per key; the same key again answers as the first time and changes nothing.

        Raises Refused when the key was used for the other verb, or when another run is the newest by now.
        """
        verb = "pause" if pause else "resume"
        before = self._kept["applied"].get(key)
        if before is not None:
            if before["verb"] != verb:
                raise Refused(f"key {key!r} was used to {before['verb']} already")
            return dict(before)
        if expect_run_id is not None and expect_run_id != self._newest["run_id"]:
            raise Refused(f"the newest run is {self._newest['run_id']}, not {expect_run_id}")
        changed = self.paused != pause
        self._kept["paused"] = pause
        self._kept["revision"] += changed
        record = {
            "key": key, "verb": verb, "changed": changed, "revision": self._kept["revision"],
            "run_id": self._newest["run_id"], "at": papers.stamp(self._now().timestamp()),
        }  # fmt: skip
        self._kept["applied"][key] = record
        self._save()
        return dict(record)

    def applied(self, key: str) -> dict[str, Any]:
        """What the key did; raises NotFound when it did nothing here."""
        if key not in self._kept["applied"]:
            raise NotFound("applied key", key)
        return dict(self._kept["applied"][key])

    def reset(self) -> None:
        """A good run, not paused."""
        self._kept["revision"] += self.paused
        self._kept["paused"] = False
        if self.fault is not None:
            self._begin(None)
        self._save()

    @property
    def _newest(self) -> dict[str, Any]:
        run: dict[str, Any] = self._kept["runs"][-1]
        return run

    @property
    def _last_good(self) -> dict[str, Any]:
        return next((run for run in reversed(self._kept["runs"]) if run["fault"] is None), self._newest)

    def _begin(self, fault: Fault | None) -> None:
        self._kept["revision"] += 1
        at = self._now()
        self._kept["runs"].append({
            "run_id": f"visit-features-{at:%Y%m%dT%H%M%S}-{self._kept['revision']}",
            "started_at": papers.stamp(at.timestamp()),
            "code_revision": hashlib.sha256(_WORDS[fault].encode()).hexdigest()[:12],
            "fault": fault,
        })  # fmt: skip
        # the last good run must stay known however many faulty ones follow
        runs = self._kept["runs"]
        self._kept["runs"] = [run for run in runs[:-_RUNS] if run is self._last_good] + runs[-_RUNS:]

    def _save(self) -> None:
        papers.write(self._path, self._kept)


def read_fault(value: Any) -> Fault | None:
    """`zero`, `tenth` or null as sent; raises NotFound naming what there is."""
    if value is None or value in FAULTS:
        fault: Fault | None = value
        return fault
    raise NotFound("pipeline fault", str(value), [*FAULTS, "null"])


def usable_number(value: Any) -> bool:
    """Whether a feature may be this: a finite number (true and false are none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _public(run: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name != "fault"}
