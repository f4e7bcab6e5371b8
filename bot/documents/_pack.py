"""Makes the auditor's pack of an incident: one zip that proves itself with plain Python, wherever it is read."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.documents._approved import decisions, notices
from bot.documents.csv import table
from bot.domain.duty import DutyDecided
from bot.domain.log import Entry
from bot.engine.parcel import Parcel
from bot.engine.situation import Situation

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a ZIP entry can carry: equal packs become equal bytes
_HERE = Path(__file__).parent
FORM = "tocsin-pack/1"


def pack(parcel: Parcel, product: str) -> bytes:
    """The zip's bytes, the same for the same incident at the same moment; `product` is this program and its version."""
    situation = parcel.situation
    incident = situation.incident
    files: dict[str, bytes] = {
        "VERIFY.md": (_HERE / "_verify.md").read_bytes(),
        "verify.py": (_HERE / "_verify.py").read_bytes(),
        **_log(parcel),
        **_timeline(situation, parcel.withheld),
        **_evidence(parcel),
        **notices(situation, {text.ref for text in parcel.chain.texts if text.text is None}, parcel.chain),
        "approvals.json": told(decisions(situation)),
        "duties.json": told(_duties(situation)),
        "people.json": told(_people(situation)),
    }
    manifest = told(
        {
            "form": FORM,
            "product": product,
            "incident": incident.id,
            "as_of": when(situation.now),
            "entries": len(parcel.chain.entries),
            "head": incident.head,
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        }
    )
    files["MANIFEST.json"] = manifest
    files["MANIFEST.sha256"] = f"{hashlib.sha256(manifest).hexdigest()}  MANIFEST.json\n".encode()
    return zipped(files)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Files as one zip: in the order of their names, all of one time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            made.writestr(entry, files[name])
    return out.getvalue()


def told(content: object) -> bytes:
    """JSON a person can read: sorted, indented, UTF-8."""
    return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def when(at: Any) -> str | None:
    """A moment in ISO 8601, None where there is none."""
    return at.isoformat().replace("+00:00", "Z") if at is not None else None


def _log(parcel: Parcel) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    rows = []
    for each in parcel.chain.entries:
        name = f"log/entries/{each.seq:06}.json"
        files[name] = each.stored
        rows.append({"seq": each.seq, "file": name, "before": each.before, "hash": each.hash})
    texts = [
        {
            "ref": each.ref,
            "entry": each.seq,
            "erased": each.text is None,
            "withheld": each.seq in parcel.withheld,
            "salt": each.salt.hex() if each.salt is not None else None,
            "text": each.text.decode() if each.text is not None else None,
        }
        for each in parcel.chain.texts
    ]
    return files | {"log/chain.json": told(rows), "log/texts.json": told(texts)}


WITHHELD = "a privileged document; what was said of it is withheld"


def _timeline(situation: Situation, withheld: frozenset[int]) -> dict[str, bytes]:
    lines = [
        {
            "entry": line.seq,
            "at": when(line.at),
            "recorded": when(line.recorded),
            "by": line.by,
            "name": situation.name(line.by),
            "kind": line.name,
            "text": WITHHELD if line.seq in withheld else situation.say(line),
            "gone": when(line.gone.at) if line.gone else None,
        }
        for line in situation.timeline
    ]
    heads = ("entry", "at", "recorded", "name", "kind", "text")
    incident = situation.incident
    page = [f"# {incident.id}: {_line(incident.title)}", "", "Times are UTC. The number is the entry of the log.", ""]
    page += [f"- {line['at']} [{line['entry']}] {_line(str(line['text']))}" for line in lines]
    return {
        "timeline.json": told(lines),
        "timeline.csv": table(heads, [[line[head] for head in heads] for line in lines]),
        "timeline.md": ("\n".join(page) + "\n").encode(),
    }


def _line(text: str) -> str:
    """Words on one line, in which nothing is markup."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|!" else sign for sign in " ".join(text.split()))


def _evidence(parcel: Parcel) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    rows = []
    for each in parcel.situation.exhibits:
        piece = parcel.pieces[each.id]
        name = ""
        if piece.content is not None:
            plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in each.name)
            name = f"evidence/{each.id}/{plain[-80:].lstrip('.') or 'file'}"
            files[name] = piece.content
        rows.append(
            {
                "id": each.id,
                "name": each.name,
                "media_type": each.media_type,
                "kept_at": when(each.at),
                "sha256": each.sha256,
                "file": name,
                "not_here_because": piece.because,
            }
        )
    return files | {"evidence/index.json": told(rows)}


def _duties(situation: Situation) -> dict[str, object]:
    incident = situation.incident
    asked: dict[str, list[Entry]] = {}
    for entry in situation.entries:
        if isinstance(entry.event, DutyDecided):
            asked.setdefault(entry.event.regime, []).append(entry)
    duties = [
        {
            "regime": each.regime,
            "name": each.name,
            "answer": str(each.answer),
            "because": each.because,
            "stage": each.stage,
            "strict": when(each.strict),
            "open_questions": list(each.ask),
            "decided_by": each.decided_by,
            "decided_by_name": situation.name(each.decided_by) if each.decided_by else "",
            "decided_in_entries": [entry.seq for entry in asked.get(each.regime, [])],
        }
        for each in incident.duties.values()
    ]
    return {"facts": dict(incident.facts), "duties": duties}


def _people(situation: Situation) -> dict[str, str]:
    """Names of those the log speaks of, by the opaque id it holds."""
    named = {entry.by for entry in situation.entries}
    words = "\n".join(str(entry.event) for entry in situation.entries)
    named |= {person for person in situation.people if person in words}
    return {person: situation.name(person) for person in sorted(named)}
