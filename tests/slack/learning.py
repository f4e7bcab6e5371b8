"""What tests of resolving and learning share: dialogs that are opened, filled in and sent."""

from typing import Any

from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.execution import ReportOutcome
from bot.domain.hold import ReportHold
from bot.domain.mitigation import Outcome
from tests.kit import held
from tests.slack.bench import Bench


async def button(bench: Bench, deed: str, item: str = "", room: str = "C0INC") -> None:
    """A button left behind in an older message."""
    value = f"INC-1/{item}" if item else "INC-1"
    made = {"type": "button", "action_id": deed, "value": value, "text": {"type": "plain_text", "text": "x"}}
    await bench.room.client.post(room, "old", [{"type": "actions", "elements": [made]}])


def block(view: dict[str, Any], name: str) -> dict[str, Any]:
    """The question of that name."""
    (found,) = [one for one in view["blocks"] if str(one.get("block_id", "")).partition(":")[0] == name]
    return found


def asked(view: dict[str, Any], name: str) -> str:
    """The block id of a question."""
    return str(block(view, name)["block_id"])


async def fill(bench: Bench, who: str, **given: Any) -> dict[str, Any]:
    """Send the dialog that is open, its questions by name; what then is open, {} where it closed."""
    person = await bench.person(who)
    view = (await person.views())[-1]
    await person.submit({asked(view, name): value for name, value in given.items()})
    await bench.settle()
    views = await person.views()
    return views[-1] if views else {}


async def whys_of(bench: Bench, who: str = "ana") -> dict[str, Any]:
    """Open the 5 Whys from the card's menu."""
    person = await bench.person(who)
    (card,) = bench.posts("card")
    await person.click("more", value="whys.open INC-1", ts=card["ts"])
    return await person.wait_for_view("whys")


async def told(bench: Bench) -> list[str]:
    situation = await bench.desk.situation("INC-1")
    return [situation.say(line) for line in situation.timeline]


async def resolving(bench: Bench, who: str = "ana") -> dict[str, Any]:
    person = await bench.person(who)
    (card,) = bench.posts("card")
    await person.click("more", value="resolve.open INC-1", ts=card["ts"])
    return await person.wait_for_view("resolve")


async def staying(bench: Bench) -> None:
    """A rollback that was carried out and stays."""
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ana"))
    proposed = (await bench.incident()).mitigations["M1"]
    await bench.say(ApproveMitigation("M1", proposed.digest), "ben")
    await bench.desk.submit("INC-1", ReportHold("M1", held("a snapshot"), ()))
    await bench.desk.submit("INC-1", ClaimMitigation("M1", proposed.plan.token, ((await bench.who("ben")).person,)))
    await bench.desk.submit("INC-1", ReportOutcome("M1", Outcome.APPLIED, "done"))
    await bench.settle()
