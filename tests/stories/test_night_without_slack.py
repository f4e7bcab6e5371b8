"""A night in which the chat and the pager are down while a model fails: nothing is lost, nothing is done twice."""

from pathlib import Path

from bot.domain.lifecycle import Resolve
from bot.domain.mitigation import State
from bot.domain.paging import Acknowledge, Receipt
from bot.domain.phase import Phase
from tests.world import World


async def test_a_night_without_chat_and_pager(tmp_path: Path) -> None:
    """Detected, diagnosed and handled by command; everybody is paged when the phone works; the chat catches up once."""
    async with World.open(tmp_path) as world:
        world.board.down = "503 from the chat"
        world.phone.dead = "no carrier"
        await world.healthy()
        await world.broken()
        incident = await world.incident()
        assert incident.phase is Phase.DECLARED
        assert incident.diagnosed is not None
        assert incident.pages["page:INC-1:0"].receipt is Receipt.FAILED
        assert world.board.shown == []

        # the house itself dies once in that night
        await world.crash()
        await world.broken(20)
        assert len(await world.house.desk.summaries()) == 1
        assert {page.receipt for page in (await world.incident()).pages.values()} == {Receipt.FAILED}

        # the phone works again: somebody is reached within a minute, without anybody doing anything
        world.phone.dead = ""
        for _ in range(7):
            world.traffic("poor", good=0, bad=100)
            await world.round(seconds=10)
        assert world.phone.pages[0][0] in {"ana", "ben"}

        # everything possible in the chat is possible without it
        await world.say(Acknowledge(), "ana")
        await world.propose("rollback-v1", "ana")
        assert (await world.approve("M1")).mitigations["M1"].state is State.APPLIED
        await world.healthy(40)
        assert (await world.incident()).mitigations["M1"].state is State.VERIFIED
        await world.say(Resolve("rolled back"), "ana")
        assert len(world.router.effects) == 1
        assert world.board.shown == []

        # the chat is back: shown as it stands, not as a replay of the night
        world.board.down = ""
        await world.round(seconds=60)
        assert world.board.shown == [("INC-1", (await world.incident()).seq)]
