"""Rulings on a terminal and as JSON: what is owed by when first, then what is not known, then what is not owed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.cli._paint import Paint
from bot.cli._text import line, span, width, wrapped
from bot.notices.calculator import Given, Notice, Question, Ruling
from bot.notices.counting import counted_with
from bot.notices.facts import plain as plain_value
from bot.notices.regime import DISCLAIMER

PAD = " " * 9
IN = PAD + "  "
FIRST = 5
ANSWERS = (("yes", "owe a notice", "owes a notice"), ("unknown", "are not known yet", "is not known yet"),
           ("no", "owe none", "owes none"))  # fmt: skip


def plain(ruling: Ruling, case: Given, watched: frozenset[str] | None) -> dict[str, Any]:
    """One ruling as `tocsin duties --json` documents it."""
    regime, said = ruling.regime, ruling.said
    return {
        "regime": regime.id,
        "name": regime.name,
        "jurisdiction": regime.jurisdiction,
        "answer": said.answer,
        "because": said.because,
        "citations": [str(each) for each in regime.citations],
        "confidence": regime.confidence,
        "rests_on": [
            {"fact": key, "label": regime.label(key), "value": plain_value(case.facts.get(key))}
            for key, _shown in ruling.rests_on
        ],
        "ask": [_asked(each) for each in ruling.ask],
        "applies_from": said.applies_from.isoformat() if said.applies_from else None,
        "would_be": said.would_be,
        "remarks": list(said.remarks),
        "watched": None if watched is None else regime.id in watched,
        "at": case.at.astimezone(ruling.zone).isoformat(),
        "timezone": str(ruling.zone),
        "country": ruling.place or None,
        "rule_version": ruling.version,
        "stages": [_notice(each, ruling.zone) for each in ruling.notices],
    }


def _asked(question: Question) -> dict[str, str]:
    return {"fact": question.fact, "label": question.label, "asks": question.asks, "note": question.note}


def _notice(notice: Notice, zone: ZoneInfo) -> dict[str, Any]:
    stage, dates = notice.stage, notice.dates
    return {
        "stage": stage.id,
        "name": stage.name,
        "kind": stage.kind,
        "answer": notice.answer,
        "because": notice.because,
        "ask": [_asked(each) for each in notice.ask],
        "recipients": list(stage.recipients),
        "strict": dates.strict.isoformat() if dates.strict else None,
        "outer": dates.outer.isoformat() if dates.outer else None,
        "by_law": dates.by_law,
        "counted": notice.counted,
        "standing": notice.standing,
        "submitted": notice.submitted.astimezone(zone).isoformat() if notice.submitted else None,
    }


def lines(rulings: Sequence[Ruling], case: Given, watched: frozenset[str] | None, *, in_full: bool) -> Iterator[str]:
    """Everything a person reads, the counts before it."""
    paint = Paint.here()
    yield from wrapped(head(rulings, case), "")
    for answer, *_words in ANSWERS:
        some = [each for each in rulings if each.said.answer == answer]
        brief = answer == "no" and not in_full
        if some and brief:
            yield ""
        for each in some:
            if brief:
                yield _brief(each)
            else:
                yield ""
                yield from _full(each, case, watched, paint, in_full=in_full)
    yield from _worth_asking(rulings)
    yield ""
    yield from wrapped(f"Counted with {counted_with()}, in {case.tz} where a regime has no place of its own.", "")
    yield from wrapped(DISCLAIMER, "")


def head(rulings: Sequence[Ruling], case: Given) -> str:
    """How many answered what, and as of when."""
    counts = []
    for answer, many, one in ANSWERS:
        count = sum(1 for each in rulings if each.said.answer == answer)
        counts.append(f"{count} {one if count == 1 else many}")
    overdue = sum(
        1
        for each in rulings
        if each.said.answer == "yes"
        for notice in each.notices
        if notice.standing == "overdue" and notice.answer == "yes"
    )
    late = f" {overdue} {'date has' if overdue == 1 else 'dates have'} passed." if overdue else ""
    number = f"{len(rulings)} {'regime' if len(rulings) == 1 else 'regimes'}"
    return f"{number} asked as of {_local(case.at, ZoneInfo(case.tz))}: {', '.join(counts)}.{late}"


def _brief(ruling: Ruling) -> str:
    """A no on one line, cut where the line ends."""
    reason = ruling.said.because.removeprefix("No duty, because ").removesuffix(".")
    told = line(f"{ruling.regime.id}: {reason}")
    short = textwrap.shorten(told, max(20, width() - len(PAD)), placeholder=" ...")
    return f"{'NO':<{len(PAD)}}{short}"


def _full(ruling: Ruling, case: Given, watched: frozenset[str] | None, paint: Paint, *, in_full: bool) -> Iterator[str]:
    regime, said = ruling.regime, ruling.said
    title = list(wrapped(f"{regime.name} ({regime.id})", PAD))
    word = f"{said.answer.upper():<8} "
    yield paint.strong(word + title[0].removeprefix(PAD))
    yield from title[1:]
    yield from wrapped(said.because, PAD)
    if said.would_be and said.would_be != "no":
        yield from wrapped(f"On these facts it would then be: {_then(said.would_be)}.", PAD)
    for remark in said.remarks:
        yield from wrapped(f"Look at: {remark}", PAD)
    if watched is not None and regime.id not in watched and said.answer != "no":
        yield from wrapped("Not watched here: it is not among `regimes:` of tocsin.yaml.", PAD)
    for each in ruling.ask:
        yield from wrapped(f"to settle it, ask {each.asks}: {each.label} [{each.fact}]", PAD)
    for notice in ruling.notices:
        if in_full or said.answer == "yes":
            yield from _told(notice, ruling.zone, case.at, paint)
        elif notice.open:
            yield from wrapped(f"perhaps: {notice.stage.name}, {_when(notice, ruling.zone, case.at)}", PAD)


def _then(answer: str) -> str:
    return "a duty" if answer == "yes" else "not known yet"


def _told(notice: Notice, zone: ZoneInfo, at: datetime, paint: Paint) -> Iterator[str]:
    """One notice: whether it is owed, by when, how that was counted, and what of it is done."""
    sure = "" if notice.answer == "yes" else "perhaps: "
    yield from wrapped(f"{sure}{notice.stage.name} ({notice.stage.id})", PAD)
    settles = "for the date" if notice.answer == "yes" else "to settle it"
    for each in notice.ask:
        yield from wrapped(f"{settles}, ask {each.asks}: {each.label} [{each.fact}]", IN)
    if notice.dates.strict or notice.submitted:
        when = list(wrapped(_when(notice, zone, at), IN))
        yield from (paint.bad(each) for each in when) if notice.standing in {"overdue", "filed_late"} else when
    strict, outer = notice.dates.strict, notice.dates.outer
    if outer and outer != strict and notice.open:
        left = "passed too" if at > outer else f"in {span((outer - at).total_seconds())}"
        yield from wrapped(f"for counsel only: at the latest {_local(outer, zone)}, {left}", IN)
    yield from wrapped(notice.counted, IN)


def _when(notice: Notice, zone: ZoneInfo, at: datetime) -> str:
    strict, filed = notice.dates.strict, None if notice.open else notice.submitted
    if filed is not None:
        word = "FILED LATE" if notice.standing == "filed_late" and notice.dates.by_law else "filed"
        return f"{word} {_local(filed, zone)}{_beside(filed, notice)}"
    if strict is None:
        return ""
    word = "due" if notice.dates.by_law else "our target"
    if notice.standing == "overdue":
        passed = "OVERDUE" if notice.dates.by_law else "passed"
        return f"{passed}: {word} {_local(strict, zone)}, {span((at - strict).total_seconds())} ago"
    return f"{word} {_local(strict, zone)}, in {span((strict - at).total_seconds())}"


def _beside(filed: datetime, notice: Notice) -> str:
    """How long before or after its date it was filed, and whether that was still arguable."""
    strict, outer, by_law = notice.dates.strict, notice.dates.outer, notice.dates.by_law
    if strict is None:
        return ""
    late = filed > strict
    date = "it was due" if by_law else "our target"
    told = f", {span((filed - strict).total_seconds())} {'after' if late else 'before'} {date}"
    return told + (", within the outer date" if late and by_law and outer and filed <= outer else "")


def _worth_asking(rulings: Sequence[Ruling]) -> Iterator[str]:
    """The few questions that help most regimes whose answer is open."""
    votes: dict[Question, int] = {}
    for ruling in rulings:
        if ruling.said.answer == "unknown":
            for each in ruling.ask:
                votes[each] = votes.get(each, 0) + 1
    first = sorted(votes, key=lambda each: (-votes[each], each.fact))[:FIRST]
    if len(votes) > 1:
        yield ""
        yield "Worth asking first:"
        for each in first:
            helps = f"{votes[each]} {'regime' if votes[each] == 1 else 'regimes'}"
            yield from wrapped(f"{each.label} [{each.fact}]: ask {each.asks}, for {helps}", "  ")


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
