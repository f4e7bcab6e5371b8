"""The small words every view uses: names, times, links and buttons, all of them safe to show."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from bot.blockkit.blocks import Block, Element, button, context, section
from bot.blockkit.text import ELLIPSIS, clean, date, link, untrusted
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
    return untrusted(plain_line(situation.name(name)), 80)


def named(situation: Situation, name: str) -> str:
    """A person's name for plain text."""
    return clean(plain_line(situation.name(name)), 80)


def called(situation: Situation, name: str) -> str:
    """A person's name for a notification, which mentions nobody."""
    return untrusted(plain_line(situation.name(name)), 80)


def at(moment: datetime | None) -> str:
    """A time in the reader's zone, or a dash."""
    return date(moment) if moment is not None else "–"


def clock(moment: datetime | None) -> str:
    """A time for a notification, which has no zones: `20 Nov 12:05 UTC`, or a dash."""
    return f"{moment.astimezone(UTC):%d %b %H:%M} UTC" if moment is not None else "–"


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
    return leading(situation.web_url, situation.incident.id, label, page)


def leading(web_url: str, incident: str, label: str, page: str = "") -> str:
    """As `console`, where only the name of the incident is known."""
    host = urlsplit(web_url).hostname
    if not host:
        return ""
    url = f"{web_url.rstrip('/')}/incidents/{incident}" + (f"/{page}" if page else "")
    return link(url, label, hosts={host})


def in_full(situation: Situation, blocks: list[Block]) -> list[Block]:
    """The blocks, and where any of them was shortened the way to the whole."""
    way = console(situation, "Read it in full")
    return [*blocks, context(way)] if way and ELLIPSIS in str(blocks) else blocks


def press(
    text: str, deed: str, incident: str, item: str = "", *, style: Literal["primary", "danger"] | None = None
) -> Element:
    """A button for a deed."""
    return button(filled(text, 70), deed, value=Ref(incident, item).value[:2000], style=style)


def filled(text: str, limit: int) -> str:
    """Somebody's words for a plain_text field that must not be empty: a dash where nothing visible is left."""
    return clean(text, limit).strip() or "–"


def title(incident: Incident, limit: int = 120) -> str:
    """The incident's title for mrkdwn, on one line: words from outside start no line of their own."""
    return untrusted(plain_line(incident.title), limit)


def headline(incident: Incident, mark: str = "") -> str:
    """Severity, id and title for a header; `mark` stands before them."""
    return clean(f"{mark}{incident.severity} · {incident.id} · {plain_line(incident.title)}", 150)


def about(situation: Situation) -> str:
    """The line a dialog begins with: which incident, leading to its page, where everything stands in full."""
    return f"*{console(situation, situation.incident.id) or situation.incident.id}* · {title(situation.incident)}"


def brief(incident: Incident) -> str:
    """What every notification begins with: `SEV2 INC-7`."""
    return f"{incident.severity} {incident.id}"


def plain_line(text: str) -> str:
    """Words on one line: those from outside start no line of their own."""
    return " ".join(text.split())


def several(names: Sequence[str]) -> str:
    """`M1`, `M1 and M2`, `M1, M2 and M3`."""
    *most, last = names or [""]
    return f"{', '.join(most)} and {last}" if most else last


def ended(words: str) -> str:
    """Somebody's words (safe already) with a full stop, so that a sentence may follow."""
    return words if not words or words[-1] in ".!?…" else f"{words}."


def left_out(shown: int, known: int) -> str | None:
    """A hint that a list is longer than Slack shows; None where all of it is there."""
    return f"{shown} of {known}; the others are on the console." if known > shown else None


def bulleted(lines: Sequence[str], most: int, limit: int, mark: str = "• ") -> str:
    """Lines (escaped already) as bullets, at most `most` of them and `limit` characters; the rest is counted."""
    shown: list[str] = []
    size = 0
    for line in lines[:most]:
        if size + len(line) + 3 > limit - 20:
            break
        shown.append(f"{mark}{line}")
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


BYTES = 150_000
"""So much of one text goes into a dialog, which may have 250 kB: letters of other scripts and emoji take up to four."""
TOO_LONG = "This is too long for Slack; read and approve it on the console."


def too_long(situation: Situation) -> Block:
    """Why nothing can be approved in this dialog, and where it can."""
    return section(f"*{TOO_LONG}* {console(situation)}".strip())


def paragraphs(text: str, limit: int = 2_800, most: int = 20) -> list[str]:
    """Long words (not escaped) as pieces that fit a section each, broken at line ends or spaces where possible."""
    return _pieces(text, limit, most)[0]


def _pieces(text: str, limit: int, most: int) -> tuple[list[str], bool]:
    """The pieces, and whether they are the whole text."""
    pieces: list[str] = []
    rest = text.strip()
    size = 0
    while rest and len(pieces) < most and size < BYTES:
        room = limit
        while len(untrusted(rest[:room], _ENDLESS)) > limit:  # entities are longer than what they stand for
            room = room * 2 // 3
        if len(rest) > room:
            cuts = (rest.rfind(end, room // 2, room + 1) for end in ("\n", " "))
            room = next((cut for cut in cuts if cut > 0), room)
        pieces.append(untrusted(rest[:room], 3_000))
        size += len(pieces[-1].encode())
        rest = rest[room:].removeprefix(" ").lstrip("\n")
    if rest:
        pieces.append("… the full text is on the console")
    return [piece for piece in pieces if piece.strip()], not rest
