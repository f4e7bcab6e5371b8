// The page of one person: rooms at the left, words in the middle, the thread at the right, traffic below.
import { drawBlocks } from "/page/blocks.js";
import { drawModal } from "/page/modal.js";
import { emoji, h, mrkdwn, refreshTimes, safeUrl } from "/page/words.js";

const $ = (id) => document.getElementById(id);
const me = new URLSearchParams(location.search).get("as") || sessionStorage.getItem("as") || "";
const place = { room: "", root: "", home: false };
let screen = null;
let pending = false;

const read = JSON.parse(localStorage.getItem(`read:${me}`) || "{}");

function markRead(room, ts) {
  if (ts && (read[room] || "") < ts) { read[room] = ts; localStorage.setItem(`read:${me}`, JSON.stringify(read)); }
}

function fromHash() {
  const [room, root] = decodeURIComponent(location.hash.slice(1)).split("/");
  place.home = room === "home";
  if (room && !place.home) place.room = room;
  place.root = place.home ? "" : root || "";
}

function go(room, root = "") { location.hash = room + (root ? "/" + root : ""); }

// -- talking to the server --

async function load() {
  const response = await fetch(`/people/${encodeURIComponent(me || "-")}/screen?channel=${encodeURIComponent(place.room)}`);
  screen = await response.json();
  if (!screen.ok) { choose(screen.people); return; }
  sessionStorage.setItem("as", me);
  place.room = screen.channel || "";
  draw();
}

function soon() {
  if (pending) return;
  pending = true;
  setTimeout(async () => { pending = false; try { await load(); } catch { /* the stream will tell when it is back */ } }, 60);
}

async function send(act, body) {
  const response = await fetch(`/people/${encodeURIComponent(me)}/${act}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const told = await response.json();
  if (!told.ok && !told.fields) toast(told.error);
  else if (told.ok && told.acked === false && act !== "submit") toast(`The bot did not answer in time (${told.because}).`);
  return told;
}

let fading = 0;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { $("toast").hidden = true; }, 6000);
}

// -- drawing --

const world = {
  get people() { return screen.people; },
  get rooms() { return screen.rooms; },
  get me() { return me; },
  roomName: (id) => { const room = screen.rooms.find((one) => one.id === id); return room ? nameOf(room) : id; },
  suggest: async (action_id, query) => {
    const view = screen.views[screen.views.length - 1];
    const told = await send("options", { view_id: view.id, action_id, query });
    return told.options || [];
  },
};

const nameOf = (room) => (room.is_im ? screen.people[screen.bot].real_name : room.name);

function choose(people) {
  $("chooser").hidden = false;
  $("desk").hidden = true;
  const cards = Object.values(people).filter((one) => !one.is_bot && !one.deleted).map((one) =>
    h("a", { class: "person", href: `/?as=${encodeURIComponent(one.id)}${location.hash}` }, avatar(one),
      h("span", {}, h("b", {}, one.real_name), h("small", {}, one.profile.title || "@" + one.name, one.is_restricted ? " · guest" : ""))));
  $("chooser").replaceChildren(h("h1", {}, "Who are you?"), h("p", {}, "This is a practice workspace on your machine. Open one tab per person to play several."), h("div", { class: "cards" }, cards));
}

function avatar(person) {
  if (!person) return h("span", { class: "avatar" }, "?");
  if (person.is_bot) return h("span", { class: "avatar bot", "aria-hidden": "true" }, "T");
  const face = h("span", { class: "avatar", "aria-hidden": "true" }, person.real_name.split(" ").map((one) => one[0]).slice(0, 2).join(""));
  face.style.setProperty("--hue", [...person.id].reduce((sum, one) => (sum * 31 + one.charCodeAt(0)) % 360, 7));
  return face;
}

function draw() {
  $("desk").hidden = false;
  $("chooser").hidden = true;
  $("hint").hidden = !screen.hint;
  if (screen.hint) $("hint").replaceChildren(h("b", {}, "Try next"), mrkdwn(screen.hint, world));
  document.title = `${place.home ? "Home" : place.room ? "#" + world.roomName(place.room) : "Practice"} · ${screen.people[me].name}`;
  drawSide();
  if (place.home) drawHome(); else drawRoom();
  drawThread();
  drawModal($("curtain"), screen, world, send);
}

function drawSide() {
  $("team").replaceChildren(h("b", {}, screen.team), h("span", { class: screen.connected ? "dot on" : "dot", title: screen.connected ? "the bot is connected" : "the bot is not connected" }));
  const item = (room, label, sign) => {
    const unread = room.latest && room.latest > (read[room.id] || "") && !(room.id === place.room && !place.home);
    return h("a", { class: "room" + (room.id === place.room && !place.home ? " here" : "") + (unread ? " unread" : ""), href: `#${room.id}` },
      h("span", { class: "sign" }, sign), h("span", {}, label), unread && h("span", { class: "badge", title: "unread" }));
  };
  const rooms = screen.rooms.filter((one) => !one.is_im);
  $("rooms").replaceChildren(
    h("h2", {}, "Channels"), ...rooms.map((one) => item(one, one.name, one.is_private ? "◆" : "#")),
    h("h2", {}, "Direct messages"), ...screen.rooms.filter((one) => one.is_im).map((one) => item(one, nameOf(one), "●")),
    ...(screen.rooms.some((one) => one.is_im) ? [] : [h("p", { class: "none" }, "None yet")]),
    h("h2", {}, "App"), h("a", { class: "room" + (place.home ? " here" : ""), href: "#home" }, h("span", { class: "sign" }, "⌂"), h("span", {}, "Tocsin Home")),
    h("button", { class: "room", onclick: toggleTraffic }, h("span", { class: "sign" }, "⇄"), h("span", {}, "Traffic")),
    ...globalShortcuts());
  const person = screen.people[me];
  $("me").replaceChildren(avatar(person), h("span", {}, h("b", {}, person.real_name), h("small", {}, person.profile.title || "@" + person.name)),
    h("a", { class: "ghost", href: "/?as=-", target: "_blank", title: "Open a tab as somebody else" }, "+"));
}

function globalShortcuts() {
  return screen.shortcuts.filter((one) => one.type === "global").map((one) =>
    h("button", { class: "room", onclick: () => send("shortcut", { callback_id: one.callback_id }) }, h("span", { class: "sign" }, "⚡"), h("span", {}, one.label)));
}

const drawn = { list: new Map(), thread: new Map() };

function drawList(box, cache, messages, empty, inThread) {
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const kept = new Map();
  const nodes = messages.map((message, index) => {
    const before = messages[index - 1];
    const joined = before && before.user === message.user && !before.blocks && !message.blocks && message.ts - before.ts < 300 && !message.is_ephemeral && !before.is_ephemeral;
    const key = JSON.stringify([message, joined, inThread]);
    const old = cache.get(message.ts);
    const node = old && old.key === key ? old.node : drawMessage(message, joined, inThread);
    kept.set(message.ts, { key, node });
    return node;
  });
  cache.clear();
  for (const [ts, entry] of kept) cache.set(ts, entry);
  const wanted = nodes.length ? nodes : [h("p", { class: "empty" }, empty)];
  if (wanted.length !== box.children.length || wanted.some((node, index) => box.children[index] !== node)) box.replaceChildren(...wanted);
  if (atEnd || box.dataset.of !== place.room + inThread + place.root) box.scrollTop = box.scrollHeight;
  box.dataset.of = place.room + inThread + place.root;
}

function drawRoom() {
  const room = screen.rooms.find((one) => one.id === place.room);
  $("composer").hidden = !room;
  if (!room) { $("list").replaceChildren(h("p", { class: "empty" }, "You are in no channel yet.")); return; }
  $("head").replaceChildren(h("span", {}, h("b", {}, (room.is_im ? "" : "#") + nameOf(room)), room.topic && room.topic.value ? h("small", {}, room.topic.value) : null),
    h("small", {}, room.is_im ? "" : `${room.num_members} people`));
  $("words").placeholder = `Message ${room.is_im ? nameOf(room) : "#" + room.name}   (/ for a command, @ for a mention)`;
  const shown = screen.messages.filter((one) => !one.thread_ts || one.thread_ts === one.ts || one.subtype === "thread_broadcast");
  drawList($("list"), drawn.list, shown, "Nothing here yet. Say something, or wait for the bot.", false);
  markRead(room.id, room.latest);
}

function drawThread() {
  const root = screen.messages.find((one) => one.ts === place.root);
  $("thread").hidden = place.home || !root;
  if (place.home || !root) return;
  const messages = screen.messages.filter((one) => one.ts === place.root || one.thread_ts === place.root);
  drawList($("thread-list"), drawn.thread, messages, "", true);
}

function drawHome() {
  $("composer").hidden = true;
  $("head").replaceChildren(h("span", {}, h("b", {}, "Tocsin Home"), h("small", {}, "what waits for you")));
  const view = screen.home;
  const act = (block, element, value) => send("click", { view_id: view.id, block_id: block.block_id, action_id: element.action_id, value });
  $("list").replaceChildren(view ? h("div", { class: "home" }, drawBlocks(view.blocks, world, act, { values: view.state.values, errors: {} }))
    : h("p", { class: "empty" }, "The bot has not published a Home tab for you yet."));
  drawn.list.clear();
}

function drawMessage(message, joined, inThread) {
  const person = screen.people[message.user];
  const act = (block, element, value) => send("click", { channel: place.room, ts: message.ts, block_id: block.block_id, action_id: element.action_id, value });
  const at = new Date(message.ts * 1000);
  const root = message.thread_ts || message.ts;
  const clock = h("time", { class: "at", title: at.toLocaleString() }, at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  const body = message.blocks && message.blocks.length ? drawBlocks(message.blocks, world, act, null) : [message.text && mrkdwn(message.text, world)];
  const tools = message.is_ephemeral ? null : h("div", { class: "tools" },
    ["pushpin", "eyes", "white_check_mark"].map((name) => h("button", { title: name, onclick: () => send("react", { channel: place.room, ts: message.ts, name }) }, emoji(name))),
    !inThread && h("button", { title: "Reply in thread", onclick: () => go(place.room, root) }, "💬"), messageMenu(message));
  return h("article", { class: "message" + (joined ? " joined" : "") + (message.is_ephemeral ? " whisper" : "") },
    h("div", { class: "face" }, joined ? clock : avatar(person)),
    h("div", { class: "said" },
      message.is_ephemeral && h("small", { class: "only" }, "Only visible to you"),
      message.subtype === "thread_broadcast" && !inThread && h("small", { class: "only" }, "↳ replied to a thread"),
      !joined && h("div", { class: "who" }, h("b", {}, person ? person.real_name : message.user), person && person.is_bot && h("span", { class: "app" }, "APP"), clock),
      body, message.edited && !message.blocks && h("small", { class: "edited" }, " (edited)"),
      (message.files || []).map((one) => h("a", { class: "file", href: safeUrl(one.url_private) || "#" }, "File: " + (one.title || one.name))),
      message.reactions && h("div", { class: "reactions" }, message.reactions.map((one) => h("button", { class: one.users.includes(me) ? "mine" : "", title: one.users.map((id) => (screen.people[id] || { name: id }).name).join(", "),
        onclick: () => send("react", { channel: place.room, ts: message.ts, name: one.name, remove: one.users.includes(me) }) }, emoji(one.name), ` ${one.count}`))),
      !inThread && message.reply_count && h("button", { class: "replies", onclick: () => go(place.room, root) }, `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`, h("small", {}, "view thread")),
      !inThread && message.subtype === "thread_broadcast" && h("button", { class: "replies", onclick: () => go(place.room, root) }, "view thread")),
    tools);
}

function messageMenu(message) {
  const shortcuts = screen.shortcuts.filter((one) => one.type === "message");
  if (!shortcuts.length) return null;
  const menu = h("details", { class: "overflow" }, h("summary", { title: "Shortcuts" }, "⋯"), h("div", { class: "menu" }, shortcuts.map((one) =>
    h("button", { onclick: () => { menu.open = false; send("shortcut", { callback_id: one.callback_id, channel: place.room, ts: message.ts }); } }, one.label))));
  return menu;
}

// -- writing --

async function write(text, root) {
  const words = text.trim();
  if (!words) return true;
  if (words.startsWith("/")) {
    const [, command, rest] = /^(\/\S+)\s*([\s\S]*)$/.exec(words);
    return (await send("command", { channel: place.room, command, text: rest, thread_ts: root })).ok;
  }
  return (await send("say", { channel: place.room, text: words, thread_ts: root })).ok;
}

function composer(form, field, root) {
  const submit = async (event) => {
    event.preventDefault();
    const text = field.value;
    field.value = "";
    if (!(await write(text, root()))) field.value = text;
    field.focus();
  };
  form.addEventListener("submit", submit);
  field.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event); });
}

// -- traffic --

let lastEntry = 0;
let reading = false;
async function loadTraffic() {
  if ($("traffic").hidden || reading) return;
  reading = true;
  let entries = [];
  try { ({ entries } = await (await fetch(`/control/traffic?after=${lastEntry}`)).json()); } catch { /* shown with the next */ }
  reading = false;
  for (const entry of entries) {
    lastEntry = entry.n;
    const good = entry.outcome === "ok" || entry.outcome === "acked";
    $("traffic-list").prepend(h("details", { class: good ? "" : "bad" }, h("summary", {},
      h("time", {}, new Date(entry.at * 1000).toLocaleTimeString()), h("span", { class: "way" }, entry.way === "app->slack" ? "bot → slack" : "slack → bot"),
      h("code", {}, entry.what), h("span", { class: "outcome" }, entry.outcome), h("small", {}, `${entry.ms} ms`)),
    h("pre", {}, JSON.stringify({ sent: entry.sent, answer: entry.answer }, null, 2))));
  }
  while ($("traffic-list").children.length > 300) $("traffic-list").lastChild.remove();
}

function toggleTraffic() { $("traffic").hidden = !$("traffic").hidden; loadTraffic(); }

// -- start --

window.addEventListener("hashchange", () => {
  fromHash();
  if (place.home) send("home", {});
  load();
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.overflow[open]")) if (!menu.contains(event.target)) menu.open = false;
});
$("thread-close").addEventListener("click", () => go(place.room));
$("traffic-close").addEventListener("click", toggleTraffic);
composer($("composer"), $("words"), () => "");
composer($("thread-composer"), $("thread-words"), () => place.root);
setInterval(() => refreshTimes(document), 15000);
fromHash();
if (place.home && me) send("home", {});
await load();
if (screen.ok) {
  const stream = new EventSource("/stream");
  stream.onmessage = (event) => { if (JSON.parse(event.data) === "traffic") loadTraffic(); else soon(); };
  stream.onopen = soon;
}
