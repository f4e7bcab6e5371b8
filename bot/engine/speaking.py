"""What a statement for the status page begins with: the template of its own, filled from the log, gaps marked."""

from __future__ import annotations

import re

from bot.domain.errors import Invalid, NotFound, Refused
from bot.domain.status import Kind
from bot.engine.ports import Drafter
from bot.engine.situation import Situation

TEMPLATE = "stakeholders/status_page"
_ESCAPED = re.compile(r"\\([\\`*\[\]<>|#_+=~.)-])")


def begun(drafter: Drafter, situation: Situation) -> tuple[str, str]:
    """Title and words as the log would have them now. Raises Refused where the template is gone or wrong."""
    try:
        words = drafter.draft(situation, TEMPLATE)
    except NotFound as gone:
        raise Refused(f"there is no template to begin with: {gone}") from None
    except Invalid as wrong:
        raise Refused(f"the template of {TEMPLATE} cannot be filled: {wrong}") from None
    first, _, rest = words.text.strip().partition("\n")
    return _ESCAPED.sub(r"\1", first.lstrip("# ").strip()), rest.strip()


def kind_of(situation: Situation) -> Kind:
    """How far the matter is by the log: what a statement most likely wants to say."""
    incident = situation.incident
    if incident.resolved is not None and not incident.is_open:
        return Kind.RESOLVED
    if incident.mitigated is not None:
        return Kind.MONITORING
    return Kind.IDENTIFIED if incident.cause else Kind.INVESTIGATING
