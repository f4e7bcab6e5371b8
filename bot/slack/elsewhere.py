"""Where a card goes when its own channel does not take it: the home channel with a line that says why, else people."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.blockkit.blocks import Block, context
from bot.blockkit.text import untrusted
from bot.domain.errors import NotFound, Refused
from bot.domain.promotion import HOME
from bot.engine.situation import Situation
from bot.engine.values import Posted
from bot.slack.client import CHANNEL_ID
from bot.slack.meaning import SlackRefused
from bot.slack.message import Message, Surface
from bot.slack.settings import SlackSettings
from bot.slack.views import card

UNSEEN = "cannot be found: it may be archived, or Tocsin is not in it"
_WHY = {
    "is_archived": "is archived", "is_inactive": "is archived", "channel_is_archived": "is archived",
    "not_in_channel": "does not have Tocsin in it", "channel_not_found": UNSEEN,
    "restricted_action": "does not let Tocsin post", "no_permission": "does not let Tocsin post",
    "restricted_action_read_only_channel": "does not let Tocsin post",
    "restricted_action_thread_only_channel": "takes nothing but replies",
    "restricted_action_non_threadable_channel": "takes no threads", "team_access_not_granted": "is not open to Tocsin",
}  # fmt: skip
LEFT = frozenset({"is_archived", "is_inactive", "channel_is_archived", "not_in_channel", "channel_not_found"})
"""Codes that say a message which stands in a channel cannot be reached there any more."""


def why(refusal: Refused | NotFound) -> str:
    """What is wrong with a channel, as the end of a sentence; "" where the refusal is not about the channel."""
    if isinstance(refusal, SlackRefused):
        return _WHY.get(refusal.code, "")
    return UNSEEN if isinstance(refusal, NotFound) else ""


def places(situation: Situation, settings: SlackSettings) -> list[str]:
    """The channels a card may go to, its own first."""
    own = situation.incident.card_channel or (situation.service.channel if situation.service else "")
    own = settings.home_channel if own == HOME else own
    return list(dict.fromkeys(name for name in (own, settings.home_channel) if name))


def explained(surface: Surface, channel: str, because: str) -> Surface:
    """The card with a line that says why it is not in its own channel."""
    name = f"<#{channel}>" if CHANNEL_ID.match(channel) else untrusted(f"#{channel.lstrip('#')}", 80)
    line = context(f"Shown here because {name} {because or 'did not take it'}.")

    def put(blocks: list[Block]) -> list[Block]:
        return [*blocks[:1], line, *blocks[1:]]

    said = surface.message
    rich = put(said.rich) if said.rich is not None else None
    return replace(surface, message=Message(said.text, put(said.blocks), rich))


def to_people(situation: Situation, shown: Surface, *, fresh: bool) -> list[Surface]:
    """The card as direct messages to the people on call; not posted anew once a channel took it."""
    known = [(one, situation.people[one].slack_user) for one in situation.on_call if one in situation.people]
    return [
        replace(shown, name=f"{shown.name}:{one}", person=user, in_thread=False, channel="", fresh=fresh)
        for one, user in known
        if user
    ]


def left_behind(situation: Situation, rows: Mapping[str, Posted], found: Sequence[Surface]) -> list[Surface]:
    """Cards that stand with people who handed over since: kept true, never posted anew.

    Of a restricted incident they learn that it concerns them no more, and nothing else.
    """
    known = {one.name for one in found} | {f"card:{one}" for one in situation.on_call}
    names = [name for name, row in rows.items() if name.startswith("card:") and row.ts and name not in known]
    message = card.handed_over(situation) if situation.incident.restricted else card.render(situation)
    return [Surface(name, message, in_thread=False, fresh=False) for name in names]
