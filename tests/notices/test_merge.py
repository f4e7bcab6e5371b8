"""Counsel's words and later facts in one text: nothing either side wrote is lost without a marker."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.notices.checklist import GAP
from bot.notices.merge import merge

BASE = "We were aware on 3 May. 120 people are concerned.\n\nWe stopped the model.\n"
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", ".", "\n", "12"]), max_size=12).map(" ".join)


def test_a_new_figure_comes_into_reworded_text() -> None:
    """Counsel reworded one sentence; the number in the other stays live."""
    mine = BASE.replace("We stopped the model.", "The model was taken out of use at once.")
    merged = merge(BASE, mine, BASE.replace("120", "135"))
    assert (
        merged.text == "We were aware on 3 May. 135 people are concerned.\n\nThe model was taken out of use at once.\n"
    )
    assert merged.clashes == ()


def test_a_figure_inside_a_reworded_sentence_stays_live() -> None:
    """What was changed around a number does not freeze the number."""
    mine = BASE.replace("people are concerned", "applicants may be concerned")
    assert "135 applicants may be concerned" in merge(BASE, mine, BASE.replace("120", "135")).text


def test_where_both_changed_the_same_words_counsels_stand_with_a_marker() -> None:
    """The marker says what the facts say now, and it counts as a gap."""
    merged = merge(BASE, BASE.replace("120", "over 100"), BASE.replace("120", "400"))
    assert merged.text.startswith("We were aware on 3 May. over 100 [[")
    (clash,) = merged.clashes
    assert "400" in clash
    assert GAP.findall(merged.text) == [clash]


def test_a_sentence_the_facts_took_away_leaves_a_reworded_one_marked() -> None:
    """Words whose ground has gone do not stand as if nothing had happened."""
    mine = BASE.replace("We stopped the model.", "The model was stopped.")
    merged = merge(BASE, mine, BASE.replace("We stopped the model.\n", ""))
    assert merged.clashes


@settings(max_examples=300)
@given(WORDS, WORDS)
def test_one_side_alone_wins_whole(base: str, other: str) -> None:
    """Nothing new is counsel's text to the letter; nothing reworded is the facts' text to the letter."""
    assert merge(base, other, base).text == other
    assert merge(base, base, other).text == other
    assert merge(base, other, other).text == other


@settings(max_examples=300)
@given(WORDS, WORDS, WORDS)
def test_every_word_of_counsel_that_is_new_stands(base: str, mine: str, theirs: str) -> None:
    """Whatever the facts do, a word counsel added is not dropped: it stands, if need be with a marker."""
    text = merge(base, f"{mine} COUNSEL {base}", theirs).text
    assert "COUNSEL" in text


@settings(max_examples=200)
@given(WORDS, WORDS, WORDS)
def test_merging_again_with_the_same_facts_changes_nothing(base: str, mine: str, theirs: str) -> None:
    """The same three texts give the same text: a draft looked at twice is one draft."""
    assert merge(base, mine, theirs) == merge(base, mine, theirs)
