"""An incident on counsel's desk: a personal data breach with its clocks, questions and notices."""

from __future__ import annotations

from bot.domain.duty import AnswerDuties, RecordFact
from bot.domain.policy import Policy, SignOff
from bot.domain.signoff import NoticeRules
from bot.domain.wording import ClaimPrivilege, EnterField
from tests.kit import NOON
from tests.web.fakes import Place
from tests.web.rich import declared

GDPR = "eu_gdpr_art33"
TEMPLATE = f"{GDPR}/sa_notification"
UPDATE = "stakeholders/update"
TWO = Policy(
    notices=NoticeRules(
        ((f"{GDPR}/*", (SignOff("legal", frozenset({"counsel"})), SignOff("technical", frozenset({"approver"})))),)
    )
)
"""A GDPR notice takes two signatures."""


def under(home: Place, policy: Policy) -> None:
    """Rules that hold from now on."""
    home.desk.handler.policy = policy


async def answered(home: Place, name: str) -> None:
    """Every regime is asked with what is known now, as the reconciler does."""
    situation = await home.desk.situation(name)
    basis = f"seq {situation.incident.seq}"
    await home.desk.submit(name, AnswerDuties(home.desk.drafter.duties(situation), basis))


async def breach(home: Place, **changes: object) -> str:
    """A breach of personal data in the Union, so that the GDPR's clock runs and others ask questions."""
    name = await declared(home, **changes)
    cleo = await home.who("cleo")
    facts = {
        "personal_data_breach": True,
        "eu_nexus": True,
        "risk_to_individuals": "high",
        "aware_at": NOON.isoformat(),
        "data_subjects_count": 412,
        "ai_system": True,
        "org_role_gdpr": ("controller",),
        "countries_affected": ("DE",),
    }
    for fact, value in facts.items():
        await home.desk.submit(name, RecordFact(fact, value), cleo)
    await answered(home, name)
    return name


async def drafted(home: Place, **changes: object) -> str:
    """The breach with the GDPR's notice begun by ana, one line filled and one openly unknown."""
    name = await breach(home, **changes)
    ana = await home.who("ana")
    await home.desk.request_notice(name, TEMPLATE, ana)
    await home.desk.submit(name, EnterField("N1", "likely_consequences", "wrong letters to 412 patients"), ana)
    await home.desk.submit(name, EnterField("N1", "record_categories", "", "the export is still read"), ana)
    return name


async def privileged(home: Place, name: str, notice: str = "N1") -> None:
    """Counsel claims it."""
    claim = ClaimPrivilege(notice, "work product", "M-7", "advice on exposure")
    await home.desk.submit(name, claim, await home.who("cleo"))
