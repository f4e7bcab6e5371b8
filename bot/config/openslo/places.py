"""Where objectives written in OpenSLO name their service, source and runbook."""

from collections.abc import Iterable

from bot.config.annotations import Annotations
from bot.config.found import Places
from bot.config.marks import Marked, Path
from bot.config.openslo.documents import ALPHA
from bot.slo.spec import Origin

_METRICS = ("good", "bad", "total", "raw")


def places(documents: Iterable[Marked]) -> Places:
    """(origin, which) → line and column, for each objective of these documents.

    A source that nobody named is placed where it would be. Looks at whatever stands there and complains of nothing.
    """
    documents = list(documents)
    indicators = {str(each.get("metadata", "name")): each for each in documents if each.get("kind") == "SLI"}
    found: Places = {}
    for document in documents:
        if document.get("kind") != "SLO":
            continue
        origin = Origin(document.file, *document.where("metadata", "name"))
        found[origin, "service"] = document.where("spec", "service")
        found[origin, "runbook"] = document.where(*Annotations.path("runbook"))
        annotated = Annotations.path("source")
        if document.get(*annotated) is not None:
            found[origin, "source"] = document.where(*annotated)
            continue
        first: Path = ("spec",) if _beside(document, ("spec",)) else ("spec", "objectives", 0)
        file, place = _source(document, first, indicators)
        if file == document.file:
            found[origin, "source"] = place
    return found


def _beside(document: Marked, path: Path) -> bool:
    """Whether an indicator stands there or is named there."""
    return any(document.get(*path, each) is not None for each in ("indicator", "indicatorRef", "sli", "sliRef"))


def _source(document: Marked, path: Path, indicators: dict[str, Marked]) -> tuple[str, tuple[int, int]]:
    alpha = document.get("apiVersion") == ALPHA
    named = document.get(*path, "sliRef" if alpha else "indicatorRef")
    holder, spec = document, (*path, "sli" if alpha else "indicator", "spec")
    if named is not None:
        holder, spec = indicators.get(str(named), document), ("spec",)
    metric: Path = (*spec, "thresholdMetric")
    if holder.get(*metric) is None:
        each = next((each for each in _METRICS if holder.get(*spec, "ratioMetric", each) is not None), "bad")
        metric = (*spec, "ratioMetric", each)
    if holder.get("apiVersion") == ALPHA:
        key = "dataSourceRef" if holder.get(*metric, "dataSourceRef") is not None else "dataSourceSpec"
        return holder.file, holder.where(*metric, key)
    key = "metricSourceRef" if holder.get(*metric, "metricSource", "metricSourceRef") is not None else "type"
    return holder.file, holder.where(*metric, "metricSource", key)
