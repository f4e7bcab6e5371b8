"""The few words every channel shares: texts on one line and of a length, where to look, and nobody's whole number."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import urlsplit

from bot.engine.calling import Kind, Summons

LOOK = "Answer in the incident's channel in the chat, or with: tocsin incident ack"
"""What a page says where no console gives it an address."""
LOOK_AT_US = "About Tocsin itself. See how it is with: tocsin doctor"
"""The same of a page about Tocsin: nobody acknowledges it."""
NOTHING = "There is nothing to do."
"""What a test page says where it says nothing else."""

# what ends lines, turns the direction of writing around or stands for nothing has no place in a title
_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]+"
)


def one_line(text: str, most: int = 0) -> str:
    """The text on one line without anything that is not a letter of it; shortened where it is longer than `most`."""
    return cut(" ".join(_HOSTILE.sub(" ", text).split()), most)


def lines(text: str, most: int = 0) -> str:
    """The text with the line ends it has and nothing else of that kind."""
    return cut("\n".join(one_line(line) for line in text.splitlines()).strip(), most)


def cut(text: str, most: int, mark: str = "…") -> str:
    """The text, or as much of it as fits with a mark that there was more."""
    return text if not most or len(text) <= most else text[: max(0, most - len(mark))].rstrip() + mark


def mark(key: str, length: int = 8) -> str:
    """A short name for a page's key that says nothing: letters and digits any channel takes."""
    return hashlib.sha256(key.encode()).hexdigest()[:length]


def look(summons: Summons) -> str:
    """Where a page without an address is answered; a test page asks for no answer."""
    if summons.url or summons.kind is Kind.TEST:
        return ""
    return LOOK if summons.kind is Kind.PAGE else LOOK_AT_US


def label(summons: Summons) -> str:
    """What a button or link that leads to its address says."""
    return "Acknowledge" if summons.kind is Kind.PAGE else "Open"


def nobodys(summons: Summons) -> str:
    """What stands where it has no words of its own."""
    return "Open it to answer." if summons.kind is Kind.PAGE else NOTHING


def untitled(summons: Summons) -> str:
    """Its headline where it has none."""
    return {Kind.PAGE: "A page from Tocsin", Kind.TEST: "A test page from Tocsin"}.get(summons.kind, "About Tocsin")


def body(summons: Summons, *, address: bool = True, most: int = 0) -> str:
    """What stands below the headline: its text, then the address or where to look. The end of it is never cut."""
    way = summons.url if address and summons.url else look(summons)
    end = f"{label(summons)}: {way}" if way == summons.url and way else way
    if most and len(end) > most - ENOUGH:
        end = {Kind.PAGE: LOOK, Kind.HOUSE: LOOK_AT_US}.get(summons.kind, "")  # half an address leads nowhere
    text = lines(summons.text, max(1, most - len(end) - 2) if most else 0)
    return "\n\n".join(filter(None, (text, end)))


def phone(number: str) -> str:
    """A number as people may read it."""
    return f"phone ending in {number[-2:]}"


def mailbox(address: str) -> str:
    """An address as people may read it: a…@example.org."""
    name, _, domain = address.rpartition("@")
    return f"mail to {name[:1]}…@{domain}"


def by_phone(url: str) -> str:
    """Where a telephone's digit acknowledges, "" where the address is no signed one of ours or not for the internet."""
    parts = urlsplit(url)
    signed = re.search(r"/p/[\w.-]+\Z", parts.path) is not None and not parts.query and not parts.fragment
    return f"{url}/call" if signed and parts.scheme == "https" else ""


# -- texts for telephones (3GPP TS 23.038, the default alphabet) -----------------------------------------------------

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = frozenset("^{}\\[~]|€")
_INSTEAD = {"`": "'", "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "…": "...", "×": "x",
            "→": "->", "←": "<-", "≥": ">=", "≤": "<=", "·": "-", "•": "-", "−": "-", "ł": "l", "Ł": "L"}  # fmt: skip
TWO_PARTS = 306
"""Septets of a text that goes out in two parts: 2 x 153."""


def gsm(text: str) -> str:
    """The text in the alphabet every telephone has; letters it lacks lose their accents, the rest becomes "?"."""
    return "".join(_letter(each) for each in one_line(text))


def _letter(letter: str) -> str:
    if letter in _BASIC or letter in _TWICE:
        return letter
    if letter in _INSTEAD:
        return _INSTEAD[letter]
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return plain if plain and all(each in _BASIC for each in plain) else "?"


def septets(text: str) -> int:
    """How much room a text of that alphabet takes."""
    return sum(2 if letter in _TWICE else 1 for letter in text)


def _fitting(text: str, room: int) -> str:
    if septets(text) <= room:
        return text
    while text and septets(text) + 3 > room:
        text = text[:-1]
    return text.rstrip() + "..." if text else ""


ENOUGH = 24
"""Less room than that is not worth a beginning."""


def text_message(summons: Summons, room: int = TWO_PARTS) -> str:
    """A page as a short message: headline, text where there is room, address whole or not at all, and its mark."""
    tail = f" #{mark(summons.key)}"
    url = summons.url if summons.url.isascii() and septets(summons.url) <= room - 80 else ""
    way = url or gsm({Kind.PAGE: LOOK, Kind.HOUSE: LOOK_AT_US}.get(summons.kind, ""))
    left = room - septets(tail) - (septets(way) + 1 if way else 0)
    said = _fitting(gsm(summons.headline), left)
    text = gsm(summons.text)
    if text and left - septets(said) - 2 >= ENOUGH:
        said = f"{said}. {_fitting(text, left - septets(said) - 2)}"
    return f"{said}{f' {way}' if way else ''}{tail}"
