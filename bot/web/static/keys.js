// Single keys that lead somewhere, for whoever wants them: never while somebody types, and they can be switched off.
import { kept, keep } from "./kept.js";

const WAIT = 1500;
const TYPED = "input, textarea, select, [contenteditable], [role=textbox]";
let places = {}, on = kept("keys") !== "off", armed = -Infinity, dialog = null;

const rows = () => [...document.querySelectorAll("main .list tbody tr, main [data-item]")]
  .map((row) => row.querySelector("a[href]")).filter((link) => link?.checkVisibility());

function move(step) {
  const links = rows();
  if (!links.length) return;
  const at = links.findIndex((link) => link === document.activeElement || link.closest("tr, [data-item]").contains(document.activeElement));
  const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function element(tag, text = "", props = {}) {
  return Object.assign(document.createElement(tag), props, text ? { textContent: text } : {});
}

function made() {
  const box = element("dialog", "", { className: "keys" });
  box.setAttribute("aria-labelledby", "keys-h");
  const list = element("dl");
  const told = [["?", "these shortcuts"], ...Object.entries(places).map(([key, [, label]]) => [`g ${key}`, label]),
    ["j k", "next and previous in a list"], ["Enter", "open it"], ["/", "search, where there is one"]];
  for (const [keysOf, what] of told) {
    const term = element("dt");
    keysOf.split(" ").forEach((each) => term.append(element("kbd", each), " "));
    list.append(term, element("dd", what));
  }
  const label = element("label", "", { className: "check" }), tick = element("input", "", { type: "checkbox", checked: on });
  tick.addEventListener("change", () => { on = tick.checked; keep("keys", on ? "on" : "off"); });
  label.append(tick, " Shortcuts by single keys");
  const close = element("form", "", { method: "dialog" });
  close.append(element("button", "Close"));
  box.append(element("h2", "Keyboard shortcuts", { id: "keys-h" }), list, label, close);
  document.body.append(box);
  return box;
}

function show() {
  dialog ??= made();
  if (!dialog.open) dialog.showModal();
}

function pressed(event) {
  if (!on || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.(TYPED) || document.querySelector("dialog[open]")) return;
  const goes = event.timeStamp - armed < WAIT ? places[event.key] : undefined;
  armed = -Infinity;
  if (goes) location.assign(goes[0]);
  else if (event.key === "g") { armed = event.timeStamp; return; }
  else if (event.key === "?") show();
  else if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
  else if (event.key === "/") {
    const field = document.querySelector("main input[type=search], [role=search] input:not([type=hidden])");
    if (!field) return;
    field.focus();
    field.select();
  } else return;
  event.preventDefault();
}

export function keys() {
  if (!document.body.dataset.keys) return;
  places = JSON.parse(document.body.dataset.keys);
  document.addEventListener("keydown", pressed);
  const foot = document.querySelector("footer");
  const hands = foot.querySelector(".hands") ?? foot.appendChild(element("p", "", { className: "hands no-print" }));
  const button = element("button", "Keyboard shortcuts", { className: "plain", type: "button" });
  button.addEventListener("click", show);
  hands.append(button);
}
