"""Holding the evidence: what an investigation needs is secured before a change, and what came too late afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.domain.errors import TocsinError, Unavailable
from bot.domain.hold import ReportHold
from bot.domain.incident import Incident
from bot.domain.mitigation import Held, Mitigation, mitigation_of
from bot.engine.desk import Desk
from bot.engine.diagnose import Diagnosis
from bot.engine.ports import Evidence, Reporter
from bot.engine.values import Exhibit, Question
from bot.telemetry import log as logger

if TYPE_CHECKING:
    from bot.engine.watch import Watch

LATE = 60.0
"""Seconds what was missing is given when nobody waits for it."""

LEAST = 1.0
"""Seconds a hold is given even where its time is over, after a restart for instance."""

LET_GO = 1.0
"""Seconds somebody who was told to stop is waited for."""

_JSON = "application/json"
_REPORT = "drift report"

Look = Callable[[], Awaitable[list[Exhibit]]]


class Holder:
    """Secures what stands before a mitigation. Every method may be repeated after a crash."""

    def __init__(self, desk: Desk, diagnosis: Diagnosis, watch: Watch) -> None:
        self.desk, self.diagnosis, self.watch = desk, diagnosis, watch
        self.least, self.late = LEAST, LATE

    async def hold(self, incident: Incident, name: str) -> None:
        """Secure everything there is side by side, within the policy's time; what is late is named as missing.

        Raises Unavailable where nothing at all could be secured and there is time to try again.
        """
        mitigation = mitigation_of(incident, name)
        left = max(self.least, (mitigation.hold_until - self.desk.clock.now()).total_seconds())
        held, missing = await self._secure(self._looks(incident, mitigation), left)
        if not held and self.desk.clock.now() < mitigation.hold_until:
            raise Unavailable("the evidence", "; ".join(missing))
        await self.desk.submit(incident.id, ReportHold(name, held, missing), cause=f"hold:{name}")

    async def collect(self, incident: Incident, name: str) -> None:
        """Collect what was missing when it was held, and nothing else. Raises Unavailable while something still is."""
        mitigation = mitigation_of(incident, name)
        wanted = [each.partition(":")[0] for each in mitigation.not_held]
        looks = self._looks(incident, mitigation)
        held, missing = await self._secure({each: looks[each] for each in wanted if each in looks}, self.late)
        missing += tuple(f"{each}: nobody can tell any more" for each in wanted if each not in looks)
        await self.desk.submit(incident.id, ReportHold(name, held, missing, late=True), cause=f"collect:{name}")
        if missing:
            raise Unavailable("the evidence", f"still missing: {', '.join(missing)}")

    async def _secure(self, looks: Mapping[str, Look], within: float) -> tuple[tuple[Held, ...], tuple[str, ...]]:
        """What was kept, each once, and what could not be, with the reason."""
        tasks = {name: asyncio.create_task(_started(look)) for name, look in looks.items()}
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=within)
        finally:  # told to stop itself, it leaves nobody behind
            await _let_go([task for task in tasks.values() if not task.done()])
        kept: dict[Held, None] = {}
        missing: list[str] = []
        for name, task in tasks.items():
            if not task.done() or task.cancelled():
                missing.append(f"{name}: no answer within {round(within, 1):g} s")
            elif (error := task.exception()) is not None:
                if not isinstance(error, TocsinError):
                    logger().error("evidence could not be secured", part=name, error=repr(error))
                missing.append(f"{name}: {error}" if isinstance(error, TocsinError) else f"{name}: it broke")
            else:
                kept.update({Held(each.name, each.sha256): None for each in task.result()})
        return tuple(kept), tuple(missing)

    # -- what there is -----------------------------------------------------------------------------------------------

    def _looks(self, incident: Incident, mitigation: Mitigation) -> dict[str, Look]:
        """Everything that is secured, by name. Of what is collected late, the stretch ends where the hold began."""
        files = {"target": self._target, "configuration": self._configuration, "routing": self._routing}
        looks: dict[str, Look] = {name: partial(make, incident, mitigation) for name, make in files.items()}
        if incident.slo:
            looks["metrics"] = partial(self._metrics, incident, mitigation)
        service = self.desk.service_of(incident)
        if service is None:
            return looks
        question = self.diagnosis.question(incident, service, mitigation.proposed_at)
        if service.records:
            looks["records"] = partial(self._records, mitigation, question)
        for name, each in self.diagnosis.instruments.get(service.name, {}).items():
            looks[name] = partial(self._seen, name, each, question)
        reporter = self.diagnosis.reporters.get(service.name)
        if reporter is not None:
            looks[_REPORT] = partial(self._report, incident, reporter, question)
        return looks

    async def _target(self, incident: Incident, mitigation: Mitigation) -> list[Exhibit]:
        plan = asdict(mitigation.plan)
        return [await self._file(incident.id, mitigation, "target-before", plan, "the plan, with the target as it was")]

    async def _configuration(self, incident: Incident, mitigation: Mitigation) -> list[Exhibit]:
        """The catalogue's entry, the rules and the objective as they stand; secrets stay wrapped, people stay out."""
        service, slo = self.desk.service_of(incident), self.watch.slos.get(incident.slo)
        policy = self.desk.handler.policy
        told = {
            "service": {k: v for k, v in asdict(service).items() if k != "on_call"} if service else incident.service,
            "policy": {"version": policy.version, "fingerprint": policy.fingerprint},
            "objective": asdict(slo) if slo else incident.slo,
        }
        return [await self._file(incident.id, mitigation, "configuration", told, "catalogue, rules and objective")]

    async def _routing(self, incident: Incident, mitigation: Mitigation) -> list[Exhibit]:
        plan = mitigation.plan
        told = {
            "target": plan.target, "uid": plan.target_uid, "version": plan.token, "before": plan.before,
            "managed_by": plan.managed_by, "read_at": mitigation.proposed_at,
        }  # fmt: skip
        return [await self._file(incident.id, mitigation, "routing", told, "where traffic went before the change")]

    async def _metrics(self, incident: Incident, mitigation: Mitigation) -> list[Exhibit]:
        until = mitigation.proposed_at
        since = min(incident.onset or until, until)
        bars = self.desk.charts.counted(incident.slo, since, until)
        if not bars:
            raise Unavailable("the SLI", "nothing is counted since the onset")
        rows = [[_zulu(bar.at), bar.good, bar.bad] for bar in bars]
        told = {"slo": incident.slo, "since": since, "until": until, "columns": ["from", "good", "bad"], "rows": rows}
        return [await self._file(incident.id, mitigation, "metrics", told, "the SLI from the onset to the hold")]

    async def _records(self, mitigation: Mitigation, asked: Question) -> list[Exhibit]:
        pointers = asked.service.pointers(
            service=asked.service.name, slice=asked.slice, incident=asked.incident,
            since=_zulu(asked.since), until=_zulu(asked.until),
        )  # fmt: skip
        note = "where logs and predictions are kept; only pointers"
        return [await self._file(asked.incident, mitigation, "records", pointers, note)]

    async def _seen(self, name: str, instrument: Evidence, asked: Question) -> list[Exhibit]:
        collected = await instrument.collect(asked)
        pieces = list(collected.exhibits)
        if collected.findings:
            findings = [{"text": each.text, "link": each.link} for each in collected.findings]
            pieces.append(("findings.json", _JSON, _written(findings)))
        now = self.desk.clock.now()
        return [
            await self.desk.exhibits.put(asked.incident, f"{name}-{title}", kind, content, at=now)
            for title, kind, content in pieces
        ]

    async def _report(self, incident: Incident, reporter: Reporter, asked: Question) -> list[Exhibit]:
        """The drift report; one that was written for this incident already is good for it."""
        if incident.reported:
            written = [each for each in await self.desk.exhibits.of(incident.id) if each.id == incident.reported]
            if written:
                return written
        name, kind, content = await reporter.report(asked)
        return [await self.desk.exhibits.put(incident.id, name, kind, content, at=self.desk.clock.now())]

    async def _file(self, incident: str, mitigation: Mitigation, what: str, told: object, note: str) -> Exhibit:
        name = f"{mitigation.id}-{what}.json"
        return await self.desk.exhibits.put(incident, name, _JSON, _written(told), at=self.desk.clock.now(), note=note)


def _written(told: Any) -> bytes:
    return json.dumps(told, default=_plain, sort_keys=True, indent=1).encode()


def _plain(value: object) -> object:
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)


def _zulu(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _started(look: Look) -> list[Exhibit]:
    return await look()


async def _let_go(late: Collection[asyncio.Task[list[Exhibit]]]) -> None:
    """Tell what is late to stop; one that does not even do that is left behind."""
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=LET_GO)
