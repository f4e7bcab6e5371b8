"""The front page: what is open now, what was before, how fast we are, and a form to declare."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from bot.domain.errors import Conflict, NotFound, Refused, Unavailable
from bot.domain.measures import DEFINITIONS, spread
from bot.domain.phase import Phase
from bot.domain.policy import Severity
from bot.engine.values import Profile, Summary
from bot.web.door import Console, Here, Who
from bot.web.pages._forms import inbound, typed
from bot.web.pages._page import Form, show
from bot.web.phrases import wrong_fields
from bot.web.verbs import Declaring
from bot.words import span

router = APIRouter()

ENDED = frozenset({Phase.RESOLVED, Phase.CLOSED})
NAMES = {"ttd": "MTTD", "tta": "MTTA", "ttm": "MTTM", "ttr": "MTTR"}


@router.get("/")
@router.get("/incidents")
async def overview(request: Request, here: Here, who: Who) -> Response:
    """Open incidents first."""
    return await _show(request, here, who, Form())


@router.post("/incidents")
async def declare(request: Request, here: Here, who: Who) -> Response:
    """Declare by form; what was refused comes back with every word."""
    words = await typed(request)
    try:
        asking = Declaring.model_validate({name: value for name, value in words.items() if name != "once"})
        made = await here.declare(asking, who, inbound(who, "declare", words))
    except ValidationError as wrong:
        because, status = "; ".join(f"{k}: {v}" for k, v in wrong_fields(wrong.errors()).items()), 422
    except (Refused, NotFound, Unavailable, Conflict) as refused:
        because, status = str(refused), 503 if isinstance(refused, Unavailable) else 409
    else:
        return RedirectResponse(f"/incidents/{made.id}", 303)
    return await _show(request, here, who, Form("declare", "", because, "declare", words), status)


async def _show(request: Request, here: Console, who: Profile, form: Form, status: int = 200) -> Response:
    found = await here.summaries(who)
    polled = here.house.watch.polled
    context = {
        "open": [each for each in found if each.phase not in ENDED],
        "ended": [each for each in found if each.phase in ENDED],
        "measures": _measures(found),
        "services": sorted(here.desk.catalogue.services.values(), key=lambda service: service.title),
        "severities": [str(grade) for grade in Severity],
        "form": form,
        "poll_age": here.desk.clock.now() - polled if polled else None,
        "objectives": len(here.house.watch.slos),
    }
    return show(request, "overview", who, context, status=status)


def _measures(found: Sequence[Summary]) -> list[dict[str, object]]:
    """Each measure over the incidents shown, with its definition and how many it rests on."""
    spans: dict[str, list[timedelta]] = {"ttd": [], "tta": [], "ttm": [], "ttr": []}
    for each in found:
        if each.phase == Phase.CLOSED and each.resolved is None:
            continue  # a suspicion that was withdrawn is no incident anybody answered
        _add(spans["ttd"], each.onset, each.detected)
        _add(spans["tta"], each.detected, each.acknowledged)
        _add(spans["ttm"], each.onset, each.mitigated)
        _add(spans["ttr"], each.onset, each.resolved)
    rows = []
    for name, sample in spans.items():
        known = spread(sample)
        rows.append(
            {
                "name": NAMES[name],
                "definition": DEFINITIONS[name],
                "size": known.size if known else 0,
                "mean": span(timedelta(seconds=known.mean)) if known else "",
                "median": span(timedelta(seconds=known.median)) if known else "",
                "p90": span(timedelta(seconds=known.p90)) if known else "",
            }
        )
    return rows


def _add(sample: list[timedelta], start: datetime, end: datetime | None) -> None:
    if end is not None:
        sample.append(end - start)
