"""Texts in OpenSLO to be changed in one place at a time."""

import yaml

from bot.config.openslo import gather
from tests.config.reading import sound

HEAD = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: till, annotations: {tocsin.dev/missing-bad: zero}}\n"
ROLLING = "  timeWindow: [{duration: 4w, isRolling: true}]\n"
GOOD = """\
  indicator:
    metadata: {name: paid}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: paid_total}}}
        total: {metricSource: {type: Prometheus, spec: {query: asked_total}}}
"""


def slo(objectives, *, method="Occurrences", window=ROLLING, indicator=GOOD, more=""):
    return (
        f"{HEAD}spec:\n  service: shop\n{window}{indicator}  budgetingMethod: {method}\n  objectives:\n"
        + "".join(f"    - {objective}\n" for objective in objectives)
        + more
    )


def one(text, *texts, **more):
    (found,) = sound(gather, text, *texts, **more).slos
    return found


def sli(metric, value="", name="sli"):
    return f"apiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: {name}}}\nspec:\n  {metric}: {value}\n"


def asked(query, kind="Prometheus"):
    return "{metricSource: {type: " + kind + ", spec: {query: '" + query + "'}}}"


def condition(name, spec="", **values):
    held = {"kind": "burnrate", "op": "gte", "threshold": 14, "lookbackWindow": "1h", "alertAfter": "5m"} | values
    severity = held.pop("severity", "page")
    return (
        f"apiVersion: openslo/v1\nkind: AlertCondition\nmetadata: {{name: {name}}}\nspec:\n  severity: {severity}\n"
        f"  condition: {yaml.safe_dump(held, default_flow_style=True, sort_keys=False).strip()}\n{spec}"
    )


def policy(name, conditions, more=""):
    return (
        f"apiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {{name: {name}}}\nspec:\n{more}  conditions: [{conditions}]\n"
        "  notificationTargets: []\n"
    )


def alerted(conditions, more=""):
    text = slo(
        ["{target: 0.99}"],
        more="  alertPolicies:\n" + "".join(f"    - alertPolicyRef: p{at}\n" for at in range(len(conditions))),
    )
    texts = [policy(f"p{at}", f"{{conditionRef: c{at}}}", more) for at in range(len(conditions))]
    return [text, *texts, *(condition(f"c{at}", **each) for at, each in enumerate(conditions))]
