"""What the collector is spared, and that all is as before afterwards."""

import gc

from bot.heap import PATIENT, growing, settled


def test_nothing_is_collected_while_it_grows() -> None:
    """And whoever had switched it off finds it off."""
    with growing():
        assert not gc.isenabled()
        with growing():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_stands_is_left_alone_until_the_end() -> None:
    """A house that ends in a process that goes on leaves nothing changed."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with settled():
        assert gc.get_threshold() == PATIENT
        assert gc.get_freeze_count() > frozen
    assert gc.get_threshold() == before
