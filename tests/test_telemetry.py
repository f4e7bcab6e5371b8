"""What may be written down: nothing that opens a door."""

from __future__ import annotations

import pytest

from bot.telemetry import scrub


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Authorization: Bearer abc.def-1", "Authorization: [secret]"),
        ("used tocsin_4xXkq-jD93hfFAq0_zzYYw8811aa here", "used [secret] here"),
        ("GET /login?token=aGVsbG8.d29ybGQ&next=/", "GET /login?token=[secret]&next=/"),
        ("xoxb-12-34-ab and xapp-1-A2", "[secret] and [secret]"),
        ("tocsin_open_incidents rose", "tocsin_open_incidents rose"),
    ],
)
def test_whatever_opens_a_door_is_blacked_out(said: str, kept: str) -> None:
    """Tokens of Slack, of a bearer, of our own, and of a login link; names of metrics stay."""
    assert scrub(said) == kept
