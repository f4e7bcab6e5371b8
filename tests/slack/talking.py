"""Small helpers to talk in an incident's thread, and to deliver Slack's events by hand and in any order."""

from typing import Any

from bot.localslack import Person
from bot.localslack.people import BOT_USER
from tests.slack.bench import TEAM, Bench


async def settled(bench: Bench) -> None:
    """Events are delivered, answers given, the incident shown."""
    await bench.slack.delivery.settle()
    await bench.settle()
    await bench.slack.delivery.settle()


async def thread(bench: Bench, **more: Any) -> str:
    """A declared incident; the ts of its card."""
    await bench.declared(**more)
    return str(bench.posts("card")[0]["ts"])


async def said(bench: Bench, who: Person, text: str, card: str, room: str = "") -> str:
    """Said in the thread, and written down."""
    ts = await who.say(text, in_thread_of=card, room=room)
    await settled(bench)
    return ts


async def react(bench: Bench, who: Person, name: str, ts: str, *, remove: bool = False) -> None:
    await who.react(name, ts, remove=remove)
    await settled(bench)


async def edit(who: Person, ts: str, text: str) -> None:
    await who._post("edit", {"channel": who.room, "ts": ts, "text": text})


async def delete(who: Person, ts: str) -> None:
    await who._post("delete", {"channel": who.room, "ts": ts})


async def fill(who: Person, **answers: str) -> None:
    """Answer some questions of the top dialog, whatever their turn, and send it."""
    blocks = (await who.views())[-1]["blocks"]
    names = {name: next(one["block_id"] for one in blocks if one["block_id"].partition(":")[0] == name)
             for name in answers}  # fmt: skip
    await who.submit({names[name]: value for name, value in answers.items()})


def event(kind: str, **inner: Any) -> dict[str, Any]:
    """What Slack delivers."""
    name = f"Ev{kind}{inner.get('event_ts', '')}{inner.get('ts', '')}{inner.get('reaction', '')}{inner.get('user', '')}"
    return {"type": "event_callback", "team_id": TEAM, "event_id": name, "event": {"type": kind, **inner}}


async def deliver(bench: Bench, body: dict[str, Any]) -> int:
    """Deliver an event by hand; the status it is answered with."""
    status = (await bench.room.ingress.take(body)).status
    await settled(bench)
    return int(status)


def reaction(
    bench: Bench, ts: str, user: str, at: float, *, off: bool = False, name: str = "pushpin"
) -> dict[str, Any]:
    item = {"type": "message", "channel": "C0INC", "ts": ts}
    return event("reaction_removed" if off else "reaction_added", user=user, reaction=name, item=item,
                 event_ts=f"{at:.6f}")  # fmt: skip


def signs(bench: Bench, ts: str) -> list[str]:
    """Our own reactions on a message."""
    found = bench.slack.workspace.message("C0INC", ts).get("reactions", [])
    return [one["name"] for one in found if BOT_USER in one["users"]]


async def timeline(bench: Bench) -> list[str]:
    situation = await bench.desk.situation("INC-1")
    return [situation.say(line) for line in situation.timeline]
