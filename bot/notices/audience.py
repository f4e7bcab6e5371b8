"""What a stakeholder template says of itself before its first word: what it is called and whom it is for.

    {#---
    title: Executives
    audience: those who answer for the business
    ---#}

A template that says nothing is called by its file's name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.errors import Problem

LONGEST = 75  # what a choice in Slack can show
_FRONT = re.compile(r"\{#---[ \t]*\r?\n(?P<lines>.*?)^[ \t]*---#\}", re.DOTALL | re.MULTILINE)
_KEYS = ("title", "audience")


@dataclass(frozen=True, slots=True)
class Audience:
    """What a template is called, and whom it is for; "" where it does not say."""

    title: str
    audience: str = ""

    def __str__(self) -> str:
        return f"{self.title}: {self.audience}" if self.audience else self.title


def audience(source: str, name: str) -> Audience:
    """What the template `name` says of itself; what is wrong with it is left to `audience_problems`."""
    said = {key: value for _line, key, value in _lines(source) if key in _KEYS and value}
    spelt = name.replace("_", " ")
    return Audience(said.get("title") or spelt[:1].upper() + spelt[1:], said.get("audience", ""))


def audience_problems(source: str, file: str) -> Iterator[Problem]:
    """Everything in those lines that means nothing, with its place."""
    seen = set[str]()
    for number, key, value in _lines(source):
        if key not in _KEYS:
            yield Problem(file, number, 1, f"{key or value!r} says nothing of a template", ", ".join(_KEYS))
        elif key in seen:
            yield Problem(file, number, 1, f"{key!r} stands here twice", "each once")
        elif not value:
            yield Problem(file, number, 1, f"{key!r} says nothing", f"{key}: some words")
        elif len(value) > LONGEST or (key == "title" and ": " in value):
            expected = f"at most {LONGEST} letters, and no colon in a title"
            yield Problem(file, number, 1, f"the {key} cannot be shown in a list", expected)
        seen.add(key)
    if source.lstrip().startswith("{#---") and _FRONT.match(source.lstrip()) is None:
        yield Problem(file, 1, 1, "what the template says of itself does not end", "---#} on a line of its own")


def _lines(source: str) -> Iterator[tuple[int, str, str]]:
    """Line number, key and value of each line of the front matter; what has no colon has no key."""
    front = _FRONT.match(source.lstrip())
    if front is None:
        return
    first = source[: len(source) - len(source.lstrip())].count("\n") + 2
    for number, line in enumerate(front["lines"].splitlines(), first):
        if line.strip():
            key, colon, value = line.partition(":")
            yield number, key.strip() if colon else "", (value if colon else line).strip()
