// The page of one person: rooms at the left, words in the middle, the thread at the right, traffic below.
import { drawBlocks } from "/page/blocks.js";
import { composer } from "/page/composer.js";
import { drawMessage } from "/page/message.js";
import { drawModal } from "/page/modal.js";
import { avatar, chooser, marks, myself } from "/page/people.js";
import { director, loadTraffic } from "/page/traffic.js";
import { anchor, emoji, h, mrkdwn, refreshTimes, span, time } from "/page/words.js";

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
  if (!screen.ok) { $("chooser").hidden = false; $("desk").hidden = true; $("chooser").replaceChildren(...chooser(screen.people)); return; }
  sessionStorage.setItem("as", me);
  time.ahead = Math.max(0, screen.now - Date.now() / 1000);
  place.room = screen.channel || "";
  draw();
}

function soon() {
  if (pending) return;
  pending = true;
  setTimeout(async () => { pending = false; try { await load(); } catch { /* the stream will tell when it is back */ } }, 60);
}

async function send(act, body) {
  let told;
  try {
    const response = await fetch(`/people/${encodeURIComponent(me)}/${act}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    told = await response.json();
  } catch { told = { ok: false, error: "The practice workspace does not answer. Is it still running?" }; }
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
  get groups() { return screen.groups; },
  get me() { return me; },
  roomName: (id) => { const room = screen.rooms.find((one) => one.id === id); return room ? nameOf(room) : id; },
  suggest: async (action_id, query, place_) => {
    const view = screen.views[screen.views.length - 1] || (place.home ? screen.home : null);
    const told = await send("options", { ...(view ? { view_id: view.id } : place_), action_id, query });
    return told.options || [];
  },
};

const nameOf = (room) => (room.is_im ? screen.people[screen.bot].real_name : room.name);

function draw() {
  $("desk").hidden = false;
  $("chooser").hidden = true;
  $("hint").hidden = !screen.hint;
  if (screen.hint) $("hint").replaceChildren(h("b", {}, "Try next"), mrkdwn(screen.hint, world));
  document.title = `${place.home ? "Home" : place.room ? "#" + world.roomName(place.room) : "Practice"} · ${screen.people[me].name}`;
  drawSide();
  if (place.home) drawHome(); else drawRoom();
  const list = $("list");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 4;
  drawThread();
  if (atEnd && !place.home) list.scrollTop = list.scrollHeight;  // the thread beside it makes lines longer
  drawModal($("curtain"), screen, world, send);
}

function drawSide() {
  const word = screen.connected ? "the bot is connected" : "the bot is not connected";
  const ahead = time.ahead > 30 ? h("span", { class: "ahead", title: "the clock of this workspace was moved" }, `⏱ +${span(time.ahead)}`) : "";
  $("team").replaceChildren(h("b", {}, screen.team), ahead, h("span", { class: screen.connected ? "dot on" : "dot", title: word, role: "img", "aria-label": word }));
  const item = (room, label, sign) => {
    const here = room.id === place.room && !place.home;
    const unread = !here && room.latest && room.latest > (read[room.id] || "");
    return h("a", { class: "room" + (here ? " here" : "") + (unread ? " unread" : "") + (room.is_archived ? " shut" : ""), href: `#${room.id}`, "aria-current": here ? "page" : null },
      h("span", { class: "sign" }, sign), h("span", { class: "label" }, label), unread && h("span", { class: "badge", title: "unread" }));
  };
  const sign = (one) => (one.is_archived ? "▫" : one.is_private ? "◆" : one.is_ext_shared ? "↔" : "#");
  const rooms = screen.rooms.filter((one) => !one.is_im);
  const direct = screen.rooms.filter((one) => one.is_im);
  const shut = rooms.filter((one) => one.is_archived);
  $("rooms").replaceChildren(
    h("h2", {}, "Channels"), ...rooms.filter((one) => !one.is_archived).map((one) => item(one, one.name, sign(one))),
    h("h2", {}, "Direct messages"), ...direct.map((one) => item(one, nameOf(one), "●")), ...(direct.length ? [] : [h("p", { class: "none" }, "None yet")]),
    h("h2", {}, "App"), h("a", { class: "room" + (place.home ? " here" : ""), href: "#home" }, h("span", { class: "sign" }, "⌂"), h("span", {}, "Tocsin Home")),
    ...screen.shortcuts.filter((one) => one.type === "global").map((one) =>
      h("button", { class: "room", onclick: () => send("shortcut", { callback_id: one.callback_id }) }, h("span", { class: "sign" }, "⚡"), h("span", {}, one.label))),
    h("button", { class: "room", onclick: toggleTraffic, "aria-expanded": String(!$("traffic").hidden) }, h("span", { class: "sign" }, "⇄"), h("span", {}, "Traffic and faults")),
    ...(shut.length ? [h("h2", {}, "Archived"), ...shut.map((one) => item(one, one.name, sign(one)))] : []));
  $("me").replaceChildren(...myself(screen.people[me], send));
}

const drawn = { list: new Map(), thread: new Map() };

function drawList(box, cache, messages, empty, inThread) {
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const kept = new Map();
  const nodes = messages.map((message, index) => {
    const before = messages[index - 1];
    const joined = before && before.user === message.user && !before.blocks && !message.blocks && !before.subtype && !message.subtype && message.ts - before.ts < 300 && !message.is_ephemeral && !before.is_ephemeral && !message.pinned_to;
    const key = JSON.stringify([message, joined, inThread, screen.people[message.user], screen.shortcuts]);
    const old = cache.get(message.ts);
    const node = old && old.key === key ? old.node : drawMessage(message, { joined, inThread, place, screen, world, send, go });
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
  $("composer").hidden = !room || room.is_archived;
  $("shelf").hidden = true;
  if (!room) { $("head").replaceChildren(); $("list").replaceChildren(h("p", { class: "empty" }, "You are in no channel yet.")); return; }
  const about = [room.is_ext_shared && "shared with another organisation", room.is_archived && "archived", room.topic && room.topic.value].filter(Boolean).join(" · ");
  const faces = room.is_im ? null : h("details", { class: "overflow" }, h("summary", { class: "ghost", title: "Who is here" }, `${room.num_members} people`),
    h("div", { class: "menu wide" }, room.members.map((id) => h("div", { class: "member" }, avatar(screen.people[id]), h("span", {}, (screen.people[id] || { real_name: id }).real_name, " ", marks(screen.people[id]))))));
  $("head").replaceChildren(h("span", { class: "title" }, h("b", {}, (room.is_im ? "" : "#") + nameOf(room)), about && h("small", {}, about)), faces || "");
  drawShelf(room);
  $("words").placeholder = `Message ${room.is_im ? nameOf(room) : "#" + room.name}   (/ for a command, @ for a mention)`;
  const top = screen.messages.filter((one) => !one.thread_ts || one.thread_ts === one.ts || one.subtype === "thread_broadcast");
  drawList($("list"), drawn.list, top, "Nothing here yet. Say something, or wait for the bot.", false);
  markRead(room.id, room.latest);
}

// bookmarks, pins and canvases of the room, where there are any
function drawShelf(room) {
  const jump = (ts) => { const found = $(`m-${ts}`); if (found) { found.scrollIntoView({ block: "center" }); found.focus(); } };
  const pins = room.pinned.length ? h("details", { class: "overflow" }, h("summary", {}, `📌 ${room.pinned.length} pinned`), h("div", { class: "menu wide left" },
    room.pinned.map((ts) => screen.messages.find((one) => one.ts === ts)).filter(Boolean).map((one) => h("button", { type: "button", onclick: (event) => { event.target.closest("details").open = false; if (one.thread_ts && one.thread_ts !== one.ts) go(place.room, one.thread_ts); else jump(one.ts); } },
      (one.text || "a message").slice(0, 120))))) : null;
  const links = room.bookmarks.map((one) => h("span", { class: "bookmark" }, anchor(one.link, `${one.emoji ? emoji(one.emoji.replaceAll(":", "")) : "🔗"} ${one.title}`)));
  const sheets = room.canvases.map((one) => h("button", { class: "bookmark", onclick: () => openCanvas(one) }, `📄 ${one.title}`));
  const all = [pins, ...links, ...sheets].filter(Boolean);
  $("shelf").hidden = !all.length;
  const key = JSON.stringify([room.id, room.pinned, room.bookmarks, room.canvases]);
  if ($("shelf").dataset.of !== key) { $("shelf").replaceChildren(...all); $("shelf").dataset.of = key; }
}

function openCanvas(canvas) {
  const dialog = h("dialog", { class: "confirm canvas" }, h("h3", {}, canvas.title), h("div", { class: "within" }, drawBlocks([{ type: "markdown", text: canvas.text || "(empty)" }], world, () => {}, null)),
    h("div", { class: "foot" }, h("button", { class: "button", onclick: () => dialog.close() }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function drawThread() {
  const root = screen.messages.find((one) => one.ts === place.root);
  $("thread").hidden = place.home || !root;
  if (place.home || !root) return;
  const room = screen.rooms.find((one) => one.id === place.room);
  $("thread-composer").hidden = !room || room.is_archived;
  const messages = screen.messages.filter((one) => one.ts === place.root || one.thread_ts === place.root);
  drawList($("thread-list"), drawn.thread, messages, "", true);
}

let homeOf = "";
function drawHome() {
  $("composer").hidden = true;
  $("shelf").hidden = true;
  $("head").replaceChildren(h("span", { class: "title" }, h("b", {}, "Tocsin Home"), h("small", {}, "what waits for you")));
  const view = screen.home;
  const key = view ? view.id + view.hash : "none";
  drawn.list.clear();
  if (homeOf === key && $("list").dataset.of === "home") return;
  homeOf = key;
  $("list").dataset.of = "home";
  const act = (block, element, value) => send("click", { view_id: view.id, block_id: block.block_id, action_id: element.action_id, value });
  $("list").replaceChildren(view ? h("div", { class: "home" }, drawBlocks(view.blocks, world, act, { values: view.state.values, errors: {} }))
    : h("p", { class: "empty" }, screen.connected ? "The bot has not published a Home tab for you yet." : "The bot is not connected, so there is no Home tab yet."));
}

function toggleTraffic() {
  $("traffic").hidden = !$("traffic").hidden;
  if ($("traffic").hidden) return;
  if (!$("director").children.length) director($("director"), toast);
  loadTraffic($("traffic-list"));
}

// -- start --

window.addEventListener("hashchange", () => {
  fromHash();
  if (place.home) send("home", {});
  load();
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.overflow[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("toggle", (event) => {  // a menu that would be cut off below opens upwards
  const menu = event.target.matches("details.overflow[open]") && event.target.querySelector(".menu");
  if (!menu) return;
  menu.classList.remove("up");
  const frame = event.target.closest(".list, .modal-body");
  const low = frame ? frame.getBoundingClientRect().bottom : window.innerHeight;
  menu.classList.toggle("up", menu.getBoundingClientRect().bottom > low);
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  const menus = document.querySelectorAll("details.overflow[open]");
  const view = screen && screen.ok && screen.views[screen.views.length - 1];
  if (menus.length) for (const menu of menus) menu.open = false;
  else if (view) send("close", { view_id: view.id });
  else if (place.root) go(place.room);
  else if (!$("traffic").hidden) toggleTraffic();
});
$("thread-close").addEventListener("click", () => go(place.room));
$("traffic-close").addEventListener("click", toggleTraffic);
const writing = { room: () => place.room, read: () => screen, send };
composer($("composer"), $("words"), { ...writing, root: () => "" });
composer($("thread-composer"), $("thread-words"), { ...writing, root: () => place.root });
setInterval(() => refreshTimes(document), 15000);
fromHash();
if (place.home && me) send("home", {});
await load();
if (screen.ok) {
  const stream = new EventSource("/stream");
  stream.onmessage = (event) => { if (JSON.parse(event.data) !== "traffic") soon(); else if (!$("traffic").hidden) loadTraffic($("traffic-list")); };
  stream.onopen = soon;
}
