"""Remembers what really happened in the world, so that detection and recovery times can be checked against it."""

from typing import Any

from bot.demo.papers import Now, stamp

_QUIET = 2.0  # seconds without a harmed prediction after which the harm is over
_EVENTS = 1_000


class Truth:
    """The faults that were set, and the spans in which people of the slice really got harmed predictions.

    Harm is observed at the model, not derived from settings: it holds whatever routed the request.
    """

    def __init__(self, now: Now) -> None:
        self._now = now
        self._events: list[dict[str, Any]] = []
        self._spans: list[dict[str, Any]] = []
        self._open: dict[str, Any] | None = None
        self._last = 0.0

    def note(self, what: str) -> None:
        """A fault was set, a release made, a mitigation applied: one line with its time."""
        self._events.append({"what": what, "at": stamp(self._now().timestamp())})
        del self._events[:-_EVENTS]

    def saw(self, because: str | None, at: float) -> None:
        """One prediction for the slice went out, harmed for this reason or (None) as it should be."""
        if because is not None:
            if self._open is None:
                self._open = {"since": at, "because": because, "predictions": 0}
            self._open["predictions"] += 1
            self._last = at
        elif self._open is not None and at - self._last >= _QUIET:
            self._close()

    def tell(self) -> dict[str, Any]:
        """Events and harm spans, oldest first; a span still open has `until` null."""
        if self._open is not None and self._now().timestamp() - self._last >= _QUIET:
            self._close()
        spans = [dict(span) for span in self._spans]
        if self._open is not None:
            spans.append({**self._open, "since": stamp(self._open["since"]), "until": None})
        return {"events": list(self._events), "harm": spans, "harmed_now": self._open is not None}

    def _close(self) -> None:
        if self._open is not None:
            self._spans.append({**self._open, "since": stamp(self._open["since"]), "until": stamp(self._last)})
            del self._spans[:-_EVENTS]
            self._open = None
