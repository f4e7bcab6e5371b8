"""How dates, numbers and the small words of a notice are written in each language a template may be in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import inf
from types import MappingProxyType

from bot.notices.facts import AtLeast, Range

_APART = 10_000
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}


@dataclass(frozen=True, slots=True)
class Locale:
    """One language's manner. `short` is a strftime pattern in figures, `long` one with the month in words."""

    tag: str
    language: str  # as English calls it
    short: str
    long: str
    thousands: str
    decimal: str
    both: str  # between the last two of a list
    to: str  # between the ends of a range
    at_least: str
    yes: str
    no: str
    not_investigated: str
    unknown: str

    def utc(self, moment: object) -> str:
        """A time with its zone: 2026-11-20 08:00 UTC. Raises ValueError for what is no time with a zone."""
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            raise ValueError(f"{moment!r} is no time with a zone")
        there = moment.astimezone(UTC)
        return f"{there.strftime(self.short)} {there:%H:%M} UTC"

    def day(self, moment: date) -> str:
        """A date in words nobody can read the other way round: 20 November 2026."""
        return self.long.format(day=moment.day, month=_MONTHS[self.tag].split()[moment.month - 1], year=moment.year)

    def money(self, amount: float, currency: str = "") -> str:
        """An amount in whole units with thousands set apart: 12 500 EUR."""
        return self._figures(f"{amount:,.0f}") + (f" {currency}" if currency else "")

    def number(self, value: float) -> str:
        """A count or a measure; thousands are set apart from five figures on, so that a year stays a year."""
        plain = f"{value:,}" if abs(value) >= _APART else str(value)
        return self._figures(plain) if "e" not in plain and "n" not in plain else plain

    def _figures(self, english: str) -> str:
        return english.translate({ord(","): self.thousands, ord("."): self.decimal})

    def listed(self, values: Iterable[object]) -> str:
        """A, B and C."""
        words = [self.said(value) for value in values]
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {self.both} {words[-1]}" if words else ""

    def said(self, value: object) -> str:
        """Any value of a notice in words: yes, 12, 400 to 600, DE and FR, 20 November 2026."""
        match value:
            case bool():
                return self.yes if value else self.no
            case int() | float():
                return self.number(value)
            case datetime() if value.tzinfo is not None:
                return self.utc(value)
            case date() if not isinstance(value, datetime):
                return self.day(value)
        return self._several(value)

    def _several(self, value: object) -> str:
        match value:
            case Range(low, high) if high == inf:
                return f"{self.at_least} {self.said(low)}"
            case Range(low, high):
                return f"{self.said(low)} {self.to} {self.said(high)}"
            case AtLeast(items):
                return f"{self.at_least} {', '.join(sorted(items)) or '0'}"
            case Mapping():
                return ", ".join(f"{key}: {self.said(each)}" for key, each in sorted(value.items()))
            case set() | frozenset():
                return ", ".join(self.said(each) for each in sorted(value, key=str))
            case tuple():
                return ", ".join(self.said(each) for each in value)
            case list():
                return self.listed(value)
        return str(value)


EN = Locale(
    "en", "English", "%Y-%m-%d", "{day} {month} {year}", " ", ".", "and", "to", "at least", "yes", "no",
    "not yet investigated", "unknown",
)  # fmt: skip
LOCALES: Mapping[str, Locale] = MappingProxyType(
    {
        each.tag: each
        for each in (
            EN,
            Locale(
                "de", "German", "%d.%m.%Y", "{day}. {month} {year}", ".", ",", "und", "bis", "mindestens", "ja", "nein",
                "noch nicht untersucht", "unbekannt",
            ),
            Locale(
                "fr", "French", "%d/%m/%Y", "{day} {month} {year}", " ", ",", "et", "à", "au moins", "oui", "non",
                "pas encore examiné", "inconnu",
            ),
            Locale(
                "es", "Spanish", "%d/%m/%Y", "{day} de {month} de {year}", ".", ",", "y", "a", "al menos", "sí", "no",
                "aún no investigado", "desconocido",
            ),
            Locale(
                "it", "Italian", "%d/%m/%Y", "{day} {month} {year}", ".", ",", "e", "a", "almeno", "sì", "no",
                "non ancora esaminato", "sconosciuto",
            ),
            Locale(
                "nl", "Dutch", "%d-%m-%Y", "{day} {month} {year}", ".", ",", "en", "tot", "ten minste", "ja", "nee",
                "nog niet onderzocht", "onbekend",
            ),
        )
    }
)  # fmt: skip
"""By language; a region, as in `de-AT`, is written as its language is."""

SUFFIX = ".md.j2"
_TAGGED = re.compile(r"(?P<stem>.+)\.(?P<tag>[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)\Z")


def locale(tag: str) -> Locale:
    """The manner of a tag such as `de` or `de-AT`; English for "" and for a language that has none."""
    return LOCALES.get(tag.partition("-")[0].lower(), EN)


def known(tag: str) -> bool:
    """Whether a template may be in that language."""
    return tag.partition("-")[0] in LOCALES


def parted(name: str) -> tuple[str, str]:
    """A name and the locale it carries: `sa_notification.de` as (`sa_notification`, `de`); "" where it carries none."""
    tagged = _TAGGED.match(name)
    return (tagged["stem"], tagged["tag"]) if tagged else (name, "")


def tags(tag: str) -> tuple[str, ...]:
    """The tags under which something in that locale is looked for, best first: `de-AT` and `de`."""
    return tuple(dict.fromkeys([tag, tag.partition("-")[0]])) if tag else ()


def localised(template: str, tag: str) -> tuple[str, ...]:
    """The files a template may be in for a locale, best first, the one in no particular language last.

    `x.md.j2` in `de-AT` is looked for as `x.de-AT.md.j2`, `x.de.md.j2`, `x.md.j2`.
    """
    stem = template.removesuffix(SUFFIX)
    sought = () if parted(stem)[1] else tags(tag)
    return (*(f"{stem}.{each}{SUFFIX}" for each in sought), template)
