"""The card: the one message that always says what is broken, since when, who has it, and what comes next."""

from collections.abc import Callable
from datetime import datetime

from bot.blockkit.blocks import (
    Block,
    actions,
    chart,
    clean,
    context,
    header,
    option,
    overflow,
    section,
    untrusted,
)
from bot.domain.duty import Answer
from bot.domain.finding import certainty
from bot.domain.hold import held_back
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, State
from bot.domain.nobody import instead, unattended
from bot.domain.paging import Receipt
from bot.domain.phase import Phase
from bot.domain.policy import Urgency
from bot.domain.roles import Part
from bot.domain.status import Step, standing
from bot.engine.situation import Chart, Situation
from bot.slack.ids import Ref, choice
from bot.slack.message import Message
from bot.slack.views._words import PHASES, at, brief, clock, console, headline, lasted, person, press, title
from bot.slack.views.group import way
from bot.slack.views.room import channel_link

PAGES = 3
"""So many of the latest pages are named."""
SERVICES = 10
"""So many services of a storm are named."""
CATEGORIES = 20
"""How many points a chart may have."""


def render(situation: Situation, *, charts: bool = True) -> Message:
    """The card of an open incident, at most twelve blocks."""
    incident = situation.incident
    now = now_line(situation)
    amber = "🟠 " if situation.update_overdue else ""  # the only colour a message has
    blocks = [header(headline(incident, amber)), _facts(situation)]
    blocks.append(section(f"*Now* {now}{_nobody(situation)}", accessory=way(situation)))
    blocks += [section(each) for each in [_legal_hold(situation), *_digest(situation)] if each]
    cause = _cause(situation)
    blocks += [section(cause)] if cause else []
    place = len(blocks)
    blocks.append(context(_small_print(situation)))
    paged = _paged(situation)
    blocks += [context(paged)] if paged else []
    blocks.append(_buttons(situation))
    page = console(situation)
    blocks += [context(page)] if page else []
    drawn = _chart(situation) if charts else None
    rich = [*blocks[:place], drawn, *blocks[place:]] if drawn else None
    text = f"{brief(incident)} {title(incident, 200)}. {now_line(situation, when=clock)}"
    return Message(text, blocks, rich)


def restricted(situation: Situation) -> Message:
    """What a named person is told of a restricted incident: that it is there, and nothing of what it is."""
    incident = situation.incident
    page = console(situation)
    words = f"{incident.severity} · {incident.id} is restricted: its content is shown on the console only."
    blocks = [section(words), context(f"{PHASES[incident.phase]} · since {at(incident.onset)}")]
    if incident.phase is Phase.DECLARED:
        blocks.append(actions(press("Acknowledge", "ack", incident.id, style="primary")))
    blocks += [context(page)] if page else []
    todo = "Acknowledge it" if incident.phase is Phase.DECLARED else "Open the console"
    return Message(f"{brief(incident)} is restricted and concerns you. {todo}.", blocks)


def handed_over(situation: Situation) -> Message:
    """What somebody reads who was told of a restricted incident, and whom it concerns no more: nothing new of it."""
    words = f"{brief(situation.incident)} concerned you while you were on call; nothing is asked of you now."
    return Message(words, [section(words)])


def now_line(situation: Situation, when: Callable[[datetime | None], str] = at) -> str:
    """The one thing that matters next, in mrkdwn; `when` says a time."""
    incident = situation.incident
    if incident.phase in (Phase.RESOLVED, Phase.CLOSED):
        return f"{PHASES[incident.phase]} {when(incident.closed or incident.resolved)}."
    for mitigation in reversed(list(incident.mitigations.values())):
        words = _mitigating(situation, mitigation)
        if words:
            what = untrusted(f"{mitigation.plan.means} on {mitigation.plan.target}", 120)
            return f"{mitigation.id} ({what}) {words}"
    if incident.storm is not None:
        return _storming(situation, when)
    if incident.phase is Phase.DECLARED and incident.suspected:
        return "Evidence of a failure, no proof of harm yet: it becomes a page by itself, or goes away."
    if incident.phase is Phase.DECLARED:
        return "Somebody who can help must acknowledge."
    if incident.phase is Phase.MITIGATED:
        return _over(incident, when)
    run = incident.run
    if run is not None and run.step is not None:
        return f"Runbook step {run.place}: {untrusted(run.step.title, 150)}"
    if incident.hypotheses and incident.hypotheses[0].next_test:
        return f"To learn the cause: {untrusted(incident.hypotheses[0].next_test, 200)}"
    return "Find out what changed, or propose a mitigation."


def _nobody(situation: Situation) -> str:
    """That nobody is on call for it and who was paged instead, on a line of its own; "" where somebody is."""
    known = unattended(situation.incident)
    if known is None:
        return ""
    words, slots = instead(known.people)
    told = words.format(**{name: person(situation, who.id) for name, who in slots.items()})
    by_hand = "" if known.people else " Page somebody by name."
    return f"\n⚠ {known.lack.words[0].upper()}{known.lack.words[1:]}{told}.{by_hand}"


def _over(incident: Incident, when: Callable[[datetime | None], str]) -> str:
    """By what the harm is over, as far as the data say."""
    if incident.alerts_quiet is None:
        return "The SLI is met again; resolve when you are sure it is over."
    return f"All alerts are over since {when(incident.alerts_quiet)}; resolve when you are sure it is over."


def _storming(situation: Situation, when: Callable[[datetime | None], str]) -> str:
    """Of a storm's umbrella: whether it goes on, and what is left of it."""
    storm, digest = situation.incident.storm, situation.digest
    if storm is not None and storm.until is None:
        rate = f"{digest.per_minute:,} new incidents in the last minute" if digest else "new incidents"
        return f"It storms since {when(storm.since)}: {rate}. Only critical ones have a card of their own."
    left = f" {digest.open:,} of its incidents are still open." if digest else ""
    return f"The storm is over since {when(storm.until if storm else None)}.{left}"


def _digest(situation: Situation) -> list[str]:
    """What came in a storm: by severity, by service, and the newest critical ones that are open."""
    digest = situation.digest
    if digest is None:
        return []
    grades = " · ".join(f"SEV{severity} {number:,}" for severity, number in digest.by_severity) or "none yet"
    lines = [f"*{digest.incidents:,} incidents*, {digest.open:,} open · {grades}"]
    services = [
        f"{untrusted(name or 'no service', 60)} {came:,} ({still:,} open)" for name, came, still in digest.by_service
    ]
    more = f" · and {len(services) - SERVICES:,} more services" if len(services) > SERVICES else ""
    lines += ["*By service* " + " · ".join(services[:SERVICES]) + more] if services else []
    newest = [f"{each.id} {untrusted(each.title, 80)} ({at(each.at)})" for each in digest.newest]
    lines += ["*Newest critical* " + " · ".join(newest)] if newest else []
    return lines


def _mitigating(situation: Situation, mitigation: Mitigation) -> str:
    """What a mitigation under way waits for; "" where it needs nobody now."""
    match mitigation.state:
        case State.PROPOSED if mitigation.needs > 1:
            return f"waits for approval: {len(mitigation.approvers)} of {mitigation.needs} so far."
        case State.APPROVED if held_back(situation.incident, mitigation):
            return "is approved and waits for counsel."
        case State.APPROVED | State.CLAIMED if mitigation.glass:
            return "is carried out by one person alone."
        case State.APPROVED if mitigation.hold_finished:
            return "is approved and will be carried out."
    return {
        State.PROPOSED: "waits for a second person's approval.",
        State.APPROVED: "is approved and will be carried out once the evidence is held.",
        State.CLAIMED: "is being carried out.",
        State.APPLIED: "is applied; the data will show whether it helps.",
        State.NOT_HELPING: "does not seem to help: undo it or propose another.",
        State.UNKNOWN: f"may or may not have been {'taken back' if mitigation.undo_in_doubt else 'applied'}: "
        "a person must look, it is not tried again.",
        State.UNDOING: "is being undone.",
    }.get(mitigation.state, "")


def _legal_hold(situation: Situation) -> str:
    """That counsel wants nothing altered, while they do."""
    hold = situation.incident.legal_hold
    if hold is None:
        return ""
    return f"⚠ *Legal hold* by {person(situation, hold.by)} since {at(hold.at)}: {untrusted(hold.because, 300)}"


def _facts(situation: Situation) -> Block:
    incident = situation.incident
    lead = incident.parts.get(Part.COMMANDER, "")
    where = " · ".join(part for part in (incident.service, incident.slice) if part)
    rows = [
        f"*State*\n{_phase(incident)}{_urgency(incident)}",
        f"*Lead*\n{person(situation, lead) if lead else 'nobody yet'}",
        f"*Since*\n{at(incident.onset)}",
        f"*Detected*\n{at(incident.detected)} (after {lasted(situation.measures.ttd)})",
    ]
    rows += [f"*Next update*\n{_next_update(situation)}"] if incident.is_open and incident.update_due else []
    rows += [f"*Where*\n{untrusted(where, 200)}"] if where else []
    if incident.sli is not None:
        rows.append(f"*SLI*\n{untrusted(situation.titled(incident.sli.slo), 100)} {incident.sli.judged}")
    return section(fields=rows)


def _phase(incident: Incident) -> str:
    if incident.phase is Phase.MITIGATED and incident.sli is None:
        return "Mitigated, the storm is over" if incident.storm is not None else "Mitigated, all alerts are over"
    return PHASES[incident.phase]


def _next_update(situation: Situation) -> str:
    """When everybody hears again. It changes once, when that has passed."""
    due = at(situation.incident.update_due)
    return f"⚠ overdue since {due}" if situation.update_overdue else due


def _urgency(incident: Incident) -> str:
    """What the phase does not say: that nobody was woken, and why."""
    if not incident.is_open or incident.urgency is Urgency.PAGE:
        return ""
    return " · suspected, nobody is paged" if incident.suspected else " · ticket, nobody is paged"


def _cause(situation: Situation) -> str:
    incident = situation.incident
    if not incident.hypotheses:
        return f"*Why it was opened* {untrusted(incident.because, 400)}" if incident.because.strip() else ""
    first = incident.hypotheses[0]
    ground = f" (for: {', '.join(first.supported_by)})" if first.supported_by else ""
    words = f"*Likely cause* {first.cause.replace('_', ' ')}, {certainty(first.belief)}{untrusted(ground, 100)}"
    asks = first.next_test and incident.is_open and incident.mitigated is None  # afterwards the 5 Whys go on from here
    return words + (f"\n*Would settle it* {untrusted(first.next_test, 250)}" if asks else "")


def _small_print(situation: Situation) -> str:
    incident = situation.incident
    parts = []
    if incident.run is not None:
        step = incident.run.step
        parts.append(
            f"Step {incident.run.place} · “{untrusted(step.title, 80)}”" if step is not None else "Runbook finished"
        )
    found = sum(1 for one in incident.findings if one.gone is None)
    parts.append("no findings yet" if not found else f"{found} finding{'s' if found > 1 else ''}")
    if incident.whys:
        parts.append(f"{len(incident.whys)} why{'s' if len(incident.whys) != 1 else ''}")
    parts += [f"{m.id} was done by one person alone, not reviewed yet" for m in incident.mitigations.values()
              if m.wants_review]  # fmt: skip
    parts += [words] if (words := notices_line(incident)) else []
    parts += [words] if (words := status_line(incident)) else []
    if incident.room is not None and incident.room.stands and (link := channel_link(incident.room.channel)):
        parts.append(f"war room {link}")
    if incident.alerts:
        firing = sum(1 for each in incident.alerts.values() if each.firing)
        parts.append(f"{len(incident.alerts):,} alert{'s' if len(incident.alerts) != 1 else ''}, {firing:,} firing")
    if incident.attached:
        parts.append(
            f"also broken: {untrusted(', '.join(situation.titled(sli.slo) for sli in incident.attached), 200)}"
        )
    return " · ".join(parts)


def notices_line(incident: Incident) -> str:
    """That notice work is under way, never what it says (the thread is not the place for it)."""
    working = sum(1 for notice in incident.notices.values() if not notice.over)
    clocks = [d.strict for d in incident.duties.values() if d.answer is Answer.YES and d.strict is not None]
    if not working and not clocks:
        return ""
    if not clocks:
        return "notice work in progress"
    return (
        f"notice work in progress ({len(clocks)} clock{'s' if len(clocks) != 1 else ''}, first due {at(min(clocks))})"
    )


def status_line(incident: Incident) -> str:
    """Where a statement for the status page stands, never what it says before it is there."""
    waits = [each.id for each in incident.statements.values() if each.step in (Step.FROZEN, Step.APPROVED)]
    if waits:
        last = incident.statements[waits[-1]]
        return f"status page: {last.id} {'waits for approval' if last.step is Step.FROZEN else 'is approved'}"
    said = standing(incident)
    return f"status page: {said[-1].kind}, {said[-1].id} of {at(said[-1].published_at)}" if said else ""


def _paged(situation: Situation) -> str:
    pages = list(situation.incident.pages.values())
    lines = [f"{len(pages) - PAGES} more before"] if len(pages) > PAGES else []
    for page in pages[-PAGES:]:
        who = person(situation, page.person)
        if page.receipt is Receipt.FAILED:
            lines.append(f"paging {who} by {untrusted(page.channel, 20)} failed")
        else:
            after = f", {page.receipt} after {page.took.total_seconds():.0f} s" if page.took is not None else ""
            by = f" by {untrusted(page.channel, 20)}" if page.channel != "slack" else ""
            lines.append(f"{who} paged{by} {at(page.at)}{after}")
    return " · ".join(lines)


def _buttons(situation: Situation) -> Block:
    incident = situation.incident
    name, ref = incident.id, Ref(incident.id)
    menu = [("Add finding", "finding.open"), ("5 Whys", "whys.open")]
    if incident.is_open:
        if incident.room is None or not (incident.room.pending or incident.room.stands):
            menu.append(("War room", "room.open"))
        over = incident.phase is Phase.MITIGATED and not incident.unclaimed
        menu += [("Legal and impact", "legal.open"), ("Take lead", "lead") if over else ("Resolve", "resolve.open")]
        row = []
        if incident.unclaimed:
            row.append(press("Acknowledge", "ack", name, style="primary"))
        elif over:
            row.append(press("Resolve", "resolve.open", name, style="primary"))
        else:
            row.append(press("Take lead", "lead", name))
        following = incident.run is not None and bool(incident.run.current)
        primary = not incident.unclaimed and not over
        label = "Continue runbook" if following else "Start runbook"
        row.append(press(label, "runbook.open", name, style="primary" if primary else None))
        row += [press("Update", "update.open", name), press("Propose action", "propose.open", name)]
    else:
        menu += [("Legal and impact", "legal.open"), ("Re-open", "reopen.open")]
        row = [press("5 Whys", "whys.open", name), press("Add follow-up", "followup.open", name)]
        if incident.phase is Phase.RESOLVED:
            row.append(press("Close", "close", name))
    if _impact_asked(incident):
        row.append(press("Assess impact", "impact.open", name))
    return actions(*row, overflow("more", [option(label, choice(deed, ref)) for label, deed in menu]))


def _impact_asked(incident: Incident) -> bool:
    """Whether a duty may hang on the impact and nobody has stated it; else it is asked for below Legal and impact."""
    return incident.impact is None and any(duty.answer is not Answer.NO for duty in incident.duties.values())


def _chart(situation: Situation) -> Block | None:
    """The bad share of the SLI that fired, in per cent, with the objective's allowance; None where nothing is known."""
    drawn = next((one for one in situation.charts if one.slo == situation.incident.slo), None)
    points = _points(drawn) if drawn is not None else []
    if drawn is None or len(points) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    allowed = round((1 - drawn.objective) * 100, 4)
    labels = [label for label, _ in points]
    return chart(
        clean(f"{drawn.title or drawn.slo}: bad events, %", 50),
        labels,
        {"bad events": [value for _, value in points], "allowed": [allowed] * len(points)},
    )


def _points(drawn: Chart) -> list[tuple[str, float]]:
    """At most twenty bins of covered buckets: label (unique, UTC) and bad share in per cent."""
    bars = [bar for bar in drawn.bars if bar.covered]
    size = max(1, -(-len(bars) // CATEGORIES))
    bins = [bars[start : start + size] for start in range(0, len(bars), size)]
    form = "%H:%M:%S" if len({bar.at.date() for bar in bars}) == 1 else "%b %d %H:%M:%S"
    points: dict[str, float] = {}
    for group in bins:
        total = sum(bar.good + bar.bad for bar in group)
        if total:
            points[group[0].at.strftime(form)] = round(100 * sum(bar.bad for bar in group) / total, 3)
    return list(points.items())
