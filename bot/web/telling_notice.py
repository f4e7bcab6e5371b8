"""Puts duties, clocks and notices into the API's words; what a person may not see was taken out before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from bot.domain.clocks import Running, answering, ended, running
from bot.domain.duty import Due, Duty
from bot.domain.errors import NotFound
from bot.domain.notice import Comment, Notice, Standing, Version
from bot.domain.policy import Policy
from bot.domain.signing import wanting
from bot.engine.situation import Situation, Words
from bot.notices.checklist import Item
from bot.notices.facts import AtLeast, Range, shown
from bot.web.shapes_notice import (
    ClockShape,
    CommentShape,
    CountedShape,
    DisclosureShape,
    DueShape,
    DutyShape,
    FilingShape,
    FrozenShape,
    ItemShape,
    NoticeShape,
    PrivilegeShape,
    QuestionShape,
    SignatureShape,
    VersionShape,
)

FROZEN = frozenset({Standing.FROZEN, Standing.APPROVED, Standing.FILED})
"""Where the words that count are the frozen ones."""


def current(notice: Notice, draft: Words | None) -> tuple[str, str, tuple[str, ...], int]:
    """Text, digest, gaps and version that count now: frozen ones while they stand, else the draft as version 0."""
    latest = notice.latest
    if latest is not None and (notice.standing in FROZEN or draft is None):
        return latest.text, latest.digest, latest.gaps, latest.number
    return (draft.text, draft.digest, draft.gaps, 0) if draft else ("", "", (), 0)


# -- duties ----------------------------------------------------------------------------------------------------------


def duties(situation: Situation, policy: Policy) -> list[DutyShape]:
    """Every regime's answer with its clocks."""
    return [_duty(each, situation, policy) for each in situation.incident.duties.values()]


def _duty(duty: Duty, situation: Situation, policy: Policy) -> DutyShape:
    owner, deputy = owners(duty.regime, situation, policy)
    given = {name: value for name, value in asdict(duty).items() if name in DutyShape.model_fields}
    return DutyShape.model_validate({
        **given,
        "decided_by": situation.name(duty.decided_by) if duty.decided_by else "",
        "facts_say": duty.facts_say or "",
        "contradicted": duty.contradicted,
        "would_be": duty.would_be or "",
        "dues": [_due(duty, due, situation) for due in duty.dues],
        "owner": owner,
        "deputy": deputy,
    })  # fmt: skip


def owners(regime: str, situation: Situation, policy: Policy) -> tuple[str, str]:
    """Who answers for a regime's clocks, and the deputy, by name."""
    found = [situation.name(each) for each in answering(situation.incident, regime, policy, situation.directory)]
    return (*found, "", "")[0], (*found, "", "")[1]


def _due(duty: Duty, due: Due, situation: Situation) -> DueShape:
    past = situation.incident.due_history.get(f"{duty.regime}/{due.stage}", ())
    share = Running(duty, due).share(situation.now) if due.strict else None
    return DueShape.model_validate({
        **asdict(due),
        "share": share,
        "filed": ended(situation.incident, duty, due),
        "history": [CountedShape.model_validate({**asdict(each.due), "at": each.at}) for each in past],
    })  # fmt: skip


def questions(situation: Situation) -> list[QuestionShape]:
    """What would settle the open duties."""
    return [
        QuestionShape(
            fact=each.fact.key,
            label=each.fact.label,
            note=each.fact.note,
            type=str(each.fact.type),
            asks=each.fact.asks,
            regimes=list(each.regimes),
        )
        for each in situation.questions
    ]


def disclosures(situation: Situation) -> list[DisclosureShape]:
    """What was decided on telling those nobody must tell."""
    found = situation.incident.disclosures.values()
    return [DisclosureShape.model_validate({**asdict(each), "by": situation.name(each.by)}) for each in found]


def clocks(situation: Situation, policy: Policy) -> list[ClockShape]:
    """Every clock of an incident that runs, the one that ends first before the others."""
    incident, found = situation.incident, []
    for each in running(incident):
        owner, deputy = owners(each.duty.regime, situation, policy)
        notice = _newest(situation, each)
        found.append(
            ClockShape(
                incident=incident.id,
                title=incident.title,
                regime=each.duty.regime,
                regime_name=each.duty.name,
                stage=each.due.stage,
                stage_name=each.due.name,
                sure=each.sure,
                started=each.due.started,
                strict=each.strict,
                outer=each.due.outer,
                share=each.share(situation.now),
                by_law=each.due.by_law,
                owner=owner,
                deputy=deputy,
                notice=notice.id if notice else "",
                standing=notice.standing if notice else "",
                missing=_missing(notice, situation, policy),
            )
        )
    return found


def _newest(situation: Situation, each: Running) -> Notice | None:
    """The notice somebody works on for that clock."""
    wanted = (each.duty.regime, each.due.stage)
    found = [n for n in situation.incident.notices.values() if (n.regime, n.stage) == wanted]
    return next((n for n in reversed(found) if n.standing is not Standing.DROPPED), None)


def _missing(notice: Notice | None, situation: Situation, policy: Policy) -> list[str]:
    """What stands between now and a filed notice, in words."""
    if notice is None:
        return ["no notice begun"]
    _text, _digest, gaps, _version = current(notice, situation.drafts.get(notice.id))
    found = [f"{len(gaps)} gap{'' if len(gaps) == 1 else 's'}"] if gaps else []
    if notice.standing is Standing.FROZEN:
        found += [f"{each.capacity} signature" for each in wanting(notice, policy)]
    elif notice.standing is Standing.APPROVED:
        found.append("filing")
    else:
        found.append("approval")
    return found


# -- notices ---------------------------------------------------------------------------------------------------------


def notices(situation: Situation, policy: Policy) -> list[NoticeShape]:
    """Every notice."""
    return [notice(each, situation, policy) for each in situation.incident.notices.values()]


def notice(each: Notice, situation: Situation, policy: Policy) -> NoticeShape:
    """One notice with everything written on it."""
    draft = situation.drafts.get(each.id)
    text, digest, gaps, _frozen = current(each, draft)
    return NoticeShape(
        id=each.id,
        template=each.template,
        regime=each.regime,
        stage=each.stage,
        locale=each.locale,
        standing=each.standing,
        version=each.latest.number if each.latest else 0,
        digest=digest,
        gaps=list(gaps),
        text=text,
        approved_by=situation.name(each.approved_by) if each.approved_by else "",
        approved_at=each.approved_at,
        note=each.note,
        draft_digest=draft.digest if draft else "",
        unfilled=situation.unfilled.get(each.id, ""),
        items=[_item(line, each, situation) for line in draft.items] if draft else [],
        reworded_by=situation.name(each.rewording.by) if each.rewording else "",
        clashes=list(draft.clashes) if draft else [],
        comments=[_comment(remark, situation) for remark in each.comments],
        versions=[VersionShape.model_validate(_version(kept, situation)) for kept in each.versions],
        wanting=[off.capacity for off in wanting(each, policy)] if each.standing is Standing.FROZEN else [],
        privilege=PrivilegeShape.model_validate({**asdict(each.privilege), "by": situation.name(each.privilege.by)})
        if each.privilege
        else None,
        filing=FilingShape.model_validate({**asdict(each.filing), "by": situation.name(each.filing.by)})
        if each.filing
        else None,
    )


def _comment(remark: Comment, situation: Situation) -> CommentShape:
    by, settled = situation.name(remark.by), situation.name(remark.resolved_by) if remark.resolved_by else ""
    return CommentShape.model_validate({**asdict(remark), "by": by, "resolved_by": settled})


def _item(line: Item, each: Notice, situation: Situation) -> ItemShape:
    given = each.given.get(line.key)
    return ItemShape(
        key=line.key,
        number=line.number,
        label=line.label,
        help=line.help,
        state=line.state,
        value=said(line.value),
        because=line.because,
        source=line.source,
        required=line.required,
        when=line.when,
        choices=list(line.choices),
        by=situation.name(given.by) if given else "",
        at=given.at if given else None,
    )


def _version(kept: Version, situation: Situation) -> dict[str, Any]:
    return {
        "number": kept.number,
        "digest": kept.digest,
        "gaps": list(kept.gaps),
        "as_of": kept.as_of,
        "asked_by": situation.name(kept.asked_by),
        "asked_at": kept.asked_at,
        "rules": kept.rules,
        "signatures": [
            SignatureShape(by=situation.name(each.by), capacity=each.capacity, at=each.at) for each in kept.signatures
        ],
    }


def frozen(each: Notice, number: int, situation: Situation) -> FrozenShape:
    """One version with its words. Raises NotFound."""
    kept = version_of(each, number)
    known = json.loads(kept.facts) if kept.facts else {}
    return FrozenShape.model_validate({**_version(kept, situation), "text": kept.text, "facts": known})


def version_of(notice: Notice, number: int) -> Version:
    """The frozen version of that number. Raises NotFound."""
    found = next((kept for kept in notice.versions if kept.number == number), None)
    if found is None:
        raise NotFound("version", str(number), [str(kept.number) for kept in notice.versions])
    return found


def said(value: object) -> str:
    """A line's value in words: yes, 12 500, a time in UTC, DE and FR."""
    if isinstance(value, list | tuple):
        return ", ".join(said(each) for each in value)
    if isinstance(value, bool | datetime | date | frozenset | Mapping | Range | AtLeast):
        return shown(value)
    return "" if value is None else str(value)
