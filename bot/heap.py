"""What the garbage collector is spared: looking at what stays, again and again, while thousands of values are made.

An answer with 20,000 series is a hundred thousand objects, all alive until it is counted. Left as it is, the collector
walks over them, and over everything that was imported, dozens of times while they are decoded.
"""

import contextlib
import gc
from collections.abc import Iterator

PATIENT = (100_000, 10, 10)
"""Objects made before the youngest are looked at; how many such looks make one at the older ones, and at all."""


@contextlib.contextmanager
def growing() -> Iterator[None]:
    """While nearly all that is made stays, as when files are read: nothing is collected."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """From here on what stands stays: it is not looked at again, and what comes and goes is looked at less often."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*PATIENT)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
