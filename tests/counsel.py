"""A house where every regime is asked: what holds of an organisation and of a service, and who signs its notices.

async with practice(tmp_path, "Applicant screening", EMPLOYER, SCREENING) as world:
    await state(world, "cleo", personal_data_breach=False)
    assert (await duty(world, "eu_gdpr_art33")).answer is Answer.NO
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from bot.config.regimes import enabled, load
from bot.domain.duty import Duty, RecordFact
from bot.domain.filing import FileNotice
from bot.domain.notice import Notice, Version
from bot.domain.policy import Role
from bot.domain.service import PredictionLog
from bot.domain.signing import ApproveNotice
from bot.domain.signoff import NoticeRules, SignOff
from bot.engine.values import Profile
from bot.words import house
from tests.world import World, shipped

PEOPLE = (
    *shipped().people,
    Profile("", "dina", "Dina Halloran", frozenset({Role.COUNSEL})),
    Profile("", "eva", "Eva Lund", frozenset({Role.APPROVER})),
    Profile("", "otto", "Otto Brandt", frozenset({Role.RESPONDER})),
)
"""Dina is a second counsel, Eva a second approver; Otto is a responder whom no incident names and who is not on call."""

TWO_SIGN = NoticeRules(
    (("*", (SignOff("legal", frozenset({"counsel"})), SignOff("technical", frozenset({"approver"})))),),
)
"""Every notice is signed in two capacities."""

PLAIN: Mapping[str, object] = {
    "us_banking_organization": "no",
    "bank_service_provider": False,
    "financial_entity": False,
    "nis2_entity": "none",
    "nydfs_covered_entity": False,
    "glba_ftc_institution": False,
    "apra_regulated": False,
    "ca_frfi": False,
    "mas_regulated": False,
    "uk_authorised_firm": False,
    "hipaa_role": "none",
    "medical_device": False,
    "product_with_digital_elements": False,
    "frontier_model_10e26": False,
    "gpai_systemic_risk": False,
}
"""An organisation of no regulated sector, as it says once in tocsin.yaml."""


@cache
def every_regime() -> tuple[str, ...]:
    """What `regimes: ["*"]` asks."""
    return enabled(["*"], load(house() / "templates" / "notices"))


def setting(
    title: str,
    organisation: Mapping[str, object],
    service: Mapping[str, object],
    decisions: PredictionLog | None = None,
) -> dict[str, Any]:
    """An installation with one service of that title; both may hold facts that are the same in every incident."""
    given = shipped()
    model = replace(given.services["visits"], title=title, legal=dict(service), prediction_log=decisions)
    return {
        "regimes": every_regime(),
        "people": PEOPLE,
        "policy": replace(given.policy, notices=TWO_SIGN),
        "organisation": given.organisation.model_copy(update={"legal": dict(organisation)}),
        "services": {"visits": model},
    }


def practice(
    folder: Path,
    title: str,
    organisation: Mapping[str, object],
    service: Mapping[str, object],
    decisions: PredictionLog | None = None,
) -> AbstractAsyncContextManager[World]:
    """The world with that installation."""
    return World.open(folder, **setting(title, organisation, service, decisions))


async def state(world: World, by: str, incident: str = "INC-1", /, **facts: Any) -> None:
    """State facts one after another, as people answer questions."""
    for fact, value in facts.items():
        stated = value.isoformat() if isinstance(value, datetime) else value
        await world.say(RecordFact(fact, stated), by, incident)


async def duty(world: World, regime: str, incident: str = "INC-1") -> Duty:
    """What a regime answers now."""
    return (await world.incident(incident)).duties[regime]


async def questions(world: World, incident: str = "INC-1") -> dict[str, str]:
    """What is still worth asking, each with who can answer it."""
    return {each.fact.key: each.fact.asks for each in (await world.house.desk.situation(incident)).questions}


# -- notices ---------------------------------------------------------------------------------------------------------


async def begin(world: World, template: str, by: str, incident: str = "INC-1") -> str:
    """Begin a notice; its id."""
    after = await world.house.desk.request_notice(incident, template, await world.who(by))
    return next(reversed(after.notices))


async def notice(world: World, name: str, incident: str = "INC-1") -> Notice:
    """A notice as it stands."""
    return (await world.incident(incident)).notices[name]


async def words(world: World, name: str, incident: str = "INC-1") -> str:
    """What a notice would say now."""
    return (await world.house.desk.situation(incident)).drafts[name].text


async def freeze(world: World, name: str, by: str, incident: str = "INC-1") -> Version:
    """Ask for approval of a notice's words; the version that waits."""
    await world.house.desk.ask_approval(incident, name, await world.who(by))
    await world.settle()
    version = (await notice(world, name, incident)).latest
    assert version is not None
    return version


async def sign(world: World, name: str, *people: str, incident: str = "INC-1") -> Notice:
    """These people approve what waits, each in the first capacity they may."""
    for person in people:
        version = (await notice(world, name, incident)).latest
        assert version is not None
        await world.say(ApproveNotice(name, version.digest), person, incident)
    return await notice(world, name, incident)


async def send(world: World, template: str, where: str, reference: str, incident: str = "INC-1") -> str:
    """From nothing to filed: Cleo asks, Dina and Ben sign, Cleo sends; the notice's id."""
    name = await begin(world, template, "cleo", incident)
    await freeze(world, name, "cleo", incident)
    await sign(world, name, "dina", "ben", incident=incident)
    await world.say(FileNotice(name, where, reference), "cleo", incident)
    return name


async def wait(world: World, until: datetime) -> None:
    """Time passes up to that moment; only what was owed by then is done."""
    world.clock.forward(seconds=(until - world.clock.now()).total_seconds())
    await world.settle()
