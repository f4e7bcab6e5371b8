"""The traffic router: how much goes to which version, which slice goes elsewhere, and every change ever made to it.

A change carries a key (the same key changes things once) and the revision it was planned on (else it is refused).
"""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo import papers
from bot.domain.errors import Invalid, Problem

_WHOLE = 100
_KEY_LENGTH = 200
_ASKED = {"key", "expect_revision", "weights", "bypass", "paused"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the JSON that goes with it."""

    status: int
    body: dict[str, Any]


class Router:
    """Weights, slice bypasses and paused backends, kept in one file; every change is on disk before it is answered.

    `weighted` are the backends that share traffic by weight, `fallbacks` those a slice may be sent to besides.
    Raises Invalid at start when the file cannot be read.
    """

    def __init__(
        self, path: Path, now: papers.Now, *, weighted: Sequence[str], fallbacks: Sequence[str],
        slices: Sequence[str], dice: random.Random | None = None,
    ) -> None:  # fmt: skip
        self._path, self._now, self._dice = path, now, dice or random.Random(0)
        self._weighted, self._fallbacks, self._slices = tuple(weighted), tuple(fallbacks), tuple(slices)
        first = {name: _WHOLE * (name == weighted[0]) for name in weighted}
        kept = papers.read(path)
        if kept is None:
            kept = {"revision": 1, "weights": first, "bypass": {}, "paused": [], "applied": {}, "history": []}
        elif not {"revision", "weights", "bypass", "paused", "applied", "history"} <= kept.keys():
            raise Invalid([Problem(str(path), 1, 1, "no router state", "a file this world wrote")])
        self._kept: dict[str, Any] = kept
        self._prepare()

    @property
    def revision(self) -> int:
        revision: int = self._kept["revision"]
        return revision

    def state(self) -> dict[str, Any]:
        """What holds now; `applied` counts the keys that were accepted."""
        return {
            "revision": self.revision, **self._settings(),
            "backends": [*self._weighted, *self._fallbacks], "slices": list(self._slices),
            "applied": len(self._kept["applied"]),
        }  # fmt: skip

    def apply(self, asked: Any, *, dry_run: bool = False) -> Answer:
        """Make the change once per key: 200 with the new revision, 409 with the state that holds, or 400 with reasons.

        A dry run checks all the same and answers with the state that would result; it writes nothing.
        """
        if reasons := self._faults(asked, key_needed=not dry_run):
            return Answer(400, {"reasons": reasons})
        key, content = asked.get("key"), _content(asked)
        if key is not None and (done := self._kept["applied"].get(key)):
            if done["content"] != content:
                return self._conflict(f"key {key!r} made another change already, at revision {done['revision']}")
            return Answer(200, _answer(done))
        if asked["expect_revision"] != self.revision:
            return self._conflict(f"planned on revision {asked['expect_revision']}, now it is {self.revision}")
        before, after = self._settings(), self._after(asked)
        if reasons := self._dead_ends(after):
            return Answer(400, {"reasons": reasons})
        changed = before != after
        revision = self.revision + changed
        if dry_run:
            state = {**self.state(), **after, "revision": revision}
            return Answer(200, {"dry_run": True, "changed": changed, "before": before, "after": after, "state": state})
        record = {
            "key": key, "content": content, "revision": revision, "changed": changed,
            "at": papers.stamp(self._now().timestamp()), "before": before, "after": after,
        }  # fmt: skip
        self._commit(record)
        return Answer(200, _answer(record))

    def applied(self, key: str) -> dict[str, Any] | None:
        """What this key did, or None when it did nothing here."""
        record = self._kept["applied"].get(key)
        return None if record is None else {name: record[name] for name in record if name != "content"}

    def history(self) -> list[dict[str, Any]]:
        """Every change that changed something, oldest first."""
        return [{name: record[name] for name in record if name != "content"} for record in self._kept["history"]]

    def choose(self, health: str) -> str:
        """The backend for one request of this slice: its bypass, else by weight."""
        bypass = self._bypass.get(health)
        return bypass if bypass is not None else self._dice.choices(self._names, cum_weights=self._sums)[0]

    def bypasses(self, health: str) -> bool:
        """Whether requests of this slice go elsewhere than by weight."""
        return health in self._bypass

    def _settings(self) -> dict[str, Any]:
        return {
            "weights": dict(self._kept["weights"]),
            "bypass": dict(self._kept["bypass"]),
            "paused": list(self._kept["paused"]),
        }

    def _after(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that result. Weights replace all weights (unnamed: 0), bypasses change one by one."""
        after = self._settings()
        if "weights" in asked:
            after["weights"] = {name: asked["weights"].get(name, 0) for name in self._weighted}
        for name, backend in asked.get("bypass", {}).items():
            after["bypass"].pop(name, None)
            if backend is not None:
                after["bypass"][name] = backend
        after["bypass"] = dict(sorted(after["bypass"].items()))
        if "paused" in asked:
            after["paused"] = sorted(set(asked["paused"]))
        return after

    def _dead_ends(self, after: Mapping[str, Any]) -> list[str]:
        """Why these settings would leave requests without a backend."""
        paused = set(after["paused"])
        reasons = [f"bypass.{name}: {to} is paused" for name, to in after["bypass"].items() if to in paused]
        if not any(after["weights"][name] for name in self._weighted if name not in paused):
            reasons.append("no backend would be left to take traffic by weight")
        return reasons

    def _commit(self, record: dict[str, Any]) -> None:
        history = [*self._kept["history"], record] if record["changed"] else self._kept["history"]
        applied = {**self._kept["applied"], record["key"]: record}
        kept = {"revision": record["revision"], **record["after"], "applied": applied, "history": history}
        papers.write(self._path, kept)
        self._kept = kept
        self._prepare()

    def _prepare(self) -> None:
        """What `choose` needs, worked out once per change."""
        self._names = [name for name in self._weighted if name not in self._kept["paused"]]
        sums, total = [], 0
        for name in self._names:
            total += self._kept["weights"][name]
            sums.append(total)
        self._sums = sums
        self._bypass = {name.partition("=")[2]: backend for name, backend in self._kept["bypass"].items()}

    def _conflict(self, because: str) -> Answer:
        return Answer(409, {"reasons": [because], "state": self.state()})

    def _faults(self, asked: Any, *, key_needed: bool) -> list[str]:
        """All that is wrong with a request by itself, in sentences; empty when it can be considered."""
        if not isinstance(asked, dict):
            return [f"the body is {type(asked).__name__}, expected an object"]
        reasons = [f"unknown field {name!r}; there is {', '.join(sorted(_ASKED))}" for name in asked.keys() - _ASKED]
        key = asked.get("key")
        if (key_needed or key is not None) and not (isinstance(key, str) and 0 < len(key) <= _KEY_LENGTH):
            reasons.append(f"key: expected a text of 1 to {_KEY_LENGTH} characters")
        if not _whole(asked.get("expect_revision")):
            reasons.append("expect_revision: expected the whole number that GET /state told")
        if not asked.keys() & {"weights", "bypass", "paused"}:
            reasons.append("nothing to change: give weights, bypass or paused")
        reasons += self._weight_faults(asked["weights"]) if "weights" in asked else []
        reasons += self._bypass_faults(asked["bypass"]) if "bypass" in asked else []
        if "paused" in asked and not (
            isinstance(asked["paused"], list) and all(name in self._weighted for name in asked["paused"])
        ):
            reasons.append(f"paused: expected a list of {', '.join(self._weighted)}")
        return reasons

    def _weight_faults(self, weights: Any) -> list[str]:
        if not isinstance(weights, dict):
            return ["weights: expected an object of backend to whole per cent"]
        reasons = [
            f"weights: no weighted backend called {name!r}; there is {', '.join(self._weighted)}"
            for name in weights
            if name not in self._weighted
        ]
        reasons += [
            f"weights.{name}: expected a whole number from 0 to {_WHOLE}"
            for name, weight in weights.items()
            if not _whole(weight) or not 0 <= weight <= _WHOLE
        ]
        if not reasons and sum(weights.values()) != _WHOLE:
            reasons.append(f"weights: sum to {sum(weights.values())}, expected {_WHOLE}")
        return reasons

    def _bypass_faults(self, bypass: Any) -> list[str]:
        if not isinstance(bypass, dict) or not bypass:
            return ["bypass: expected an object of slice to backend, or to null to lift it"]
        backends = (*self._weighted, *self._fallbacks)
        reasons = [
            f"bypass: no slice called {name!r}; there is {', '.join(self._slices)}"
            for name in bypass
            if name not in self._slices
        ]
        reasons += [
            f"bypass.{name}: no backend called {backend!r}; there is {', '.join(backends)}, null"
            for name, backend in bypass.items()
            if backend is not None and backend not in backends
        ]
        return reasons


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _content(asked: Mapping[str, Any]) -> str:
    """Digest of what is to change, without key and revision: a retry under a key must ask for the same."""
    change = {name: asked[name] for name in sorted(asked) if name in {"weights", "bypass", "paused"}}
    return hashlib.sha256(json.dumps(change, sort_keys=True).encode()).hexdigest()


def _answer(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("key", "revision", "changed", "at", "before", "after")}
