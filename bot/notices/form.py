"""How a line of an authority's form is answered: by its types and choices, as strictly as the portal will read it."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from bot.notices.facts import AtLeast, FactType, Range, UnreadableError, Value, plain, shown
from bot.notices.regime import Field

ANY = "any"
_MOMENT = FactType("timestamp")
_DURATION = re.compile(r"\d{2,3}:([01]\d|2[0-3]):[0-5]\d\Z")
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_LEI = re.compile(r"[A-Z0-9]{18}\d{2}\Z")
_ALL_PERCENT = 100
LEI_LENGTH = 20

_CURRENCIES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC
CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR
ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF
XPF YER ZAR ZMW ZWG
"""
_MEMBER_STATES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
CURRENCIES = frozenset(_CURRENCIES.split())  # ISO 4217 as of 2026, without funds, metals and test codes
MEMBER_STATES = frozenset(_MEMBER_STATES.split())  # of the European Economic Area, where the regulation holds


def typed(field: Field, value: object) -> object:
    """An answer as JSON holds it: numbers as numbers, yes or no as a boolean, several choices as a list.

    Raises UnreadableError with what the line expects.
    """
    if isinstance(value, Range):
        raise UnreadableError(f"it is known only as {shown(value)}, and the line takes one value")
    return READERS.get(field.type, _text)(field, value)


def readable(field: Field, value: object) -> object:
    """A value found in the incident as the form writes it: 26.5 hours are `01:02:30`, yes is the choice `Yes`."""
    if field.type not in {"duration", "choice", "choices"}:
        return value
    try:
        return typed(field, value)
    except UnreadableError:
        return value  # shown as it was found; the portal's writer says what is wrong with it


def calls_for(field: Field, value: object, word: str) -> bool:
    """Whether an answer to `field` is, or is among others, the one that makes another line required."""
    answers = [_fold(each) for each in _chosen(field, value)]
    if word == ANY:
        return bool(answers)
    wanted = _fold(word)
    return any(answer == wanted or answer.endswith(f": {wanted}") for answer in answers)


def answerable(field: Field, word: str) -> bool:
    """Whether `word` is an answer `calls_for` can ever find: any, or a choice of the form or the end of one."""
    return word == ANY or not field.choices or any(calls_for(field, choice, word) for choice in field.choices)


def _chosen(field: Field, value: object) -> Iterable[object]:
    """The single answers in a value; what is no choice of the form stays as it was said."""
    for each in _several(field, value):
        try:
            yield _one_of(field.choices, each) if field.choices else each
        except UnreadableError:
            yield each


def _several(field: Field, value: object) -> list[object]:
    """A list of answers, also out of one text with a line or a semicolon between them."""
    if isinstance(value, AtLeast):
        value = value.items
    if isinstance(value, list | tuple | set | frozenset):
        return sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    if isinstance(value, str) and _fold(value) not in {_fold(choice) for choice in field.choices}:
        return [part.strip() for part in re.split(r"[;\n]", value) if part.strip()]
    return [value]


def _fold(value: object) -> str:
    """A word whatever its case, its spaces and its underscores; yes and no for a boolean."""
    word = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    return re.sub(r"\s*/\s*", "/", " ".join(word.replace("_", " ").split())).casefold()


def _one_of(choices: Iterable[str], value: object) -> str:
    """The choice that is meant: named in full, or by a beginning that no other has."""
    word, by_fold = _fold(value), {_fold(choice): choice for choice in choices}
    if word in by_fold:
        return by_fold[word]
    begun = [choice for fold, choice in by_fold.items() if word and re.match(rf"{re.escape(word)}\b", fold)]
    if len(begun) == 1:
        return begun[0]
    raise UnreadableError(f"{str(value)!r} is {'more than one' if begun else 'none'} of: {'; '.join(by_fold.values())}")


def _choice(field: Field, value: object) -> str:
    given = _several(field, value)
    if len(given) != 1:
        raise UnreadableError(f"it takes one of: {'; '.join(field.choices)}")
    return _one_of(field.choices, given[0])


def _choices(field: Field, value: object) -> list[str]:
    return list(dict.fromkeys(_one_of(field.choices, each) for each in _several(field, value)))


def _boolean(_field: Field, value: object) -> bool:
    word = _fold(value)
    if word not in {"yes", "no", "true", "false"}:
        raise UnreadableError(f"expected yes or no, got {str(value)!r}")
    return word in {"yes", "true"}


def _number(value: object) -> float:
    """A number, also as people type it: `12 500`, `2.4 %`. A comma could mean either, so it is refused."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    word = "".join(str(value).removesuffix("%").split()) if isinstance(value, str) else ""
    if not _NUMBER.match(word):
        raise UnreadableError(f"expected a number such as 12500 or 2.4, got {str(value)!r}")
    return float(word) if "." in word else int(word)


def _integer(_field: Field, value: object) -> int:
    number = _number(value)
    if number != int(number) or number < 0:
        raise UnreadableError(f"expected a whole number from 0, got {shown(number)}")
    return int(number)


def _percentage(_field: Field, value: object) -> float:
    number = _number(value)
    if not 0 <= number <= _ALL_PERCENT:
        raise UnreadableError(f"expected per cent from 0 to 100, got {shown(number)}")
    return number


def _money(_field: Field, value: object) -> float:
    number = _number(value)
    if number < 0:
        raise UnreadableError(f"expected an amount from 0, got {shown(number)}")
    return number


def _datetime(_field: Field, value: object) -> str:
    """ISO 8601 in UTC to the second; our own "2026-11-20 08:00 UTC" is read as well."""
    if isinstance(value, date) and not isinstance(value, datetime):
        raise UnreadableError(f"expected a moment, got the date {value.isoformat()}")
    raw = f"{value.removesuffix(' UTC')}+00:00" if isinstance(value, str) and value.endswith(" UTC") else value
    moment = _MOMENT.read(raw)
    if not isinstance(moment, datetime):
        raise UnreadableError("expected a moment such as 2026-11-20T08:00:00Z")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _duration(_field: Field, value: object) -> str:
    """Days, hours and minutes; a bare number is of hours, as the facts count them."""
    if isinstance(value, timedelta):
        value = value.total_seconds() / 3600
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        minutes = round(value * 60)
        return f"{minutes // 1440:02}:{minutes // 60 % 24:02}:{minutes % 60:02}"
    if isinstance(value, str) and _DURATION.match(value.strip()):
        return value.strip()
    raise UnreadableError(f"expected days:hours:minutes such as 01:04:30, got {str(value)!r}")


def _lei(_field: Field, value: object) -> str:
    """ISO 17442: twenty letters and digits, the last two of which prove the rest (ISO 7064, mod 97-10)."""
    code = str(value).strip().upper()
    if not _LEI.match(code):
        raise UnreadableError(f"{str(value)!r} is no LEI: expected 18 letters or digits and two digits")
    if int("".join(str(int(sign, 36)) for sign in code)) % 97 != 1:
        raise UnreadableError(f"{code} is no LEI: its last two digits do not prove it, so a sign is wrong")
    return code


def _entity_code(field: Field, value: object) -> str:
    """An LEI, or whatever else a third-party provider is registered under; what looks like an LEI must be one."""
    code = str(value).strip()
    return _lei(field, code) if len(code) == LEI_LENGTH and code.isalnum() else code


def _currency(_field: Field, value: object) -> str:
    code = str(value).strip().upper()
    if code not in CURRENCIES:
        raise UnreadableError(f"{str(value)!r} is no currency by ISO 4217; expected such as EUR")
    return code


def _countries(field: Field, value: object) -> list[str]:
    parts = re.split(r"[,;\s]+", value.strip()) if isinstance(value, str) else _several(field, value)
    wrong = [str(part) for part in parts if part not in MEMBER_STATES]
    if wrong:
        raise UnreadableError(f"{', '.join(wrong)}: no Member State by ISO 3166; expected such as DE (Greece is GR)")
    return sorted({str(part) for part in parts})


def _text(_field: Field, value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return shown(_value(value)) if isinstance(value, bool | Mapping | set | frozenset | AtLeast) else _joined(value)


def _value(value: object) -> Value | None:
    return frozenset(map(str, value)) if isinstance(value, set) else value  # type: ignore[return-value]


def _joined(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(plain(each)) for each in value)
    return str(plain(value))


READERS: Mapping[str, Callable[[Field, object], object]] = MappingProxyType(
    {
        "text": _text,
        "choice": _choice,
        "choices": _choices,
        "boolean": _boolean,
        "integer": _integer,
        "percentage": _percentage,
        "money": _money,
        "datetime": _datetime,
        "duration": _duration,
        "lei": _lei,
        "entity_code": _entity_code,
        "currency": _currency,
        "countries": _countries,
    }
)
"""The types a form's line may have, each with how its answer is read; a line without one is text."""
