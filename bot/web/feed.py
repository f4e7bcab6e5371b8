"""The status page as an Atom feed (RFC 4287): one entry for each statement, the one that changed last on top."""

from __future__ import annotations

import re
from datetime import datetime
from xml.etree import ElementTree as ET

from bot.domain.status import Step
from bot.domain.status_page import Said, Told
from bot.engine.status import Copy
from bot.web.phrases import rendered
from bot.web.shape import rfc3339

ATOM = "http://www.w3.org/2005/Atom"
MOST = 50
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom(copy: Copy, *, title: str, organisation: str, page: str) -> bytes:
    """The feed; `page` is the address of the page it belongs to."""
    told = [(each, matter) for matter in (*copy.page.now, *copy.page.past) for each in matter.said]
    told.sort(key=lambda pair: _updated(pair[0]), reverse=True)
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _text(feed, "id", page)
    _text(feed, "title", f"{organisation}: {title}")
    _text(feed, "updated", rfc3339(_updated(told[0][0]) if told else copy.as_of))
    _text(_part(feed, "author"), "name", organisation)
    _part(feed, "link", rel="alternate", type="text/html", href=page)
    _part(feed, "link", rel="self", type="application/atom+xml", href=f"{page}.atom")
    for each, matter in told[:MOST]:
        _entry(feed, each, matter, page)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(feed, encoding="unicode").encode()


def _entry(feed: ET.Element, each: Said, matter: Told, page: str) -> None:
    entry = _part(feed, "entry")
    _text(entry, "id", f"{page}#{each.mark}")
    title = f"{each.kind.capitalize()}: {each.title}" if each.title else matter.title
    _text(entry, "title", f"Corrected: {title}" if each.step is Step.CORRECTED else title)
    _text(entry, "published", rfc3339(each.at))
    _text(entry, "updated", rfc3339(_updated(each)))
    _part(entry, "link", rel="alternate", type="text/html", href=f"{page}#{each.mark}")
    content = _text(entry, "content", str(rendered(each.text)) if each.title else "This statement was withdrawn.")
    content.set("type", "html" if each.title else "text")


def _updated(each: Said) -> datetime:
    return each.changed or each.at


def _part(parent: ET.Element, name: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, name, attributes)


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    part = _part(parent, name)
    part.text = _NOT_XML.sub("\ufffd", text)
    return part
