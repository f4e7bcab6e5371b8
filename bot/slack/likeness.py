"""Knows a message of ours by its words, where a server drops the metadata that would name it."""

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable

_SHORT = re.compile(r":[a-z0-9_+'-]+:")
_REWRITTEN = frozenset({"So", "Sk", "Cf"})
"""Kinds of characters Slack may give back as a name between colons."""


def mark(text: str) -> str:
    """A short digest of a message's words, the same for what Slack gives back of them."""
    plain = _SHORT.sub("", html.unescape(text[:3_500]))
    kept = "".join(one for one in plain if unicodedata.category(one) not in _REWRITTEN and one != "\ufe0f")
    return hashlib.sha256(" ".join(kept.split()).encode("utf-8", "replace")).hexdigest()[:16]


def noted(shown: str, marks: Iterable[str] = ()) -> str:
    """What is written down of a message: the hash of what it shows, and how copies of it may be known."""
    return f"{shown}~{','.join(sorted(marks))}" if marks else shown


def shown(note: str) -> str:
    """The hash in a note."""
    return note.partition("~")[0]


def marks(note: str) -> frozenset[str]:
    """The digests in a note."""
    return frozenset(one for one in note.partition("~")[2].split(",") if one)
