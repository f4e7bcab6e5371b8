"""Puts a situation into the API's words; nothing is decided here and nothing is left out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from bot.domain.measures import lag
from bot.domain.policy import Policy
from bot.domain.runbook import Run
from bot.engine.situation import Situation
from bot.engine.values import Summary
from bot.web.lines import PAGE, Found, Sought, found, kind_of
from bot.web.shapes import (
    ChartShape,
    CorrectedShape,
    DoneShape,
    ExhibitShape,
    FindingShape,
    FollowUpShape,
    HypothesisShape,
    ImpactShape,
    IncidentShape,
    LagShape,
    LineShape,
    MeasuresShape,
    OfferShape,
    PageShape,
    RunShape,
    StepShape,
    SummaryShape,
    WhyShape,
)
from bot.web.shapes_affected import AffectedShape
from bot.web.shapes_alert import together
from bot.web.shapes_status import statement
from bot.web.telling_change import legal_hold, mitigation
from bot.web.telling_notice import disclosures, duties, notices, questions


def summary(known: Summary) -> SummaryShape:
    """One incident as lists show it."""
    return SummaryShape.model_validate(
        {**asdict(known), "severity": f"SEV{known.severity}", "corrected": known.corrected.split()}
    )


def tell(situation: Situation, policy: Policy, lines: int = PAGE) -> IncidentShape:
    """The whole situation, of its timeline the newest lines; the policy in force says who may approve what."""
    incident, told = situation.incident, found(situation, Sought(), lines)
    spans = situation.measures
    return IncidentShape(
        id=incident.id,
        title=incident.title,
        phase=incident.phase,
        severity=str(incident.severity),
        urgency=str(incident.urgency),
        service=incident.service,
        slice=incident.slice,
        slo=incident.slo,
        because=incident.because,
        restricted=incident.restricted,
        declared_by=situation.name(incident.declared_by),
        onset=incident.onset,
        detected=incident.detected,
        acknowledged=incident.acknowledged,
        acknowledged_by=situation.name(incident.acknowledged_by) if incident.acknowledged_by else "",
        mitigated=incident.mitigated,
        resolved=incident.resolved,
        closed=incident.closed,
        update_due=incident.update_due if incident.is_open else None,
        measures=MeasuresShape(
            ttd_s=_seconds(spans.ttd),
            tta_s=_seconds(spans.tta),
            ttm_s=_seconds(spans.ttm),
            ttr_s=_seconds(spans.ttr),
            corrected=[f"{name}_s" for name in sorted(spans.corrected)],
        ),
        corrections=[
            CorrectedShape(moment=moment, **{**asdict(each), "by": situation.name(each.by)})
            for moment, each in incident.corrected.items()
        ],
        detection_lag=LagShape.model_validate({f"{stage}_s": seconds for stage, seconds in lag(incident).items()}),
        parts={str(part): situation.name(person) for part, person in incident.parts.items()},
        together=together(incident),
        cause=incident.cause,
        hypotheses=[HypothesisShape.model_validate(asdict(each)) for each in incident.hypotheses],
        findings=_findings(situation),
        mitigations=[mitigation(each, situation, policy) for each in incident.mitigations.values()],
        legal_hold=legal_hold(situation),
        left_to_people=sorted(incident.left_to_people),
        run=_run(incident.run, situation) if incident.run else None,
        whys=[
            WhyShape.model_validate({**asdict(each), "assumed": each.assumed, "by": situation.name(each.by)})
            for each in incident.whys.values()
        ],
        impact=ImpactShape.model_validate(incident.impact) if incident.impact else None,
        affected=_affected(situation),
        facts=dict(incident.facts),
        duties=duties(situation, policy),
        questions=questions(situation),
        disclosures=disclosures(situation),
        notices=notices(situation, policy),
        statements=[statement(each, situation) for each in incident.statements.values()],
        followups=_followups(situation),
        exhibits=[ExhibitShape.model_validate(each) for each in situation.exhibits],
        offers=[
            OfferShape(name=each.name, label=each.label, means=each.means, target=each.target, warning=warning)
            for each, warning in situation.offers
        ],
        pages=_pages(situation),
        timeline=timeline(situation, told),
        timeline_total=told.total,
        chart=ChartShape.model_validate(situation.charts[0]) if situation.charts else None,
        seq=incident.seq,
        head=incident.head,
    )


def timeline(situation: Situation, lines: Found) -> list[LineShape]:
    """Those of the lines people read, names filled in."""
    return [
        LineShape(
            seq=line.seq,
            at=line.at,
            recorded=line.recorded,
            by=situation.name(line.by),
            text=situation.say(line),
            name=line.name,
            kind=kind_of(line),
            link=line.link,
            kept=line.kept,
            gone=line.gone.at if line.gone else None,
        )
        for line in lines.lines
    ]


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None


def _findings(situation: Situation) -> list[FindingShape]:
    return [
        FindingShape.model_validate({**asdict(each), "by": situation.name(each.by)})
        for each in situation.incident.findings
    ]


def _run(run: Run, situation: Situation) -> RunShape:
    step = run.step
    return RunShape(
        name=run.book.name,
        title=run.book.title,
        current=run.current,
        place=run.place,
        step=StepShape.model_validate(asdict(step)) if step else None,
        done=[DoneShape.model_validate({**asdict(each), "by": situation.name(each.by)}) for each in run.done],
    )


def _affected(situation: Situation) -> AffectedShape | None:
    known = situation.incident.affected
    if known is None:
        return None
    counted = {"counted_by": situation.name(known.by), "counted_at": known.at}
    return AffectedShape.model_validate({**asdict(known.told), **counted})


def _followups(situation: Situation) -> list[FollowUpShape]:
    today = situation.now.date()
    return [
        FollowUpShape.model_validate(
            {**asdict(each), "owner": situation.name(each.owner), "overdue": each.overdue(today)}
        )
        for each in situation.incident.followups.values()
    ]


def _pages(situation: Situation) -> list[PageShape]:
    return [
        PageShape(
            person=situation.name(each.person),
            channel=each.channel,
            receipt=each.receipt,
            took=each.took.total_seconds() if each.took else None,
            at=each.at,
            detail=each.detail,
        )
        for each in situation.incident.pages.values()
    ]
