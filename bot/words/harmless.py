"""Words from outside as Markdown shows them letter by letter: whatever they look like, they do nothing."""

import re

# What no XML file may hold, what shows letters in another order than they stand, and what nobody sees: an approval is
# of what was read. The joiners and direction marks that some scripts need stay.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_BRACKETS = re.compile(r"\[(?=\[)|\](?=\])")
_INLINE = re.compile(r"([\\`*\[\]<>|]|&(?=#|\w+;)|(?<!\w)_|_(?!\w))")
_LINE_START = re.compile(r"^(#{1,6}(?=\s|$)|[-+](?=\s|$)|-{2,}|=+(?=\s*$)|~{3,}|\d{1,9}(?=[.)](?:\s|$)))")


def harmless(text: str) -> str:
    """No headings, tables, links, HTML, nor gap markers: two brackets in a row are set apart, so none can be played."""
    return "\n".join(_LINE_START.sub(_escaped_start, each.lstrip()) for each in harmless_inside(text).split("\n"))


def harmless_inside(text: str) -> str:
    """The same for text that begins no line, where a date such as 20. November starts no list."""
    plain = _BRACKETS.sub(r"\g<0> ", _UNSEEN.sub("", _ENDS.sub("\n", text)))
    return _INLINE.sub(r"\\\1", plain)


def _escaped_start(found: "re.Match[str]") -> str:
    return f"{found[1]}\\" if found[1].isdigit() else f"\\{found[1]}"
