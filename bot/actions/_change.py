"""What every action says and reckons alike: versions before one another, weights in words, a state's fingerprint."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.diagnosis.versions import natural
from bot.domain.errors import Refused
from bot.domain.mitigation import Means
from bot.engine.values import Observation, Seen

PREVIOUS = "previous"
_DIGITS = re.compile(r"\d+")
READ_ONLY = "reckoned from the state just read; this target cannot try a change without making it"
"""How a plan was tried where the target has no dry run."""


def moment(told: Any) -> str:
    """A time as a target's record tells it (ISO 8601), in the words of every other sentence: 12:00:05 UTC on a day."""
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        return "an unknown time"
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at.tzinfo else "an unknown time"


def serving(weights: Mapping[str, float]) -> str:
    """The version that takes most traffic; of equals, the newest."""
    return max(sorted(weights, key=natural, reverse=True), key=lambda name: weights[name])


def rollback_to(wanted: Any, weights: Mapping[str, float]) -> str:
    """The version to go back to: the one named, or for `previous` the one before the version now serving.

    Of names that differ in more than their numbers nobody can tell which came before. Asked twice, `previous` never
    rolls forward again: the oldest version has none before it. Raises Refused.
    """
    if wanted != PREVIOUS:
        if wanted not in weights:
            raise Refused(f"there is no version {wanted!r} to roll back to; there is {', '.join(weights)}")
        return str(wanted)
    now = serving(weights)
    alike = [name for name in weights if _DIGITS.sub("0", name) == _DIGITS.sub("0", now)]  # v9 and v10, not champion
    older = [name for name in alike if natural(name) < natural(now)]
    if not older:
        raise Refused(f"{now} serves and there is no version before it; name the version to go to")
    return max(older, key=natural)


def wanted_weights(given: Any, names: Sequence[str], most: int) -> dict[str, int]:
    """Whole weights for every name, 0 where none was given. Raises Refused saying what is wrong."""
    if not isinstance(given, Mapping) or not given:
        raise Refused("a change of traffic needs weights, such as {v1: 90, v2: 10}")
    if unknown := [str(name) for name in given if name not in names]:
        raise Refused(f"there is no backend {', '.join(unknown)}; there is {', '.join(names)}")
    for name, weight in given.items():
        if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= most:
            raise Refused(f"the weight of {name} is a whole number from 0 to {most}, not {weight!r}")
    if not any(given.values()):
        raise Refused("with every weight at 0 nothing would take traffic")
    return {name: int(given.get(name, 0)) for name in names}


def weight_words(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[str, ...]:
    """One sentence per weight that changes."""
    return tuple(
        f"weight {name} {before.get(name, 0)} → {weight}"
        for name, weight in after.items()
        if before.get(name, 0) != weight
    )


def bypass_words(name: str, before: str | None, after: str | None) -> tuple[str, ...]:
    """What happens to one slice; nothing where nothing does."""
    if before == after:
        return ()
    if after is None:
        return (f"slice {name}: no longer sent to {before}, goes by weight again",)
    return (f"slice {name}: {f'sent to {before}' if before else 'goes by weight'} → sent to {after}",)


def moved_share(before: Mapping[str, float], after: Mapping[str, float]) -> int:
    """Per cent of the traffic that changes its backend, 0 to 100."""
    was, now = sum(before.values()) or 1, sum(after.values()) or 1
    return round(sum(abs(after.get(n, 0) / now - before.get(n, 0) / was) for n in {*before, *after}) * 50)


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """The part of the traffic each version takes by its weight, 0 to 1; empty where none takes any."""
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()} if whole else {}


def weights_of(state: Mapping[str, object]) -> Mapping[str, int]:
    """The weights a state holds; none where it is about something else."""
    weights = state.get("weights")
    return weights if isinstance(weights, Mapping) else {}


def only(params: Mapping[str, object], *known: str) -> None:
    """Raise Refused where something is asked that would be passed over: a misspelt word must not change the meaning."""
    if unknown := [str(name) for name in params if name not in known]:
        raise Refused(f"{', '.join(unknown)} cannot be asked here; what can is {', '.join(known) or 'nothing'}")


def asked_slice(params: Mapping[str, object]) -> tuple[str, str | None]:
    """(slice, backend or None to lift) of a bypass. Raises Refused."""
    name, to = params.get("slice"), params.get("to")
    if not isinstance(name, str) or not name:
        raise Refused("a bypass needs the slice it is for, such as health=poor")
    if to is not None and (not isinstance(to, str) or not to):
        raise Refused("a bypass goes to a named backend, or to nothing (null), which lifts it")
    return name, to


def fingerprint(state: Any) -> str:
    """A short digest of a state: two states with one fingerprint are the same."""
    return hashlib.sha256(json.dumps(state, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def cannot(action: str, means: Means, can: Iterable[Means]) -> Refused:
    """The refusal of a kind of change this target does not know."""
    return Refused(f"{action} cannot {means}; it can {', '.join(can)}")


def compared(now: Any, before: Any, after: Any) -> Observation:
    """What the effective state shows where the target knows no keys."""
    if now == after:
        return Observation(Seen.APPLIED, "the target is in the wanted state")
    if now == before:
        return Observation(Seen.NOT_APPLIED, "the target is as it was before")
    return Observation(Seen.UNKNOWN, f"the target is neither as before nor as wanted: {json.dumps(now)[:200]}")
