"""Texts that attack the reader or the message, and what Slack would make of what leaves."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.slack.situations import CONSOLE, MENTIONED

FRAGMENTS = (
    # mentions
    "<!channel>", "<!here|here>", "<!everyone>", "<@U0EVIL>", "<@U0BEN>", "<@W012345|ben>", "<!subteam^S012345|team>",
    "<#C0INC|incidents>", "@here", "@channel", "@Everyone", "@ana", "@\u200bhere", "<\u200b!channel>", "\uff20here", "&lt;!here&gt;",
    "<!date^1700000000^{date}^https://evil.example|x>", "<!date^0^{ago}|x>",
    # links
    "<https://evil.example|the console>", "https://evil.example/x?a=1&b=2", "<javascript:alert(1)|x>", "javascript:alert(1)",
    "https://tocsin.example@evil.example/", "https://tocsin.examp\u04cde/", "<https://toc\u0455in.example|console>", "www.evil.example",
    "<mailto:ceo@evil.example|mail>", "<tel:112|112>", "<slack://channel?id=C1|x>", "[x](https://evil.example)", "//evil.example",
    "data:text/html,<script>alert(1)</script>", "ftp://evil.example", "xn--tcsin-gxa.example", "<https://evil.example",
    # markup
    "*", "_", "~", "`", "```", "> quoted", ">>> all", "&gt; x", "*bold*", "_it_", "~no~", "`code`", "```\nfence\n```", ":skull:", "• ",
    "|", "^", "&", "&amp;", "&#60;!channel&#62;", "<", ">", "<>", "{who}", "{{ 7 * 7 }}", "%s", "\\n", '"', "'", "null",
    # what cannot be seen
    "\u202e", "\u202d", "\u2066", "\u2069", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\x00", "\x07", "\x1b[31m", "\x7f", "\x85",
    "\ud800", "\udfff", "\U000e0041", "\u2028", "\u2029", "\u3164", "\u115f", "\u2800", "\u034f", "\ue000", "\ufff9", "\u0378",
    # what is wide, tall or long
    "e\u0301", "Z" + "\u0300\u0316\u0334" * 40, "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "👍🏿", "ﷺ", "𒐫", "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627", "\u65e5\u672c\u8a9e",
    "\n", "\n\n\n", "\r\n", "\t", " ", "   ", "x" * 100, "w " * 80,
    # what alerts say
    "HighErrorRate", "instance=10.0.0.7:9090", "p99 > 300 ms", "severity=critical", "INC-1", "burns 14.4×", "C:\\models\\v7", "a/b",
)  # fmt: skip
LENGTHS = (1, 1, 2, 3, 5, 8, 13, 30)
BLOWN = (300, 3_000, 50_000)


def texts(count: int, seed: int = 4) -> Iterator[str]:
    """So many hostile texts, always the same for a seed; one in forty is blown up to as much as 50 kB."""
    chance = random.Random(seed)
    for _ in range(count):
        parts = [chance.choice(FRAGMENTS) for _ in range(chance.choice(LENGTHS))]
        text = chance.choice(("", " ", "")).join(parts)
        if chance.random() < 1 / 40:
            text = (text or "x") * (chance.choice(BLOWN) // max(1, len(text)) + 1)
        yield text


TOKEN = re.compile(r"<([^<>]*)>")
DATE = re.compile(r"!date\^-?\d+\^[^<>|^]*\|[^<>|]+\Z")
PERSON = re.compile(r"@([A-Z0-9_]+)\Z")
PING = re.compile(r"@(here|channel|everyone)\b", re.IGNORECASE)
RUNS = frozenset({"text"})


def live(text: str) -> list[str]:
    """What Slack would make more of than words in formatted text, and must not."""
    wrong = [f"an open bracket in {text[:80]!r}"] if re.search(r"[<>]", TOKEN.sub("", text)) else []
    wrong += [f"pings: {found}" for found in PING.findall(text)]
    for token in TOKEN.findall(text):
        person = PERSON.match(token)
        url = urlsplit(token.partition("|")[0])
        ours = url.scheme == "https" and f"{url.scheme}://{url.netloc}" == CONSOLE
        if not (DATE.match(token) or (person and person[1] in MENTIONED) or ours):
            wrong.append(f"<{token}>")
    return wrong


def shown(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text a reader sees, in order, with how it is read: `mrkdwn`, `plain` or the field's name."""
    if isinstance(node, list):
        for one in node:
            yield from shown(one, key)
    elif isinstance(node, dict):
        kind = node.get("type")
        if kind in {"mrkdwn", "plain_text", "text", "raw_text"}:
            yield ("mrkdwn" if kind == "mrkdwn" else "plain"), str(node["text"])
            return
        for name, one in node.items():
            if isinstance(one, str) and name in {"title", "alt_text", "initial_value", "text", "label", "name"}:
                yield name, one
            elif not isinstance(one, str):
                yield from shown(one, name)


def faults(kind: str, body: dict[str, Any]) -> list[str]:
    """Everything that is wrong with a payload that leaves, in words."""
    wrong = list(live(body["text"])) if kind == "message" else []
    for how, text in shown(body):
        if how == "mrkdwn":
            wrong += live(text)
        if text.replace("\n", "").isprintable():
            continue
        unseen = {hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"}}
        wrong += [f"invisible {sorted(unseen)}"] if unseen else []
    wrong += list(_structure(body, kind))
    return wrong


def _structure(node: Any, kind: str) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _structure(one, kind)
    elif isinstance(node, dict):
        if node.get("type") == "mrkdwn" and node.get("verbatim") is not True:
            yield f"Slack may link what it finds in {node['text'][:60]!r}"
        if str(node.get("type")) in {"user", "usergroup", "broadcast", "channel", "link", "team"}:
            yield f"rich text holds {node}"
        for name, one in node.items():
            if name in {"url", "image_url", "thumbnail_url", "title_url"} and not str(one).startswith(f"{CONSOLE}/"):
                yield f"{name} leads to {one}"
            if isinstance(one, str):
                try:
                    one.encode("utf-8")
                except UnicodeEncodeError:
                    yield f"{name} is no text that can be sent"
            else:
                yield from _structure(one, kind)


WORD = re.compile(r"w(\d{4})")


def counted(many: int) -> str:
    """A long text whose every word says its place."""
    return " ".join(f"w{number:04}" for number in range(many))


def silent_cuts(body: dict[str, Any], many: int) -> list[str]:
    """Where a counted text ends before its end, without a mark of it and without going on in the next piece."""
    wrong = []
    pieces = [text for _how, text in shown(body)]
    for place, text in enumerate(pieces):
        following = pieces[place + 1] if place + 1 < len(pieces) else ""
        found = list(WORD.finditer(text))
        for index, word in enumerate(found):
            number = int(word[1])
            after = text[word.end() :]
            if index + 1 < len(found) and int(found[index + 1][1]) == number + 1:
                continue
            goes_on = not after.strip() and following.lstrip().startswith((f"w{number + 1:04}", "…"))
            if number == many - 1 or goes_on or re.match(r"\s*(w\d{0,3})?\s*…", after):
                continue
            wrong.append(f"…{text[max(0, word.start() - 30) : word.end()]}|{after[:30]}")
    return wrong
