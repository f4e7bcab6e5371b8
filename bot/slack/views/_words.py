"""The small words every view uses: names, times, links and buttons, all of them safe to show."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from bot.blockkit.blocks import Block, Element, button, section
from bot.blockkit.text import clean, date, link, untrusted
from bot.domain.incident import Incident
from bot.domain.phase import Phase
from bot.engine.situation import Situation
from bot.slack.ids import Ref

_ENDLESS = 10**9
PHASES = {
    Phase.VOID: "Unknown",
    Phase.DECLARED: "Declared, nobody has it yet",
    Phase.ACKNOWLEDGED: "Being worked on",
    Phase.MITIGATED: "Mitigated, the SLI is met again",
    Phase.RESOLVED: "Resolved",
    Phase.CLOSED: "Closed",
}


def person(situation: Situation, name: str) -> str:
    """A person in mrkdwn: a mention where they are in the workspace, else the name."""
    shown = situation.people.get(name)
    if shown is not None and shown.slack_user.replace("_", "").isalnum():
        return f"<@{shown.slack_user}>"
    return untrusted(situation.name(name), 80)


def named(situation: Situation, name: str) -> str:
    """A person's name for plain text."""
    return clean(situation.name(name), 80)


def at(moment: datetime | None) -> str:
    """A time in the reader's zone, or a dash."""
    return date(moment) if moment is not None else "–"


def lasted(length: timedelta | None) -> str:
    """`4 min 12 s`, `2 h 5 min`, `3 d 4 h`; a dash where it is not known."""
    if length is None:
        return "–"
    seconds = int(length.total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{sign}{days} d {hours} h"
    if hours:
        return f"{sign}{hours} h {minutes} min"
    return f"{sign}{minutes} min {rest} s" if minutes else f"{sign}{rest} s"


def console(situation: Situation, label: str = "Open in the console", page: str = "") -> str:
    """A link to the incident's page (or a page below it), "" where there is no console."""
    host = urlsplit(situation.web_url).hostname
    if not host:
        return ""
    url = f"{situation.web_url.rstrip('/')}/incidents/{situation.incident.id}" + (f"/{page}" if page else "")
    return link(url, label, hosts={host})


def press(
    text: str, deed: str, incident: str, item: str = "", *, style: Literal["primary", "danger"] | None = None
) -> Element:
    """A button for a deed."""
    return button(filled(text, 70), deed, value=Ref(incident, item).value[:2000], style=style)


def filled(text: str, limit: int) -> str:
    """Somebody's words for a plain_text field that must not be empty: a dash where nothing visible is left."""
    return clean(text, limit).strip() or "–"


def title(incident: Incident, limit: int = 120) -> str:
    """The incident's title for mrkdwn."""
    return untrusted(incident.title, limit)


def bulleted(lines: Sequence[str], most: int, limit: int) -> str:
    """Lines (escaped already) as bullets, at most `most` of them and `limit` characters; the rest is counted."""
    shown: list[str] = []
    size = 0
    for line in lines[:most]:
        if size + len(line) + 3 > limit - 20:
            break
        shown.append(f"• {line}")
        size += len(line) + 3
    left = len(lines) - len(shown)
    return "\n".join([*shown, *([f"… and {left} more"] if left else [])])


class Reading:
    """Shortens words from outside for a dialog in which they are approved, and remembers whether all were shown."""

    def __init__(self) -> None:
        self.whole = True

    def mrkdwn(self, text: str, limit: int) -> str:
        """As `untrusted`."""
        return self._kept(untrusted(text, _ENDLESS), untrusted(text, limit))

    def plain(self, text: str, limit: int) -> str:
        """As `clean`."""
        return self._kept(clean(text, _ENDLESS), clean(text, limit))

    def paragraphs(self, text: str, most: int) -> list[str]:
        """As the function of that name."""
        pieces, whole = _pieces(text, 2_800, most)
        self.whole = self.whole and whole
        return pieces

    def _kept(self, full: str, shown: str) -> str:
        self.whole = self.whole and shown == full
        return shown


TOO_LONG = "This is too long for Slack; read and approve it on the console."


def too_long(situation: Situation) -> Block:
    """Why nothing can be approved in this dialog, and where it can."""
    return section(f"*{TOO_LONG}* {console(situation)}".strip())


def paragraphs(text: str, limit: int = 2_800, most: int = 20) -> list[str]:
    """Long words (not escaped) as pieces that fit a section each, broken at line ends where possible."""
    return _pieces(text, limit, most)[0]


def _pieces(text: str, limit: int, most: int) -> tuple[list[str], bool]:
    """The pieces, and whether they are the whole text."""
    pieces: list[str] = []
    rest = text.strip()
    while rest and len(pieces) < most:
        room = limit
        while len(untrusted(rest[:room], _ENDLESS)) > limit:  # entities are longer than what they stand for
            room = room * 2 // 3
        if len(rest) > room:
            cut = rest.rfind("\n", room // 2, room)
            room = cut if cut > 0 else room
        pieces.append(untrusted(rest[:room], 3_000))
        rest = rest[room:].lstrip("\n")
    if rest:
        pieces.append("… the full text is on the console")
    return [piece for piece in pieces if piece.strip()], not rest
