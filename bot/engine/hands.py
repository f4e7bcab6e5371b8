"""Who does the work that is owed, and how each piece of work on a change of production finds its hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.approval import LeaveToPeople
from bot.domain.errors import NotFound, Refused
from bot.domain.incident import Incident
from bot.domain.mitigation import mitigation_of
from bot.domain.todo import AutoOwed, CollectOwed, ExecuteOwed, HoldOwed, UndoOwed
from bot.engine.begun import Begun
from bot.engine.calling import Contact, Pager
from bot.engine.carry import Carrier
from bot.engine.desk import Desk
from bot.engine.diagnose import Diagnosis
from bot.engine.guide import Guide
from bot.engine.holding import Holder
from bot.engine.keeping import Keeper
from bot.engine.lines import Lines
from bot.engine.paging import Paging
from bot.engine.ports import Chat, Source
from bot.engine.prove import Prover
from bot.engine.summons import Link
from bot.engine.traffic import Traffic
from bot.engine.watch import Watch


@dataclass(frozen=True)
class Hands:
    """Who does the work."""

    carrier: Carrier
    holder: Holder
    keeper: Keeper
    prover: Prover
    diagnosis: Diagnosis
    guide: Guide
    paging: Paging
    chat: Chat | None

    @classmethod
    def of(
        cls,
        desk: Desk,
        watch: Watch,
        diagnosis: Diagnosis,
        pagers: Mapping[str, Pager],
        chat: Chat | None,
        *,
        sources: Mapping[str, Source],
        contacts: Mapping[str, Contact] | None = None,
        link: Link | None = None,
        lines: Lines | None = None,
        begun: Begun | None = None,
    ) -> Hands:
        """Everybody it takes, at one desk; `contacts` by key of a person."""
        paging = Paging(desk, pagers, contacts or {}, link, lines, begun)
        return cls(
            carrier=Carrier(desk),
            holder=Holder(desk, diagnosis, watch),
            keeper=Keeper(desk),
            prover=Prover(desk, watch, Traffic(desk.changes, sources)),
            diagnosis=diagnosis,
            guide=Guide(desk, watch, paging),
            paging=paging,
            chat=chat,
        )

    @property
    def pagers(self) -> Mapping[str, Pager]:
        """The channels there are, the first tried first."""
        return self.paging.pagers

    async def change(
        self, incident: Incident, owed: HoldOwed | CollectOwed | AutoOwed | ExecuteOwed | UndoOwed
    ) -> None:
        """Do one piece of work on a change of production."""
        match owed:
            case HoldOwed(mitigation=name):
                await self.holder.hold(incident, name)
            case CollectOwed(mitigation=name):
                await self.holder.collect(incident, name)
            case ExecuteOwed(mitigation=name):
                await self.keeper.cease(mitigation_of(incident, name).plan.target_uid)
                await self.carrier.execute(incident, name)
            case UndoOwed(mitigation=name):
                await self.keeper.cease(mitigation_of(incident, name).plan.target_uid)
                await self.carrier.undo(incident, name)
            case AutoOwed(offer=offer):
                await self._by_itself(incident, offer)

    async def _by_itself(self, incident: Incident, offer: str) -> None:
        """Do what is approved beforehand; what stands in its way is told once, and people decide."""
        desk = self.carrier.desk
        likeliest = str(incident.hypotheses[0].cause) if incident.hypotheses else "the diagnosis"
        try:
            await desk.changes.by_itself(incident, offer, f"it answers the likeliest cause: {likeliest}")
        except (Refused, NotFound) as refused:
            because = refused.because if isinstance(refused, Refused) else str(refused)
            await desk.submit(incident.id, LeaveToPeople(offer, because), cause=f"auto:{offer}")
