"""What a running server says of itself, for `tocsin doctor`: how each of its promises burns, and what troubles it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.cli._checks import BAD, NOTE, OK, Found

TROUBLES = {
    "database": "its database does not answer",
    "chat": "Slack cannot be reached, or is behind",
    "pager": "a pager fails for everybody",
    "disk": "its disk is almost full",
    "dead-letters": "work was given up after it died of it several times",
    "rounds": "it no longer asks its sources",
    "records": "an incident cannot be read, so nobody is paged for it",
    "reconciler": "it no longer acts on its incidents",
    "inbox": "alerts it accepted wait to be taken in",
}


def told(ready: Any) -> Iterator[Found]:
    """What /readyz says beside being ready; nothing of a server that says nothing of itself."""
    if not isinstance(ready, dict):
        return
    own = ready.get("own")
    for name, each in own.items() if isinstance(own, dict) else ():
        if isinstance(each, dict):
            yield _promise(str(name), each)
    troubles = ready.get("troubles")
    for kind in troubles if isinstance(troubles, list) else ():
        yield Found(BAD, "server", TROUBLES.get(str(kind), f"has trouble with {kind}"))


def _promise(name: str, each: Mapping[str, Any]) -> Found:
    burn = each.get("burn")
    rates = [f"{length} {rate:g}×" for length, rate in (burn.items() if isinstance(burn, dict) else ()) if rate]
    left = each.get("budget_remaining")
    told = f"burns {', '.join(rates)}" if rates else "burns nothing"
    budget = f"; {left:.1%} of the budget is left" if isinstance(left, int | float) else ""
    if each.get("state") == "breached":
        return Found(BAD, name, told + budget)
    if each.get("state") == "met":
        return Found(OK, name, told + budget)
    return Found(NOTE, name, "too little happened for a verdict")
