"""Emoji are known by one name each."""

import pytest

from bot.blockkit.emoji import canonical, is_name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("pushpin", "pushpin"), (":pushpin:", "pushpin"), ("+1::skin-tone-2", "+1"), (":+1::skin-tone-6:", "+1"),
        ("thumbsup", "+1"), (":Thumbsup:", "+1"), ("our-own_sign", "our-own_sign"), ("-1", "-1"),
    ],
)  # fmt: skip
def test_every_spelling_is_one_name(written: str, name: str):
    """Colons, skin tones, capitals and second names do not make another emoji."""
    assert canonical(written) == name
    assert is_name(written)


@pytest.mark.parametrize("written", ["", "to do", "📌", ":", "a" * 101, "<!here>"])
def test_what_can_be_no_emoji_is_none(written: str):
    """Nothing else gets past the configuration check."""
    assert not is_name(written)
