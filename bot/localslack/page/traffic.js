// What went between the bot and the workspace, and the desk from which faults are thrown.
import { h } from "/page/words.js";

const METHODS = ["*", "chat.postMessage", "chat.update", "views.open", "views.publish", "conversations.history", "users.info"];
const FAULTS = { "429": "429, too many", "500": "500, not stored", "500_after_storing": "500, but stored", cut: "cut, not stored", cut_after_storing: "cut, but stored", outage: "outage, sockets too" };
const OPTIONAL = { "pins.add": "pins", "bookmarks.add": "bookmarks", "conversations.setTopic": "topics", "usergroups.list": "user groups", "canvases.create": "canvases", "blocks.validate": "blocks.validate" };
let last = 0;
let reading = false;
let only = "";

export function director(box, told) {
  const ask = async (way, path, body) => {
    const answer = await fetch(`/control/${path}`, { method: way, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
    const said = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    if (!answer.ok) told(said.error || "This workspace cannot do that.");
    return answer.ok;
  };
  const select = (label, options) => h("label", {}, h("small", {}, label), h("select", { class: "select", "aria-label": label }, options.map(([value, text]) => h("option", { value }, text))));
  const method = select("Call", METHODS.map((one) => [one, one === "*" ? "any call" : one]));
  const kind = select("Fault", Object.entries(FAULTS));
  const times = h("input", { class: "typed few", type: "number", min: 1, max: 500, value: 1, "aria-label": "How often" });
  const value = (labelled) => labelled.querySelector("select").value;
  const without = new Set();
  const toggle = (text, title, flip) => {
    const button = h("button", { class: "button small", "aria-pressed": "false", title, onclick: async () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      if (await flip(on)) { button.setAttribute("aria-pressed", String(on)); button.classList.toggle("on", on); }
    } }, text);
    return button;
  };
  box.replaceChildren(
    h("div", { class: "group" }, method, kind, h("label", {}, h("small", {}, "Times"), times),
      h("button", { class: "button small danger", onclick: () => ask("POST", "fault", { method: value(method), kind: value(kind), times: Number(times.value) || 1 }) }, "Throw"),
      h("button", { class: "button small", onclick: () => ask("DELETE", "fault") }, "Clear faults")),
    h("div", { class: "group" }, toggle("Limits", "One message a second and channel, calls a minute by tier", (on) => (on ? ask("POST", "limits", {}) : ask("DELETE", "limits"))),
      Object.entries(OPTIONAL).map(([name, text]) => toggle(`No ${text}`, `${name} answers unknown_method`, (on) => {
        if (on) without.add(name); else without.delete(name);
        return ask("POST", "without", { methods: [...without] });
      })), toggle("Drop metadata", "Messages lose their metadata", (on) => ask("POST", "metadata", { drops: on }))),
    h("div", { class: "group" }, h("small", {}, "Move the clock"), [["+1 min", 60], ["+10 min", 600], ["+1 h", 3600], ["+1 day", 86400]].map(([text, seconds]) =>
      h("button", { class: "button small", onclick: () => ask("POST", "clock", { forward: seconds }) }, text)),
    h("button", { class: "button small", title: "Send every socket away, as Slack does every few hours", onclick: () => ask("POST", "sockets", { reason: "refresh_requested" }) }, "Refresh sockets")),
    h("label", {}, h("small", {}, "Show"), h("select", { class: "select", "aria-label": "Show", onchange: (event) => { only = event.target.value; again(); } },
      [["", "all"], ["app->slack", "calls"], ["slack->app", "deliveries"], ["bad", "failures"]].map(([v, text]) => h("option", { value: v }, text)))));
}

function shown(entry, good) {
  return !only || (only === "bad" ? !good : entry.way === only);
}

function again() {
  for (const row of document.getElementById("traffic-list").children) row.hidden = !shown({ way: row.dataset.way }, !row.classList.contains("bad"));
}

export async function loadTraffic(list) {
  if (reading) return;
  reading = true;
  let entries = [];
  try { ({ entries } = await (await fetch(`/control/traffic?after=${last}`)).json()); } catch { /* shown with the next */ }
  reading = false;
  for (const entry of entries) {
    last = entry.n;
    const good = entry.outcome === "ok" || entry.outcome === "acked";
    const more = h("pre");
    const row = h("details", { class: good ? "" : "bad", data: { way: entry.way }, ontoggle: () => { more.textContent = row.open ? JSON.stringify({ sent: entry.sent, answer: entry.answer }, null, 2) : ""; } }, h("summary", {},
      h("time", {}, new Date(entry.at * 1000).toLocaleTimeString([], { hourCycle: "h23" })), h("span", { class: "way" }, entry.way === "app->slack" ? "bot → slack" : "slack → bot"),
      h("code", {}, entry.what), h("span", { class: "about" }, about(entry)), h("span", { class: "outcome" }, entry.outcome), h("small", {}, `${entry.ms} ms`)), more);
    row.hidden = !shown(entry, good);
    list.prepend(row);
  }
  while (list.children.length > 300) list.lastChild.remove();
}

// a few words by which to recognise the exchange
function about(entry) {
  const sent = entry.sent || {};
  const event = sent.event || {};
  const action = (sent.actions || [])[0] || {};
  const words = sent.text || event.text || action.action_id || (sent.view && (sent.view.callback_id || (sent.view.title || {}).text)) || sent.callback_id || sent.name || "";
  return String(words).slice(0, 80);
}
