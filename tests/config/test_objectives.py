"""A folder may hold objectives in three formats: each document finds its reader, and its names are checked alike."""

import copy
import time
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.config import openslo_checks
from bot.config.objectives import objectives
from bot.config.openslo_checks import overlaps
from bot.slo.measure import Expression, Raw, Threshold
from bot.slo.selector import Selector
from bot.slo.spec import Indicator, Slice, Slo
from tests.config.folder import SLO, Folder
from tests.config.openslo_texts import alerted
from tests.config.test_openslo import paths
from tests.config.test_openslo_examples import POLICIES, SLOS
from tests.config.test_openslo_versions import ALPHA
from tests.config.test_pyrra import RATIO
from tests.config.test_sloth import KUBERNETES, START
from tests.config.test_sloth_alerts import WINDOWS


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def fitted(text, service):
    """One of the formats' texts, about a service of the folder."""
    return text.replace('service: "till"', f"service: {service}").replace("service: names", f"service: {service}")


def test_three_formats_in_one_folder(folder):
    """And in one file: every objective arrives, with the only source there is."""
    folder.write("slos/all.yaml", "---\n".join([fitted(START, "scoring"), fitted(RATIO, "features"), WINDOWS]))
    found = folder.load()
    assert [(slo.name, slo.service, slo.source) for slo in found.slos] == [
        ("scoring-answers", "scoring", "prom"),
        ("scoring-payments", "scoring", "prom"),
        ("names-answers", "features", "prom"),
    ]
    assert found.slos[1].window.days == 7
    assert found.services["features"].slos == ("names-answers",)


def test_json_is_read(folder):
    """A file whose name says JSON stands beside the others."""
    folder.write(
        "slos/more.json", '{"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {}}'
    )
    assert folder.problems() == []


@pytest.mark.parametrize(
    "text",
    ["apiVersion: v1\nkind: ConfigMap\n", "just words\n", "- 3\n", "kind: SLO\n", "apiVersion: n9/v1alpha\n", "[]"],
)
def test_a_document_that_is_nobodys_is_told(folder, text):
    """With its file, line and column, and what there is to choose from."""
    folder.write("slos/other.yaml", text)
    (problem,) = folder.problems()
    assert problem.what == "is an objective in none of the formats read here"
    assert problem.expected == "apiVersion: openslo/v1, version: prometheus/v1 or apiVersion: pyrra.dev/v1alpha1"
    assert str(problem).startswith(f"{folder.root}/slos/other.yaml:1:")


def test_a_list_of_pyrras_objects(folder):
    """As `kubectl get -o yaml` writes it."""
    item = "".join(f"    {line}\n" for line in fitted(RATIO, "scoring").splitlines())
    listed = f"apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjectiveList\nitems:\n  -{item[3:]}"
    folder.write("slos/list.yaml", listed)
    assert [slo.name for slo in folder.load().slos] == ["scoring-answers", "names-answers"]


@pytest.mark.parametrize(
    ("text", "needle", "what"),
    [
        (
            fitted(START, "tills"),
            "tills",
            "the objective 'tills-payments' names the service 'tills', which is not there",
        ),
        (
            fitted(RATIO, "namess"),
            "namess",
            "the objective 'names-answers' names the service 'namess', which is not there",
        ),
    ],
)
def test_names_are_checked_in_every_format(folder, text, needle, what):
    """A service that is not in the catalogue is told where it is named."""
    folder.write("slos/other.yaml", text)
    told = folder.told()
    assert len(told) == 1
    assert told[0].startswith(f"{folder.place('slos/other.yaml', needle)}: {what}")


def test_names_are_unique_across_formats(folder):
    """An objective of Sloth and one of OpenSLO may not be called alike."""
    text = fitted(START, "scoring").replace('"payments"', '"answers"')
    folder.write("slos/zother.yaml", text)
    (told,) = folder.told()
    assert told.startswith(f"{folder.place('slos/zother.yaml', chr(34) + 'answers' + chr(34))}: ")
    assert "is defined twice" in told


def test_a_broken_objective_is_still_named(folder):
    """Who names it in a service is not told that it is not there; what is wrong is told once."""
    folder.change("services/features.yaml", "owner: data", "owner: data\nslos: [scoring-payments]")
    folder.write(
        "slos/other.yaml", fitted(START, "features").replace("99.5", "100").replace('"payments"', '"payments"')
    )
    folder.change("services/features.yaml", "[scoring-payments]", "[features-payments]")
    (told,) = folder.told()
    assert "leaves no error budget" in told


def test_a_source_of_another_kind(folder):
    """No shelf has Datadog: the objective is read as far as it can be, and its source is told at its place."""
    text = folder.text("slos/scoring.yaml").replace("metricSourceRef: prom", "type: Datadog")
    text = text.replace("'hits_total{ok=\"yes\"}'", "'sum:hits{ok:yes}.as_count()'")
    folder.write("slos/scoring.yaml", text)
    (told,) = folder.told()
    assert told.startswith(
        "slos/scoring.yaml:18:19: the objective 'scoring-answers' names the source 'Datadog', which is not"
    )


def test_a_data_source_of_another_type(folder):
    """A DataSource called like a source of tocsin.yaml must be of its kind."""
    described = "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: prom}\nspec: {type: Datadog, connectionDetails: {}}\n"
    folder.write("slos/sources.yaml", described)
    assert any(
        "the DataSource 'prom' is of type Datadog, and the source of that name is prometheus" in each
        for each in folder.told()
    )
    folder.write("slos/sources.yaml", described.replace("Datadog", "Prometheus"))
    assert folder.told() == []


def test_the_only_prometheus_is_the_default(folder):
    """Beside an endpoint that is scraped, an objective that names no source has the Prometheus."""
    folder.change("tocsin.yaml", "poll:", "  edge: {kind: openmetrics, url: 'http://127.0.0.1:1'}\npoll:")
    folder.write("slos/other.yaml", fitted(START, "features"))
    assert {slo.name: slo.source for slo in folder.load().slos}["features-payments"] == "prom"
    folder.change("tocsin.yaml", "  edge: {kind: openmetrics", "  edge: {kind: prometheus")
    assert any("names the source 'default', which is not there" in each for each in folder.told())


def test_a_scraped_endpoint_works_nothing_out(folder):
    """A query that is no selector needs a server that understands it: told when files are read."""
    folder.change("tocsin.yaml", "kind: prometheus", "kind: openmetrics")
    assert folder.told() == []
    text = folder.text("slos/scoring.yaml").replace("{query: hits_total}", "{query: 'sum(rate(hits_total[5m])) * 2'}")
    folder.write("slos/scoring.yaml", text)
    (told,) = folder.told()
    assert told.startswith("slos/scoring.yaml:18:30: the objective 'scoring-answers' asks for")
    assert "'prom' only shows raw series" in told


def test_notes_become_warnings(folder):
    """What is no mistake and yet should be known is told by `tocsin check`."""
    folder.write("slos/other.yaml", fitted(RATIO, "features").replace('"99.9"', '"90"'))
    assert any("could never fire" in each.what for each in folder.load().warnings)


def test_files_that_cannot_be_read(tmp_path):
    """Of a text that is not sound YAML nothing is taken, and nobody can say which names stand in it."""
    good, bad, binary = (tmp_path / name for name in ("good.yaml", "bad.yaml", "binary.yaml"))
    good.write_text(SLO)
    bad.write_text(START + "slos: []\n")
    binary.write_bytes(b"\xff\xfe")
    found = objectives([good, bad, binary])
    assert [slo.name for slo in found.slos] == ["scoring-answers"]
    assert found.sound is False
    assert {each.file for each in found.problems} == {str(bad), str(binary)}


# overlaps


MONTH = timedelta(days=30)


def sliced(name, measure, value="eu"):
    return Slo(name, "shop", measure, 0.99, MONTH, slice=Slice("region", value))


@pytest.mark.parametrize(
    ("first", "second", "meets"),
    [
        (Threshold(Selector.parse('lag{region="eu"}'), "lt", 5), Threshold(Selector.parse('lag{region="eu",az="1"}'), "lt", 5), True),
        (Threshold(Selector.parse('lag{region="eu"}'), "lt", 5), Threshold(Selector.parse('lag{region="eu"}'), "lt", 9), False),
        (Threshold(Selector("lag"), "lt", 5), Threshold(Selector("lag"), "lt", 5, age=True), False),
        (Raw("good", Expression("avg(x)")), Raw("good", Expression("avg(x)")), True),
        (Raw("good", Expression("avg(x)")), Raw("bad", Expression("avg(x)")), False),
        (Raw("good", Expression("avg(x)")), Raw("good", Expression("avg(y)")), False),
        (Indicator("good", Expression("a"), Expression("b")), Indicator("good", Expression("a"), Expression("b")), True),
        (Indicator("good", Selector("a"), Selector("b")), Raw("good", Selector("a")), False),
    ],
)  # fmt: skip
def test_slices_of_any_measure_may_overlap(first, second, meets):
    """Thresholds, raw ratios and the server's queries are compared like ratios: by what is asked, and of what."""
    assert bool(overlaps([sliced("one", first), sliced("two", second)])) is meets
    assert (
        bool(overlaps([replace(sliced("one", first), slice=None), replace(sliced("two", second), slice=None)])) is False
    )


def test_five_thousand_objectives_are_compared_at_once():
    """Names by a table, slices only within their question: seconds would be noticed at each start."""
    plain = [
        Slo(f"n{at}", f"s{at % 50}", Indicator("good", Selector(f"g{at}"), Selector(f"t{at}")), 0.99, MONTH)
        for at in range(4_000)
    ]
    parts = [
        sliced(
            f"r{at}",
            Indicator("good", Selector.parse(f'g{{region="r{at}"}}'), Selector.parse(f't{{region="r{at}"}}')),
            f"r{at}",
        )
        for at in range(1_000)
    ]
    began = time.perf_counter()
    assert overlaps([*plain, *parts]) == []
    assert len(overlaps([*plain, *parts, plain[7], parts[3]])) == 2
    assert time.perf_counter() - began < 5


def test_pairs_are_told_in_order():
    """Each later objective is told of each earlier one, as they stand."""
    names = ["b", "a", "b", "a", "b"]
    told = overlaps([Slo(name, "s", Raw("good", Selector("x")), 0.9, MONTH) for name in names])
    assert [each.what for each in told] == [f"the objective '{name}' is defined twice" for name in "bbab"]


VALUES = st.sampled_from(["eu", "us", "eu|us", "ap"])
ASKED = st.sampled_from(["", '{region="eu"}', '{region=~"eu|us"}', '{region=~"e.*"}', '{region="eu",region="us"}', '{az="1"}',
                         '{region!="eu"}', '{region="ap",az=~"1|2"}'])  # fmt: skip
SLICED = st.builds(
    lambda name, value, asked, kind: sliced(
        name,
        Raw("good", Selector.parse(f"x{asked}")) if kind else Indicator("bad", Selector.parse(f"x{asked}"), Selector("t")),
        value,
    ),
    st.sampled_from("abcdef"), VALUES, ASKED, st.booleans(),
)  # fmt: skip


@given(st.lists(SLICED, max_size=7))
def test_no_pair_is_passed_over(slos):
    """The short way finds what looking at every pair would, in the same order."""
    every = [openslo_checks._overlap(*pair) for pair in combinations(slos, 2)]
    assert [each.what for each in overlaps(slos)] == [what for what in every if what is not None]


WHOLE = {
    "sloth": START,
    "windows": f"{WINDOWS}---\n{START}",
    "kubernetes": KUBERNETES,
    "pyrra": RATIO + "  alerting: {burnrates: true, severities: {slowBurn: info}}\n",
    "openslo": "---\n".join(alerted([{"severity": "ticket"}])),
    "inline": f"{SLOS}---\n{POLICIES}",
    "alpha": ALPHA,
}


@pytest.mark.parametrize("junk", [[], {}, [{}], None, -1.5, True, "x"], ids=repr)
@pytest.mark.parametrize("name", WHOLE)
def test_junk_in_any_place_is_told_never_raised(tmp_path, name, junk):
    """Whichever part of a file is replaced by whatever, the answer is objectives, or places to correct, or both."""
    whole = list(yaml.safe_load_all(WHOLE[name]))
    for path in list(paths(whole))[1:]:
        broken = copy.deepcopy(whole)
        part = broken
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = junk
        (tmp_path / "f.yaml").write_text(yaml.safe_dump_all(broken))
        found = objectives([tmp_path / "f.yaml"])
        assert all(each.line >= 1 and each.column >= 1 and each.what for each in found.problems)
        assert all(min(place) >= 1 for place in found.places.values())
