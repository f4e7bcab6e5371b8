"""Promoting a thread to a war room."""

from bot.domain.room import OpenRoom
from bot.slack.knock import Knock, Reply, Show
from bot.slack.views import room


async def opened(knock: Knock) -> Reply:
    """What the channel will be called and who will be in it."""
    return Show(room.render(await knock.situation()))


async def asked(knock: Knock) -> Reply:
    """It is owed from now on; its link appears in the thread."""
    await knock.submit(OpenRoom())
    return None


CLICKS = {"room.open": opened}
SUBMITS = {room.NAME: asked}
