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
    from bot.notices.facts import FactType
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
    from difflib import get_close_matches

    from bot.notices.facts import UnreadableError

    key, sign, value = text.partition("=")
    key = key.strip()
    if not sign:
        raise typer.BadParameter(f"{text!r} is no KEY=VALUE", param_hint="--fact")
    fact = room.facts.get(key)
    if fact is None:
        near = get_close_matches(key, room.facts, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "; `tocsin duties --facts` lists them"
        raise typer.BadParameter(f"there is no fact {key!r}{hint}", param_hint="--fact")
    try:
        raw = _typed(fact.type, value.strip())
        fact.type.read(raw)
    except UnreadableError as wrong:
        raise typer.BadParameter(f"{key}: {wrong} (it is {fact.type})", param_hint="--fact") from None
    return key, raw


def _typed(kind: FactType, text: str) -> object:
    """What somebody typed, in the shape YAML would have given: numbers, lists by comma, ranges as 400..600."""
    if text in {"", "unknown"}:
        return None
    if kind.kind in {"set", "list"}:
        return [] if text == "none" else [part.strip() for part in text.split(",") if part.strip()]
    if kind.kind == "map":
        pairs = (part.partition(":") for part in text.split(","))
        return {key.strip(): _number(count.strip()) for key, _, count in pairs}
    if kind.ranged and ".." in text:
        return [_number(end.strip()) if kind.kind in {"int", "number"} else end.strip() for end in text.split("..")]
    return _number(text) if kind.kind in {"int", "number"} else text


def _number(text: str) -> object:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text  # the type says what it expected


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
