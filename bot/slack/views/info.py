"""A dialog that only tells: a refusal, a wait, or that something is done."""

from bot.blockkit.blocks import View, modal, section
from bot.blockkit.text import clean
from bot.slack.message import said
from bot.slack.views._words import paragraphs

NAME = "info"


def render(heading: str, words: str) -> View:
    """A dialog with words from anywhere."""
    blocks = [section(piece) for piece in paragraphs(words, most=5)] or [section("…")]
    return modal(clean(heading, 24) or "Tocsin", blocks, callback_id=NAME, close="Close")


def told(heading: str, words: str) -> View:
    """A dialog with words that are safe already (mrkdwn), such as one person is told in a channel."""
    return modal(clean(heading, 24) or "Tocsin", said(words) or [section("…")], callback_id=NAME, close="Close")
