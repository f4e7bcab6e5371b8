"""The plan of a change as a terminal shows it, in colour, drawn by rich and looked at in headless Chromium."""

from __future__ import annotations

import io
import re
from hashlib import sha256
from pathlib import Path

import pytest
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from bot.cli._paint import Paint
from bot.cli._plan import plan
from bot.domain.hold import ReportHold
from bot.domain.mitigation import Held
from tests.browser import chromium, picture
from tests.web.changes import INCIDENT, proposed, told, under
from tests.web.fakes import place

pytestmark = pytest.mark.real
COLUMNS = 92
PIECES = tuple(Held(name, sha256(name.encode()).hexdigest()) for name in ("router.json", "predictions.parquet"))
FONTS = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


async def test_the_plan_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line stands on the screen whole, none wider than the terminal; what goes is red, what comes is green."""
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    async with place(tmp_path) as home, chromium() as browser:
        under(home, break_glass=frozenset())
        await proposed(
            home, serves={"v1": 1.0, "v2": 0.0}, dry_run="the router took it as a dry run, on version 7",
            managed_by="Argo CD", undo_params={"weights": {"v1": 0, "v2": 100}},
            rules=home.desk.handler.policy.fingerprint,
        )  # fmt: skip
        await home.desk.submit(INCIDENT, ReportHold("M1", PIECES))
        lines = list(plan(INCIDENT, await told(home, "ben"), Paint(on=True)))
        drawn = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
        for each in lines:
            drawn.print(Text.from_ansi(each), soft_wrap=False)
        svg = FONTS.sub("", drawn.export_svg(title=f"tocsin incident approve {INCIDENT}", theme=MONOKAI))
        page = await browser.new_page(viewport={"width": 1000, "height": 800})
        await page.set_content(
            f'<body style="margin:14px;background:white">{svg.replace("<svg", "<svg width=972", 1)}</body>'
        )
        shown = await page.locator("svg text").all_text_contents()
        screen = " ".join("".join(shown).replace("\u00a0", " ").split())
        for words in ("- weights.v1: 0", "+ weights.v1: 100", "managed by", "sha256", "target's id"):
            assert words in screen
        fills = set(re.findall(r"fill: (#[0-9a-f]{6})", svg))
        assert len(fills) >= 4, "plain, faint, red, green and yellow"
        await picture(page, "terminal-plan", around=page.locator("svg").first)
