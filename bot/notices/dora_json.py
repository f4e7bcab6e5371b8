"""Writes the report of a stage as JSON by the numbers of its form, for a portal that takes data and not prose."""

from bot.notices.checklist import Checklist, Item
from bot.notices.facts import UnreadableError
from bot.notices.form import typed
from bot.notices.regime import Regime


def report(regime: Regime, items: Checklist) -> dict[str, object]:
    """The lines of a stage keyed by their number (by their key where the form has none), in the form's order.

    A line is its typed value, `{"unknown": "because"}`, or null while nobody has looked; `missing` names the required
    ones of those, `may_apply` the lines that some incidents need, with the case. Raises UnreadableError that names
    number and label of every line the form would not take, one sentence a line.
    """
    fields: dict[str, object] = {}
    missing: list[str] = []
    may_apply: dict[str, str] = {}
    wrong: list[str] = []
    for item in items.items:
        number = item.number or item.key
        if item.state == "not_investigated" and not item.required:
            may_apply[number] = item.when
            continue
        try:
            fields[number] = _said(regime, item)
        except UnreadableError as why:
            wrong.append(f"{number} {item.label}: {why}")
        if item.state == "not_investigated":
            missing.append(number)
    if wrong:
        raise UnreadableError("\n".join(wrong))
    return {
        "regime": regime.id,
        "stage": items.stage,
        "fields": fields,
        "missing": missing,
        "may_apply": may_apply,
    }


def _said(regime: Regime, item: Item) -> object:
    if item.state == "unknown":
        return {"unknown": item.because}
    return typed(regime.fields[item.key], item.value) if item.state == "value" else None
