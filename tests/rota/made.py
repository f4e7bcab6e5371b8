"""Rotas as people might write them, made from a seed: layers, restrictions, overrides and covers, in zones that shift."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random

from bot.rota.rota import Layer, Only, Override, Rota, Turn, Unit
from bot.rota.turns import length

PEOPLE = ("ana", "ben", "cleo", "dan", "eve", "fay")
YEARS = (
    ("Europe/Berlin", 2026),
    ("America/New_York", 2026),
    ("Australia/Lord_Howe", 2026),  # half an hour
    ("Pacific/Chatham", 2026),  # at a quarter to three and a quarter to four
    ("Africa/Cairo", 2026),  # at midnight
    ("America/Santiago", 2026),
    ("Asia/Tokyo", 2026),  # never
    ("America/Sao_Paulo", 2019),  # the year it was abolished
    ("Europe/Istanbul", 2016),  # forward, and never back
    ("Pacific/Apia", 2011),  # without a 30 December
)
ODD_HOURS = (0, 1, 2, 3)


@dataclass(frozen=True)
class Made:
    """A rota, the year it is looked at, and the covers people asked for."""

    rota: Rota
    year: int
    covers: tuple[Override, ...] = ()


def made(seed: int) -> Made:
    """One for each seed. Half of the hand-offs lie in the hours in which clocks are changed."""
    random = Random(seed)
    zone, year = YEARS[seed % len(YEARS)]
    others = [name for name, of in YEARS if of == year]
    layers = tuple(_layer(random, year, number, others) for number in range(random.randint(1, 3)))
    overrides = tuple(_override(random, year) for _ in range(random.randint(0, 4)))
    covers = tuple(_override(random, year) for _ in range(random.randint(0, 3)))
    return Made(Rota(f"rota-{seed}", zone, layers, overrides), year, covers)


def plain(seed: int) -> Made:
    """One layer without restrictions, begun before the year, each of its turns somebody else's all through the year."""
    random = Random(seed)
    zone, year = YEARS[seed % len(YEARS)]
    start = datetime(year - 1, 12, random.randint(1, 28), _hour(random), _quarter(random))
    every = _turn(random)
    number = timedelta(days=400) // length(every) + 2
    layer = Layer("all", tuple((f"turn-{n}",) for n in range(number)), start, every)
    return Made(Rota(f"plain-{seed}", zone, (layer,)), year)


def _layer(random: Random, year: int, number: int, zones: list[str]) -> Layer:
    start = _moment(random, year - 1 if random.random() < 0.6 else year)
    return Layer(
        name=f"layer-{number}",
        turns=_turns(random),
        start=start,
        every=_turn(random),
        end=start + timedelta(days=random.randint(1, 500)) if random.random() < 0.3 else None,
        only=_only(random) if random.random() < 0.6 else (),
        zone=random.choice(zones) if random.random() < 0.3 else "",
    )


def _turns(random: Random) -> tuple[tuple[str, ...], ...]:
    sizes = random.choices((1, 2, 3), (8, 2, 1), k=random.randint(1, 6))
    return tuple(tuple(random.sample(PEOPLE, size)) for size in sizes)


def _turn(random: Random) -> Turn:
    unit = random.choice(list(Unit))
    most = {Unit.HOURS: 36, Unit.DAYS: 10, Unit.WEEKS: 4}[unit]
    return Turn(random.randint(1, most), unit)


def _only(random: Random) -> tuple[Only, ...]:
    if random.random() < 0.4:
        return (Only(random.randrange(7), _time(random), random.randrange(7), _time(random)),)
    since, until = _time(random), _time(random)
    days = random.sample(range(7), random.randint(1, 7))
    return tuple(Only(day, since, day if since < until else (day + 1) % 7, until) for day in days)


def _override(random: Random, year: int) -> Override:
    start = _moment(random, year)
    end = start + timedelta(hours=random.choice((1, 5, 12, 24, 24 * 7, 24 * 40)))
    person = random.choice((*PEOPLE, "guest", ""))
    return Override(start, end, person, random.choice((*PEOPLE, "", "")))


def _moment(random: Random, year: int) -> datetime:
    day = datetime(year, 1, 1) + timedelta(days=random.randrange(365))
    return day + timedelta(hours=_hour(random), minutes=_quarter(random))


def _time(random: Random) -> time:
    return time(_hour(random), _quarter(random))


def _hour(random: Random) -> int:
    return random.choice(ODD_HOURS) if random.random() < 0.5 else random.randrange(24)


def _quarter(random: Random) -> int:
    return random.choice((0, 15, 30, 45))
