"""`tocsin oncall` against the real server and from the files alone: the same words, and every refusal in a sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli._main import run
from tests.cli.live import Answer, Live, Scripted, says
from tests.oncall.house import on_call


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The terminal stands in Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with Live(tmp_path, **on_call()) as house:
        yield house


@pytest.fixture
def told(capsys):
    def read() -> tuple[str, str]:
        seen = capsys.readouterr()
        return seen.out, seen.err

    return read


def test_who_is_on_call_now_and_at_any_time(live: Live, told) -> None:
    """Each rota with its next hand-off, each service level by level, a gap in capitals; by the terminal's own clock."""
    assert live.tocsin("oncall") == 0
    now = told()[0]
    assert live.tocsin("oncall", "who") == 0
    assert told()[0] == now
    assert now.splitlines() == [
        "On call Fri 20 Nov 13:00 CET",
        "",
        "ML platform (ml)",
        "  Ana Aydin, since Fri 20 Nov 09:00, until Sat 21 Nov 09:00",
        "  next: Ben Okafor, from Sat 21 Nov 09:00",
        "",
        "nights",
        "  NOBODY is on call",
        "  next: Max Lindqvist, from Sat 21 Nov 20:00",
        "",
        "Pages for Doctor-visits model (visits)",
        "  1  Ana Aydin  [rota:ml], 5 min",
        "  2  Ben Okafor  [rota:nights]",
        "  at the end: Max Lindqvist",
    ]
    assert live.tocsin("oncall", "--at", "2026-11-22T10:00", "--rota", "ml") == 0
    assert told()[0].splitlines()[1:4] == [
        "",
        "ML platform (ml)",
        "  Ana Aydin, since Sun 22 Nov 09:00, until Mon 23 Nov 09:00",
    ]
    assert live.tocsin("oncall", "--service", "visits", "--at", "2026-11-21T21:00+01:00", "--json") == 0
    levels = json.loads(told()[0])["services"][0]["levels"]
    assert [[each["key"] for each in level["people"]] for level in levels] == [["ben"], ["max", "ben"]]


def test_what_comes(live: Live, told) -> None:
    """The next hand-offs, the soonest first; shifts of some days, gaps among them; one person's alone."""
    assert live.tocsin("oncall", "next") == 0
    assert told()[0].splitlines() == [
        "at (CET)          rota         then on call",
        "Sat 21 Nov 09:00  ML platform  Ben Okafor",
        "Sat 21 Nov 20:00  nights       Max Lindqvist",
    ]
    assert live.tocsin("oncall", "shifts", "--days", "2") == 0
    assert told()[0].splitlines() == [
        "from              to (CET)          rota    on call        by",
        "Fri 20 Nov 13:00  Sat 21 Nov 09:00  ml      Ana Aydin      daily",
        "Fri 20 Nov 13:00  Sat 21 Nov 20:00  nights  NOBODY         gap",
        "Sat 21 Nov 09:00  Sun 22 Nov 09:00  ml      Ben Okafor     daily",
        "Sat 21 Nov 20:00  Sun 22 Nov 13:00  nights  Max Lindqvist  layer 1",
        "Sun 22 Nov 09:00  Sun 22 Nov 13:00  ml      Ana Aydin      daily",
    ]
    assert live.tocsin("oncall", "shifts", "--days", "2", "--person", "max", "--rota", "nights", "--json") == 0
    found = json.loads(told()[0])
    assert [each["person"]["key"] for each in found["shifts"]] == ["max"]


def test_a_cover_from_asking_to_letting_go(live: Live, told) -> None:
    """Asked, taken, on call, let go; each answer says whom it concerns, each refusal why."""
    hours = ("--from", "2026-11-20T14:00", "--to", "2026-11-20T18:00")
    assert live.tocsin("oncall", "cover", "list") == 0
    assert told()[0] == "No cover is asked for.\n"
    assert live.tocsin("oncall", "cover", "ask", "ml", *hours, "--because", "a visit", "--json") == 0
    cover = json.loads(told()[0])["cover"]["id"]
    assert live.tocsin("oncall", "cover", "ask", "ml", *hours) == 1
    assert "you have asked for some of that time already" in told()[1]
    assert live.tocsin("oncall", "cover", "take", cover, person="cleo") == 1
    assert "to be on call takes a" in told()[1]
    assert live.tocsin("oncall", "cover", "take", cover, person="ben") == 0
    assert told()[0].splitlines() == [
        "Ben Okafor covers Ana Aydin for ML platform, Fri 20 Nov 14:00 to 18:00 (Europe/Berlin).",
        f"  {cover}",
        "  Concerns Ana Aydin",
    ]
    assert live.tocsin("oncall", "cover", "list", person="max") == 0
    assert "Ben Okafor covers: a visit" in told()[0]
    assert live.tocsin("oncall", "--rota", "ml", "--at", "2026-11-20T15:00") == 0
    assert "Ben Okafor (for Ana Aydin), since Fri 20 Nov 14:00, until Fri 20 Nov 18:00" in told()[0]
    assert live.tocsin("oncall", "cover", "withdraw", cover, person="ben") == 0
    assert "cannot cover Ana Aydin" in told()[0]
    assert live.tocsin("oncall", "cover", "take", "nonsense", person="ben") == 1
    assert "nonsense" in told()[1]


def test_ones_calendar_has_an_address_until_it_ends(live: Live, told) -> None:
    """Shown once, readable without a login, and gone when its owner says so."""
    import httpx

    assert live.tocsin("oncall", "calendar", "--json") == 0
    url = json.loads(told()[0])["url"]
    address = f"http://127.0.0.1:{live.port}{httpx.URL(url).path}"
    assert "BEGIN:VCALENDAR" in httpx.get(address, trust_env=False).text
    assert live.tocsin("oncall", "calendar") == 0
    assert "whoever has this address can read them" in told()[0]
    assert httpx.get(address, trust_env=False).status_code == 404
    assert live.tocsin("oncall", "calendar", "--end") == 0
    assert told()[0] == "Your calendar has no address any more.\n"
    assert live.tocsin("oncall", "calendar", "--end") == 0
    assert told()[0] == "Your calendar had no address.\n"


def test_a_test_page_to_oneself(live: Live, told) -> None:
    """With one's own token alone; what became of it stands in a table, and 1 says that nobody was reached."""
    assert live.tocsin("oncall", "test") == 1
    assert "a token of your own" in told()[1]
    live.token("ana")
    told()
    assert live.tocsin("oncall", "test") == 0
    assert told()[0].splitlines() == ["channel  receipt   after  where", "phone    accepted  0.0 s  phone"]
    assert live.world.phone.pages[0][0] == "ana"
    assert live.tocsin("oncall", "test") == 1
    assert "again in 60 s" in told()[1]
    live.world.phone.dead = "no network"
    live.world.clock.forward(minutes=2)
    assert live.tocsin("oncall", "test", "phone") == 1
    assert "failed" in told()[0]
    assert live.tocsin("oncall", "test", "fax") == 1
    assert "there is phone" in told()[1]


def test_names_and_times_that_are_none(live: Live, told) -> None:
    """A rota that is none lists those there are; a time that is none is a usage error."""
    assert live.tocsin("oncall", "--rota", "mll") == 1
    assert "there is ml, nights" in told()[1]
    assert live.tocsin("oncall", "--service", "visit") == 1
    assert "there is tocsin, visits" in told()[1]
    assert live.tocsin("oncall", "--at", "tomorrow") == 2
    assert "no time" in told()[1]
    assert live.tocsin("oncall", "shifts", "--person", "nobody") == 1
    assert "no person called 'nobody'; there is ana, ben" in told()[1]
    assert live.tocsin("oncall", "shifts", "--person", "cleo") == 0
    assert [line.split()[-2] for line in told()[0].splitlines()[1:]] == ["NOBODY"]
    for far in ("0500-01-01T00:00", "9998-01-01T00:00"):
        assert live.tocsin("oncall", "--at", far) == 0
    assert live.tocsin("oncall", "shifts", "--days", "0") == 2


def test_from_the_files_alone(tmp_path: Path, told) -> None:
    """Without a server, in the same words; that covers are not known is said where no program reads it."""
    folder = tmp_path / "house"
    (folder / "rotas").mkdir(parents=True)
    (folder / "services").mkdir()
    (folder / "tocsin.yaml").write_text("organisation: {name: Visits}\nslack: {mode: off}\n")
    (folder / "people.yaml").write_text(
        "ana: {name: Ana Aydin, email: a@x.example}\nben: {name: Ben, email: b@x.example}\n"
    )
    (folder / "rotas" / "ml.yaml").write_text(
        "title: ML platform\nzone: Europe/Berlin\nlayers: [{from: 2026-11-20 09:00, turn: daily, people: [ana, ben]}]\n"
    )
    (folder / "rotas" / "file.yaml").write_text(
        "title: In a file\nzone: Europe/Berlin\nprovider: ical\nsettings: {path: /nowhere/at/all.ics}\n"
    )
    (folder / "services" / "visits.yaml").write_text("name: visits\ntitle: Visits\nowner: ml\non_call: ['rota:ml']\n")
    words = ["oncall", "--offline", "--at", "2026-11-20T13:00", "-c", str(folder / "tocsin.yaml")]
    assert run(words) == 0
    out, err = told()
    assert "  Ana Aydin, since Fri 20 Nov 09:00, until Sat 21 Nov 09:00" in out
    assert "In a file (file, ical)\n  NOBODY is on call\n  never told yet: the calendar" in out
    assert "  1  Ana Aydin  [rota:ml]" in out
    assert "covers are not known" in err
    assert run(["oncall", "shifts", "--offline", "--days", "1", "--rota", "ml", *words[2:]]) == 0
    assert "Ben" in told()[0]
    assert run(["oncall", "next", *words[1:]]) == 0
    assert "Ben" in told()[0]
    assert run(["oncall", "shifts", "--person", "nobody", *words[1:]]) == 1
    assert "no person called 'nobody'; there is ana, ben" in told()[1]
    for far in ("9999-12-31T00:00", "0500-01-01T12:00"):
        for command in ("who", "next", "shifts"):
            days = ["--days", "366"] if command == "shifts" else []
            assert run(["oncall", command, "--offline", "--at", far, *days, *words[4:]]) == 0
    assert "Traceback" not in told()[1]


@pytest.mark.parametrize("command", [["who"], ["next"], ["shifts"], ["calendar"], ["test"], ["cover", "list"]])
@pytest.mark.parametrize(
    "before",
    [
        ["--at", "2026-12-08T09:00"], ["--rota", "ml"], ["--service", "visits"], ["--offline"], ["--json"],
        ["--as", "ana"], ["-c", "tocsin.yaml"],
    ],
)  # fmt: skip
def test_what_stands_before_a_command_is_refused(command: list[str], before: list[str], told) -> None:
    """It would not count for the command: a usage error names it instead of an answer for another time or person."""
    assert run(["oncall", *before, *command]) == 2
    err = " ".join(told()[1].replace("│", " ").split())
    assert f"after the command: tocsin oncall {command[0]}" in err
    assert before[0] in err or before == ["-c", "tocsin.yaml"]


def test_an_answer_of_another_version_is_a_sentence(tmp_path: Path, told) -> None:
    """Nothing the server could say ends in a traceback."""
    for answer in (says(200, at="x"), Answer(200, b"[1]"), Answer(200, b"{}")):
        with Scripted(tmp_path, [answer]).listening() as script:
            for words in (("oncall",), ("oncall", "next"), ("oncall", "shifts"), ("oncall", "cover", "list")):
                assert script.tocsin(*words) == 1, words
                assert "same version" in told()[1]
