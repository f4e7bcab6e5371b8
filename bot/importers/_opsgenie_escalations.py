"""Reads Opsgenie's escalations, whose rules count their delays from the alert; our levels count from the one before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

from bot.importers._export import Node
from bot.importers._found import Escalation, Harvest, waiting
from bot.importers._people import People
from bot.rota.escalation import Level

TITLE = "Opsgenie"
UNITS = {"minutes": 1, "hours": 60, "days": 1440}
NOTIFY = {
    "next": "whoever is next on call is not paged in their stead: the one on call is",
    "previous": "whoever was on call before is not paged in their stead: the one on call is",
    "random": "a random one is not chosen: all of them are paged together",
}


def escalation(
    node: Node, name: str, people: People, rotas: Callable[[Node], tuple[str, ...]], harvest: Harvest
) -> Escalation | None:
    """The escalation, or None where none of its rules can page anybody."""
    title, key = node.text("name"), node.text("id")
    by_delay: dict[int, list[str]] = {}
    for rule in node.many("rules"):
        delay = _minutes(rule.at("delay"))
        page = _recipient(rule, people, rotas, harvest)
        if page:
            by_delay.setdefault(delay, []).extend(page)
    if not by_delay:
        harvest.remark(node, f"{title!r} has no rule that pages anybody here; it is left out")
        return None
    delays = sorted(by_delay)
    if delays[0]:
        harvest.remark(node.at("rules"), f"the first page waits {delays[0]} min in Opsgenie; here it goes out at once")
    repeat, wait = node.number("repeat", "count", otherwise=0), node.number("repeat", "waitInterval", otherwise=0)
    repeats = repeat if wait else 0  # "0 disables repeat" (Escalation API)
    waits = [after - before for before, after in pairwise(delays)] + [wait if repeats else 0]
    levels = [
        Level(tuple(dict.fromkeys(by_delay[delay])), waiting(timedelta(minutes=within), node, harvest))
        for delay, within in zip(delays, waits, strict=True)
    ]
    if node.at("repeat", "closeAlertAfterAll").value is True:
        harvest.remark(node.at("repeat"), "nothing is closed because nobody answered: name somebody under `end`")
    if node.at("repeat", "resetRecipientStates").value is False:
        harvest.remark(node.at("repeat"), "whoever was paged before is paged again in every round")
    return Escalation(name, tuple(levels), 1 + repeats, title=title, source=f"{TITLE} escalation {key}")


def _recipient(
    rule: Node, people: People, rotas: Callable[[Node], tuple[str, ...]], harvest: Harvest
) -> tuple[str, ...]:
    recipient, kind = rule.at("recipient"), rule.text("recipient", "type")
    if rule.at("condition").word == "if-not-closed":
        harvest.remark(rule, "goes on until the alert is closed in Opsgenie; here acknowledging stops it")
    if (notify := rule.at("notifyType").word) in NOTIFY:
        harvest.remark(rule, NOTIFY[notify])
    if kind == "user":
        ids = (recipient.text("id", required=False), recipient.text("username", required=False))
        key = people.key(recipient, *ids)
        return (key,) if key else ()
    if kind == "schedule":
        return rotas(recipient)
    name = recipient.at("name").word or recipient.at("id").word
    harvest.remark(recipient, f"the {kind} {name!r} is not paged: write people or a rota into the level")
    return ()


def _minutes(node: Node) -> int:
    unit = node.text("timeUnit", required=False).lower() or "minutes"
    if unit not in UNITS:
        node.at("timeUnit").complain(", ".join(UNITS))
    return node.number("timeAmount", otherwise=0) * UNITS.get(unit, 1)
