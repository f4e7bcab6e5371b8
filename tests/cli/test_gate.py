"""`tocsin gate` answers before a release: 0 yes, 1 no, 2 not known, with the reasons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cli._main import run
from tests.cli.live import Answer, Scripted, free_port

POLICY = """\
freeze_below: 10%
severity:
  - {below: 50%, severity: ticket}
  - {below: 10%, severity: page}
services:
  scoring: {freeze_below: 25%}
"""


def standing(name: str, spent: float | None, *, service: str = "checkout", state: str = "met") -> dict[str, object]:
    return {"name": name, "service": service, "state": state, "because": "as the server says", "budget_spent": spent}


@pytest.fixture
def told(tmp_path: Path, capsys):
    """Ask with a server that knows these objectives: exit code and what --json says."""

    def ask(service: str, *rows: dict[str, object], policy: str = POLICY, words: tuple[str, ...] = ()):
        served = Scripted(tmp_path, [Answer(200, json.dumps(rows).encode())])
        with served.listening():
            if policy:
                (tmp_path / "budget-policy.yaml").write_text(policy)
            code = run(["gate", service, "-c", str(tmp_path / "tocsin.yaml"), "--json", *words])
        assert served.asked[0][:2] == ("GET", "/api/slos")
        return code, json.loads(capsys.readouterr().out)

    return ask


def test_enough_budget_allows(told):
    """Exit code 0; every objective of that service with what it has left, and no other."""
    code, answer = told("checkout", standing("a", 0.2), standing("b", 0.7), standing("c", 9, service="other"))
    assert code == 0
    assert answer["service"] == "checkout"
    assert answer["allowed"] is True
    assert answer["from"] == "server"
    assert [(each["slo"], each["budget_remaining"], each["severity"]) for each in answer["reasons"]] == [
        ("a", 0.8, None),
        ("b", 0.3, "ticket"),
    ]


def test_too_little_budget_forbids(told):
    """Exit code 1; the smallest share that still holds says how urgent it is."""
    code, answer = told("checkout", standing("a", 0.2), standing("b", 0.95), standing("c", 1.5))
    assert (code, answer["allowed"]) == (1, False)
    assert [each["severity"] for each in answer["reasons"]] == [None, "page", "page"]
    assert answer["reasons"][1]["because"] == "5.0% of the budget is left, and below 10 % nothing is released"
    assert answer["reasons"][2]["budget_remaining"] == -0.5


def test_a_service_may_have_terms_of_its_own(told):
    """What it does not say is as for all."""
    row = standing("a", 0.8, service="scoring")
    code, answer = told("scoring", row)
    assert (code, answer["reasons"][0]["severity"]) == (1, "ticket")
    assert told("scoring", row, policy="freeze_below: 10%\n")[0] == 0


@pytest.mark.parametrize(("unknown", "wanted"), [("", 2), ("unknown: block\n", 1), ("unknown: allow\n", 0)])
def test_no_data_is_not_good_news(told, unknown, wanted):
    """An objective without data has no budget, whatever the number beside it; the policy may say what holds then."""
    silent = standing("b", 0.0, state="no data")
    code, answer = told("checkout", standing("a", 0.2), silent, policy="freeze_below: 10%\n" + unknown)
    assert code == wanted
    assert answer["allowed"] is {0: True, 1: False, 2: None}[wanted]
    assert answer["reasons"][1]["budget_remaining"] is None
    assert "as the server says" in answer["reasons"][1]["because"]


def test_a_spent_budget_forbids_whatever_else_is_unknown(told):
    """A certain no comes before not knowing."""
    assert told("checkout", standing("a", None, state="no data"), standing("b", 2))[0] == 1


def test_without_objectives_nothing_is_known(told):
    """A misspelt service is not allowed through."""
    code, answer = told("chekout", standing("a", 0.2))
    assert (code, answer["allowed"], answer["reasons"]) == (2, None, [])


def test_without_a_policy_a_spent_budget_alone_forbids(told):
    """And the answer says that there is none."""
    code, answer = told("checkout", standing("a", 0.99), policy="")
    assert (code, answer["policy"]) == (0, None)
    assert told("checkout", standing("a", 1.0), policy="")[0] == 1


def test_people_get_sentences(tmp_path, capsys):
    """One line for the answer, one for each objective."""
    (tmp_path / "budget-policy.yaml").write_text(POLICY)
    with Scripted(tmp_path, [Answer(200, json.dumps([standing("a", 0.95)]).encode())]).listening():
        assert run(["gate", "checkout", "-c", str(tmp_path / "tocsin.yaml")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"checkout: no release ({tmp_path / 'budget-policy.yaml'})"
    assert lines[1].startswith("  NO  a: 5.0% of the budget is left")
    assert lines[1].endswith("that calls for a page")


def house(folder: Path, source: str) -> list[str]:
    (folder / "services").mkdir()
    (folder / "slos").mkdir()
    (folder / "services" / "checkout.yaml").write_text("name: checkout\nowner: payments\n")
    from tests.sources.test_real_history import OBJECTIVE

    (folder / "slos" / "answers.yaml").write_text(OBJECTIVE)
    (folder / "tocsin.yaml").write_text(
        f"organisation: {{name: E}}\nweb: {{port: {free_port()}}}\nsources: {{prometheus: {source}}}\n"
    )
    return ["-c", str(folder / "tocsin.yaml")]


def test_without_a_server_the_sources_are_asked(tmp_path, capsys):
    """Nobody there either: not known, exit code 2, with the reason."""
    config = house(tmp_path, '{kind: prometheus, url: "http://127.0.0.1:1"}')
    assert run(["gate", "checkout", "--json", *config]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert (answer["from"], answer["allowed"]) == ("history", None)
    assert "could not be reached" in answer["reasons"][0]["because"]


def test_what_cannot_be_asked_ends_with_two(tmp_path, capsys):
    """An error is never taken for a no, and never for a yes."""
    config = house(tmp_path, '{kind: prometheus, url: "http://127.0.0.1:1"}')
    for words in (["nobody"], ["checkout", "--from", "server"], ["checkout", "--policy", "none.yaml"]):
        assert run(["gate", *words, *config]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert "Traceback" not in told.err
    assert run(["gate", "checkout", "-c", str(tmp_path / "none.yaml")]) == 2


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("freeze_below: 10\n", "1:15", "10 is no share of the budget"),
        ("freeze_below: 101%\n", "1:15", "'101%' is no share of the budget"),
        ("freeze: 10%\n", "1:1", "unknown key 'freeze'; did you mean 'freeze_below'?"),
        ("unknown: perhaps\n", "1:10", "'block' or 'allow'"),
        ("severity: [{below: 5%, severity: loud}]\n", "1:34", "'notice', 'ticket' or 'page'"),
        ("severity: [{below: 5%, severity: page}, {below: 5%, severity: ticket}]\n", "1:49", "stands here twice"),
        ("services: {checkuot: {freeze_below: 5%}}\n", "1:12", "no service 'checkuot'; did you mean 'checkout'?"),
        ("- 10%\n", "1:1", "a list"),
        ("freeze_below: [\n", "2:1", "is not YAML"),
    ],
)
def test_a_mistake_in_the_policy_names_its_place(tmp_path, capsys, text, place, words):
    """`tocsin check` reads it too; so does the gate, before anybody is asked."""
    config = house(tmp_path, '{kind: prometheus, url: "http://127.0.0.1:1"}')
    path = tmp_path / "budget-policy.yaml"
    path.write_text(text)
    assert run(["check", *config]) == 2
    told = capsys.readouterr().err
    assert f"{path}:{place}: " in told
    assert words in told
    if "services" not in text:
        assert run(["gate", "checkout", *config]) == 2
        assert f"{path}:{place}: " in capsys.readouterr().err


def test_check_tells_the_mistakes_of_both_files(tmp_path, capsys):
    """One run names everything."""
    config = house(tmp_path, "{kind: nothing}")
    (tmp_path / "budget-policy.yaml").write_text("freeze: 10%\n")
    assert run(["check", *config]) == 2
    told = capsys.readouterr().err
    assert "there is no source 'nothing'" in told
    assert "unknown key 'freeze'" in told
