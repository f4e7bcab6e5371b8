"""A Slack-compatible workspace on this machine, with a page in the browser, for the demo, drills and tests."""

from bot.localslack.limits import Limits
from bot.localslack.people import BOT_USER, CAST, ROOMS, Group, Member, Room
from bot.localslack.person import Person
from bot.localslack.server import LocalSlack

__all__ = ["BOT_USER", "CAST", "ROOMS", "Group", "Limits", "LocalSlack", "Member", "Person", "Room"]
