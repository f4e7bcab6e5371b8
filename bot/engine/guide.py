"""Runbook steps that need no person: the bot looks, waits or pages, and writes its answer down like anybody else."""

from __future__ import annotations

from datetime import timedelta

from bot import steps
from bot.domain.errors import Unavailable
from bot.domain.incident import Incident
from bot.domain.runbook import CompleteStep, Runbook, Step
from bot.engine.desk import Desk
from bot.engine.paging import Paging
from bot.engine.values import Profile
from bot.engine.watch import Watch


class Guide:
    """Performs check, query, page and wait steps."""

    def __init__(self, desk: Desk, watch: Watch, paging: Paging) -> None:
        self.desk, self.watch, self.paging = desk, watch, paging

    def fitting(self, incident: Incident) -> Runbook | None:
        """The runbook that answers the likeliest cause; without one, the objective's own; else the service's first."""
        books = self.desk.catalogue.runbooks
        service = self.desk.service_of(incident)
        named = [books[name] for name in service.runbooks if name in books] if service else []
        by_cause = next((book for book in named if incident.cause and incident.cause in book.causes), None)
        slo = self.watch.slos.get(incident.slo)
        own = books.get(slo.runbook) if slo and slo.runbook else None
        return by_cause or own or next(iter(named), None)

    async def step(self, incident: Incident, name: str) -> None:
        """Do the live step of that id and answer it."""
        run = incident.run
        step = run.book.step(name) if run else None
        if step is None:
            return
        outcome = await self._outcome(incident, step)
        answer = outcome.answer
        await self.desk.submit(incident.id, CompleteStep(step.id, answer, outcome.note), cause=f"step:{step.id}")

    async def _outcome(self, incident: Incident, step: Step) -> steps.Outcome:
        match steps.params(step):
            case steps.Check() as check:
                name = check.slo or incident.slo
                verdict = self.watch.verdicts.get(name)
                return check.outcome(verdict.state if verdict else "no data", self._title(name))
            case steps.Query() as query:
                slo = self.watch.slos.get(query.slo or incident.slo)
                if slo is None:
                    return query.outcome(0, 0, objective=0.0, covered=False)
                length = timedelta(seconds=query.window)
                counts = self.watch.ledger.counts(slo, self.desk.clock.now(), length)
                whole = counts.covered >= length
                return query.outcome(counts.good, counts.bad, objective=slo.target, covered=whole, title=slo.title)
            case steps.Page() as page:
                return await self._page(incident, page, step.id)
            case steps.Wait() as wait:
                return wait.outcome()
            case other:
                raise Unavailable(f"step {step.id}", f"{type(other).__name__} is not done by the bot")

    def _title(self, slo: str) -> str:
        known = self.watch.slos.get(slo)
        return known.title if known else slo

    async def _page(self, incident: Incident, page: steps.Page, step: str) -> steps.Outcome:
        people = await self._whom(page)
        situation = await self.desk.situation(incident.id)
        receipts: dict[str, str] = {}
        failures: dict[str, str] = {}
        turn = len(incident.run.done) if incident.run else 0  # a step that is live again pages again
        for person in people:
            found = await self.paging.to(person, [situation], f"step:{incident.id}:{step}:{turn}:{person.id}")
            if found.channel:
                receipts[person.name] = found.where
            else:
                failures[person.name] = "; ".join(found.failures) or "no pager is set up"
        return page.outcome(receipts, failures)

    async def _whom(self, page: steps.Page) -> list[Profile]:
        if page.person:
            found = await self.desk.people.by_key(page.person)
            return [found] if found else []
        return [profile for profile in await self.desk.people.everyone() if page.role in profile.roles]
