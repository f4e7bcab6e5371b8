// Tells times in the reader's zone. The page itself says them in UTC, and UTC stays one look away.
import { kept, keep } from "./kept.js";

const WHOLE = /^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC)?$/, HOUR = /^\d\d:\d\d(:\d\d)?( UTC)?$/;
const own = document.body.dataset.zone || Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
let zone = kept("utc") === "on" ? "UTC" : own;

function parts(at) {
  const form = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
  });
  const found = Object.fromEntries(form.formatToParts(at).map((each) => [each.type, each.value]));
  return { day: `${found.year}-${found.month}-${found.day}`, hour: `${found.hour}:${found.minute}:${found.second}`, name: found.timeZoneName };
}

export const hourOf = (at) => parts(at).hour.slice(0, 5);

function told(at, text) {
  const { day, hour, name } = parts(at), clean = text.replace(" UTC", ""), named = text.endsWith(" UTC") ? ` ${name}` : "";
  if (WHOLE.test(text)) return `${day} ${hour}`.slice(0, clean.length) + named;
  return hour.slice(0, clean.length) + named;
}

function one(node) {
  const at = new Date(node.dateTime);
  if (Number.isNaN(at.getTime()) || node.querySelector("time")) return;
  const said = node.dataset.said ?? node.textContent.trim();
  if (own !== "UTC") node.title = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  if ("both" in node.dataset) return both(node, at);
  if (!WHOLE.test(said) && !HOUR.test(said)) return;
  node.dataset.said = said;
  node.textContent = zone === "UTC" ? said : told(at, said);
}

// a date by law says UTC, and beside it the reader's own clock
function both(node, at) {
  let there = node.nextElementSibling?.matches("small.there") ? node.nextElementSibling : null;
  if (own === "UTC") return;
  if (!there) {
    there = Object.assign(document.createElement("small"), { className: "there" });
    node.after(" ", there);
  }
  const before = zone;
  zone = own;
  const { day, hour, name } = parts(at);
  zone = before;
  there.textContent = `${day} ${hour} ${name}`;
}

// the times along a drawing, in the form they are written in
function tick(node) {
  const at = new Date(node.dataset.at), said = node.dataset.said ?? node.textContent.trim();
  if (Number.isNaN(at.getTime())) return;
  node.dataset.said = said;
  const day = () => new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "2-digit", month: "short" }).format(at);
  node.textContent = zone === "UTC" ? said : HOUR.test(said) ? parts(at).hour.slice(0, said.length) : day();
}

export function localise(root) {
  for (const node of root.querySelectorAll("time[datetime]")) one(node);
  for (const node of root.querySelectorAll("text[data-at]")) tick(node);
  for (const node of root.querySelectorAll("[data-zone-name]")) node.textContent = zone === "UTC" ? "UTC" : parts(new Date()).name;
  for (const node of root.querySelectorAll("[data-zone-id]")) node.textContent = zone; // its clock changes with the season
  const said = root.querySelector("footer .zone");
  if (said) said.textContent = zone === "UTC" ? "All times are UTC." : `Times are by ${zone} (${parts(new Date()).name}); point at one to see UTC.`;
}

// a time that is typed is meant by the clocks that the page shows
export function typing() {
  document.addEventListener("formdata", (event) => {
    if (zone !== "UTC" && event.target.querySelector("[data-zoned]")) event.formData.set("zone", zone);
  });
}

// a press shows UTC instead, for whoever cannot point
export function zones() {
  const foot = document.querySelector("footer");
  if (!foot || own === "UTC") return;
  const button = Object.assign(document.createElement("button"), { className: "plain", type: "button" });
  const label = () => { button.textContent = zone === "UTC" ? `Show times by ${own}` : "Show all times in UTC"; };
  button.addEventListener("click", () => {
    zone = zone === "UTC" ? own : "UTC";
    keep("utc", zone === "UTC" ? "on" : "off");
    label();
    localise(document);
  });
  label();
  (foot.querySelector(".hands") ?? foot.appendChild(Object.assign(document.createElement("p"), { className: "hands no-print" }))).append(button);
}
