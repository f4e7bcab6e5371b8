"""How far an Argo Rollout is: what its controller says of the update, and how much traffic that update takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REVISION = "rollout.argoproj.io/revision"
ABORTED = "RolloutAborted"
HEALTHY, PAUSED, DEGRADED = "Healthy", "Paused", "Degraded"


@dataclass(frozen=True, slots=True)
class Progress:
    """A Rollout's status. `now` is the hash of its template, `stable` of what is rolled out; `share` is 0 to 100.

    `waits` at a pause of its steps; `stuck` where it goes no further by itself.
    """

    now: str
    stable: str
    seen: bool
    aborted: bool
    promoting: bool
    paused: bool
    waits: bool
    stuck: bool
    phase: str
    message: str
    step: str
    share: int

    @property
    def updating(self) -> bool:
        """Whether the template is not, or not yet, what is rolled out."""
        return self.now != self.stable

    @property
    def told(self) -> str:
        """`Paused at step 2 of 5, 20 % to the update (CanaryPauseStep)`."""
        said = f"{self.phase or 'no phase'}{self.step}, {self.share} % to the update" if self.updating else self.phase
        return f"{said} ({self.message})" if self.message else said


def progress(found: Mapping[str, Any]) -> Progress:
    """From a Rollout. Its `observedGeneration` is a text, and of old ones a hash: then nobody can tell."""
    spec, status = found.get("spec") or {}, found.get("status") or {}
    observed = str(status.get("observedGeneration", ""))
    now, stable = str(status.get("currentPodHash") or ""), str(status.get("stableRS") or "")
    phase, waits = _phase(spec, status), bool(status.get("pauseConditions"))
    return Progress(
        now=now,
        stable=stable,
        seen=bool(now) and (not observed.isdigit() or int(observed) >= found["metadata"]["generation"]),
        aborted=bool(status.get("abort")),
        promoting=bool(status.get("promoteFull")),
        paused=bool(spec.get("paused")),
        waits=waits,
        stuck=phase == DEGRADED or (phase == PAUSED and not (waits and _timed(spec, status))),
        phase=phase,
        message=str(status.get("message") or ""),
        step=_step(spec, status),
        share=_share(spec, status) if now != stable else 100,
    )


def steps_again(found: Mapping[str, Any]) -> tuple[str, ...]:
    """What makes the way back of a finished rollout slow, in a sentence; nothing where it goes at once."""
    spec = found["spec"]
    strategy = spec.get("strategy") or {}
    steps = (strategy.get("canary") or {}).get("steps") or []
    skipped = (spec.get("rollbackWindow") or {}).get("revisions")
    if steps and not skipped:
        ends = sum(1 for each in steps if "pause" in each and not (each["pause"] or {}).get("duration"))
        waits = f" and waits at {ends} of them for a person" if ends else ""
        return (f"it goes through its {len(steps)} canary steps again{waits}; traffic {{promote: true}} skips them",)
    if (strategy.get("blueGreen") or {}).get("autoPromotionEnabled") is False:
        return ("it waits for a person before the traffic moves; traffic {promote: true} moves it",)
    return ()


def _phase(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """As the controller says it; before 1.0 it said none."""
    if phase := status.get("phase"):
        return str(phase)
    reasons = {str(each.get("reason")) for each in status.get("conditions") or []}
    if not reasons.isdisjoint({ABORTED, "ProgressDeadlineExceeded", "InvalidSpec"}):
        return DEGRADED
    if spec.get("paused") or status.get("pauseConditions"):
        return PAUSED
    counts = {status.get("updatedReplicas", 0), status.get("availableReplicas", 0), spec.get("replicas", 1)}
    whole = len(counts) == 1 and status.get("stableRS") == status.get("currentPodHash")
    return HEALTHY if whole else "Progressing"


def _timed(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Whether the pause it is at ends by itself."""
    steps, at = ((spec.get("strategy") or {}).get("canary") or {}).get("steps") or [], status.get("currentStepIndex")
    here = steps[at] if isinstance(at, int) and 0 <= at < len(steps) else {}
    return not spec.get("paused") and bool((here.get("pause") or {}).get("duration"))


def _step(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    steps = ((spec.get("strategy") or {}).get("canary") or {}).get("steps") or []
    at = status.get("currentStepIndex")
    return f" at step {min(at + 1, len(steps))} of {len(steps)}" if steps and isinstance(at, int) else ""


def _share(spec: Mapping[str, Any], status: Mapping[str, Any]) -> int:
    """Per cent of the traffic that goes to the update: by its router's weights, by its selector, or by its pods."""
    weights = (status.get("canary") or {}).get("weights") or {}
    if "weight" in (weights.get("canary") or {}):
        return int(weights["canary"]["weight"])
    if (spec.get("strategy") or {}).get("blueGreen") is not None:
        return 100 if (status.get("blueGreen") or {}).get("activeSelector") == status.get("currentPodHash") else 0
    pods = status.get("replicas", 0)
    return round(100 * status.get("updatedReplicas", 0) / pods) if pods else 0
