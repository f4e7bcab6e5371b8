"""What an Unleash environment says of a flag, reckoned without asking: who is let in, how many, and which slice is not.

Strategies let people in one by one: whoever any active one lets in has the flag. A slice is kept off where every active
strategy has a NOT_IN constraint on it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from bot.actions._slices import slice_of
from bot.domain.errors import Refused

ROLLOUT = "flexibleRollout"
_KEPT = ("id", "name", "title", "disabled", "parameters", "constraints", "variants", "segments", "sortOrder")
_WHOLE = 100

State = dict[str, Any]
"""`enabled` and `strategies`, the latter in their order."""


def state_of(environment: Mapping[str, Any]) -> State:
    """The environment without what changes by itself, such as when it was last seen."""
    strategies = [{name: each.get(name) for name in _KEPT} for each in environment["strategies"]]
    strategies.sort(key=lambda each: (each["sortOrder"] or 0, each["id"]))
    for each in strategies:
        each["disabled"] = bool(each["disabled"])
        each["parameters"] = each["parameters"] or {}
        for name in ("constraints", "variants", "segments"):
            each[name] = each[name] or []
    return {"enabled": environment["enabled"], "strategies": strategies}


def active(state: State) -> list[dict[str, Any]]:
    """The strategies that let people in."""
    return [each for each in state["strategies"] if not each["disabled"]]


def rollout(state: State, wanted: str) -> tuple[dict[str, Any], int]:
    """The gradual rollout (by id or title where `wanted` says) and its percentage. Raises Refused."""
    found = [each for each in active(state) if each["name"] == ROLLOUT]
    if wanted:
        found = [each for each in found if wanted in (each["id"], each["title"])]
    if not found:
        named = f" called {wanted!r}" if wanted else ""
        raise Refused(f"the flag has no active gradual rollout{named} there; it can only be switched on or off")
    if len(found) > 1:
        raise Refused("the flag has several gradual rollouts there; name one in the target's settings (strategy)")
    told = found[0]["parameters"].get("rollout")
    if not str(told).isdigit() or int(str(told)) > _WHOLE:
        raise Refused(f"the flag holds a rollout of {told!r}, which is no percentage; mend it in Unleash first")
    return found[0], int(str(told))


def with_rollout(state: State, identity: str, percent: int) -> State:
    """The state with that strategy's percentage."""
    changed = copy.deepcopy(state)
    for each in changed["strategies"]:
        if each["id"] == identity:
            each["parameters"]["rollout"] = str(percent)
    return changed


def kept_off(state: State, text: str) -> bool:
    """Whether no active strategy lets the slice in."""
    return bool(active(state)) and all(any(_excluding(each, text)) for each in active(state))


def with_slice(state: State, text: str, *, off: bool) -> State:
    """The state with the slice kept off by every active strategy, or let in again by all of them."""
    name, value = slice_of(text)
    changed = copy.deepcopy(state)
    for each in active(changed):
        if off and not any(_excluding(each, text)):
            each["constraints"].append({"contextName": name, "operator": "NOT_IN", "values": [value]})
        if not off:
            for constraint in list(_excluding(each, text)):
                constraint["values"] = [one for one in constraint["values"] if one != value]
                if not constraint["values"]:
                    each["constraints"].remove(constraint)
    return changed


def reached(state: State) -> float | None:
    """The part of the requests the flag is on for, 0 to 1; None where only the requests could tell."""
    if not state["enabled"]:
        return 0.0
    if not state["strategies"]:
        return 1.0  # on without strategies is on for everybody
    shares = []
    for each in active(state):
        share = str(each["parameters"].get("rollout", "")) if each["name"] == ROLLOUT else "100"
        plain = each["name"] in (ROLLOUT, "default") and not each["constraints"] and not each["segments"]
        if not plain or not share.isdigit():
            return None
        shares.append(int(share))
    if shares and max(shares) >= _WHOLE:
        return 1.0
    return shares[0] / _WHOLE if len(shares) == 1 else None  # two rollouts overlap, nobody can tell how far


def shown(state: State, seen: Mapping[str, Any]) -> bool:
    """Whether what the SDKs are handed is this state; segments reach them as constraints."""
    if bool(seen.get("enabled")) != state["enabled"]:
        return False
    if not state["enabled"]:
        return True
    theirs = seen.get("strategies")
    ours = active(state)
    if not isinstance(theirs, list) or len(theirs) != len(ours):
        return False
    return all(
        isinstance(their, dict)
        and their.get("name") == our["name"]
        and (their.get("parameters") or {}) == our["parameters"]
        and all(each in (their.get("constraints") or []) for each in our["constraints"])
        and (bool(our["segments"]) or len(their.get("constraints") or []) == len(our["constraints"]))
        for our, their in zip(ours, theirs, strict=True)
    )


def _excluding(strategy: Mapping[str, Any], text: str) -> Iterator[dict[str, Any]]:
    name, value = slice_of(text)
    for each in strategy["constraints"]:
        plain = each.get("operator") == "NOT_IN" and not each.get("inverted")
        if plain and each.get("contextName") == name and value in (each.get("values") or []):
            yield each
