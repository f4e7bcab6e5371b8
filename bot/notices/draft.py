"""A draft notice: its words, its open gaps and a digest that an approval is bound to.

Drafts are filled by `bot.words` from plain values. A template may use these words (times are datetimes in UTC, shown by
the filter `utc`; any value may be None and then shows as a gap through `or_gap`):

    incident    id, title, service, slice, severity, onset, detected, acknowledged, mitigated, resolved, cause, summary;
                onset_basis says where the onset comes from ("estimated from the data"); lead, next_update (the time
                promised), link to its page, legal_hold (since when everything is held as it is)
    impact      events, people, money, currency, unknown (list of what is not known), as_of (when it was assessed)
    affected    version, decided, adverse (both numbers of decisions), window_start, window_end (open while it goes on)
    duties      list of {regime, name, answer, because, stage, due, outer, owner}   whom the law wants told
    known       list of {at, what}                       what was found, with the moment it was seen
    open        list of {what, who}                      what somebody must decide now
    actions     list of {at, what, by, outcome}          what was done to limit the harm
    followups   list of {what, owner, due, status}       what keeps it from happening again
    timeline    list of {at, what}
    facts       the typed facts by key; sets are sorted lists
    fields      the stage's checklist by key: {label, state, value, because}, shown by the filter `filled`
    org         name, address, contact, legal_contact, dpo, spokesperson
    notice      regime, regime_name, stage, stage_name, recipients (list), cited, late_rule, disclaimer
    updates     list of {at, text}                       earlier updates to the same audience

A post-mortem may use these as well; a notice finds them empty:

    lead, ended  who leads it, and how it ended in the words of whoever resolved it
    story        list of {at, what, recorded, gone, link}  the whole timeline but for notice work
    spoken       messages, people                        how much was said in the thread and the war room
    measures     list of {name, value, definition}
    waivers      list of {what, because}                 checks that were open at the end
    causes       list of {cause, certainty, supported_by, opposed_by}
    findings     list of {id, text}
    whys         list of {id, text, deep, ground, root, promised}; struck: list of {id, text, because}
    mitigations  list of {id, what, state, because, proposed_by, proposed_at, approvals, applied_at, verified_at,
                 undone_at, changes, detail}, each approval {by, at, digest}
    promises     list of {id, what, owner, due, why, status}
    notice_work  begun, filed, clocks, open_questions

Of the others:

    as_of       the moment the facts were read; print it nowhere in the text, or each look would be a new version
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from bot.notices.checklist import GAP, Checklist, as_words, gap
from bot.notices.facts import Facts, plain
from bot.notices.locales import EN, Locale
from bot.notices.redline import Piece, changed, redline
from bot.notices.regime import DISCLAIMER, Regime, Stage

VOCABULARY: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "incident": frozenset(
            {"id", "title", "service", "slice", "severity", "cause", "summary", "onset_basis"}
            | {"onset", "detected", "acknowledged", "mitigated", "resolved"}
            | {"lead", "next_update", "link", "legal_hold"}
        ),
        "impact": frozenset({"events", "people", "money", "currency", "unknown", "as_of"}),
        "affected": frozenset({"version", "decided", "adverse", "window_start", "window_end"}),
        "org": frozenset({"name", "address", "contact", "legal_contact", "dpo", "spokesperson"}),
        "notice": frozenset(
            {"regime", "regime_name", "stage", "stage_name", "recipients", "cited", "late_rule", "disclaimer"}
        ),
        "actions": frozenset(),
        "followups": frozenset(),
        "timeline": frozenset(),
        "updates": frozenset(),
        **dict.fromkeys(("duties", "known", "open"), frozenset[str]()),
        "as_of": frozenset(),
        **dict.fromkeys(
            ("lead", "ended", "story", "measures", "waivers", "causes", "findings", "whys"), frozenset[str]()
        ),
        **dict.fromkeys(("struck", "mitigations", "promises"), frozenset[str]()),
        "spoken": frozenset({"messages", "people"}),
        "notice_work": frozenset({"begun", "filed", "clocks", "open_questions"}),
        "facts": frozenset(),  # checked against the fact list by whoever holds it
        "fields": frozenset(),  # checked against the stage's fields
    }
)

ITEMS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "actions": frozenset({"at", "what", "by", "outcome"}),
        "followups": frozenset({"what", "owner", "due", "status"}),
        "timeline": frozenset({"at", "what"}),
        "updates": frozenset({"at", "text"}),
        "duties": frozenset({"regime", "name", "answer", "because", "stage", "due", "outer", "owner"}),
        "known": frozenset({"at", "what"}),
        "open": frozenset({"what", "who"}),
        "story": frozenset({"at", "what", "recorded", "gone", "link"}),
        "measures": frozenset({"name", "value", "definition"}),
        "waivers": frozenset({"what", "because"}),
        "causes": frozenset({"cause", "certainty", "supported_by", "opposed_by"}),
        "findings": frozenset({"id", "text"}),
        "whys": frozenset({"id", "text", "deep", "ground", "root", "promised"}),
        "struck": frozenset({"id", "text", "because"}),
        "mitigations": frozenset(
            {"id", "what", "state", "because", "proposed_by", "proposed_at", "approvals", "applied_at"}
            | {"verified_at", "undone_at", "changes", "detail"}
        ),
        "promises": frozenset({"id", "what", "owner", "due", "why", "status"}),
    }
)
"""What each item of the lists among those words has."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Version N of a notice. `gaps` are the markers still in the text and the required lines nobody has looked into."""

    version: int
    text: str
    gaps: tuple[str, ...]
    digest: str
    as_of: datetime
    facts: Facts


def draft(version: int, text: str, items: Checklist, facts: Facts, as_of: datetime, locale: Locale = EN) -> Draft:
    """Freeze rendered words with what they rest on."""
    in_text = GAP.findall(text)
    unsaid = [item.label for item in items.missing if not any(f": {item.label} ]]" in each for each in in_text)]
    gaps = tuple(dict.fromkeys([*in_text, *(gap(label, locale=locale) for label in unsaid)]))
    return Draft(version, text, gaps, digest(text, facts, as_of), as_of, MappingProxyType(dict(facts)))


def digest(text: str, facts: Facts, as_of: datetime) -> str:
    """SHA-256 in hex over canonical JSON of words, facts and the moment they were read: what an approval binds to."""
    known = {key: value for key, value in facts.items() if value is not None}
    body = {"text": text, "facts": plain(known), "as_of": plain(as_of)}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def stale(frozen: Draft, fresh_text: str) -> list[Piece]:
    """What today's words would change in a frozen version; [] while it still says what the facts say."""
    pieces = redline(frozen.text, fresh_text)
    return pieces if changed(pieces) else []


def context(
    regime: Regime, stage: Stage, items: Checklist, base: Mapping[str, object], facts: Facts
) -> dict[str, object]:
    """Every word for a stage's template: what the incident holds plus facts, checklist and the stage itself."""
    return plain_context(base, regime.facts, facts) | {
        "fields": as_words(items),
        "notice": {
            "regime": regime.id,
            "regime_name": regime.name,
            "stage": stage.id,
            "stage_name": stage.name,
            "recipients": list(stage.recipients),
            "cited": regime.cited,
            "late_rule": stage.late_rule or None,
            "disclaimer": DISCLAIMER,
        },
    }


def plain_context(
    base: Mapping[str, object], fact_list: Collection[str] = (), facts: Facts = MappingProxyType({})
) -> dict[str, object]:
    """The words of an update or postmortem, which belong to no regime: what `base` lacks is None, or an empty list."""
    words: dict[str, object] = {"as_of": base.get("as_of")}
    words["facts"] = dict.fromkeys(fact_list) | {key: _listed(value) for key, value in facts.items()}
    words |= {"lead": base.get("lead"), "ended": base.get("ended")}
    for name in ("incident", "impact", "affected", "org", "spoken", "notice_work"):
        given = base.get(name)
        words[name] = dict.fromkeys(VOCABULARY[name]) | (dict(given) if isinstance(given, Mapping) else {})
    for name in ITEMS:
        words[name] = base.get(name) or []
    impact = words["impact"]
    if isinstance(impact, dict) and impact["unknown"] is None:
        impact["unknown"] = []
    return words


def _listed(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value
