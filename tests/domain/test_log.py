"""The log: folding, the chain of hashes, and what a sentence is made of."""

from dataclasses import replace

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from bot.domain.errors import Tampered
from bot.domain.incident import Incident
from bot.domain.lifecycle import UpdatePosted
from bot.domain.log import Event, Sentence, Who, fold, link, says, verify
from tests.kit import Story, declared

Row = tuple[int, str, str, bytes]


def chain(*stored: bytes) -> list[Row]:
    rows: list[Row] = []
    before = ""
    for seq, each in enumerate(stored, start=1):
        rows.append((seq, before, link(before, each), each))
        before = rows[-1][2]
    return rows


def test_an_honest_chain_verifies_to_its_head() -> None:
    """The head is the last entry's hash; an empty chain has none."""
    rows = chain(b"a", b"b", b"c")
    assert verify("INC-1", rows) == rows[-1][2]
    assert verify("INC-1", []) == ""


def test_an_altered_entry_is_named() -> None:
    """Other bytes under the same hash do not pass, and the sentence says which entry."""
    rows = chain(b"a", b"b", b"c")
    rows[1] = (*rows[1][:3], b"B")
    with pytest.raises(Tampered, match="INC-1: entry 2 was altered"):
        verify("INC-1", rows)


def test_a_missing_entry_is_named() -> None:
    """A gap is seen at the number that is not there, wherever it is."""
    rows = chain(b"a", b"b", b"c")
    with pytest.raises(Tampered, match="entry 2 is missing"):
        verify("INC-1", [rows[0], rows[2]])
    with pytest.raises(Tampered, match="entry 1 is missing"):
        verify("INC-1", rows[1:])


def test_swapped_entries_are_named() -> None:
    """Two entries that changed places, even renumbered, do not follow one another."""
    first, second, third = chain(b"a", b"b", b"c")
    with pytest.raises(Tampered, match="entry 1 is missing"):
        verify("INC-1", [second, first, third])
    with pytest.raises(Tampered, match="entry 1 does not follow"):
        verify("INC-1", [(1, *second[1:]), (2, *first[1:]), third])


def test_an_entry_rewritten_with_a_fresh_hash_breaks_the_next() -> None:
    """Whoever recomputes one hash must recompute all that follow: the head no longer is what a checkpoint says."""
    rows = chain(b"a", b"b", b"c")
    head = verify("INC-1", rows)
    rows[1] = (2, rows[0][2], link(rows[0][2], b"B"), b"B")
    with pytest.raises(Tampered, match="entry 3 does not follow"):
        verify("INC-1", rows)
    assert verify("INC-1", chain(b"a", b"B", b"c")) != head


@over(st.lists(st.binary(max_size=8), min_size=1, max_size=6), st.data())
@settings(max_examples=60, deadline=None)
def test_any_single_change_is_found(stored: list[bytes], data: st.DataObject) -> None:
    """Whatever one field of one row becomes, the chain does not verify to the same head."""
    rows = chain(*stored)
    head = verify("INC-1", rows)
    at = data.draw(st.integers(0, len(rows) - 1))
    seq, before, hashed, content = rows[at]
    rows[at] = data.draw(
        st.sampled_from(
            [
                (seq + 1, before, hashed, content),
                (seq, before + "0", hashed, content),
                (seq, before, hashed[::-1] + "x", content),
                (seq, before, hashed, content + b"!"),
            ]
        )
    )
    with pytest.raises(Tampered):
        assert verify("INC-1", rows) == head


def test_folding_refuses_a_gap_and_a_repetition() -> None:
    """Entries are folded in order, each once."""
    entries = declared().tell(UpdatePosted("a"), UpdatePosted("b")).entries
    assert fold(Incident("INC-1"), entries).seq == 3
    with pytest.raises(Tampered, match="entry 3 follows entry 1"):
        fold(Incident("INC-1"), [entries[0], entries[2]])
    with pytest.raises(Tampered, match="entry 1 follows entry 1"):
        fold(Incident("INC-1"), [entries[0], entries[0]])


def test_folding_carries_the_head() -> None:
    """The incident knows the hash of its last entry."""
    (entry,) = declared().entries
    assert fold(Incident("INC-1"), [replace(entry, hash="abc")]).head == "abc"


def test_a_sentence_yields_its_words_and_slots_in_order() -> None:
    """Views get typed slots; braces that are no slot stay words."""
    sentence = says("{who} said {text}.", who=Who("ana"), text="{who} {} {x")
    assert list(sentence.pieces()) == [("who", Who("ana")), (None, " said "), ("text", "{who} {} {x"), (None, ".")]
    assert list(Sentence("").pieces()) == []


def test_every_event_has_one_name_for_ever() -> None:
    """The codec finds each event by its class name, and no two share one."""
    assert Event.named["UpdatePosted"] is UpdatePosted
    assert all(name == kind.__name__ for name, kind in Event.named.items())
    assert Story().incident.exists is False
