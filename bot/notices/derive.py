"""Facts that follow from other facts: concluded while nobody has stated them, and never over a person's word."""

from collections.abc import Mapping

from bot.notices.facts import Facts, Value
from bot.notices.logic import evaluate, facts_of
from bot.notices.regime import Fact

FUNCTIONS = ("total", "most", "given", "others")


def derived(facts: Facts, kinds: Mapping[str, Fact]) -> dict[str, Value | None]:
    """The facts with what follows from them added. A stated value, also one from the catalogue, is left as it is.

    One pass in the order of the fact list: a derived fact may rest on one that stands before it.
    """
    found: dict[str, Value | None] = dict(facts)
    for key, fact in kinds.items():
        if fact.computed is not None and found.get(key) is None:
            value = _of(fact, found)
            if value is not None:
                found[key] = value
    return found


def _of(fact: Fact, known: Facts) -> Value | None:
    how = fact.computed
    if how is None:
        return None
    if how.rule is not None:
        return evaluate(how.rule, known)
    source = known.get(how.of)
    match how.function:
        case "given":  # an end that is not known is no end yet
            return source is not None
        case "total" | "most" if isinstance(source, Mapping):
            counts = [count for count in source.values() if isinstance(count, int)]
            return sum(counts) if how.function == "total" else max(counts, default=0)
        case "others" if isinstance(source, Mapping):
            return sum(count for name, count in source.items() if isinstance(count, int) and name not in how.but)
    return None


def rests_on(fact: Fact) -> tuple[str, ...]:
    """The facts a derived one follows from; () for one that is only ever stated."""
    how = fact.computed
    if how is None:
        return ()
    return tuple(dict.fromkeys(facts_of(how.rule))) if how.rule is not None else (how.of,)
