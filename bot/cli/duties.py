"""`tocsin duties`: asks the law before anything happened: which regimes would want a notice, and by when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli._common import TOCSIN_YAML, AsJson, Config

if TYPE_CHECKING:
    from bot.config.load import Installation
    from bot.domain.duty import Duty
    from bot.engine.draft import DraftingRoom
    from bot.engine.situation import Situation
    from bot.notices.regime import Regime


def duties(
    service: Annotated[str, typer.Option(help="A service of the catalogue: its standing legal facts count.")] = "",
    fact: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE, may be repeated; values as people say them.", metavar="KEY=VALUE"),
    ] = None,
    facts: Annotated[bool, typer.Option("--facts", help="List the facts there are, and end.")] = False,
    as_json: AsJson = False,
    config: Config = TOCSIN_YAML,
) -> None:
    """Ask every enabled regime on given facts: yes, no or not known yet, with the reason and the dates."""
    from bot import wiring
    from bot.cli._database import configured
    from bot.cli._text import out, out_json
    from bot.domain.errors import Refused

    installation = configured(config)
    room = wiring.drafting_room(installation)
    if facts:
        out(f"{each.key}  {each.type}  {each.label}" for _key, each in sorted(room.facts.items()))
        return
    if not room.regimes:
        raise Refused(f"no regime is enabled; name them under `regimes:` in {config}")
    situation = _what_if(installation, service, dict(_given(room, each) for each in fact or ()))
    told = [_told(room, duty, situation) for duty in room.duties(situation)]
    if as_json:
        out_json(told)
    else:
        out(_lines(told, installation.organisation.timezone))


def _given(room: DraftingRoom, text: str) -> tuple[str, object]:
    """KEY=VALUE as the fact's own type reads it. Raises a usage error with the sentence to show."""
    from bot.notices.facts import UnreadableError
    from bot.notices.regime import stated

    key, sign, value = text.partition("=")
    if not sign:
        raise typer.BadParameter(f"{text!r} is no KEY=VALUE", param_hint="--fact")
    try:
        return key.strip(), stated(room.facts, key.strip(), value)
    except UnreadableError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--fact") from None


def _what_if(installation: Installation, service: str, facts: Mapping[str, object]) -> Situation:
    """An incident that nobody declared, of that service and with these facts. Raises NotFound."""
    from bot.clock import SystemClock
    from bot.domain.errors import NotFound
    from bot.domain.incident import Incident
    from bot.engine.situation import Situation

    if service and service not in installation.services:
        raise NotFound("service", service, sorted(installation.services))
    incident = Incident("what-if", service=service, facts=facts)
    return Situation(incident, (), SystemClock().now(), service=installation.services.get(service))


def _told(room: DraftingRoom, duty: Duty, situation: Situation) -> dict[str, Any]:
    """One regime's answer, with every notice it asks for or may ask for."""
    regime = room.regimes[duty.regime]
    return {
        "regime": duty.regime,
        "name": duty.name,
        "answer": str(duty.answer),
        "because": duty.because,
        "ask": [{"fact": key, "label": regime.label(key)} for key in duty.ask],
        "stages": list(_stages(room, regime, situation)) if str(duty.answer) != "no" or duty.stage else [],
    }


def _stages(room: DraftingRoom, regime: Regime, situation: Situation) -> Iterator[dict[str, Any]]:
    from bot.notices.applicability import stages
    from bot.notices.deadline import deadlines

    known = room.known(situation)
    starts = {key: value for key, value in known.items() if isinstance(value, datetime)}
    for each in stages(regime, known):
        if each.answer == "no":
            continue
        dates = deadlines(each.stage, starts, room.tz, room.country)
        yield {
            "stage": each.stage.id,
            "name": each.stage.name,
            "answer": each.answer,
            "because": each.because,
            "strict": dates.strict.isoformat() if dates.strict else None,
            "outer": dates.outer.isoformat() if dates.outer else None,
            "counted": dates.because,
        }


def _lines(told: Sequence[Mapping[str, Any]], tz: str) -> Iterator[str]:
    from bot.cli._text import wrapped
    from bot.notices.regime import DISCLAIMER

    for each in told:
        yield f"{str(each['answer']).upper():<8} {each['name']} ({each['regime']})"
        yield from wrapped(each["because"], "         ")
        for ask in each["ask"]:
            yield f"         to settle it: {ask['label']}  --fact {ask['fact']}=..."
        for stage in each["stages"]:
            sure = "" if stage["answer"] == "yes" else "perhaps: "
            yield f"         {sure}{stage['name']} ({stage['stage']})"
            if stage["strict"]:
                later = stage["outer"] if stage["outer"] != stage["strict"] else None
                outer = f"; for counsel only: {_local(later, tz)}" if later else ""
                yield f"             due {_local(stage['strict'], tz)}{outer}"
            yield from wrapped(stage["counted"], "             ")
        yield ""
    yield DISCLAIMER


def _local(moment: str, tz: str) -> str:
    from zoneinfo import ZoneInfo

    return f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(tz)):%Y-%m-%d %H:%M %Z}"
