"""`on_call` or `escalation` of tocsin.yaml: who is paged where no service says who is on call, or nobody is."""

from collections.abc import Iterable, Iterator, Mapping

from bot.config.alerts import AlertSource
from bot.config.check import Known, unknown
from bot.config.marks import Marked
from bot.domain.errors import Problem
from bot.rota.escalation import Escalation

NAME = "instead"
NAMED = 5
"""So many of those who are paged instead are named."""


def written(on_call: Iterable[str], escalation: str, there_is: Mapping[str, Escalation]) -> Escalation | None:
    """What tocsin.yaml says itself, as a service's file would; None where it says nothing."""
    if escalation:
        return there_is.get(escalation)
    entries = tuple(on_call)
    return Escalation.of(NAME, entries) if entries else None


def instead(own: Escalation | None, admins: Iterable[str]) -> tuple[Escalation, ...]:
    """What is climbed, the first on which somebody stands: what is written, then the administrators."""
    found = (own, Escalation.of(NAME, admins))
    return tuple(each for each in found if each is not None and each.levels)


def problems(known: Known) -> Iterator[Problem]:
    """An escalation that is not there, and two answers to one question; its people are looked at with everybody's."""
    name, page = known.page.get("escalation"), known.page
    if not isinstance(name, str) or not name:
        return
    yield from unknown("escalation", name, known.escalations.named, page, "escalation")
    if page.get("on_call"):
        yield page.problem("tocsin.yaml has both on_call and an escalation", "escalation", expected="one of the two")


def words(climbed: Iterable[Escalation]) -> str:
    """Who is paged instead, in a few words; "" for nobody."""
    first = next(iter(climbed), None)
    if first is None:
        return ""
    if first.name != NAME:
        return f"the escalation {first.name}"
    told = [*first.paged[:NAMED]]
    told += [f"{len(first.paged) - NAMED} more"] if len(first.paged) > NAMED else []
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def warnings(
    page: Marked, alerts: Iterable[AlertSource], own: Escalation | None, climbed: tuple[Escalation, ...]
) -> Iterator[Problem]:
    """Senders whose alerts may have no service, while nobody wrote down who is paged for those."""
    who = words(climbed)
    for index, each in enumerate(alerts if own is None else ()):
        if not each.sender.default_service:
            told = f"the admins are paged ({who})" if who else "nobody is paged"
            what = f"for an alert of {each.sender.name} that names no service {told}"
            expected = "default_service: NAME here, or on_call: [KEY, ...] of tocsin.yaml"
            yield page.problem(what, "alerts", index, expected=expected)
