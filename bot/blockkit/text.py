"""Makes words safe to show in Slack: no alert text, name or note can ping a channel, hide itself or break a message."""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime
from urllib.parse import urlsplit

ELLIPSIS = "…"

# "@here" in any spelling Slack links; also every other @name, so that link_names can never turn words into a ping.
_MENTION = re.compile(r"@(?=here|channel|everyone)|(?<![\w.+-])@(?=\w)", re.IGNORECASE)
# Hangul fillers and the braille blank are letters by category and blank on screen
_BLANKS = re.compile("[\u115f\u1160\u3164\uffa0\u2800]")
_FULLWIDTH_AT = "＠"


def escape(text: str) -> str:
    """The three characters Slack's mrkdwn gives meaning to, written as entities (formatting text, Slack docs)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clean(text: str, limit: int) -> str:
    """Somebody else's words for a plain_text field: nothing invisible, no ping, at most `limit` characters."""
    return shorten(_MENTION.sub(_FULLWIDTH_AT, _visible(text)), limit)


def untrusted(text: str, limit: int) -> str:
    """Somebody else's words for a mrkdwn field: as `clean`, and escaped; the result has at most `limit` characters."""
    harmless = _MENTION.sub(_FULLWIDTH_AT, _visible(text))
    escaped = escape(harmless)
    if len(escaped) <= limit:
        return escaped
    room = limit - len(ELLIPSIS)
    kept: list[str] = []
    for character in harmless:  # entity by entity: a cut inside "&lt;" would show as junk
        entity = escape(character)
        if len(entity) > room:
            break
        kept.append(entity)
        room -= len(entity)
    return "".join(kept).rstrip() + ELLIPSIS if limit > 0 else ""


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, an ellipsis marking the cut. For text that is not escaped yet."""
    if len(text) <= limit:
        return text
    return text[: limit - len(ELLIPSIS)].rstrip() + ELLIPSIS if limit > 0 else ""


def link(url: str, label: str, *, hosts: Collection[str]) -> str:
    """`<url|label>` when the host is one of ours, else the label alone: alerts cannot send a responder elsewhere."""
    words = untrusted(label, 500).replace("|", "¦")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return words
    unsafe = any(character in url for character in "<>|") or any(character.isspace() for character in url)
    if parts.scheme not in {"http", "https"} or unsafe or host not in hosts:
        return words
    return f"<{url.replace('&', '&amp;')}|{words}>"


def date(ts: datetime, fmt: str = "{date_short_pretty} {time}", fallback: str = "") -> str:
    """Slack's date token: shown in the reader's own time zone. `ts` must be aware; the fallback defaults to UTC."""
    if ts.tzinfo is None:
        raise ValueError("a date token needs a time with its zone")
    words = fallback or ts.astimezone(tz=ts.tzinfo).strftime("%Y-%m-%d %H:%M %Z")
    for character in "<>|^":
        words = words.replace(character, " ")
    return f"<!date^{int(ts.timestamp())}^{fmt}|{words}>"


def _visible(text: str) -> str:
    """Drops what a reader cannot see: controls, bidirectional overrides, zero-width characters, lone surrogates."""
    if text.replace("\n", "").isprintable():  # as most words are; it costs nothing even for a log of a megabyte
        return _BLANKS.sub("", text)
    flat = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return _BLANKS.sub("", flat.translate(_SHOWN))


class _Shown(dict[int, int | str | None]):
    """What becomes of each character, decided when it is first met: kept, dropped (None), or the end of a line."""

    def __missing__(self, code: int) -> int | str | None:
        category = unicodedata.category(chr(code))
        kept = category not in {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
        self[code] = code if kept or code == ord("\n") else "\n" if category in {"Zl", "Zp"} else None
        return self[code]


_SHOWN = _Shown()
