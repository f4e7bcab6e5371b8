"""Sharing a file in a thread: Slack says where to put the bytes, takes them, and then shows the file."""

from urllib.parse import urlsplit

import aiohttp

from bot.domain.errors import Unavailable
from bot.slack.client import Client

PATIENCE = 20.0


async def share(client: Client, channel: str, thread_ts: str, name: str, content: bytes, words: str) -> None:
    """Upload and show a file below a message. Raises SlackRefused (no right to, or no such method), Unavailable."""
    place = await client.call("files.getUploadURLExternal", filename=name, length=len(content))
    await _put(str(place["upload_url"]), content)
    await client.call(
        "files.completeUploadExternal", files=[{"id": place["file_id"], "title": name}], channel_id=channel,
        thread_ts=thread_ts or None, initial_comment=words,
    )  # fmt: skip


async def _put(url: str, content: bytes) -> None:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Unavailable("Slack", "the address to upload to is none")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session,
            session.post(url, data=content, allow_redirects=False) as answer,
        ):
            if answer.status != 200:  # noqa: PLR2004
                raise Unavailable("Slack", f"upload: HTTP {answer.status}")
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Unavailable("Slack", f"upload: {type(error).__name__}") from None
