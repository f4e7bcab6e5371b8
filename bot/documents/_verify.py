"""Checks a pack that Tocsin exported: python3 -I verify.py PACK [HEAD]. It needs Python alone, nothing of Tocsin.

PACK is the zip file, or the folder it was unpacked to; HEAD is the hash you were given earlier, by another way.
"""

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any


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


def check_chain(files: dict[str, bytes], manifest: Any, head: str) -> list[Any]:
    """Each entry holds the hash of the one before it: none was altered, left out, moved or added."""
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
    return entries


def check_texts(files: dict[str, bytes], entries: list[Any]) -> Any:
    """What people wrote is what the entries hold the hashes of, unless it was erased and says so."""
    texts = {row["ref"]: row for row in json.loads(files["log/texts.json"])}
    for told in entries:
        for pointer in told["words"]:
            held, name = told["body"], f"entry {told['seq']}: the text {pointer}"
            for step in pointer.split("/")[1:]:
                key = step.replace("~1", "/").replace("~0", "~")
                held = held[int(key)] if isinstance(held, list) else held[key]
            need(held["ref"] in texts, f"{name} is missing")
            row = texts[held["ref"]]
            fine = row["erased"] or sha256(bytes.fromhex(row["salt"]) + row["text"].encode()) == held["sha256"]
            need(fine, f"{name} was altered")
    return texts


def check_papers(files: dict[str, bytes], entries: list[Any], texts: Any) -> None:
    """Notices, approvals and evidence say what the log says."""
    notices = json.loads(files["notices/index.json"])
    frozen = [told["seq"] for told in entries if told["name"] == "NoticeFrozen"]
    need(frozen == [each["entry"] for each in notices], "the notices are not those that the log holds")
    for each in notices:
        name, body = f"{each['id']} version {each['version']}", entries[each["entry"] - 1]["body"]
        same = (body["id"], body["number"], body["digest"]) == (each["id"], each["version"], each["digest"])
        need(same, f"{name} is not what entry {each['entry']} froze")
        need(entries[each["requested"] - 1]["body"]["template"] == each["template"], f"{name}: another template")
        text = None if body["text"] == "" else texts[body["text"]["ref"]]["text"]
        if text is not None:
            need(files[each["file"]] == text.encode(), f"{name}: its text is not the one in the log")
            fits = sha256(f"{each['template']}\n{text}".encode()) == each["digest"]
            need(fits, f"{name}: its digest is not the digest of its text")
    for each in json.loads(files["approvals.json"]):
        told = entries[each["entry"] - 1]
        logged = (told["name"], told["by"], told["body"]["id"], told["body"]["digest"])
        need(logged == (each["what"], each["by"], each["of"], each["digest"]), f"nobody approved {each['of']} so")
    for each in json.loads(files["evidence/index.json"]):
        need(not each["file"] or sha256(files[each["file"]]) == each["sha256"], f"evidence {each['name']} was altered")


def main(path: str = "", head: str = "") -> int:
    """Say what was checked, or what is wrong first: 0 or 1."""
    try:
        manifest = check_manifest(files := files_of(Path(path)))
        check_papers(files, entries := check_chain(files, manifest, head), texts := check_texts(files, entries))
    except Exception as error:  # noqa: BLE001 - whatever cannot be read is no pack
        sys.stdout.write(f"WRONG: {error if type(error) is ValueError else f'this is no pack: {error!r}'}\n")
        return 1
    erased, yours = sum(row["erased"] for row in texts.values()), "yours is in it" if head else "compare it with yours"
    sys.stdout.write(f"in order: {manifest['incident']}, {len(entries)} entries, {erased} texts erased\n")
    sys.stdout.write(f"head: {manifest['head']} ({yours})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
