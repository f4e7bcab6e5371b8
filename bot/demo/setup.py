"""The configuration folder the demonstration runs Tocsin with: real files, which a newcomer may read and change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bot.words import house

TEAM = "T0TOCSIN"
CHANNEL = "C0INC"
LEGAL_CHANNEL = "C0LEGAL"
REGISTRY_OFFER = "registry-v1"
PEOPLE: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "ana": ("Ana Souza", ("responder", "approver"), "U0ANA"),
    "ben": ("Ben Okafor", ("responder", "approver", "manager", "admin"), "U0BEN"),
    "cleo": ("Cleo Martin", ("counsel",), "U0CLEO"),
    "dev": ("Dev Rao", ("responder",), "U0DEV"),
}

LEGAL: Mapping[str, object] = {
    "eu_nexus": True,
    "org_role_gdpr": ["controller"],
    "eu_establishment": ["DE"],
    "reporting_member_state": "DE",
    "financial_entity": False,
    "nis2_entity": "none",
    "medical_device": False,
    "product_with_digital_elements": False,
    "gpai_systemic_risk": False,
    "frontier_model_10e26": False,
    "sec_registrant": "no",
    "us_banking_organization": "no",
    "bank_service_provider": False,
    "nydfs_covered_entity": False,
    "glba_ftc_institution": False,
    "hipaa_role": "none",
    "residents_by_state": {},
    "uk_authorised_firm": False,
    "apra_regulated": False,
    "ca_frfi": False,
    "mas_regulated": False,
    "contracts_with_notice_duty": {},
    "insurance_policies_with_notice_duty": {},
    "voluntary_reporting_opted_in": False,
}
"""What holds of an imaginary company in Berlin in every incident: most laws answer by it that no duty exists."""


def write(folder: Path, world: Mapping[str, Any], slack_url: str, web_port: int) -> Path:
    """Write the folder for a world as its ports file tells it; the path of tocsin.yaml."""
    for part in ("slos", "services"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    _page(folder / "tocsin.yaml", _HOUSE, _house(world, slack_url, web_port))
    _page(folder / "people.yaml", "Who there is, what they may do, and who they are in Slack.", _people())
    _page(folder / "services" / "visits.yaml", "The model that predicts frequent doctor visits.", _service(world))
    _runbooks(folder / "runbooks")
    for slo in _slos():
        _page(folder / "slos" / f"{slo['metadata']['name']}.yaml", slo["spec"]["description"], slo)
    return folder / "tocsin.yaml"


_HOUSE = """The demonstration's installation. Secrets are references; `tocsin demo` sets them."""


def _page(path: Path, comment: str, data: Mapping[str, Any]) -> None:
    path.write_text(f"# {comment}\n{yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=110)}")


def _runbooks(folder: Path) -> None:
    """The product's own runbooks, but for the waits: the demonstration's data show an effect within seconds."""
    folder.mkdir(exist_ok=True)
    for path in (house() / "runbooks").glob("*.md"):
        text = path.read_text(encoding="utf-8").replace("for: 2m", "for: 5s").replace("window: 5m", "window: 30s")
        (folder / path.name).write_text(text, encoding="utf-8")


def _house(world: Mapping[str, Any], slack_url: str, web_port: int) -> dict[str, Any]:
    if "prometheus" in world:
        source: dict[str, Any] = {"kind": "prometheus", "url": world["prometheus"]}
    else:
        source = {"kind": "openmetrics", "urls": [world["all_metrics"]]}
    return {
        "organisation": {
            "name": "Visits Ltd",
            "contact": "incidents@visits.example",
            "legal_contact": "legal@visits.example",
            "country": "DE",
            "timezone": "Europe/Berlin",
            "currency": "EUR",
            "legal": dict(LEGAL),
        },
        "state": "state",
        "web": {"port": web_port},
        "slack": {
            "mode": "socket",
            "api_url": f"{slack_url}/api/",
            "team": TEAM,
            "home_channel": CHANNEL,
            "legal_channel": LEGAL_CHANNEL,
            "settle_after": "3s",
            "repost_after": "8s",
            "bot_token": {"env": "TOCSIN_DEMO_BOT_TOKEN"},
            "app_token": {"env": "TOCSIN_DEMO_APP_TOKEN"},
        },
        "sources": {"visits": source},
        "poll": {"every": "1s"},
        "policy": {"verify_after": "4s", "soak": "5s", "cool_down": "10s", "evidence_hold": "10s"},
        "regimes": ["*"],
    }


def _people() -> dict[str, Any]:
    return {
        key: {
            "name": name,
            "roles": list(roles),
            "slack": {"team": TEAM, "user": user},
            "email": f"{key}@visits.example",
        }
        for key, (name, roles, user) in PEOPLE.items()
    }


def _service(world: Mapping[str, Any]) -> dict[str, Any]:
    evidence = {"url": world["world"]}
    service: dict[str, Any] = {
        "name": "visits",
        "title": "Doctor-visits model",
        "owner": "care-planning",
        "channel": CHANNEL,
        "on_call": ["ana", "ben"],
        "tier": 2,
        "depends_on": [],
        "consumers": ["care-outreach", "nurse-scheduling"],
        "slos": [slo["metadata"]["name"] for slo in _slos()],
        "runbooks": ["bad-release", "feature-pipeline", "budget-burn"],
        "targets": _targets(world),
        "offers": _offers(world),
        "evidence": {"drift": evidence, **_lineage(world), "deploys": evidence},
        "value_per_event": "42.00",
        "people_per_event": "1",
        "legal": {
            "ai_system": True,
            "high_risk_ai_system": "no",
            "generative_ai": False,
            "personal_data": True,
            "decision_domain": ["health"],
            "countries_affected": ["DE"],
            "us_states_of_individuals": [],
            "consumer_report_used": False,
        },
    }
    return service


def _targets(world: Mapping[str, Any]) -> list[dict[str, Any]]:
    targets: list[dict[str, Any]] = [
        {"name": "visits-pipeline", "action": "pipeline", "settings": {"url": world["world"]}},
    ]
    if "haproxy" in world:
        balancer = world["haproxy"]
        settings = {
            "address": f"unix:{balancer['socket']}",
            "backend": "visits",
            "map_file": balancer["map"],
            "carries": "visits",
        }
        targets.append({"name": "visits-router", "action": "haproxy", "settings": settings})
    else:
        settings = {"url": world["router"], "carries": "visits"}
        targets.append({"name": "visits-router", "action": "router", "settings": settings})
    if "mlflow" in world:
        settings = {"url": world["mlflow"]["url"], "model": "visits", "alias": "champion"}
        targets.append({"name": "visits-registry", "action": "mlflow", "settings": settings})
    return targets


def _lineage(world: Mapping[str, Any]) -> dict[str, Any]:
    """Who can tell what a release was made of: the registry where there is one, else the world's own records."""
    if "mlflow" in world:
        return {"mlflow": {"url": world["mlflow"]["url"], "model": "visits", "alias": "champion"}}
    return {"lineage": {"url": world["world"]}}


def _offers(world: Mapping[str, Any]) -> list[dict[str, Any]]:
    slice_key = "poor" if "haproxy" in world else "health=poor"
    offers: list[dict[str, Any]] = [
        {
            "name": "bypass-poor",
            "label": "Send health=poor to the hand rules",
            "means": "bypass",
            "target": "visits-router",
            "params": {"slice": slice_key, "to": "rules"},
        },
        {
            "name": "rollback-v1",
            "label": "Roll back to v1",
            "means": "rollback",
            "target": "visits-router",
            "params": {"to": "v1"},
        },
        {
            "name": "pause-pipeline",
            "label": "Pause the feature pipeline (serve the last good features)",
            "means": "pause",
            "target": "visits-pipeline",
            "params": {},
        },
    ]
    if "mlflow" in world:
        offers.append(
            {
                "name": REGISTRY_OFFER,
                "label": "Move the champion alias back to v1",
                "means": "rollback",
                "target": "visits-registry",
                "params": {"to": world["mlflow"]["versions"]["v1"]},
            }
        )
    return offers


def _slos() -> Sequence[dict[str, Any]]:
    return [
        _slo(
            "visits-recall-poor",
            "Recall for people in poor health",
            "Of the people in poor health who came often, at least 65 % are predicted to.",
            0.65,
            'true_positives_total{model="visits",health="poor"}',
            'positives_total{model="visits",health="poor"}',
            {
                "slice": "health=poor",
                "tiers": "page:15s/5s@1.7",
                "min-events": "20",
                "recover-for": "8s",
                "no-data-after": "20s",
            },
        ),
        _slo(
            "visits-recall-good",
            "Recall for people in good health",
            "Of the people in good health who came often, at least 50 % are predicted to.",
            0.50,
            'true_positives_total{model="visits",health="good"}',
            'positives_total{model="visits",health="good"}',
            {
                "slice": "health=good",
                "tiers": "page:60s/10s@1.5",
                "min-events": "50",
                "recover-for": "10s",
                "no-data-after": "20s",
            },
        ),
        _slo(
            "visits-accuracy",
            "Accuracy over everybody",
            "At least 55 % of all predictions agree with the outcome: it hardly moves when a slice fails.",
            0.55,
            'predictions_correct_total{model="visits"}',
            'predictions_labelled_total{model="visits"}',
            {"tiers": "page:60s/10s@1.5", "min-events": "100", "recover-for": "10s", "no-data-after": "20s"},
        ),
    ]


def _slo(
    name: str, display: str, description: str, target: float, good: str, total: str, marks: Mapping[str, str]
) -> dict[str, Any]:
    def counter(query: str) -> dict[str, Any]:
        return {"metricSource": {"type": "Prometheus", "metricSourceRef": "visits", "spec": {"query": query}}}

    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {
            "name": name,
            "displayName": display,
            "annotations": {f"tocsin.dev/{key}": value for key, value in marks.items()},
        },
        "spec": {
            "description": description,
            "service": "visits",
            "indicator": {
                "metadata": {"name": f"{name}-sli"},
                "spec": {"ratioMetric": {"counter": True, "good": counter(good), "total": counter(total)}},
            },
            "timeWindow": [{"duration": "1h", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{"displayName": display, "target": target}],
        },
    }
