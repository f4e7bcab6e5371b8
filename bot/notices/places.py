"""Where a regime's days begin and end, and whose holidays count: the deciding place of each jurisdiction."""

from typing import NamedTuple

from bot.notices.facts import Facts
from bot.notices.regime import Regime

# the European Economic Area, each with the zone of its authorities
EEA = {
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "BG": "Europe/Sofia",
    "CY": "Asia/Nicosia",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "EE": "Europe/Tallinn",
    "ES": "Europe/Madrid",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GR": "Europe/Athens",
    "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest",
    "IE": "Europe/Dublin",
    "IS": "Atlantic/Reykjavik",
    "IT": "Europe/Rome",
    "LI": "Europe/Vaduz",
    "LT": "Europe/Vilnius",
    "LU": "Europe/Luxembourg",
    "LV": "Europe/Riga",
    "MT": "Europe/Malta",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw",
    "PT": "Europe/Lisbon",
    "RO": "Europe/Bucharest",
    "SE": "Europe/Stockholm",
    "SI": "Europe/Ljubljana",
    "SK": "Europe/Bratislava",
}
ELSEWHERE = {
    "AU": "Australia/Sydney",
    "CA": "America/Toronto",
    "GB": "Europe/London",
    "IN": "Asia/Kolkata",
    "JP": "Asia/Tokyo",
    "KR": "Asia/Seoul",
    "SG": "Asia/Singapore",
    "US": "America/New_York",
    "US-CA": "America/Los_Angeles",
    "US-CO": "America/Denver",
    "US-CT": "America/New_York",
    "US-IL": "America/Chicago",
    "US-NY": "America/New_York",
    "US-TX": "America/Chicago",
}


class Place(NamedTuple):
    """The zone whose days count, and the place whose holidays do (DE, DE-BY, US-CA; "" where nobody knows)."""

    tz: str
    country: str


def deciding(regime: Regime, facts: Facts, tz: str, country: str) -> Place:
    """Where a regime's dates are counted, for an organisation in `country` (or a region of it) with zone `tz`.

    In the Union the Member State of the authority decides, as `reporting_member_state` says or else the
    organisation's own; elsewhere the jurisdiction does. Inside the organisation's own country its own zone counts,
    and a zone the regime itself names before any other.
    """
    place = _of_jurisdiction(regime, facts, tz, country)
    return place._replace(tz=regime.timezone) if regime.timezone else place


def _of_jurisdiction(regime: Regime, facts: Facts, tz: str, country: str) -> Place:
    home = country.partition("-")[0]
    home = "GB" if home == "UK" else home
    where = regime.jurisdiction
    if where == "EU":
        told = facts.get("reporting_member_state")
        state = str(told) if told else home
        if state == home and home in EEA:
            return Place(tz, country)
        return Place(EEA[state], state) if state in EEA else Place("Europe/Brussels" if home else tz, "")
    nation, _, region = where.partition("-")
    nation = "GB" if nation == "UK" else nation
    state = f"{nation}-{region.partition('-')[0]}" if region else nation
    if nation not in ELSEWHERE and nation not in EEA:  # of no country: a contract, a voluntary scheme
        return Place(tz, country)
    if state == home or (nation == home and state not in ELSEWHERE):
        return Place(tz, state if region else country)
    return Place(zone_of(state), state)


def zone_of(country: str) -> str:
    """The zone of a country's authorities, or of a region's where it has one of its own; "" where it is not known."""
    nation = country.partition("-")[0]
    return ELSEWHERE.get(country) or ELSEWHERE.get("GB" if nation == "UK" else nation) or EEA.get(nation, "")
