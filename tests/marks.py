"""A plan of which every field can be told from every other, to see that whoever reads it is shown all of them."""

from __future__ import annotations

from dataclasses import fields, replace

from bot.domain.guard import Means
from bot.domain.mitigation import Plan
from bot.domain.policy import ActionClass
from tests.kit import plan

MARKS = {
    "means": "bypass", "action": "mark-action", "target": "mark-target", "target_uid": "mark-uid", "token": "mark-token",
    "params": "mark-asked", "before": "mark-before", "after": "mark-after", "diff": "mark-diff",
    "blast_radius": "mark-radius", "klass": "class 3", "undo": "mark-undo", "undo_params": "mark-back",
    "warnings": "mark-warning", "share": "37 %", "serves": "mark-version", "dry_run": "mark-dry",
    "managed_by": "mark-manager", "rules": plan().rules,
}  # fmt: skip
"""Field → words by which a reader would know it. A field of Plan that is not here has no place yet where it is read."""


def marked() -> Plan:
    """The plan whose fields those are."""
    assert set(MARKS) == {each.name for each in fields(Plan)}
    texts = {name: word for name, word in MARKS.items() if word.startswith("mark-")}
    states = {name: {"mark": texts.pop(name)} for name in ("params", "before", "after", "undo_params")}
    lists = {name: (texts.pop(name),) for name in ("diff", "warnings")}
    serves = {texts.pop("serves"): 1.0}
    return replace(
        plan(), **texts, **states, **lists, serves=serves, means=Means.BYPASS, klass=ActionClass.WIDE, share=0.37
    )


def missing(text: str) -> set[str]:
    """The fields that are not told there."""
    return {name for name, word in MARKS.items() if word not in text}
