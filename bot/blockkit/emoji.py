"""Emoji by the names Slack knows them by, whatever skin tone, colons or other name somebody wrote."""

import re

_TONE = re.compile(r"::skin-tone-[2-6]\Z")
_NAME = re.compile(r"[a-z0-9_+'\-]{1,100}\Z")
_SAME = {"thumbsup": "+1", "thumbsdown": "-1", "pencil": "memo", "hankey": "poop", "honeybee": "bee"}
"""Second names of emoji in Slack's own set; its events say the first one."""


def canonical(name: str) -> str:
    """`:+1::skin-tone-2:` and `thumbsup` are `+1`."""
    bare = _TONE.sub("", name.strip().strip(":").lower()).strip(":")
    return _SAME.get(bare, bare)


def is_name(name: str) -> bool:
    """Whether it may be an emoji's name, the workspace's own included."""
    return _NAME.match(canonical(name)) is not None
