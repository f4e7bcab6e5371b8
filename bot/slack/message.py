"""A message as a view wants it: words for the notification, blocks, and richer blocks where the workspace has them."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from bot.blockkit.blocks import Block, section
from bot.blockkit.text import shorten

SECTION = 2_900
"""So many characters go into one section; Slack takes 3,000."""


@dataclass(frozen=True, slots=True)
class Message:
    """`blocks` are classic and decide whether anything changed; `rich` also holds a chart, sent where possible."""

    text: str
    blocks: list[Block]
    rich: list[Block] | None = None

    @property
    def shown(self) -> str:
        """A short hash of what it says; a chart that moves is not news by itself."""
        said = json.dumps([self.text, self.blocks], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:24]

    @property
    def bare(self) -> list[Block]:
        """The least that can be shown: the words alone."""
        return [section(shorten(self.text, SECTION))]


@dataclass(frozen=True, slots=True)
class Surface:
    """One message an incident should have: where, under which name, and what it says."""

    name: str
    message: Message
    channel: str = ""  # "" is the incident's own channel
    in_thread: bool = True  # below the card
    broadcast: bool = False
    person: str = ""  # a direct message to this Slack user instead
    fresh: bool = field(default=True)  # False: only kept up to date where it stands, never posted anew
    follows: bool = False  # somebody must act on it: posted again below the card where that had to move
    moves: bool = False  # posted anew where its channel is another one now
    pinned: bool = False


def sentence(words: str) -> str:
    """Words as they are read when they stand alone: they begin with a capital."""
    return words[:1].upper() + words[1:]


def said(text: str) -> list[Block]:
    """Words for one person (mrkdwn, safe) as sections, in which unlike in a text no bare address becomes a link."""
    pieces: list[str] = []
    for line in text.split("\n"):
        if pieces and len(pieces[-1]) + len(line) < SECTION:
            pieces[-1] += f"\n{line}"
        else:
            pieces.append(line)
    return [section(piece) for piece in pieces if piece.strip()]


def verbatim(node: Any) -> Any:
    """The same blocks with every mrkdwn text marked verbatim: only links we wrote are links, no bare address is."""
    if isinstance(node, list):
        return [verbatim(one) for one in node]
    if not isinstance(node, dict):
        return node
    marked = {name: verbatim(one) for name, one in node.items()}
    return marked | {"verbatim": True} if node.get("type") == "mrkdwn" else marked
