"""Reads prediction logs (files, or a database's table): who was decided about, counted and listed, never kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bot.clients.duckdb_session import Job, Limits, connected, within
from bot.decisions import _database, _files
from bot.decisions._counting import Counting
from bot.domain.errors import Refused, TocsinError, Unavailable
from bot.domain.service import PredictionLog
from bot.engine.decisions import Asked, Numbers, Sink

__all__ = ["DecisionLog"]

MARK = b"\xef\xbb\xbf"  # Excel needs it to read anything but English

Lines = Callable[[Sequence[Sequence[object]]], bytes]


class DecisionLog:
    """One service's prediction log. Nothing of it is written anywhere, not even what does not fit into memory."""

    def __init__(self, service: str, told: PredictionLog, lines: Lines) -> None:
        """`lines` writes rows as CSV, so that no spreadsheet runs what stands in them."""
        self.told, self._lines = told, lines
        self._what = f"the prediction log of {service}"
        self._limits = Limits(told.memory, told.threads, told.seconds)

    async def count(self, asked: Asked, sink: Sink) -> Numbers:
        """See the port. Raises Unavailable, Refused; neither repeats what stands in a row."""

        def work(job: Job) -> Numbers:
            with _worded(self._what), self._opened(asked, job) as counting:
                numbers = counting.numbers()
                sink(0, MARK + self._lines([counting.header]))
                for rows in counting.rows():
                    if job.stop.is_set():
                        raise Unavailable(self._what, "was not read to its end")
                    sink(len(rows), self._lines(rows))
                return numbers

        return await within(self._what, self._limits, work)

    @contextlib.contextmanager
    def _opened(self, asked: Asked, job: Job) -> Iterator[Counting]:
        told = self.told
        attach = told.place if told.place.endswith(".duckdb") else ""
        with connected(self._limits, attach=attach, spill=False) as connection:
            job.opened.append(connection)
            relation = _database.copied(connection, told, asked, job) if told.is_database else _files.relation(told)
            yield Counting(connection, relation, told, asked)


@contextlib.contextmanager
def _worded(what: str) -> Iterator[None]:
    """Whatever goes wrong as a sentence: the words of a library may repeat a row, and with it a person."""
    try:
        yield
    except TocsinError as known:
        if isinstance(known, Refused):
            raise Refused(f"{what} {known.because}") from None
        raise Unavailable(what, known.because if isinstance(known, Unavailable) else "could not be read") from None
    except MemoryError:
        raise Unavailable(what, "does not fit into the memory it may take; count a shorter stretch") from None
    except Exception as error:  # noqa: BLE001 - whatever a driver says may repeat a row
        raise Unavailable(what, _because(error)) from None


def _because(error: Any) -> str:
    name = type(error).__name__
    if name == "OutOfMemoryException":
        return "does not fit into the memory it may take; count a shorter stretch"
    if name == "IOException":
        return "cannot be read: a file is not there, or not what its name says"
    return f"could not be read ({name})"
