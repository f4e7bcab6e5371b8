// One message: who said it, what it says, and what can be done with it.
import { drawBlocks } from "/page/blocks.js";
import { avatar, marks } from "/page/people.js";
import { EMOJI, emoji, h, mrkdwn, safeUrl } from "/page/words.js";

const QUICK = ["white_check_mark", "eyes", "pushpin", "mag"];
const MORE = ["ice_cube", "+1", "-1", "tada", "thinking_face", "rotating_light", "fire", "warning", "hourglass", "heart", "rocket", "raised_hand", "question", "bulb", "no_entry", "memo", "wrench", "link", "wave", "ok_hand"];

export function drawMessage(message, { joined, inThread, place, screen, world, send, go }) {
  const person = screen.people[message.user];
  const act = (block, element, value) => send("click", { channel: place.room, ts: message.ts, block_id: block.block_id, action_id: element.action_id, value });
  const at = new Date(message.ts * 1000);
  const root = message.thread_ts || message.ts;
  const clock = h("time", { class: "at", title: at.toLocaleString() }, at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }));
  if ((message.subtype || "").startsWith("channel_")) return slacksOwn(message, person, clock, world);
  const gone = message.subtype === "tombstone";
  const here = Object.create(world, { suggest: { value: (action, query) => world.suggest(action, query, { channel: place.room, ts: message.ts }) } });
  const body = message.blocks && message.blocks.length ? drawBlocks(message.blocks, here, act, null) : [message.text && mrkdwn(message.text, world)];
  const pinned = (message.pinned_to || []).length > 0;
  const by = pinned && screen.people[(message.pinned_info || {}).by];
  return h("article", { class: "message" + (joined ? " joined" : "") + (message.is_ephemeral ? " whisper" : "") + (pinned ? " pinned" : ""), id: `m-${inThread ? "t-" : ""}${message.ts}`, tabIndex: -1 },
    h("div", { class: "face" }, joined ? clock : avatar(person)),
    h("div", { class: "said" + (gone ? " gone" : "") },
      message.is_ephemeral && h("small", { class: "only" }, "👁 Only visible to you"),
      pinned && h("small", { class: "only" }, `📌 Pinned${by ? ` by ${by.real_name}` : ""}`),
      message.subtype === "thread_broadcast" && !inThread && h("small", { class: "only" }, "↳ replied to a thread"),
      !joined && h("div", { class: "who" }, h("b", {}, person ? person.real_name : message.user), marks(person), clock),
      body, message.edited && !(message.blocks || []).length && h("small", { class: "edited" }, " (edited)"),
      (message.files || []).map(file), reactions(message, place, screen, send),
      !inThread && message.reply_count && h("button", { class: "replies", onclick: () => go(place.room, root) }, `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`, h("small", {}, "view thread")),
      !inThread && message.subtype === "thread_broadcast" && h("button", { class: "replies", onclick: () => go(place.room, root) }, "view thread")),
    message.is_ephemeral || gone ? null : tools(message, { inThread, root, pinned, place, screen, send, go }));
}

function slacksOwn(message, person, clock, world) {
  return h("article", { class: "message own" }, h("div", { class: "face" }), h("div", { class: "said" },
    h("small", {}, person ? person.real_name : message.user, " ", mrkdwn(message.text.replace(/^<@\w+> /, ""), world), " ", clock)));
}

function file(one) {
  const url = safeUrl(one.url_private);
  const shown = /\.(png|jpe?g|gif|webp|svg)$/i.test(one.name || "") && url ? h("img", { class: "large", src: url, alt: one.title || one.name, onerror: () => shown.remove() }) : null;
  return h("div", {}, shown, h("a", { class: "file", href: url || "#" }, "📄 " + (one.title || one.name)));
}

function reactions(message, place, screen, send) {
  if (!(message.reactions || []).length) return null;
  const names = (one) => one.users.map((id) => (screen.people[id] || { real_name: id }).real_name).join(", ");
  return h("div", { class: "reactions" }, message.reactions.map((one) => {
    const mine = one.users.includes(screen.me);
    return h("button", { class: mine ? "mine" : "", "aria-pressed": String(mine), title: `${names(one)} · :${one.name}:`,
      onclick: () => send("react", { channel: place.room, ts: message.ts, name: one.name, remove: mine }) }, emoji(one.name), ` ${one.count}`);
  }));
}

function tools(message, { inThread, root, pinned, place, screen, send, go }) {
  const react = (name) => send("react", { channel: place.room, ts: message.ts, name });
  const quick = QUICK.map((name) => h("button", { title: `:${name}:`, "aria-label": name, onclick: () => react(name) }, emoji(name)));
  return h("div", { class: "tools" }, quick, picker(react),
    !inThread && h("button", { title: "Reply in thread", "aria-label": "Reply in thread", onclick: () => go(place.room, root) }, "💬"),
    menu(message, pinned, place, screen, send));
}

function picker(react) {
  const pick = (name) => h("button", { type: "button", title: `:${name}:`, "aria-label": name, onclick: () => { box.open = false; react(name); } }, emoji(name));
  const found = h("div", { class: "faces" }, [...QUICK, ...MORE].map(pick));
  const search = h("input", { class: "typed", type: "search", placeholder: "Any emoji by name", "aria-label": "Emoji by name",
    oninput: () => {
      const words = search.value.trim().replaceAll(":", "").toLowerCase();
      const near = Object.keys(EMOJI).filter((name) => name.includes(words)).slice(0, 24);
      found.replaceChildren(...(words ? near : [...QUICK, ...MORE]).map(pick));
    },
    onkeydown: (event) => {
      const words = search.value.trim().replaceAll(":", "").toLowerCase();
      if (event.key === "Enter" && /^[a-z0-9_+-]+$/.test(words)) { event.preventDefault(); box.open = false; react(words); }
    } });
  const box = h("details", { class: "overflow", ontoggle: () => box.open && search.focus() },
    h("summary", { title: "More reactions", "aria-label": "More reactions" }, "☺"), h("div", { class: "menu picker" }, search, found));
  return box;
}

function menu(message, pinned, place, screen, send) {
  const here = { channel: place.room, ts: message.ts };
  const item = (label, go, small) => h("button", { type: "button", onclick: () => { box.open = false; go(); } }, label, small && h("small", {}, small));
  const shortcuts = screen.shortcuts.filter((one) => one.type === "message").map((one) => item(one.label, () => send("shortcut", { ...here, callback_id: one.callback_id }), "Tocsin"));
  const own = message.user === screen.me ? [
    item("Edit", () => edit(message, (text) => send("edit", { ...here, text }))), item("Delete", () => send("delete", here))] : [];
  const box = h("details", { class: "overflow" }, h("summary", { title: "More", "aria-label": "More" }, "⋯"), h("div", { class: "menu" },
    shortcuts, shortcuts.length ? h("hr") : null,
    item(pinned ? "Unpin" : "Pin to channel", () => send("pin", { ...here, remove: pinned })), own));
  return box;
}

function edit(message, save) {
  const field = h("textarea", { class: "typed", rows: 3, value: message.text, "aria-label": "Edit message" });
  const done = () => { const text = field.value.trim(); dialog.close(); if (text && text !== message.text) save(text); };
  const dialog = h("dialog", { class: "confirm" }, h("h3", {}, "Edit message"), h("div", { class: "within" }, field),
    h("div", { class: "foot" }, h("button", { class: "button", onclick: () => dialog.close() }, "Cancel"), h("button", { class: "button primary", onclick: done }, "Save")));
  field.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); done(); } });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
}
