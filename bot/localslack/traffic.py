"""Records every call and every delivery, and breaks chosen ones on request, so that drills can provoke faults."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal["429", "500", "cut", "500_after_storing", "cut_after_storing", "outage"]
KINDS: tuple[str, ...] = get_args(Kind)

_SECRET = frozenset({"token", "Authorization", "signing_secret"})


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` calls of a method (`*` for any)."""

    method: str
    kind: str
    times: int
    retry_after: int = 1


@dataclass(slots=True)
class Faults:
    """The faults asked for and not used up."""

    waiting: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Ask for a fault; a sentence says what is wrong with an unknown kind or a count below one."""
        if fault.kind not in KINDS:
            raise ValueError(f"there is no fault {fault.kind!r}; there is {', '.join(KINDS)}")
        if fault.times < 1:
            raise ValueError("times must be at least 1")
        self.waiting.append(fault)

    def take(self, method: str) -> Fault | None:
        """The fault that strikes this call, counted down."""
        for fault in self.waiting:
            if fault.method in {"*", method}:
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None


@dataclass(slots=True)
class Traffic:
    """The last entries between app and workspace, newest last; watchers are told of each."""

    now: Callable[[], float]
    entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=1000))
    watchers: list[Callable[[dict[str, Any]], None]] = field(default_factory=list)
    count: int = 0

    def note(self, way: Literal["app->slack", "slack->app"], what: str, *, sent: Any, answer: Any, outcome: str,
             seconds: float = 0.0) -> dict[str, Any]:  # fmt: skip
        """Write one exchange down, without its secrets."""
        self.count += 1
        entry = {
            "n": self.count, "at": self.now(), "way": way, "what": what, "sent": without_secrets(sent),
            "answer": without_secrets(answer), "outcome": outcome, "ms": round(seconds * 1000),
        }  # fmt: skip
        self.entries.append(entry)
        for watcher in self.watchers:
            watcher(entry)
        return entry


def without_secrets(value: Any) -> Any:
    """The same JSON value with tokens and response addresses left out."""
    if isinstance(value, dict):
        return {name: without_secrets(item) for name, item in value.items() if name not in _SECRET}
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value
