"""What people type: the words after a mention in a thread, and after the slash command."""

import re
from dataclasses import dataclass

_MENTION = re.compile(r"<@([A-Z0-9_]+)(?:\|[^>]*)?>")
_INCIDENT = re.compile(r"(?i)\b(INC-\d+)\b")
THREAD = ("ack", "next", "find", "sev", "lead", "update", "why", "resolve", "help")
ROOM = ("declare", "list", "approve", "legal", "help")
_SAME = {
    "acknowledge": "ack", "take": "ack", "done": "next", "step": "next", "finding": "find", "found": "find",
    "severity": "sev", "status": "update", "why?": "why", "whys": "why", "close": "resolve", "?": "help", "": "help",
    "new": "declare", "ls": "list", "queue": "approve", "open": "declare",
}  # fmt: skip
HELP_THREAD = (
    "In a thread: `ack` · `next [answer] [note]` · `find <text>` · `sev <1-4> <why>` · `lead [@person]` · "
    "`update [next 30m:] <text>` · `why <answer>` · `resolve <how it ended>`"
)
HELP_ROOM = (
    "`/incident declare [what is broken]` · `/incident list` · `/incident INC-7 [ack, sev, update, …]` · "
    "`/incident approve` (what waits for you) · `/incident legal` · `/incident help`"
)


@dataclass(frozen=True, slots=True)
class Verb:
    """What is asked: a verb ("" where nobody can tell), its words, the incident named, the people mentioned."""

    name: str
    rest: str = ""
    incident: str = ""
    people: tuple[str, ...] = ()


def mention(text: str, bot: str) -> Verb:
    """The words of a mention: `<@BOT> sev 1 because …`. Text before the bot's mention is not addressed to it."""
    _before, found, after = text.partition(f"<@{bot}>") if bot else ("", "", text)
    return _parse(after if found or not bot else text, THREAD)


def slash(text: str) -> Verb:
    """The words after the command: `declare …`, `list`, `INC-7 ack`."""
    words = text.strip()
    found = _INCIDENT.match(words)
    if found is None:
        return _parse(words, ROOM)
    rest = words[found.end() :].strip()
    verb = _parse(rest, THREAD) if rest else Verb("show")
    return Verb(verb.name, verb.rest, found[1].upper(), verb.people)


def _parse(text: str, known: tuple[str, ...]) -> Verb:
    words = text.strip().lstrip(":,").strip()
    incident = ""
    found = _INCIDENT.match(words)
    if found is not None:
        incident, words = found[1].upper(), words[found.end() :].strip()
    first, _, rest = words.partition(" ")
    if "\n" in first:
        first, _, tail = first.partition("\n")
        rest = f"{tail} {rest}"
    name = first.lower().rstrip(":,.!")
    name = _SAME.get(name, name)
    people = tuple(_MENTION.findall(rest))
    return Verb(name if name in known else "", rest.strip() if name in known else words, incident, people)


def unescape(text: str) -> str:
    """Typed words as they were meant: Slack sends `&`, `<` and `>` as entities."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
