"""A mention is whoever a person means: Slack's client completes handles and names, however they are capitalised."""

import pytest

from bot.localslack.people import BOT_USER, Group, Member
from bot.localslack.typed import mentioned

PEOPLE = (
    Member(BOT_USER, "tocsin", "Tocsin", is_bot=True),
    Member("U0ANA", "ana", "Ana Souza"),
    Member("U0ANN", "ann"),
)

GROUPS = (Group("S1", "oncall"), Group("S2", "oncall-ml"), Group("S3", "old", disabled=True))


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("@tocsin ack", "<@U0TOCSIN> ack"),
        ("@Tocsin ack", "<@U0TOCSIN> ack"),
        ("@TOCSIN, lead @Ana Souza.", "<@U0TOCSIN>, lead <@U0ANA>."),
        ("@ana souza and @Ana", "<@U0ANA> and <@U0ANA>"),
        ("@ann @anna @ana-b @ana.b", "<@U0ANN> @anna @ana-b @ana.b"),
        ("@oncall and @Oncall-ml, @old", "<!subteam^S1> and <!subteam^S2>, @old"),
        ("ops@ana.example <@U0ANA> @nobody", "ops@ana.example <@U0ANA> @nobody"),
    ],
)
def test_a_name_becomes_a_mention(typed: str, sent: str) -> None:
    """The longer name first; addresses, longer words and mentions that are there stay as they are."""
    assert mentioned(typed, PEOPLE, GROUPS) == sent
