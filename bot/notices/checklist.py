"""What a notice must say, line by line: a value, openly unknown with the reason, or not yet investigated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.notices.facts import plain
from bot.notices.regime import Regime, Stage

State = Literal["value", "unknown", "not_investigated"]

NOT_INVESTIGATED = "not yet investigated"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person entered for a field: a value, or that it is unknown and why. `{"unknown": "..."}` in JSON."""

    value: object = None
    unknown_because: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. `source` says where the value came from: a person, or a place in the incident."""

    key: str
    label: str
    required: bool
    state: State
    value: object = None
    because: str = ""
    source: str = ""
    help: str = ""


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

    `context` is the mapping described in `bot.notices.draft`.
    """
    given = entries or {}
    keys = [(key, True) for key in stage.required] + [(key, False) for key in stage.optional]
    return Checklist(regime.id, stage.id, tuple(_item(regime, key, required, context, given) for key, required in keys))


def _item(regime: Regime, key: str, required: bool, context: Mapping[str, object], given: Mapping[str, Entry]) -> Item:
    field = regime.fields[key]
    entry = given.get(key)
    if entry is not None and entry.unknown_because.strip():
        return Item(key, field.label, required, "unknown", None, entry.unknown_because.strip(), "person", field.help)
    if entry is not None and not _blank(entry.value):
        return Item(key, field.label, required, "value", entry.value, "", "person", field.help)
    found = look_up(context, field.source)
    if not _blank(found):
        return Item(key, field.label, required, "value", found, "", field.source, field.help)
    return Item(key, field.label, required, "not_investigated", help=field.help)


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
    """The checklist as plain values for a template: `fields.<key>` with label, state, value, because."""
    return {
        item.key: {"label": item.label, "state": item.state, "value": item.value, "because": item.because}
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
