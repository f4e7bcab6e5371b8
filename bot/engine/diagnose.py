"""Why, probably: every instrument looks at once under one deadline, and the explanations are put in order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.diagnosis.hypotheses import rank
from bot.domain.errors import TocsinError
from bot.domain.finding import AttachReport, Diagnose, RecordFinding
from bot.domain.incident import Incident
from bot.domain.service import Service
from bot.engine.desk import Desk
from bot.engine.ports import Evidence, Reporter
from bot.engine.values import Collected, Question
from bot.telemetry import log as logger

BEFORE_ONSET = timedelta(minutes=10)
DEADLINE = 15.0  # seconds for all instruments together
REPORT_WITHIN = 900.0  # seconds; a report has limits of its own, this one ends what has none


class Diagnosis:
    """Asks the instruments of an incident's service. What cannot be had in time is named as missing."""

    def __init__(
        self,
        desk: Desk,
        instruments: Mapping[str, Mapping[str, Evidence]],
        reporters: Mapping[str, Reporter],
        deadline: float = DEADLINE,
    ) -> None:
        """`instruments` is service → name → instrument; `reporters` is service → who writes its drift report."""
        self.desk, self.instruments, self.reporters, self.deadline = desk, instruments, reporters, deadline
        self.report_within = REPORT_WITHIN

    def question(self, incident: Incident, service: Service, until: datetime | None = None) -> Question:
        """What the instruments are asked: from a while before the onset until then, now where nothing is said."""
        until = until or self.desk.clock.now()
        since = min(incident.onset or until, until) - BEFORE_ONSET
        return Question(incident.id, service, incident.slice, since, until)

    async def _ask(self, incident: Incident, within: float) -> tuple[list[tuple[str, Collected]], tuple[str, ...]]:
        service = self.desk.service_of(incident)
        if service is None:
            return [], ()
        question = self.question(incident, service)
        instruments = self.instruments.get(service.name, {})
        tasks = {name: asyncio.create_task(each.collect(question)) for name, each in instruments.items()}
        if tasks:
            _done, late = await asyncio.wait(tasks.values(), timeout=within)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        found: list[tuple[str, Collected]] = []
        missing: list[str] = []
        for name, task in tasks.items():
            if task.cancelled():
                missing.append(f"{name}: no answer within {round(within, 1):g} s")
            elif (error := task.exception()) is not None:
                if not isinstance(error, TocsinError):
                    logger().error("an instrument broke", instrument=name, error=repr(error))
                missing.append(f"{name}: {error}")
            else:
                found.append((name, task.result()))
        return found, tuple(missing)

    async def diagnose(self, incident: Incident) -> None:
        """Record what the instruments find, and rank the explanations that follow."""
        found, missing = await self._ask(incident, self.deadline)
        for name, collected in found:
            for each in collected.findings:
                command = RecordFinding(each.text, name, each.bears, each.link)
                await self.desk.submit(incident.id, command, cause=f"diagnose:{name}")
        known = await self.desk.log.load(incident.id)
        await self.desk.submit(incident.id, Diagnose(rank(known.findings), missing), cause="diagnose")

    async def rerank(self, incident: Incident) -> None:
        """Rank anew after a person recorded a finding that bears on the explanations."""
        if incident.diagnosed is not None and incident.hypotheses != (ranking := rank(incident.findings)):
            await self.desk.submit(incident.id, Diagnose(ranking), cause="diagnose")

    async def report(self, incident: Incident) -> None:
        """Write the drift report and attach it; without one, say why."""
        service = self.desk.service_of(incident)
        reporter = self.reporters.get(incident.service)
        if service is None or reporter is None:
            await self.desk.submit(incident.id, AttachReport("", "the service has no drift instrument"))
            return
        try:
            async with asyncio.timeout(self.report_within):
                name, media_type, content = await reporter.report(self.question(incident, service))
        except TimeoutError:
            await self.desk.submit(incident.id, AttachReport("", f"no answer within {self.report_within:g} s"))
            return
        except TocsinError as trouble:
            await self.desk.submit(incident.id, AttachReport("", str(trouble)))
            return
        now = self.desk.clock.now()
        exhibit = await self.desk.exhibits.put(incident.id, name, media_type, content, at=now)
        await self.desk.submit(incident.id, AttachReport(exhibit.id))
