"""Checks a pack that Tocsin exported: python3 -I verify.py PACK [HEAD]. It needs Python alone, nothing of Tocsin.

PACK is the zip file, or the folder it was unpacked to; HEAD is the hash you were given earlier, by another way.
"""

import hashlib
import json
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

APPROVALS = ("MitigationApproved", "GlassBroken", "NoticeApproved")
PAPERS = ("VERIFY.md", "verify.py", "approvals.json", "duties.json", "people.json", "evidence/index.json",
          "timeline.json", "timeline.csv", "timeline.md", "log/chain.json", "log/texts.json",
          "notices/index.json")  # fmt: skip
READINGS = "the timeline, names, PDF and Word files, stamps and small print, and that no evidence was left out"


def need(fine: object, otherwise: str) -> None:
    """Raise ValueError with that sentence unless it is fine."""
    if not fine:
        raise ValueError(otherwise)


def sha256(content: bytes) -> str:
    """The hash of these bytes."""
    return hashlib.sha256(content).hexdigest()


def files_of(path: Path) -> dict[str, bytes]:
    """Every file of the pack by its name; nothing is unpacked or run."""
    if path.is_dir():
        return {f.relative_to(path).as_posix(): f.read_bytes() for f in path.rglob("*") if f.is_file()}
    with zipfile.ZipFile(path) as pack:
        need(len(pack.namelist()) == len(set(pack.namelist())), "the pack holds two files of one name")
        return {name: pack.read(name) for name in pack.namelist()}


def check_manifest(files: dict[str, bytes]) -> Any:
    """Every file is there, unaltered, and no other."""
    manifest, stated = files.pop("MANIFEST.json", b""), files.pop("MANIFEST.sha256", b"")
    fits = stated == f"{sha256(manifest)}  MANIFEST.json\n".encode()
    need(fits, "MANIFEST.json is missing, or not what MANIFEST.sha256 says")
    told = json.loads(manifest)
    for name, digest in sorted(told["files"].items()):
        need(name in files, f"{name} is missing")
        need(sha256(files[name]) == digest, f"{name} was altered")
    for name in files:
        need(name in told["files"], f"{name} is not in the manifest")
    return told


def check_chain(files: dict[str, bytes], manifest: Any, head: str) -> tuple[list[Any], str]:
    """Each entry holds the hash of the one before it; the entries, and how far the head that was given covers them."""
    entries, hashes = list[Any](), [""]
    for number, row in enumerate(json.loads(files["log/chain.json"]), start=1):
        need(row["seq"] == number, f"entry {number} is missing (found {row['seq']})")
        need(row["before"] == hashes[-1], f"entry {number} does not follow the entry before it")
        stored = files[row["file"]]
        need(sha256(row["before"].encode() + b"\n" + stored) == row["hash"], f"entry {number} was altered")
        entries.append(told := json.loads(stored))
        need((told["seq"], told["incident"]) == (number, manifest["incident"]), f"entry {number} is from elsewhere")
        hashes.append(row["hash"])
    need(manifest["entries"] == len(entries), f"there are {len(entries)} entries, not {manifest['entries']}")
    need(manifest["head"] == hashes[-1], f"the head is {hashes[-1]}, not {manifest['head']}")
    need(not head or head in hashes[1:], f"the head is {hashes[-1]}, and {head} is no entry of this log")
    if not head or (after := len(entries) - hashes.index(head)) == 0:
        return entries, "yours is in it" if head else "compare it with yours"
    return entries, f"yours is entry {len(entries) - after}; {after} after it are not covered by yours"


def check_texts(files: dict[str, bytes], entries: list[Any]) -> Any:
    """What people wrote is what the entries hold the hashes of, unless it was erased and says so."""
    texts, used = {row["ref"]: row for row in json.loads(files["log/texts.json"])}, set[str]()
    for told in entries:
        for pointer in told["words"]:
            held, name = told["body"], f"entry {told['seq']}: the text {pointer}"
            for step in pointer.split("/")[1:]:
                key = step.replace("~1", "/").replace("~0", "~")
                held = held[int(key)] if isinstance(held, list) else held[key]
            need(held["ref"] in texts, f"{name} is missing")
            row = texts[held["ref"]]
            gone = row["erased"] and row["text"] is None
            need(gone or sha256(bytes.fromhex(row["salt"]) + row["text"].encode()) == held["sha256"],
                 f"{name} was altered")  # fmt: skip
            used.add(held["ref"])
    need(used == texts.keys(), "there is a text that no entry holds")
    return texts


def words(held: Any, texts: Any) -> Any:
    """What somebody wrote, None where it is erased; nothing written is kept as it is."""
    return held if held == "" else texts[held["ref"]]["text"]


def moment(at: Any) -> Any:
    """A moment as such, however it is written."""
    return at and datetime.fromisoformat(at)


def check_notices(files: dict[str, bytes], entries: list[Any], texts: Any) -> list[str]:
    """Every version has the words the log froze, or no file where they are erased; the files there are."""
    notices, listed = json.loads(files["notices/index.json"]), list[str]()
    frozen = [told["seq"] for told in entries if told["name"] == "NoticeFrozen"]
    need(frozen == [each["entry"] for each in notices], "the notices are not those that the log holds")
    for each in notices:
        name, body = f"{each['id']} version {each['version']}", entries[each["entry"] - 1]["body"]
        same = (body["id"], body["number"], body["digest"]) == (each["id"], each["version"], each["digest"])
        need(same, f"{name} is not what entry {each['entry']} froze")
        begun = entries[each["requested"] - 1]
        fits = (begun["name"], begun["body"]["id"]) == ("NoticeRequested", each["id"])
        need(fits and begun["body"]["template"] == each["template"], f"{name}: another template")
        signed = [told for told in entries if told["name"] == "NoticeApproved"
                  and (told["body"]["id"], told["body"]["number"]) == (each["id"], each["version"])]  # fmt: skip
        need([told["seq"] for told in signed] == each["approved_in_entries"], f"{name}: it was not signed so")
        text, here = words(body["text"], texts), each["exports"] + [each["file"]] * bool(each["file"])
        if text is None:
            need(not here, f"{name}: its words are erased, and there are files of it")
            continue
        need(files[each["file"]] == text.encode(), f"{name}: its text is not the one in the log")
        need(sha256(f"{each['template']}\n{text}".encode()) == each["digest"], f"{name}: its digest is another")
        need(not each["exports"] or any(told["body"]["complete"] for told in signed), f"{name}: it was not approved")
        for export in each["exports"]:
            check_export(export, files[export], text, each["digest"])
        listed += here
    return listed


def check_export(name: str, content: bytes, text: str, digest: str) -> None:
    """Markdown and JSON hold the frozen words between their stamp and their small print; no other form can be read."""
    if name.endswith(".json"):
        told = json.loads(content)
        need((told["markdown"], told["digest"]) == (text, digest), f"{name}: its words are not those in the log")
    elif name.endswith(".md"):
        stamp, _, rest = content.decode().partition("\n\n")
        body, _, small = rest.rpartition("\n\n---\n\n")
        fits = stamp.endswith(f" {digest} -->") and "\n" not in stamp + small.strip("\n")
        need(fits and body == text.strip("\n"), f"{name}: its words are not those in the log")
    else:
        need(name.endswith((".pdf", ".docx")), f"{name} is no form of a notice")


def check_approvals(files: dict[str, bytes], entries: list[Any]) -> None:
    """Every yes of the log, in its order, and no other."""
    logged = [(told["seq"], told["name"], told["body"]["id"], told["body"]["digest"], told["by"], moment(told["at"]))
              for told in entries if told["name"] in APPROVALS]  # fmt: skip
    listed = [(each["entry"], each["what"], each["of"], each["digest"], each["by"], moment(each["at"]))
              for each in json.loads(files["approvals.json"])]  # fmt: skip
    need(logged == listed, "approvals.json does not hold the approvals that the log holds")


def check_duties(files: dict[str, bytes], entries: list[Any], texts: Any) -> None:
    """The answers, their reasons and dates follow from what was answered, decided and stated."""
    held, facts, decided = dict[str, Any](), dict[str, Any](), dict[str, list[int]]()
    for told in entries:
        body = told["body"]
        if told["name"] == "DutiesAnswered":
            for each in body["duties"]:  # a decider's reason stands in the decision alone
                kept = {} if each["because"] or not each["decided_by"] else {"because": held[each["regime"]]["because"]}
                held[each["regime"]] = each | kept
        elif told["name"] == "FactRecorded":
            facts[body["fact"]] = body["value"]
        elif told["name"] == "DutyDecided":
            news = {"answer": body["answer"], "because": words(body["because"], texts), "ask": []}
            held[body["regime"]] = {**held[body["regime"]], **news, "decided_by": told["by"]}
            decided.setdefault(body["regime"], []).append(told["seq"])
    told = json.loads(files["duties.json"])
    need(told["facts"] == facts, "duties.json does not hold the facts that the log holds")
    need([each["regime"] for each in told["duties"]] == list(held), "duties.json does not hold the log's regimes")
    for each in told["duties"]:
        log, seen = held[each["regime"]], {**each, "ask": each["open_questions"]}
        same = all(seen[key] == log[key] for key in ("name", "answer", "stage", "decided_by", "ask"))
        same = same and log["because"] in (None, each["because"]) and moment(each["strict"]) == moment(log["strict"])
        same = same and each["decided_in_entries"] == decided.get(each["regime"], [])
        need(same, f"duties.json: what it says of {each['regime']} does not follow from the log")


def check_files(files: dict[str, bytes], listed: list[str]) -> None:
    """Evidence has the hash its list gives; every file is one of the pack's own, or one that some list names."""
    known = {*PAPERS, *listed, *(row["file"] for row in json.loads(files["log/chain.json"]))}
    for each in json.loads(files["evidence/index.json"]):
        need(not each["file"] or sha256(files[each["file"]]) == each["sha256"], f"evidence {each['name']} was altered")
        known.add(each["file"])
    for name in files:
        need(name in known, f"{name} belongs to nothing in this pack")


def main(path: str = "", head: str = "") -> int:
    """Say what was checked, or what is wrong first: 0 or 1."""
    try:
        manifest = check_manifest(files := files_of(Path(path)))
        entries, covered = check_chain(files, manifest, head)
        listed = check_notices(files, entries, texts := check_texts(files, entries))
        check_approvals(files, entries)
        check_duties(files, entries, texts)
        check_files(files, listed)
    except Exception as error:  # noqa: BLE001 - whatever cannot be read is no pack
        sys.stdout.write(f"WRONG: {error if type(error) is ValueError else f'this is no pack: {error!r}'}\n")
        return 1
    erased = sum(row["erased"] for row in texts.values())
    sys.stdout.write(f"in order: {manifest['incident']}, {len(entries)} entries, {erased} texts erased\n")
    sys.stdout.write(f"head: {manifest['head']} ({covered})\nnot proved by this script: {READINGS}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
