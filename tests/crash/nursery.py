"""A process that has everything loaded and nothing begun, and forks a house whenever it is asked for one.

`python -m tests.crash.nursery`: an order a line comes in, `{"pid": …}` and then `{"ended": …}` go out, the exit status as
`os.waitpid` tells it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LONGEST = 300
"""Seconds after which a house is ended that hangs."""


class Nursery:
    """The other end: one house at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def bear(self, order: dict[str, Any]) -> int:
        """Fork a house that does what the order says; its pid."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._read()["pid"])

    def ended(self) -> int:
        """Wait for the house; its exit code, negative for the signal that ended it."""
        return os.waitstatus_to_exitcode(int(self._read()["ended"]))

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the nursery is gone")
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def nursery(log: Path) -> Iterator[Nursery]:
    """A nursery; what its houses say on stderr goes to `log`."""
    environ = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environ,
            cwd=Path(__file__).parents[2],
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Nursery(process)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(LONGEST)


def main() -> None:
    """Load, then fork on request until nobody asks any more."""
    from tests.crash import alert_house, child

    child.load()
    alert_house.prepare()
    lives = {"": child.live, "alerts": alert_house.live}
    gc.collect()
    gc.freeze()  # shared with every house, and left alone by their collectors
    for line in sys.stdin.buffer:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            signal.alarm(LONGEST)
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(2, 1)
            code = 70
            try:
                lives[order.get("life_of", "")](order)
                code = 0
            except BaseException:  # noqa: BLE001 - a house that breaks says why, and is no second nursery
                import traceback

                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _say({"pid": pid})
        _pid, status = os.waitpid(pid, 0)
        _say({"ended": status})


def _say(told: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
