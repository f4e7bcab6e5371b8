"""What time it is where a person is, as far as Slack says."""

import asyncio
import contextlib
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bot.slack.client import Client

ASK_WITHIN = 1.0
"""Seconds the question may take while a person waits for their dialog."""
MORNING = time(9)


async def zone_of(client: Client, user: str) -> tzinfo:
    """A person's time zone; UTC where Slack does not say, or not in time."""
    told = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ASK_WITHIN):
            told = await client.optional("users.info", user=user)
    name = ((told or {}).get("user") or {}).get("tz")
    try:
        return ZoneInfo(str(name)) if name else UTC
    except (OSError, ValueError):  # a zone this machine does not have
        return UTC


def tomorrow(now: datetime, zone: tzinfo) -> datetime:
    """The next day's morning there."""
    there = now.astimezone(zone)
    return datetime.combine(there.date() + timedelta(days=1), MORNING, zone).astimezone(UTC)
