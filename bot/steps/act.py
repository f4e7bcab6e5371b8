"""A step that offers a mitigation: the responder proposes it here, and another person approves it as always."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from bot.domain.mitigation import Means
from bot.domain.service import Offer, Service
from bot.steps._kind import Given, Reference, StepKind

PROPOSED, NOT_NOW = "proposed", "not_now"


@dataclass(frozen=True, slots=True)
class Act(StepKind):
    """Either `offer`, one of the service's prepared mitigations by name, or `means`, the kind of change."""

    answers: ClassVar[tuple[tuple[str, str], ...]] = ((PROPOSED, "Proposed"), (NOT_NOW, "Not now"))
    offer: str = ""
    means: str = ""

    @classmethod
    def read(cls, given: Given) -> Self:
        found = cls(offer=given.text("offer"), means=given.text("means", choices=tuple(Means)))
        if not given.mistakes and bool(found.offer) == bool(found.means):
            what = "both an offer and a means" if found.offer else "neither an offer nor a means"
            given.wrong("", f"an act step with {what}", "offer: <name>, or means: <kind of change>")
        return found

    def stored(self) -> dict[str, object]:
        return {"offer": self.offer} if self.offer else {"means": self.means}

    def refers(self) -> Iterator[Reference]:
        if self.offer:
            yield Reference("offer", self.offer, "offer")

    def fitting(self, service: Service | None) -> tuple[Offer, ...]:
        """The service's prepared mitigations this step speaks of, in the catalogue's order."""
        if service is None:
            return ()
        if self.offer:
            return tuple(offer for offer in service.offers if offer.name == self.offer)
        return tuple(offer for offer in service.offers if offer.means == self.means)

    def missing(self, service: Service | None) -> str:
        """The sentence for a service that has no such mitigation prepared; "" where it has one."""
        if self.fitting(service):
            return ""
        name = service.title if service else "this service"
        wanted = f"offer {self.offer!r}" if self.offer else f"{self.means} prepared"
        return f"{name} has no {wanted}: do it by hand, then record what you did and answer {NOT_NOW!r}"
