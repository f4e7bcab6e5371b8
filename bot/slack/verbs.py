"""What people type: the words after a mention in a thread, and after the slash command."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from bot.blockkit.text import escape
from bot.domain.errors import Refused

_MENTION = re.compile(r"<@([A-Z0-9_]+)(?:\|[^>]*)?>")
_INCIDENT = re.compile(r"(?i)\b(INC-\d+)\b")
_SEVERITY = re.compile(r"sev([1-4])\Z")
THREAD = (
    "ack", "next", "find", "note", "follow", "retract", "sev", "lead", "update", "why", "room", "page", "snooze",
    "hold", "release", "resolve", "close", "merge", "promote", "oncall", "help",
)  # fmt: skip
KEPT = ("find", "note", "follow")
"""Verbs whose own message is kept: its edits and its deletion are followed."""
WORDED = ("find", "note", "follow", "sev", "update", "why", "hold", "release", "resolve", "merge", "promote")
"""Verbs whose words become the incident's; those of CARRYING may carry some."""
CARRYING = ("next", "page", "retract")
ROOM = ("declare", "list", "oncall", "cover", "page", "approve", "legal", "help")
_SAME = {
    "acknowledge": "ack", "take": "ack", "done": "next", "step": "next", "finding": "find", "found": "find",
    "followup": "follow", "follow-up": "follow", "promise": "follow", "war-room": "room",
    "severity": "sev", "status": "update", "why?": "why", "whys": "why", "?": "help", "": "help",
    "new": "declare", "ls": "list", "queue": "approve", "open": "declare", "on-call": "oncall",
    "covers": "cover",
}  # fmt: skip
_OWNER = re.compile(r"(?:\b(?:for|owner:?)\s+)?<@([A-Z0-9_]+)(?:\|[^>]*)?>[\s.]*\Z", re.IGNORECASE)
_BY = re.compile(r"\b(?:by|until)\s+(\d{4}-\d\d-\d\d)[\s.]*\Z", re.IGNORECASE)
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4}
_IN = re.compile(rf"\bin\s+(\d{{1,3}}|{'|'.join(_NUMBERS)})\s+(day|week|month)s?[\s.]*\Z", re.IGNORECASE)
_DAYS = {"day": 1, "week": 7, "month": 30}
HELP_THREAD = escape(
    "In a thread: `ack` · `next [answer] [note]` · `find <text>` · `note <text>` · "
    "`follow <text> [@owner] [by 2026-12-31 | in 2 weeks]` · `retract F2 <why>` · "
    "`sev <1-4> <why>` or `sev1 <why>` · `lead [@person]` · "
    "`page @person|<service> [why]` · `update [next 30m:] <text>` · `why <answer>` · `room` · `snooze` · "
    "`resolve <how it ended>` · `close` · `merge INC-7 [why]` · `promote [why]` (a storm's child gets a card) · "
    "counsel: `hold <why>` · `release <why>`"
)
HELP_ROOM = escape(
    "`/incident declare [what is broken]` · `/incident list` · `/incident INC-7 [ack, sev, page, update, …]` · "
    "`/incident oncall [service or rota] [at fri 17:00]` · "
    "`/incident cover` (ask to be stood in for) · "
    "`/incident approve` (what waits for you) · `/incident legal` · `/incident help`"
)


@dataclass(frozen=True, slots=True)
class Verb:
    """What is asked: a verb ("" where nobody can tell), its words, the incident named, the people mentioned."""

    name: str
    rest: str = ""
    incident: str = ""
    people: tuple[str, ...] = ()


def is_worded(verb: Verb) -> bool:
    """Whether somebody's words would stand in the timeline, or go out to everybody."""
    return verb.name in WORDED or (verb.name in CARRYING and len(verb.rest.split()) > 1)


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
    if joined := _SEVERITY.match(name):
        name, rest = "sev", f"{joined[1]} {rest}"
    people = tuple(_MENTION.findall(rest))
    return Verb(name if name in known else "", rest.strip() if name in known else words, incident, people)


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised, by whom (a Slack user, "" for whoever says so), until when (None where no date is named)."""

    text: str
    owner: str = ""
    due: date | None = None


def promise(words: str, today: date) -> Promise:
    """`fix the join <@U1> in 2 weeks`; owner and date stand at the end, in any order. Raises Refused for no date."""
    text, owner, due = words.strip(), "", None
    while True:
        if due is None and (found := _BY.search(text)):
            due = _day(found[1])
        elif due is None and (found := _IN.search(text)):
            due = today + timedelta(days=_number(found[1]) * _DAYS[found[2].lower()])
        elif not owner and (found := _OWNER.search(text)):
            owner = found[1]
        else:
            return Promise(text, owner, due)
        text = text[: found.start()].rstrip(" ,;:")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text} is no date; say by 2026-12-31, or in 2 weeks") from None


def _number(word: str) -> int:
    return int(word) if word.isdigit() else _NUMBERS[word.lower()]


def unescape(text: str) -> str:
    """Typed words as they were meant: Slack sends `&`, `<` and `>` as entities."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
