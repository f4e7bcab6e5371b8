"""Forges a pack as somebody would who knows how it is made: files altered, and the manifest written anew to fit."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable

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
