"""`python -m tests.benchmarks`: prints what `tocsin --help` and `tocsin run` cost, beside a Python that does nothing.

`python -m tests.benchmarks drift` prints what drift of ten million predictions costs beside scipy's exact statistics;
it makes 2.6 GB of files in the temporary folder, takes 2 GB of memory and a few minutes, and is run only when asked for.

`python -m tests.benchmarks polling` prints what it costs to know how 5,000 objectives stand, beside google's
slo-generator and a query per window on one real Prometheus; `restart` what it costs to start again with as many. Each
takes some minutes and is run only when asked for.

`python -m tests.benchmarks slack` prints how long it takes from a breach to the first message in Slack, and from a click
to its acknowledgement, on a practice workspace whose calls take 150 ms; two minutes, run only when asked for.

`python -m tests.benchmarks changes` prints how long it takes from an approval's click to its effect at the target, and
until a thousand approved changes are taken up after a kill, on SQLite and PostgreSQL; run only when asked for.

`python -m tests.benchmarks notices` prints what it costs to ask every regime anew, and the time from facts known to all
drafts ready; a few seconds, run only when asked for.

`python -m tests.benchmarks affected` prints how long it takes to count who was decided about in a million decisions, and
to make their list; half a minute, run only when asked for.

`python -m tests.benchmarks intake` prints how many alerts a second a running house takes, each durable before its
sender is answered, singly and in batches, and what one costs, beside a real Alertmanager; a minute, run when asked for.

`python -m tests.benchmarks duties` prints how long one recomputation over all regimes takes, in seconds altogether.

`python -m tests.benchmarks storm` prints how long ten thousand distinct alerts take to be incidents, an incident each and by
service; at most eight minutes, run only when asked for.

`python -m tests.benchmarks alarm` prints the same through the whole house: what a storm leaves of it and in Slack, and
how long it takes from a webhook to the first message, beside a real Alertmanager; five minutes, run only when asked for.

`python -m tests.benchmarks console` prints how fast the console answers with 500 open and 100,000 closed incidents, and
what CPU of the house that takes, right after a start and once all that waited is done, and whether the goal holds; some
minutes, most of them to write the incidents, which `--keep FOLDER` keeps for the next time.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import (
    affected,
    alarm,
    changes,
    console,
    drift,
    duties,
    house,
    intake,
    notices,
    polling,
    restart,
    slack,
    storm,
)
from tests.benchmarks.child import end, memory, times


def command_line(rounds: int) -> None:
    """Cold starts of the command line, and their ratio to an empty Python."""
    asked = {
        "python -c pass": ["-c", "pass"],
        "python -c 'import typer'": ["-c", "import typer"],
        "tocsin --help": ["-m", "bot", "--help"],
        "tocsin run --help": ["-m", "bot", "run", "--help"],
        "tocsin --version": ["-m", "bot", "--version"],
    }
    found = times([[sys.executable, *words] for words in asked.values()], rounds)
    _say("command line, cold (a person feels 200 ms)")
    for name, taken in zip(asked, found, strict=True):
        _say(f"  {name:<26} {taken}, {taken.median / found[0].median:5.1f} x python")


def running(config: Path | None, rounds: int, watch: float) -> None:
    """Time to ready, memory and heavy packages of `tocsin run`."""
    empty = _empty()
    ready, held, loaded = house.measure(config, rounds, watch)
    resident = statistics.median(memory.resident for memory in held)
    _say(f"tocsin run, {config or 'the starter folder'} (wanted: ready under 3 s, under 200 MiB without Evidently)")
    _say(f"  ready (/healthz answers)   {ready}")
    _say(f"  resident after {watch:g} s        {held[-1]}, median {resident:.1f} MiB, {resident / empty:.1f} x python")
    _say(f"  heavy packages loaded      {', '.join(loaded) or 'none'}")
    _say(f"  Evidently                  {'LOADED' if 'evidently' in loaded else 'not loaded'}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _empty() -> float:
    """Resident memory of a Python that does nothing, in MiB."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        time.sleep(0.5)
        return memory(process.pid).resident
    finally:
        end(process)


def main() -> None:
    """Measure what is asked for, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=[
            "help",
            "run",
            "drift",
            "polling",
            "restart",
            "slack",
            "changes",
            "notices",
            "affected",
            "duties",
            "intake",
            "storm",
            "alarm",
            "console",
        ],
        help="left out: help and run",
    )
    parser.add_argument("--rounds", type=int, default=7, help="runs of each command (default 7)")
    parser.add_argument("--config", type=Path, help="a tocsin.yaml to run; left out, a starter folder made for it")
    parser.add_argument("--watch", type=float, default=5.0, help="seconds of polling before memory is read (default 5)")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows that drift (default 10,000,000)")
    parser.add_argument(
        "--exact", type=int, default=4, help="features of 20 that scipy is given (default 4, one a shape)"
    )
    parser.add_argument("--slos", type=int, default=5_000, help="objectives of polling and restart (default 5,000)")
    parser.add_argument("--subset", type=int, default=250, help="objectives that others are asked for (default 250)")
    parser.add_argument("--pending", type=int, default=1_000, help="changes to take up after a kill (default 1,000)")
    parser.add_argument("--decisions", type=int, default=1_000_000, help="decisions of affected (default 1,000,000)")
    parser.add_argument("--closed", type=int, default=100_000, help="closed incidents of console (default 100,000)")
    parser.add_argument("--keep", type=Path, help="where console keeps its incidents; left out, nowhere")
    asked = parser.parse_args()
    alone: dict[str, Callable[[], None]] = {
        "drift": lambda: drift.measure(asked.rows, max(1, min(asked.exact, drift.FEATURES)), _say),
        "polling": lambda: polling.measure(asked.slos, max(2, min(asked.subset, asked.slos // 2)), asked.rounds, _say),
        "restart": lambda: restart.measure(asked.slos, min(asked.rounds, 3), _say),
        "slack": lambda: slack.measure(asked.rounds, _say),
        "changes": lambda: changes.measure(asked.rounds, asked.pending, _say),
        "notices": lambda: notices.measure(asked.rounds, _say),
        "affected": lambda: affected.measure(asked.decisions, _say),
        "intake": lambda: intake.measure(min(asked.rounds, 3), _say),
        "duties": lambda: duties.measure(max(20, asked.rounds), _say),
        "storm": lambda: storm.measure(10_000, _say),
        "alarm": lambda: alarm.measure(10_000, _say),
        "console": lambda: console.measure(asked.closed, max(20, asked.rounds), _say, asked.keep),
    }
    if asked.what in alone:
        _say(f"Python {sys.version.split()[0]}; times on a busy machine mean little")
        alone[asked.what]()
        return
    _say(f"Python {sys.version.split()[0]}, {asked.rounds} rounds, taking turns; times on a busy machine mean little")
    if asked.what != "run":
        command_line(asked.rounds)
    if asked.what != "help":
        running(asked.config, min(asked.rounds, 3), asked.watch)


if __name__ == "__main__":
    main()
