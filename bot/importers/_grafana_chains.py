"""Reads an escalation chain of Grafana OnCall: steps that page, and waits between them, become levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.importers._export import Node
from bot.importers._found import Escalation, Harvest, waiting
from bot.importers._people import People
from bot.rota.escalation import Level

TITLE = "Grafana OnCall"
REPEATS = 5
"""So often a chain begins again at most (Escalation chains and routes)."""
LOST = {
    "notify_user_group": "user groups of Slack are not paged: write people or a rota into the level",
    "notify_team_members": "a team is not paged: write people or a rota into the level",
    "notify_whole_channel": "nobody is paged by the channel; an incident's card is posted there anyway",
    "trigger_webhook": "an outgoing webhook is a pager of its own here",
    "trigger_action": "an outgoing webhook is a pager of its own here",
    "resolve": "nothing is resolved because nobody answered: name somebody under `end`",
    "declare_incident": "every page belongs to an incident already",
    "notify_if_time_from_to": "levels do not depend on the hour: what follows pages at any time; a rota can have hours",
    "notify_if_num_alerts_in_window": "levels do not depend on the number of alerts: what follows always pages",
}


def chain(
    node: Node,
    name: str,
    steps: Sequence[Node],
    people: People,
    rotas: Mapping[str, tuple[str, ...]],
    harvest: Harvest,
) -> Escalation | None:
    """The chain, or None where none of its steps can page anybody."""
    title, key = node.text("name"), node.text("id")
    levels: list[tuple[list[str], int]] = []  # whom to page, and the seconds until the next
    rounds, waited = 1, True
    for step in sorted(steps, key=lambda each: each.number("position", otherwise=0)):
        kind = step.text("type")
        if kind == "wait":
            seconds = step.number("duration")
            if levels:
                levels[-1] = (levels[-1][0], levels[-1][1] + seconds)
                waited = True
            else:
                harvest.remark(step, "the first page waits in Grafana OnCall; here it goes out at once")
        elif kind == "repeat_escalation":
            rounds = 1 + REPEATS
        elif kind in LOST:
            harvest.remark(step, LOST[kind])
        else:
            page = _paged(step, kind, people, rotas, harvest)
            if page and waited:
                levels.append((page, 0))
                waited = False
            elif page:
                levels[-1][0].extend(page)
    if not levels:
        harvest.remark(node, f"{title!r} has no step that pages anybody here; it is left out")
        return None
    kept = tuple(
        Level(tuple(dict.fromkeys(page)), waiting(timedelta(seconds=seconds), node, harvest))
        for page, seconds in levels
    )
    return Escalation(name, kept, rounds, title=title, source=f"{TITLE} escalation chain {key}")


def _paged(step: Node, kind: str, people: People, rotas: Mapping[str, tuple[str, ...]], harvest: Harvest) -> list[str]:
    if step.at("important").value is True:
        harvest.remark(step, "`important` has no counterpart: everybody has one `reach`")
    if kind == "notify_on_call_from_schedule":
        key = step.text("notify_on_call_from_schedule")
        if key not in rotas:
            step.at("notify_on_call_from_schedule").complain(
                "a schedule of the export", what=f"schedule {key} is not among them"
            )
        elif not rotas[key]:
            harvest.remark(step, "the schedule is left out, so nobody is paged for it")
        return [f"rota:{name}" for name in rotas.get(key, ())]
    if kind == "notify_persons":
        return _keys(step.many("persons_to_notify"), people)
    if kind == "notify_person_next_each_time":
        found = step.many("persons_to_notify_next_each_time")
        if len(found) > 1:
            harvest.remark(step, "round robin: one is paged in turn there, here all of them are paged together")
        return _keys(found, people)
    harvest.remark(step, f"a step of type {kind!r} has no counterpart")
    return []


def _keys(given: Sequence[Node], people: People) -> list[str]:
    keys = (people.key(each, each.text()) for each in given)
    return [key for key in keys if key]
