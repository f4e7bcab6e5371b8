"""Reads service level objectives written for Sloth, `prometheus/v1` files and Kubernetes objects, as they are.

What Sloth (slok/sloth) means by a file is kept: its budget period (30 days, or that of an AlertWindows file beside it),
and its four alerts, whose factors follow from the share of the budget each may spend. Where both sides of a ratio are
raw counters they are counted exactly, and not through rates. An absent series of errors beside a total that is there is
taken for no errors: Sloth shows nothing then, and users write `or vector(0)` to say the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from bot.config.annotations import Annotations, Settings
from bot.config.found import (
    WHOLE,
    Found,
    apart,
    between,
    labels,
    length,
    number,
    origin,
    query,
    within_reach,
    yes_or_no,
)
from bot.config.marks import Marked, Page, Path
from bot.config.promql import Phrase
from bot.slo.measure import Indicator, Measure, Raw
from bot.slo.spec import Severity, Slo, Tier

VERSION = "prometheus/v1"
GROUP = "sloth.slok.dev/v1"
KIND, WINDOWS = "PrometheusServiceLevel", "AlertWindows"

_PERIOD = timedelta(days=30)
_SPEEDS = ("quick", "slow")
_ALERTS: tuple[Severity, ...] = ("page", "ticket")
_PLUGIN_KEYS = ("slo_plugins", "sloPlugins", "plugins")

_SILENT = frozenset({"debug", "noop", "info_labels", "remove_labels", "rule_intervals", "sli_total_amount",
                     "sli_total_amount_rules", "validate_victoria_metrics", "validate", "sli_rules", "metadata_rules",
                     "alert_rules", "denominator_corrected_rules", "alert_for"})  # fmt: skip
"""Plugins of Sloth's own that change how its rules are written and not what an objective means here.

`denominator_corrected_rules` weighs by events, as every budget here does; `alert_for` is read below.
"""


class Window(NamedTuple):
    """One of Sloth's alerts: the share of the budget it may spend, in percent, and its windows."""

    severity: Severity
    speed: str
    percent: float
    short: timedelta
    long: timedelta

    def tier(self, period: timedelta, hold: timedelta) -> Tier:
        """As a tier; `hold` is how long its alert must last, a longer short window here."""
        factor = self.percent / WHOLE * (period / self.long)
        return Tier(f"{self.severity} {self.speed}", self.severity, self.long, max(self.short, hold), factor)


_DEFAULT = (
    Window("page", "quick", 2, timedelta(minutes=5), timedelta(hours=1)),
    Window("page", "slow", 5, timedelta(minutes=30), timedelta(hours=6)),
    Window("ticket", "quick", 10, timedelta(hours=2), timedelta(days=1)),
    Window("ticket", "slow", 10, timedelta(hours=6), timedelta(days=3)),
)


@dataclass(frozen=True, slots=True)
class _Service:
    """One document: where its spec stands, and what its objectives share."""

    page: Page
    path: Path
    name: str
    labels: dict[str, str]
    settings: Settings
    notes: Annotations
    holds: bool
    period: timedelta
    windows: tuple[Window, ...]


def mine(document: Marked) -> bool:
    """Whether a document is one of Sloth's."""
    version = document.get("version")
    return version is not None or str(document.get("apiVersion")).partition("/")[0] == GROUP.partition("/")[0]


def gather(documents: Iterable[Marked]) -> Found:
    """The objectives of all documents together: an AlertWindows document changes the alerts of all the others."""
    found = Found()
    pages = [Page(document, found.problems, found.notes) for document in documents]
    period, windows = _alert_windows([page for page in pages if page.get("kind") == WINDOWS], found)
    for page in pages:
        if page.get("kind") == WINDOWS:
            continue
        service = _service(page, period, windows)
        for index in range(len(page.get(*service.path, "slos") or ()) if service is not None else 0):
            if service is not None:
                _take(service, index, found)
    return found


def _alert_windows(pages: list[Page], found: Found) -> tuple[timedelta, tuple[Window, ...]]:
    """The period and windows that hold: of the one AlertWindows document, else Sloth's own."""
    for page in pages[1:]:
        first = pages[0].document
        what = f"{first.file} names alert windows already"
        page.complain(what, "kind", expected="one AlertWindows document: Sloth takes one for all")
    if not pages:
        return _PERIOD, _DEFAULT
    page, before = pages[0], len(found.problems)
    page.known((), "apiVersion", "kind", "spec", "metadata")
    if not page.known(("spec",), "sloPeriod", *_ALERTS):
        return _PERIOD, _DEFAULT
    period = length(page, "spec", "sloPeriod")
    windows = [_window(page, severity, speed, period) for severity in _ALERTS for speed in _speeds(page, severity)]
    told = tuple(window for window in windows if window is not None)
    return (period, told) if period is not None and len(found.problems) == before else (_PERIOD, _DEFAULT)


def _speeds(page: Page, severity: str) -> tuple[str, ...]:
    return _SPEEDS if page.known(("spec", severity), *_SPEEDS) else ()


def _window(page: Page, severity: Severity, speed: str, period: timedelta | None) -> Window | None:
    here = ("spec", severity, speed)
    if not page.known(here, "errorBudgetPercent", "shortWindow", "longWindow"):
        return None
    percent = number(page, *here, "errorBudgetPercent", expected="the share of the budget it may spend, in percent")
    short, long = length(page, *here, "shortWindow"), length(page, *here, "longWindow")
    if percent is not None and not 0 < percent <= WHOLE:
        page.complain(
            f"errorBudgetPercent is {percent:g}", *here, "errorBudgetPercent", expected="above 0, at most 100"
        )
        return None
    if percent is None or short is None or long is None:
        return None
    if short >= long:
        page.complain("the short window is not shorter than the long one", *here, "shortWindow")
    if period is not None and long > period:
        page.complain("the long window is longer than sloPeriod", *here, "longWindow")
    return Window(severity, speed, percent, short, long)


def _service(page: Page, period: timedelta, windows: tuple[Window, ...]) -> _Service | None:
    path: Path = ()
    if page.get("apiVersion") is not None:
        if page.get("apiVersion") != GROUP or page.get("kind") != KIND:
            place, expected = (
                ("kind", f"{KIND} or {WINDOWS}") if page.get("apiVersion") == GROUP else ("apiVersion", GROUP)
            )
            page.complain(f"there is no {place} {page.get(place)!r}", place, expected=expected)
            return None
        page.known((), "apiVersion", "kind", "metadata", "spec", "status")
        path = ("spec",)
        ok = page.known(path, "service", "labels", "slos", "sloPlugins", "slo_plugins")
    else:
        if page.get("version") != VERSION:
            page.complain(f"version {page.get('version')!r} is not read", "version", expected=VERSION)
            return None
        ok = page.known((), "version", "service", "labels", "slos", "slo_plugins", "sloPlugins", "interval")
    if not ok:
        return None
    if not isinstance(page.get(*path, "slos"), list) or not page.get(*path, "slos"):
        page.complain("slos is missing or no list", *path, "slos", expected="a list of objectives")
        return None
    notes = Annotations(page)
    name = page.text(*path, "service")
    held = labels(page, *path, "labels", plain=True)
    return _Service(page, path, name, held, notes.settings(), notes, _plugins(page, path), period, windows)


def _plugins(page: Page, path: Path) -> bool:
    """Look at the plugins named there; whether one of them makes alerts wait (`alert_for`)."""
    ids = []
    for key in _PLUGIN_KEYS:
        held = page.get(*path, key)
        if held is None or not page.known((*path, key), "chain", "overridePrevious", "override_previous"):
            continue
        chain = held.get("chain") or []
        for index, each in enumerate(chain if isinstance(chain, list) else [chain]):
            here = (*path, key, "chain", index)
            name = each.get("id") if isinstance(each, dict) else each
            ids.append(_plugin(page, here, str(name)))
    return "alert_for" in ids


def _plugin(page: Page, here: Path, name: str) -> str:
    parts = name.split("/")
    plain = parts[2] if len(parts) > 2 and parts[:2] in (["sloth.dev", "core"], ["sloth.dev", "contrib"]) else ""  # noqa: PLR2004
    if plain == "error_budget_exhausted_alert":
        page.note("the alert on a spent budget is not carried over; what is spent is shown", *here, "id")
    elif plain not in _SILENT:
        what = f"the plugin {name!r} runs inside Sloth, and what it changes is not known here"
        page.complain(what, *here, "id", expected="the objective without it")
    return plain


def _take(service: _Service, index: int, found: Found) -> None:
    here, page = (*service.path, "slos", index), service.page
    name = page.get(*here, "name")
    if isinstance(name, str) and name:
        found.names.add(f"{service.name}-{name}")
    before = len(found.problems)
    slo = _slo(service, here)
    if slo is None:
        return
    if len(found.problems) == before:
        found.slos.append(slo)
    if slo.origin is not None:
        annotated = page.get(*Annotations.path("source")) is not None
        found.places |= {
            (slo.origin, "service"): page.document.where(*service.path, "service"),
            (slo.origin, "runbook"): page.document.where(*Annotations.path("runbook")),
            (slo.origin, "source"): page.document.where(*(Annotations.path("source") if annotated else (*here, "sli"))),
        }


def _slo(service: _Service, here: Path) -> Slo | None:
    page = service.page
    known = page.known(
        here, "name", "description", "objective", "labels", "sli", "alerting", "plugins", "interval", "infoLabels"
    )
    if not known:
        return None
    holds = _plugins(page, here) or service.holds
    name = page.text(*here, "name")
    percent = between(page, *here, "objective", most=WHOLE)
    measured = _measure(page, (*here, "sli"), service)
    alerts = _alerting(page, (*here, "alerting"), holds=holds)
    if percent is None or measured is None or not name:
        return None
    apart(page, Annotations.path("slice-by"), service.settings["slice_by"], measured)
    target = percent / WHOLE
    tiers = _tiers(service, here, alerts, target)
    return Slo(
        name=f"{service.name}-{name}",
        service=service.name,
        indicator=measured,
        target=target,
        window=service.period,
        tiers=tiers,
        display=name,
        description=page.text(*here, "description", required=False),
        source=service.notes.text("source") or "default",
        opens=bool(alerts),
        blind_opens=bool(alerts),
        labels=tuple(sorted((service.labels | labels(page, *here, "labels", plain=True)).items())),
        origin=origin(page, *here, "name"),
        **service.settings,
    )


def _tiers(service: _Service, here: Path, alerts: dict[Severity, timedelta], target: float) -> tuple[Tier, ...]:
    """The tiers of the alerts that are on. With all off nothing opens, and the tickets' burn rates are still shown."""
    own = service.notes.tiers(service.period)
    if own is None or own:
        return own or ()
    wanted = alerts or {"ticket": timedelta(0)}
    tiers = [each.tier(service.period, wanted[each.severity]) for each in service.windows if each.severity in wanted]
    for tier in tiers:
        if tier.short >= tier.long:
            service.page.complain(f"`for` is longer than the {tier.name} alert looks back", *here, "alerting")
    return within_reach(service.page, (*here, "objective"), tiers, target)


def _alerting(page: Page, here: Path, *, holds: bool) -> dict[Severity, timedelta]:
    """The alerts that are on, each with how long it must last."""
    if page.get(*here) is None:
        return dict.fromkeys(_ALERTS, timedelta(0))
    names = {"page_alert": "page", "pageAlert": "page", "ticket_alert": "ticket", "ticketAlert": "ticket"}
    if not page.known(here, "name", "labels", "annotations", *names):
        return dict.fromkeys(_ALERTS, timedelta(0))
    on = dict.fromkeys(_ALERTS, timedelta(0))
    for key, severity in names.items():
        if page.get(*here, key) is None:
            continue
        page.known((*here, key), "disable", "labels", "annotations", "for")
        kind: Severity = "page" if severity == "page" else "ticket"
        if yes_or_no(page, *here, key, "disable"):
            on.pop(kind, None)
        elif page.get(*here, key, "for") is not None:
            hold = length(page, *here, key, "for")
            on[kind] = hold if holds and hold is not None else on[kind]  # Sloth's core leaves `for` out
    return on


def _measure(page: Page, here: Path, service: _Service) -> Measure | None:
    if not page.known(here, "events", "raw", "plugin"):
        return None
    given = [each for each in ("events", "raw", "plugin") if page.get(*here, each) is not None]
    if given == ["plugin"]:
        what = "SLI plugins run inside Sloth"
        expected = "events or raw, with the queries the plugin makes written out"
        page.complain(what, *here, "plugin", key=True, expected=expected)
        return None
    if len(given) != 1:
        page.complain("an SLI is of one kind", *here, expected="events or raw")
        return None
    if given == ["raw"]:
        ratio = _phrase(page, (*here, "raw"), "error_ratio_query", "errorRatioQuery")
        return Raw("bad", ratio.level) if ratio is not None else None
    error = _phrase(page, (*here, "events"), "error_query", "errorQuery", "total_query", "totalQuery")
    total = _phrase(page, (*here, "events"), "total_query", "totalQuery", "error_query", "errorQuery")
    if error is None or total is None:
        return None
    counted = (error.events, total.events)
    if error.counter is None or total.counter is None:  # both by the server, for they must speak of the same moments
        counted = (error.rate, total.rate)
    return Indicator("bad", *counted, service.notes.missing_bad() or "zero")


def _phrase(page: Page, here: Path, name: str, camel: str, *beside: str) -> Phrase | None:
    """The query called `name` in files and `camel` in Kubernetes; either is read in both."""
    if not page.known(here, name, camel, *beside):
        return None
    return query(page, *here, camel if page.get(*here, camel) is not None else name)
