"""Everything the product can send to Slack is what Slack's own types say it may be.

Real here: the TypeScript compiler and npm's `@slack/types`, the types of Slack's own libraries. Contract: `ModalView`,
`HomeView` and `KnownBlock` of that package, under `tsc --strict`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parts import binary, missing
from tests.slack.hostile import texts
from tests.slack.payloads import Payload, payloads
from tests.slack.situations import situations

pytestmark = pytest.mark.real
TYPES = Path(__file__).parents[2] / ".ci" / "types" / "node_modules"
UNKNOWN = {"data_visualization": "the chart of a card: Slack has it since June 2026, the types of 3.2.0 do not"}
"""Kinds of blocks the types do not know yet, with the reason; the validator alone checks these."""
HEAD = """\
import type { HomeView, KnownBlock, ModalView } from "@slack/types";
type Known<V> = Omit<V, "blocks"> & { blocks: KnownBlock[] };
type Message = { text: string; blocks: KnownBlock[] };
type Modal = Known<ModalView>;
type Home = Known<HomeView>;
export type { Message, Modal, Home };
"""
NAMES = {"message": "Message", "modal": "Modal", "home": "Home"}
BAD: dict[str, tuple[str, Any]] = {
    "a block nobody knows": ("Message", {"text": "x", "blocks": [{"type": "sparkle"}]}),
    "a header in mrkdwn": ("Message", {"text": "x", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}),
    "a field nobody knows": ("Message", {"text": "x", "blocks": [{"type": "divider", "colour": "red"}]}),
    "no text": ("Message", {"blocks": []}),
    "an input in a row of buttons": ("Message", {"text": "x", "blocks": [
        {"type": "actions", "elements": [{"type": "plain_text_input", "action_id": "a"}]}]}),
    "a modal without a title": ("Modal", {"type": "modal", "blocks": []}),
    "a Home tab with a title": ("Home", {"type": "home", "blocks": [], "title": {"type": "plain_text", "text": "x"}}),
    "an image without words": ("Home", {"type": "home", "blocks": [{"type": "image", "slack_file": {"id": "F1"}}]}),
}  # fmt: skip


def known(node: Any) -> Any:
    """The same without the kinds of blocks the types do not know."""
    if isinstance(node, list):
        return [known(one) for one in node if not (isinstance(one, dict) and one.get("type") in UNKNOWN)]
    return {name: known(one) for name, one in node.items()} if isinstance(node, dict) else node


def everything() -> Iterator[Payload]:
    """Each situation through each view in plain words, and the busiest one in some hostile ones."""
    for name, situation in situations():
        yield from payloads(situation, name)
    for text in texts(40):
        name, situation = next(situations(text))
        yield from payloads(situation, f"{name}, hostile")


def constant(name: str, kind: str, body: Any, reason: str) -> str:
    """One typed constant."""
    said = reason.encode("ascii", "replace").decode().replace("\n", " ")
    return f"export const {name}: {kind} = {json.dumps(body)}; // {said}\n"


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """What the compiler says of the files of a folder."""
    (folder / "node_modules").symlink_to(TYPES)
    options = {"strict": True, "noEmit": True, "module": "nodenext", "target": "es2022", "types": []}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
    command = [binary("node"), str(TYPES / "typescript" / "bin" / "tsc"), "--project", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(autouse=True)
def _parts() -> None:
    if not (TYPES / "@slack" / "types").is_dir() or not (TYPES / "typescript").is_dir():
        missing("@slack/types")


def test_every_payload_is_what_slacks_types_say(tmp_path: Path):
    """`tsc --strict` takes each message, modal and Home tab, once per different payload."""
    found = {json.dumps(one.body, sort_keys=True): one for one in everything()}
    (tmp_path / "kinds.ts").write_text(HEAD)
    kept = list(found.values())
    for number in range(0, len(kept), 200):
        part = kept[number : number + 200]
        lines = 'import type { Home, Message, Modal } from "./kinds.js";\n'
        lines += "".join(constant(f"p{n}", NAMES[one.kind], known(one.body), one.name) for n, one in enumerate(part))
        (tmp_path / f"part{number}.ts").write_text(lines)
    said = check(tmp_path)
    assert said.returncode == 0, said.stdout[:3_000] + said.stderr[:1_000]
    assert len(found) > 2_000


def test_the_compiler_refuses_what_is_wrong(tmp_path: Path):
    """Each wrong payload is an error, and only these: a check that took everything would prove nothing."""
    lines = "".join(
        f"// @ts-expect-error\n{constant(f'b{number}', kind, body, name)}"
        for number, (name, (kind, body)) in enumerate(BAD.items())
    )
    (tmp_path / "bad.ts").write_text(HEAD + lines)
    said = check(tmp_path)
    assert said.returncode == 0, said.stdout[:3_000]


def test_what_the_types_do_not_know_is_sent_and_still_unknown():
    """The list of exceptions holds nothing that is not sent, and nothing the types have learnt meanwhile."""
    words = (TYPES / "@slack" / "types" / "dist" / "block-kit" / "blocks.d.ts").read_text()
    assert [kind for kind in UNKNOWN if f"type: '{kind}'" in words] == []
    sent = "".join(json.dumps(one.body) for one in payloads(next(situations())[1]))
    assert [kind for kind in UNKNOWN if f'"type": "{kind}"' not in sent] == []
