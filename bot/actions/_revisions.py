"""The earlier revisions a Deployment or a Rollout keeps as ReplicaSets, and which of them to go back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.actions import _change as change
from bot.actions import _pods as pods
from bot.clients.kubernetes import REPLICA_SET, Kubernetes
from bot.domain.errors import Refused


async def kept(api: Kubernetes, found: Mapping[str, Any], annotation: str = pods.REVISION) -> list[pods.Revision]:
    """The object's own ReplicaSets, the newest revision first. Raises Unavailable."""
    labels = (found["spec"].get("selector") or {}).get("matchLabels") or {}
    selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    held = await api.list(REPLICA_SET, str(found["metadata"]["namespace"]), selector)
    uid = str(found["metadata"]["uid"])
    known = [pods.Revision.of(each, annotation) for each in held if pods.owned_by(each, uid)]
    return sorted(filter(None, known), key=lambda each: each.number, reverse=True)


def wanted(known: Sequence[pods.Revision], now: pods.Revision, to: object, words: str, label: str) -> pods.Revision:
    """The revision to go back to. Raises Refused naming those there are.

    `previous` is the one last in use of those that were there before the present one first was: asked twice it
    never rolls forward again. Those that differ by a restart only count as one.
    """
    if to == change.PREVIOUS:
        same = [each for each in known if each.same_as(pods.plain(now.template))]
        first = min(each.first for each in same)
        older = [each for each in known if each.first < first]
        if not older:
            raise Refused(f"{words} has no revision before {now.number}; there is {listed(known)}")
        return max(older, key=lambda each: each.number)
    if isinstance(to, bool) or not isinstance(to, int | str):
        raise Refused(f"to is previous, a revision or a version, not {to!r}")
    named = [each for each in known if label and pods.label(each.template, label) == str(to)]
    numbered = [each for each in known if str(to).isdigit() and int(to) in each.numbers]
    if not (named or numbered):
        raise Refused(f"{words} has no revision {to}; there is {listed(known)}")
    return max(named or numbered, key=lambda each: each.number)


def listed(known: Sequence[pods.Revision]) -> str:
    """The newest revisions and their images."""
    said = (f"{each.number} ({', '.join(pods.images(each.template).values())})" for each in known[:10])
    return ", ".join(said) or "none"


def serves(template: Mapping[str, Any], label: str) -> dict[str, float]:
    """All traffic to the version this template's label names; nothing where none does."""
    version = pods.label(template, label)
    return {version: 1.0} if version else {}
