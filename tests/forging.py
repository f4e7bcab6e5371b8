"""Forges a pack as somebody would who knows how it is made: files altered, and the manifest written anew to fit."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from bot.documents._pack import told, zipped


def opened(content: bytes) -> dict[str, bytes]:
    """Every file of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as held:
        return {name: held.read(name) for name in held.namelist()}


def forged(content: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Somebody altered files and wrote the manifest anew, so that only what lies deeper can tell."""
    files = opened(content)
    change(files)
    manifest = json.loads(files.pop("MANIFEST.json"))
    del files["MANIFEST.sha256"]
    manifest["files"] = {name: hashlib.sha256(held).hexdigest() for name, held in files.items()}
    manifest["entries"] = len(json.loads(files["log/chain.json"]))
    manifest["head"] = json.loads(files["log/chain.json"])[-1]["hash"]
    files["MANIFEST.json"] = told(manifest)
    files["MANIFEST.sha256"] = f"{hashlib.sha256(files['MANIFEST.json']).hexdigest()}  MANIFEST.json\n".encode()
    return zipped(files)


def rows(files: dict[str, bytes], name: str) -> list[dict[str, Any]]:
    """The rows of one of the lists."""
    found: list[dict[str, Any]] = json.loads(files[name])
    return found


def erased(files: dict[str, bytes], *, texts: bool = True, listed: bool = True) -> None:
    """Mark the words of N1's signed version as erased, and leave forged ones in their place."""
    index = rows(files, "notices/index.json")
    ref = json.loads(files[f"log/entries/{index[1]['entry']:06}.json"])["body"]["text"]["ref"]
    gone = {"erased": True} | ({"text": None, "salt": None} if texts else {"text": "forged"})
    held = rows(files, "log/texts.json")
    files["log/texts.json"] = told([{**row, **gone} if row["ref"] == ref else row for row in held])
    if not listed:
        files["notices/index.json"] = told([row if row["version"] != 2 else {**row, "file": ""} for row in index])
        del files["notices/N1/v2.md"]
    else:
        files["notices/N1/v2.md"] = b"# We told everybody and nothing was wrong\n"


def exported(kind: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    """Other words in an export of N1's signed version."""

    def change(files: dict[str, bytes]) -> None:
        name = f"notices/N1/v2/N1-v2.{kind}"
        assert old in files[name]
        files[name] = files[name].replace(old, new)

    return change


def approvals(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Callable[[dict[str, bytes]], None]:
    """Another list of approvals."""

    def changed(files: dict[str, bytes]) -> None:
        files["approvals.json"] = told(change(rows(files, "approvals.json")))

    return changed


def duties(**news: object) -> Callable[[dict[str, bytes]], None]:
    """Another answer of the regime that counsel decided."""

    def change(files: dict[str, bytes]) -> None:
        held = json.loads(files["duties.json"])
        for row in held["duties"]:
            row.update(news if row["regime"] == "eu_gdpr_art33" else {})
        files["duties.json"] = told(held)

    return change


def fewer(files: dict[str, bytes]) -> None:
    """A regime is left out."""
    held = json.loads(files["duties.json"])
    files["duties.json"] = told({**held, "duties": held["duties"][1:]})


def stated(files: dict[str, bytes]) -> None:
    """Another fact."""
    files["duties.json"] = told({**json.loads(files["duties.json"]), "facts": {"eu_nexus": False}})


def added(files: dict[str, bytes]) -> None:
    """A file that nothing speaks of."""
    files["evidence/report.pdf"] = b"%PDF"
