"""Keeps a value on the line it was put in: only a value that stands alone on its line may bring lines of its own.

`- Owner: {{ incident.lead }}` stays one line of its list, whatever the value holds, while `{{ incident.summary }}` on a
line by itself keeps its paragraphs. A template need not think of it.
"""

import re
from collections.abc import Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

FILTER, INSIDE = "inline", "inside"
_WORDS = re.compile(r"[^\s\-+*>#\d.)]")
_OPEN, _CLOSE = "variable_begin", "variable_end"


class Inline(Extension):
    """Leads every value of a Markdown template that shares its line with something through a filter.

    `inside` where words stand right before it, so that it cannot begin a list or a heading; `inline` elsewhere.
    """

    def filter_stream(self, stream: TokenStream) -> TokenStream | Iterator[Token]:
        """The same tokens, and around such a value `(…) | inline` or `(…) | inside`."""
        if not (stream.name or "").endswith(".md.j2"):
            return stream
        return self._led(list(stream))

    def _led(self, tokens: list[Token]) -> Iterator[Token]:
        shared = False  # whether something stands before this place on its line
        led = ""
        for at, token in enumerate(tokens):
            if token.type == "data":
                shared = _last_line(token.value, shared)
            if token.type == _CLOSE and led:
                for kind, value in (("rparen", ")"), ("pipe", "|"), ("name", led)):
                    yield Token(token.lineno, kind, value)
            yield token
            if token.type == _OPEN:
                led = INSIDE if _begun(tokens, at) else FILTER if shared or _followed(tokens, at) else ""
                shared = True
                if led:
                    yield Token(token.lineno, "lparen", "(")


def _last_line(text: str, shared: bool) -> bool:
    before, end, last = text.rpartition("\n")
    return bool(last.strip()) or (shared and not (before or end))


def _begun(tokens: list[Token], at: int) -> bool:
    """Whether words, and not only the mark of a list, stand on the line right before the value that opens there."""
    before = tokens[at - 1]
    return at > 0 and before.type == "data" and _WORDS.search(before.value.rpartition("\n")[2]) is not None


def _followed(tokens: list[Token], at: int) -> bool:
    """Whether something stands after the value that opens there, before its line ends."""
    inside = True
    for token in tokens[at + 1 :]:
        if token.type == _CLOSE:
            inside = False
        elif not inside and token.type == _OPEN:
            return True
        elif not inside and token.type == "data":
            first, end, _ = token.value.partition("\n")
            if first.strip() or end:
                return bool(first.strip())
    return False
