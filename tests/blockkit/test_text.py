"""Words from outside never ping, hide or break: `untrusted`, `clean`, `link`, `date`."""

import html
import re
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blockkit.blocks import clean, date, link, untrusted

NASTY = st.lists(
    st.sampled_from([
        "<!channel>", "<!here|x>", "<@U012AB>", "<#C1|a>", "<!subteam^S1>", "@here", "@channel", "@everyone", "@Ana", "&lt;!channel&gt;",
        "<https://evil.example|bank>", "\u202e", "\u200b", "\u2066", "\x00", "\x1b[31m", "\ud800", "\ufeff", "*b*", "`", "\n", " ", "é", "👩‍🚒", "a", "&",
        "@\u200bhere", "<\u200b!channel>", "\U000e0041", "\u2028", "\t", "\u3164",
    ]) | st.text(max_size=8),
    max_size=30,
).map("".join)  # fmt: skip
PING = re.compile(r"@(here|channel|everyone)|(?<![\w.+-])@\w", re.IGNORECASE)


@settings(max_examples=300)
@given(NASTY, st.integers(0, 80))
def test_untrusted_never_leaves_a_mention(text, limit):
    """No angle bracket, no @name, nothing invisible, at most `limit` long, and every & starts a whole entity."""
    safe = untrusted(text, limit)
    assert len(safe) <= limit
    assert "<" not in safe
    assert ">" not in safe
    assert not PING.search(html.unescape(safe))
    assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt);)*", safe, re.DOTALL)
    assert all(c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"} for c in safe)


@settings(max_examples=200)
@given(NASTY, st.integers(0, 80))
def test_clean_never_leaves_a_mention(text, limit):
    """The same holds for plain text, which is not escaped."""
    safe = clean(text, limit)
    assert len(safe) <= limit
    assert not PING.search(safe)


def test_untrusted_keeps_what_harms_nobody():
    """Ordinary words, an e-mail address and accents come through; a cut is marked."""
    assert untrusted("p95 > 300 ms at ana@example.com, déjà vu", 99) == "p95 &gt; 300 ms at ana@example.com, déjà vu"
    assert untrusted("abcdef", 4) == "abc…"
    assert untrusted("a<<<<", 6) == "a&lt;…"
    assert untrusted("<!channel> @here", 99) == "&lt;!channel&gt; ＠here"


@pytest.mark.parametrize("url", [
    "https://evil.example/x", "javascript:alert(1)", "https://ok.example@evil.example/", "https://ok.example/|x", "https://ok.example/a b", "http://[", "//ok.example/",
])  # fmt: skip
def test_links_lead_to_known_hosts_only(url):
    """Anything else is shown as words alone."""
    assert link(url, "the <graph>|", hosts={"ok.example"}) == "the &lt;graph&gt;¦"


def test_a_link_to_a_known_host():
    """Label and address are escaped."""
    assert (
        link("https://ok.example/?a=1&b=2", "graph", hosts={"ok.example"}) == "<https://ok.example/?a=1&amp;b=2|graph>"
    )


def test_date_token():
    """The reader's zone in Slack, a readable fallback elsewhere; a time without zone is refused."""
    at = datetime(2026, 11, 20, 3, 5, tzinfo=UTC)
    assert date(at) == f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-20 03:05 UTC>"
    assert date(at, "{ago}", "a|b>") == f"<!date^{int(at.timestamp())}^{{ago}}|a b >"
    with pytest.raises(ValueError, match="zone"):
        date(datetime(2026, 11, 20))
