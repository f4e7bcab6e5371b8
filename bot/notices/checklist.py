"""What a notice must say, line by line: a value, openly unknown with the reason, or not yet investigated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bot.notices.facts import Facts, plain
from bot.notices.logic import evaluate
from bot.notices.regime import Field, Regime, Stage

State = Literal["value", "unknown", "not_investigated"]

NOT_INVESTIGATED = "not yet investigated"
FACTS_CHANGED = "facts changed"
GAP = re.compile(rf"(\[\[ (?:{NOT_INVESTIGATED}|unknown|{FACTS_CHANGED}): .+? \]\])")
"""Every marker a draft may hold: an empty place, or words of counsel's whose facts have changed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person entered for a field: a value, or that it is unknown and why. `{"unknown": "..."}` in JSON."""

    value: object = None
    unknown_because: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. `source` says where the value came from: a person, or a place in the incident.

    `when` says in which cases a conditional line is required; `required` whether that is so on the facts known.
    """

    key: str
    label: str
    required: bool
    state: State
    value: object = None
    because: str = ""
    source: str = ""
    help: str = ""
    when: str = ""
    number: str = ""
    type: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checklist:
    """All lines of one stage, required ones first, in the order of the form."""

    regime: str
    stage: str
    items: tuple[Item, ...]

    @property
    def missing(self) -> tuple[Item, ...]:
        """Required lines nobody has looked into: what stands between this draft and an approval."""
        return tuple(item for item in self.items if item.required and item.state == "not_investigated")

    @property
    def complete(self) -> bool:
        """Every required line holds a value or says openly that it is unknown."""
        return not self.missing


def checklist(
    regime: Regime, stage: Stage, context: Mapping[str, object], entries: Mapping[str, Entry] | None = None
) -> Checklist:
    """Fill a stage's lines: what a person entered wins; else what the incident already holds; else it is open.

    `context` is the mapping described in `bot.notices.draft`; its facts decide whether a conditional line is required.
    """
    given = entries or {}
    facts = context.get("facts")
    known: Facts = facts if isinstance(facts, Mapping) else {}
    lines = [(key, True, "") for key in stage.required]
    lines += [
        (each.key, each.when is not None and evaluate(each.when, known) is True, each.says)
        for each in stage.conditional
    ]
    lines += [(key, False, "") for key in stage.optional]
    return Checklist(
        regime.id,
        stage.id,
        tuple(_item(regime.fields[key], required, when, context, given.get(key)) for key, required, when in lines),
    )


def _item(field: Field, required: bool, when: str, context: Mapping[str, object], entry: Entry | None) -> Item:
    bare = Item(
        field.key,
        field.label,
        required,
        "not_investigated",
        help=field.help,
        when=when,
        number=field.number,
        type=field.type,
        choices=field.choices,
    )
    if entry is not None and entry.unknown_because.strip():
        return replace(bare, state="unknown", because=entry.unknown_because.strip(), source="person")
    if entry is not None and not _blank(entry.value):
        return replace(bare, state="value", value=entry.value, source="person")
    found = look_up(context, field.source)
    if not _blank(found):
        return replace(bare, state="value", value=found, source=field.source)
    return bare


def look_up(context: Mapping[str, object], path: str) -> object:
    """The value at a dotted path such as `incident.onset`, or None."""
    here: object = context
    for part in path.split(".") if path else [""]:
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def _blank(value: object) -> bool:
    """Nothing was said; zero and "no" are answers, an empty list or text is not."""
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, list | tuple | set | frozenset | Mapping) and not value)
    )


def gap(label: str, unknown_because: str = "") -> str:
    """How an empty place looks in a draft: it cannot be read over and can be found by a search for `[[`."""
    if unknown_because:
        return f"[[ unknown: {_inside(label)} ({_inside(unknown_because)}) ]]"
    return f"[[ {NOT_INVESTIGATED}: {_inside(label)} ]]"


def _inside(text: str) -> str:
    """Words that cannot end the marker early."""
    return " ".join(text.replace("[[", "[").replace("]]", "]").split())


def as_words(items: Checklist) -> dict[str, dict[str, object]]:
    """The checklist as plain values for a template: `fields.<key>` with label, state, value, because and the rest."""
    return {
        item.key: {
            "label": item.label,
            "state": item.state,
            "value": item.value,
            "because": item.because,
            "required": item.required,
            "when": item.when,
            "number": item.number,
        }
        for item in items.items
    }


def as_json(items: Checklist) -> dict[str, object]:
    """The checklist as JSON, for the export and for the digest."""
    return {
        "regime": items.regime,
        "stage": items.stage,
        "fields": {
            item.key: {"state": item.state, "value": plain(item.value), "because": item.because} for item in items.items
        },
    }
