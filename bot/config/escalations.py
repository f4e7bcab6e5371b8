"""`escalations/*.yaml`: whom a page goes to, level by level, and who is told when nobody answered."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.config.fit import Fitter
from bot.config.marks import Marked
from bot.config.rotas import pages
from bot.domain.escalation import ROUNDS
from bot.rota.escalation import Escalation, Level

_MOST = 100
Entry = Annotated[str, Field(min_length=1)]


class LevelModel(BaseModel):
    """One level of an escalation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: list[Entry] = Field(min_length=1)
    """Keys of people.yaml, or rota:NAME in quotes; all of them are paged at once."""
    within: timedelta | None = Field(default=None, ge=timedelta(seconds=15), le=timedelta(days=1))
    """How long they have until the next level; left out, policy.acknowledge_within."""


class EscalationModel(BaseModel):
    """One file of the folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    levels: list[LevelModel] = Field(min_length=1, max_length=_MOST)
    rounds: int = Field(default=ROUNDS, ge=1, le=_MOST)
    """How often the levels are gone through before the end."""
    end: list[Entry] = Field(default_factory=list)
    """Who is told that nobody answered."""


@dataclass(frozen=True, slots=True)
class Escalations:
    """Every escalation that could be read, and every name that stands in the folder."""

    by_name: dict[str, Escalation] = field(default_factory=dict)
    pages: dict[str, Marked] = field(default_factory=dict)
    named: frozenset[str] = frozenset()


def read_escalations(folder: Path, fitter: Fitter) -> Escalations:
    """Every file of the folder; an escalation's name is its file's."""
    found: dict[str, Escalation] = {}
    documents: dict[str, Marked] = {}
    named: set[str] = set()
    for path, document in pages(folder, fitter, "escalation", named):
        model = fitter.fit(EscalationModel, document, references=False)
        if model is not None:
            levels = tuple(Level(tuple(each.page), each.within) for each in model.levels)
            found[path.stem] = Escalation(path.stem, levels, model.rounds, tuple(model.end))
            documents[path.stem] = document
    return Escalations(found, documents, frozenset(named))
