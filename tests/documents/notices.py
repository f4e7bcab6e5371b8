"""A notice in two versions, with everything counsel changes in one: words, gaps, items, rows, whole paragraphs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.documents import Document, Remark

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DIGEST = "3f1c" * 16

BEFORE = """\
# Notification of a personal data breach

The loan scoring model **credit-7** gave wrong scores between 17 and 19 November 2026. About 40 people are affected.

## What happened

A release on 17 November read the income column in cents. Applicants below 25 were hit hardest.

This paragraph was a first guess and is not needed any more.

- It began: 2026-11-17 09:12 UTC
- It was detected: [[ not yet investigated: moment of detection ]]
- Cause: under investigation

## Who is concerned

| Group | People | Consequence |
|---|---|---|
| Applicants | 40 | Credit refused |
| Guarantors | 3 | None known |
| Employees | 1 | None known |

## What we did

1. The release was rolled back.
2. The scores were withdrawn.

## Contact

Visits Ltd, data protection officer, dpo@visits.example
"""

AFTER = """\
# Notification of a personal data breach

The loan scoring model **credit-7** gave wrong scores between 17 and 19 November 2026. About 412 applicants are affected.

## What happened

A release on 17 November read the income column in cents. Applicants below 25 were hit hardest, by *nine* points of recall.

- It began: 2026-11-17 09:12 UTC
- It was detected: 2026-11-19 14:03 UTC, by the watch on recall
- Cause: a unit of money was read wrongly
- Reference of the authority: [[ unknown: the authority has not answered (asked 2026-11-20) ]]

## Who is concerned

| Group | People | Consequence |
|---|---|---|
| Applicants | 412 | Credit refused or delayed |
| Guarantors | 3 | None known |
| Processors https://scores.visits.example/a/very/long/address/that/has/no/place/to/break/at/all/0123456789 | 2 | Told on 20 November |

## What we did

1. The release was rolled back.
2. The scores were withdrawn.
3. Every refused application is decided anew by a person.

This was checked by a second team.

## Contact

Visits Ltd, data protection officer, dpo@visits.example
"""


def document(text: str = AFTER, **changes) -> Document:
    """The later version, waiting for approval, with two remarks."""
    about = {
        "title": "Notification to the supervisory authority",
        "regime": "eu_gdpr_art33",
        "stage": "sa_notification",
        "status": "version 2, waiting for approval",
        "as_of": NOON,
        "digest": DIGEST,
        "standing": "waiting for approval",
        "regime_name": "GDPR, Article 33",
        "privileged": "Privileged and confidential: prepared at the direction of counsel",
        "remarks": (
            Remark("Cleo Marchetti", NOON - timedelta(hours=1), "Is 412 final?", "412 applicants are affected"),
            Remark(
                "Ben Okafor", NOON - timedelta(minutes=30), "Confirmed by the release notes.", "income column in cents"
            ),
        ),
    }
    return Document.of(text, **{**about, **changes})


def approved(text: str = AFTER) -> Document:
    """The same, approved by two people."""
    signed = [("Cleo Marchetti", NOON + timedelta(hours=2)), ("Max Weber", NOON + timedelta(hours=3))]
    return document(text, status="version 2, approved", standing="approved", approvals=signed, remarks=())
