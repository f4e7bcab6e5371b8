"""Merging, splitting and promoting in Slack: from the card's menu or by word; nothing restricted is ever offered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.blockkit.validate import validate_view
from bot.domain.alerts import DeclareForAlerts
from bot.domain.lifecycle import Declare
from bot.domain.phase import Phase
from bot.domain.policy import THE_BOT, Severity
from bot.domain.storm import FINGERPRINT, BeginStorm, EndStorm
from bot.slack.handlers import group as handling
from bot.slack.views import group
from tests.inbox import alert
from tests.slack.bench import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def fires(bench: Bench, *names: str, umbrella: str = "", severity: int = 3, title: str = "") -> str:
    """An incident of these alerts."""
    told = tuple(
        alert(each, service="visits", severity=severity, title=title or f"Disk {each} is full") for each in names
    )
    made = await bench.desk.handler.open(DeclareForAlerts(told, "new alerts", bench.clock.now(), umbrella=umbrella))
    await bench.settle()
    return made.id


async def storms(bench: Bench) -> str:
    """An umbrella with its card."""
    now = bench.clock.now()
    declare = Declare("Alert storm", Severity.SEV2, "visits", "too many", now, now, fingerprint=FINGERPRINT)
    name = (await bench.desk.handler.open(declare, by=THE_BOT)).id
    await bench.desk.submit(name, BeginStorm(300, now))
    await bench.settle()
    return name


def card(bench: Bench, name: str) -> dict[str, Any]:
    """An incident's card."""
    (found,) = [m for m in bench.posts("card") if m["metadata"]["event_payload"]["incident"] == name]
    return found


async def form(bench: Bench, key: str, name: str, deed: str) -> dict[str, Any]:
    """The dialog behind the card's menu, as Slack would take it."""
    person = await bench.person(key)
    if deed == "promote":
        await person.click("promote.open", ts=card(bench, name)["ts"])
    else:
        await person.click("more.group", ts=card(bench, name)["ts"], value=f"{deed}.open {name}")
    view = await person.wait_for_view(deed)
    kept = ("type", "title", "blocks", "callback_id", "submit", "close", "private_metadata")
    assert validate_view({each: view[each] for each in kept if view.get(each)}) == []
    return view


async def answered(bench: Bench, key: str) -> str:
    """What stands in the dialog after it was sent."""
    await bench.settle()
    return str(await (await bench.person(key)).wait_for_view("info"))


async def test_merged_from_the_card(bench: Bench) -> None:
    """The other one goes on with the alerts, this one is resolved and points there, and twice has no second effect."""
    first, second = await fires(bench, "a"), await fires(bench, "b")
    await form(bench, "ana", second, "merge")
    ana = await bench.person("ana")
    await ana.submit({"into": first, "because": "one disk"})
    assert f"{second} is merged into {first}, which goes on with its alerts." in await answered(bench, "ana")
    gone, goes_on = await bench.incident(second), await bench.incident(first)
    assert (gone.phase, gone.merged_into) == (Phase.RESOLVED, first)
    assert set(goes_on.alerts) == {"alert/am/a", "alert/am/b"}
    assert "more.group" not in str(card(bench, second)["blocks"])
    seq = goes_on.seq
    dev = await bench.person("dev")
    answer = (await dev.command("/incident", f"{second} merge {first}"))["answer"]
    assert answer["text"] == f"{second} is merged into {first} already."
    assert (await bench.incident(first)).seq == seq


async def test_merged_by_word(bench: Bench) -> None:
    """In the thread or by the command, with a reason; what cannot be is a sentence."""
    first, second = await fires(bench, "a"), await fires(bench, "b")
    ana = await bench.person("ana")
    refused = {
        f"{second} merge": "Say into which incident: merge INC-7",
        f"{second} merge INC-99": "INC-99",
        f"{second} merge {second}": f"{second} cannot be merged into itself",
    }
    for words, because in refused.items():
        assert because in str((await ana.command("/incident", words))["answer"])
    cleo = await bench.person("cleo")
    assert "may merge incidents" in str((await cleo.command("/incident", f"{first} merge {second}"))["answer"])
    answer = (await ana.command("/incident", f"{second} merge {first.lower()}: one disk"))["answer"]
    assert answer["text"].startswith(f"{second} is merged into {first}")
    entries = await bench.desk.log.entries(second)
    assert any(getattr(each.event, "because", "") == "one disk" for each in entries)


async def test_nothing_restricted_is_offered_or_named(bench: Bench) -> None:
    """Neither in the list nor by its number: to who may not know of it there is no such incident."""
    first = await fires(bench, "a")
    secret = (await bench.declared("Secret canary", by="dev", restricted=True)).id
    other = await fires(bench, "b")
    view = str(await form(bench, "ben", first, "merge"))
    assert other in view
    assert secret not in view
    assert "canary" not in view
    ben = await bench.person("ben")
    answer = str((await ben.command("/incident", f"{first} merge {secret}"))["answer"])
    assert "canary" not in answer
    assert (await bench.incident(first)).merged_into == ""
    assert (await bench.incident(secret)).is_open


async def test_without_another_there_is_nothing_to_merge_into(bench: Bench) -> None:
    """A sentence in place of an empty list; an umbrella and its silent children are not offered either."""
    first = await fires(bench, "a")
    umbrella = await storms(bench)
    await fires(bench, "b", umbrella=umbrella)
    ana = await bench.person("ana")
    await ana.click("more.group", ts=card(bench, first)["ts"], value=f"merge.open {first}")
    await bench.settle()
    assert bench.whispers("ana")[-1] == "No other incident is open that it could be merged into."


async def test_alerts_are_split_off(bench: Bench) -> None:
    """What is ticked goes on in an incident with a card; nothing ticked, or all of it, is said beside the question."""
    first = await fires(bench, "a", "b", "c")
    ana = await bench.person("ana")
    view = str(await form(bench, "ana", first, "split"))
    assert "Disk a is full" in view
    await ana.submit({})
    assert (await ana.errors())["alerts0"] == "Tick the alerts that are another thing."
    every = [group.mark(f"alert/am/{each}") for each in "abc"]
    await ana.submit({"alerts0": every})
    assert "leave at least one" in str(await ana.errors())
    await ana.submit({"alerts0": every[1:2], "because": "another rack"})
    said = await answered(bench, "ana")
    new = (await bench.incident(first)).moved["alert/am/b"]
    assert f"1 alert goes on in {new}, which has a card of its own." in said
    assert set((await bench.incident(new)).alerts) == {"alert/am/b"}
    assert card(bench, new)
    assert set((await bench.incident(first)).alerts) == {"alert/am/a", "alert/am/c"}


async def test_many_alerts_stand_in_groups_of_boxes(bench: Bench) -> None:
    """More than Slack has boxes for: what is left out is counted, and one of the last group can be split off."""
    first = await fires(bench, *(f"n{n:02}" for n in range(95)))
    view = await form(bench, "ana", first, "split")
    assert "80 of 95 alerts" in str(view)
    last = next(block for block in view["blocks"] if block.get("block_id") == "alerts7")
    chosen = last["element"]["options"][-1]["value"]
    ana = await bench.person("ana")
    await ana.submit({"alerts7": [chosen]})
    assert "1 alert goes on in INC-2" in await answered(bench, "ana")


async def test_a_form_that_is_older_than_the_incident_says_so(bench: Bench) -> None:
    """An alert that is there no more is not split off in silence; one that moved already is not moved twice."""
    first = await fires(bench, "a", "b", "c")
    await form(bench, "ana", first, "split")
    moved = (await bench.desk.split(first, ["alert/am/b"], await bench.who("ben"))).id
    ana = await bench.person("ana")
    await ana.submit({"alerts0": [group.mark("alert/am/b")]})
    assert f"in {moved}," in await answered(bench, "ana")
    assert len(await bench.desk.log.open_ids()) == 2


async def test_a_child_is_given_a_card_from_the_umbrella(bench: Bench) -> None:
    """The worst first; it gets a card and all its duties, and once is enough."""
    umbrella = await storms(bench)
    minor = await fires(bench, "minor", umbrella=umbrella, severity=4)
    bad = await fires(bench, "bad", umbrella=umbrella, severity=2)
    await bench.show(umbrella)
    assert "Give one a card" in str(card(bench, umbrella)["blocks"])
    assert len(bench.posts("card")) == 1
    view = await form(bench, "ana", umbrella, "promote")
    options = [each["value"] for each in view["blocks"][2]["element"]["options"]]
    assert options == [bad, minor]
    ana = await bench.person("ana")
    await ana.submit({"child": minor, "because": "our best customer"})
    assert f"{minor} has a card of its own now." in await answered(bench, "ana")
    assert card(bench, minor)
    await ana.close_view(everything=True)
    view = await form(bench, "ana", umbrella, "promote")
    assert minor not in str(view)
    await bench.desk.submit(umbrella, EndStorm(2, 1, bench.clock.now()))
    answer = (await ana.command("/incident", f"{bad} promote it hurts"))["answer"]
    assert answer["text"] == f"{bad}: recorded."
    again = (await ana.command("/incident", f"{bad} promote"))["answer"]
    assert again["text"] == f"{bad} has a card of its own already."


async def test_a_storm_of_thousands_is_looked_at_in_part(bench: Bench) -> None:
    """A click has little time: the newest are offered, how many there are is said, and the others go by word."""
    umbrella = await storms(bench)
    for number in range(handling.LOOKED_AT + 5):
        told = (alert(f"n{number}", severity=3),)
        await bench.desk.handler.open(DeclareForAlerts(told, "new", bench.clock.now(), umbrella=umbrella))
    bench.dirty.clear()
    await bench.show(umbrella)
    view = await form(bench, "ana", umbrella, "promote")
    assert len(view["blocks"][2]["element"]["options"]) == group.MOST
    assert f"100 of {handling.LOOKED_AT + 6}; for another one type /incident INC-7 promote" in str(view)
