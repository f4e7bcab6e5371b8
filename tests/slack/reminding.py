"""What tests of reminders share: time that passes, what is owed then, and what a person reads."""

from dataclasses import replace
from typing import Any

from bot.domain.paging import Acknowledge
from bot.domain.todo import RemindOwed, todo
from bot.engine.errands import Errands, everybody
from tests.slack.bench import Bench


async def owed(bench: Bench) -> list[tuple[str, RemindOwed]]:
    """Every reminder that is due now."""
    desk, now = bench.desk, bench.clock.now()
    people, found = await everybody(desk), []
    for name in dict.fromkeys((*await desk.log.open_ids(), *await desk.log.promised())):
        incident = await desk.log.load(name)
        on_call = await desk.on_call(incident.service)
        found += [(name, one) for one in todo(incident, desk.handler.policy, None, on_call, people)
                  if isinstance(one, RemindOwed) and one.due <= now]  # fmt: skip
    return found


async def look(bench: Bench, minutes: float = 0) -> None:
    """Time passes, and the engine does what it does at a look: of all that is owed, the reminders."""
    bench.clock.forward(minutes * 60)
    errands = Errands(bench.desk, bench.room.chat)
    for name, one in await owed(bench):
        await errands.run(await bench.incident(name), one)
    await bench.settle()


def told(bench: Bench, key: str) -> list[dict[str, Any]]:
    """The reminders in a person's direct conversation, oldest first."""
    kept = bench.slack.workspace.memory.messages.get(f"D0{key.upper()}", {}).values()
    return sorted((m for m in kept if "remind:" in str(m.get("metadata"))), key=lambda m: float(m["ts"]))


def words(message: dict[str, Any]) -> str:
    return message["text"] + str(message["blocks"])


async def taken(bench: Bench, title: str = "Recall is down", by: str = "ana", **more: Any) -> str:
    name = (await bench.declared(title, **more)).id
    await bench.say(Acknowledge(), by, name)
    return name


def rests(bench: Bench, key: str, *, now: bool) -> None:
    """Whether a person asked Slack for peace."""
    people = bench.slack.workspace.people
    people[f"U0{key.upper()}"] = replace(people[f"U0{key.upper()}"], dnd=now)
