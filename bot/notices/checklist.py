"""What a notice must say, line by line: a value, openly unknown with the reason, or not yet investigated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bot.notices.facts import Facts, plain
from bot.notices.form import calls_for, readable
from bot.notices.locales import EN, LOCALES, Locale
from bot.notices.logic import evaluate
from bot.notices.regime import Conditional, Field, Regime, Stage

State = Literal["value", "unknown", "not_investigated"]

FACTS_CHANGED = "facts changed"
_OPEN = "|".join(f"{each.not_investigated}|{each.unknown}" for each in LOCALES.values())
GAP = re.compile(rf"(\[\[ (?:{_OPEN}|{FACTS_CHANGED}): .+? \]\])")
"""Every marker a draft may hold in any language: an empty place, or words of counsel's whose facts have changed."""


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


@dataclass(frozen=True, slots=True)
class Checklist:
    """All lines of one stage, by the numbers of the form where it has them, else required ones first."""

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

    `context` is the mapping described in `bot.notices.draft`; its facts decide whether a conditional line is required,
    and so do the answers to the lines before it.
    """
    given = entries or {}
    facts = context.get("facts")
    known: Facts = facts if isinstance(facts, Mapping) else {}
    says = {each.key: each.says for each in stage.conditional}
    found = {key: _item(regime.fields[key], stage, says.get(key, ""), context, given.get(key)) for key in stage.keys}
    called = {each.key for each in stage.conditional if _required(each, known, regime, found)}
    items = (replace(item, required=key in called or key in stage.required) for key, item in found.items())
    return Checklist(regime.id, stage.id, tuple(sorted(items, key=_place)))


def _required(line: Conditional, facts: Facts, regime: Regime, found: Mapping[str, Item]) -> bool:
    """Whether facts, or an answer to another line, call for a conditional line."""
    if line.when is not None and evaluate(line.when, facts) is True:
        return True
    others = ((key, word, found[key]) for key, word in line.given.items() if key in found)
    return any(item.state == "value" and calls_for(regime.fields[key], item.value, word) for key, word, item in others)


def _place(item: Item) -> tuple[int, ...]:
    """Where a numbered line stands in its form: 1.9 before 1.10; lines without a number keep their order."""
    return tuple(int(part) for part in item.number.split(".") if part.isdigit())


def _item(field: Field, stage: Stage, when: str, context: Mapping[str, object], entry: Entry | None) -> Item:
    bare = Item(field.key, field.label, False, "not_investigated", help=field.help, when=when, number=field.number)
    if entry is not None and entry.unknown_because.strip():
        return replace(bare, state="unknown", because=entry.unknown_because.strip(), source="person")
    if entry is not None and not _blank(entry.value):
        return replace(bare, state="value", value=entry.value, source="person")
    if field.key in stage.answers:
        return replace(bare, state="value", value=stage.answers[field.key], source="stage")
    found = look_up(context, field.source)
    if not _blank(found):
        return replace(bare, state="value", value=readable(field, found), source=field.source)
    facts = context.get("facts")
    chosen = [choice for choice, rule in field.choose.items() if isinstance(facts, Mapping) and evaluate(rule, facts)]
    return replace(bare, state="value", value=chosen, source="facts") if chosen else bare


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


def gap(label: str, unknown_because: str = "", locale: Locale = EN) -> str:
    """How an empty place looks in a draft: it cannot be read over and can be found by a search for `[[`."""
    if unknown_because:
        return f"[[ {locale.unknown}: {_inside(label)} ({_inside(unknown_because)}) ]]"
    return f"[[ {locale.not_investigated}: {_inside(label)} ]]"


def _inside(text: str) -> str:
    """Words that cannot end the marker early."""
    return " ".join(text.replace("[[", "[").replace("]]", "]").split())


def in_language(items: Checklist, regime: Regime, tag: str) -> Checklist:
    """The same lines, named in another language where the regime has their names in it."""
    return replace(items, items=tuple(replace(each, label=regime.fields[each.key].named(tag)) for each in items.items))


def as_words(items: Checklist) -> dict[str, dict[str, object]]:
    """The checklist as plain values for a template: `fields.<key>` with label, state, value, because and the rest."""
    return {
        item.key: {
            "label": item.label,
            "state": item.state,
            "value": _in_words(item.value),
            "because": item.because,
            "required": item.required,
            "when": item.when,
            "number": item.number,
        }
        for item in items.items
    }


def _in_words(value: object) -> object:
    """A value as a template can print it in its own language: the members of a set or list in order."""
    if isinstance(value, frozenset | set):
        value = sorted(str(each) for each in value)
    if isinstance(value, list | tuple) and any("," in str(each) for each in value):
        return "; ".join(str(each) for each in value)
    return value


def as_json(items: Checklist) -> dict[str, object]:
    """The checklist as JSON, for the export and for the digest."""
    return {
        "regime": items.regime,
        "stage": items.stage,
        "fields": {
            item.key: {"state": item.state, "value": plain(item.value), "because": item.because} for item in items.items
        },
    }
