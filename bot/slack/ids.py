"""What a button carries: which deed, of which incident, and which of its parts; the same for modals."""

import json
import re
from dataclasses import dataclass

from bot.domain.errors import Refused

_INCIDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_FOREIGN = "this button is from another version of Tocsin; use a newer message"


@dataclass(frozen=True, slots=True)
class Ref:
    """What is meant: an incident, a part of it (mitigation, notice, step), the digest read, a message's key."""

    incident: str = ""
    item: str = ""
    digest: str = ""
    said: str = ""

    @property
    def value(self) -> str:
        """For a button's value: `INC-7` or `INC-7/M1`."""
        return f"{self.incident}/{self.item}" if self.item else self.incident

    @property
    def metadata(self) -> str:
        """For a modal's private_metadata."""
        held = {"i": self.incident, "m": self.item, "d": self.digest} | ({"s": self.said} if self.said else {})
        return json.dumps(held, separators=(",", ":"))


def read_value(value: str) -> Ref:
    """The reference a button carries; empty for a button of no incident. Raises Refused for junk."""
    incident, _, item = value.partition("/")
    if incident and not _INCIDENT.match(incident):
        raise Refused(_FOREIGN)
    return Ref(incident, item)


def read_metadata(text: str) -> Ref:
    """The reference a modal carries. Raises Refused for junk."""
    if not text:
        return Ref()
    try:
        held = json.loads(text)
        found = Ref(str(held["i"]), str(held["m"]), str(held["d"]), str(held.get("s") or ""))
    except (ValueError, KeyError, TypeError):
        raise Refused(_FOREIGN) from None
    if found.incident and not _INCIDENT.match(found.incident):
        raise Refused(_FOREIGN)
    return found


def choice(deed: str, ref: Ref) -> str:
    """For an option of a menu: the deed and what it concerns."""
    return f"{deed} {ref.value}"


def read_choice(value: str) -> tuple[str, Ref]:
    """The deed and reference of a menu's option."""
    deed, _, rest = value.partition(" ")
    return deed, read_value(rest)
