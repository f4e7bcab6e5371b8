"""Everything the digest covers is shown in Slack: in the dialog of approval, and in that of acting alone."""

from __future__ import annotations

from bot.domain.mitigation import ProposeMitigation
from bot.slack.views import approve, glass
from tests.kit import ANA, declared
from tests.marks import marked, missing
from tests.slack.situations import seen


def test_everything_the_digest_covers_is_shown() -> None:
    """No field of the plan is missing in either dialog; a new one is missing until somebody gives it a place."""
    situation = seen(declared().when(ProposeMitigation(marked()), ANA), "")
    mitigation = situation.incident.mitigations["M1"]
    for view in (approve.render(situation, mitigation), glass.alone(situation, mitigation)):
        assert missing(str(view)) == set()
