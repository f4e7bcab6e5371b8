"""Reaching a person: each channel in turn, none of them waited for too long, and every failure kept in words."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from bot.domain.errors import TocsinError, Unheard
from bot.engine.calling import Pager, Summons
from bot.telemetry import log as logger

PAGE_WITHIN = 30.0
"""Seconds until a channel that does not answer counts as failed, so that the next one is tried."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The channel that took the page and where it went; `channel` is "" where none did. `failures` are why not.

    `ref` is the provider's name for the page, and it `rings` where it goes on calling.
    """

    channel: str
    where: str
    failures: tuple[str, ...] = ()
    ref: str = ""
    rings: bool = False


def channels(pagers: Mapping[str, Pager], summons: Summons, past: Collection[str] = ()) -> list[str]:
    """The channels a person is tried by, in their own order; those that are not set up, or were used, are left out."""
    order = summons.contact.reach or tuple(pagers)
    return [name for name in order if name in pagers and name not in past]


async def reach(pagers: Mapping[str, Pager], summons: Summons, past: Collection[str] = ()) -> Reached:
    """Try each channel until one takes the page. Never raises: that nobody was reached is an answer too.

    A page that arrived where the person rests counts only where no other channel takes it.
    """
    failures: list[str] = []
    resting: Reached | None = None
    for channel in channels(pagers, summons, past):
        try:
            async with asyncio.timeout(PAGE_WITHIN):
                sent = await pagers[channel].page(summons)
        except Unheard as asleep:
            failures.append(f"{channel}: {asleep}")
            resting = resting or Reached(channel, f"{asleep.where} ({asleep})")
        except TocsinError as trouble:
            failures.append(f"{channel}: {trouble}")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one channel, the next one is tried
            logger().error("a pager broke", channel=channel, error=repr(error))
            failures.append(f"{channel}: {type(error).__name__}")
        else:
            return Reached(channel, sent.where, tuple(failures), sent.ref, sent.rings)
    return replace(resting, failures=tuple(failures)) if resting else Reached("", "", tuple(failures))
