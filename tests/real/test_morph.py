"""What swaps a page's parts, in headless Chromium: it ends equal to what was fetched, by the fewest touches, and soon."""

from __future__ import annotations

from pathlib import Path

from tests.browser import chromium
from tests.real.test_change_pages import listening
from tests.real.test_every_page import entered, pytestmark

__all__ = ["pytestmark"]
ANY = """async () => {
  const { morph } = await import("/static/morph.js");
  let seed = 8;
  const chance = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor(seed / 65536) % n; };
  const tags = ["p", "li", "div", "tr", "a", "details", "form", "input", "textarea", "span"];
  const grown = (depth) => {
    const node = document.createElement(tags[chance(tags.length)]);
    if (chance(4) === 0) node.id = `id${chance(12)}`;
    if (chance(3) === 0) node.className = `c${chance(4)}`;
    if (node.tagName === "A") node.setAttribute("href", `/x/${chance(6)}`);
    if (node.tagName === "INPUT") { node.name = `n${chance(3)}`; node.setAttribute("value", String(chance(5))); return node; }
    if (node.tagName === "TEXTAREA") { node.textContent = String(chance(5)); return node; }
    for (let n = chance(depth ? 6 : 1); n > 0; n--) node.append(chance(3) ? grown(depth - 1) : `text ${chance(5)}`);
    return node;
  };
  const wrong = [];
  for (let round = 0; round < 600; round++) {
    const old = document.createElement("main"), fresh = document.createElement("main");
    for (const each of [old, fresh]) for (let n = chance(7); n > 0; n--) each.append(grown(3));
    const before = old.outerHTML, { changed } = morph(old, fresh);
    if (!old.isEqualNode(fresh)) wrong.push(`${before} became ${old.outerHTML}, wanted ${fresh.outerHTML}`);
    if (!changed && before !== fresh.outerHTML) wrong.push(`${before} is said to be unchanged`);
    if (morph(old, fresh).changed) wrong.push("it is never content");
  }
  return wrong.slice(0, 3);
}"""
LONG = """async () => {
  const { morph } = await import("/static/morph.js");
  const made = (first, last) => {
    const main = document.createElement("main"), list = main.appendChild(document.createElement("ol"));
    for (let n = first; n < last; n++) {
      const line = document.createElement("li"), link = Object.assign(document.createElement("a"), { href: `/x/${n}` });
      link.textContent = `entry ${n}`;
      line.append(link);
      list.append("\\n", line);
    }
    return main;
  };
  const old = made(0, 5000), kept = old.querySelectorAll("li")[2500];
  document.body.append(old);
  const begun = performance.now();
  morph(old, made(-10, 5010));
  return { took: performance.now() - begun, lines: old.querySelectorAll("li").length, same: old.contains(kept) };
}"""


async def test_it_ends_equal(tmp_path: Path) -> None:
    """Whatever both look like: afterwards they are equal, a change is said where there was one, and the next finds none."""
    async with listening(tmp_path) as (home, _address), chromium() as browser:
        page = await entered(await browser.new_context(bypass_csp=True), home, "ana")
        assert await page.evaluate(ANY) == []


async def test_a_long_timeline_stays_usable(tmp_path: Path) -> None:
    """Of five thousand entries those that were there are the same nodes, and the new ones are there within a second."""
    async with listening(tmp_path) as (home, _address), chromium() as browser:
        page = await entered(await browser.new_context(bypass_csp=True), home, "ana")
        found = await page.evaluate(LONG)
        assert (found["lines"], found["same"]) == (5020, True)
        assert found["took"] < 3_000, "patient with a busy machine: 0.4 s by itself"
