// Turns Slack's mrkdwn into elements. Nothing is ever parsed as HTML: words become text nodes.

export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  for (const child of children.flat(4)) {
    if (child !== undefined && child !== null && child !== false) node.append(child);
  }
  return node;
}

export const EMOJI = {
  "white_check_mark": "✅", "heavy_check_mark": "✔️", "x": "❌", "warning": "⚠️", "rotating_light": "🚨", "fire": "🔥",
  "pushpin": "📌", "mag": "🔍", "ice_cube": "🧊", "eyes": "👀", "hourglass": "⌛", "hourglass_flowing_sand": "⏳",
  "bell": "🔔", "no_bell": "🔕", "large_green_circle": "🟢", "red_circle": "🔴", "large_yellow_circle": "🟡",
  "large_orange_circle": "🟠", "large_blue_circle": "🔵", "white_circle": "⚪", "+1": "👍", "thumbsup": "👍",
  "-1": "👎", "thread": "🧵", "lock": "🔒", "scales": "⚖️", "memo": "📝", "hammer_and_wrench": "🛠️", "wrench": "🔧",
  "rewind": "⏪", "question": "❓", "bulb": "💡", "tada": "🎉", "no_entry": "⛔", "robot_face": "🤖", "mega": "📣",
  "loudspeaker": "📢", "pager": "📟", "telephone_receiver": "📞", "chart_with_downwards_trend": "📉", "link": "🔗",
  "chart_with_upwards_trend": "📈", "bar_chart": "📊", "stopwatch": "⏱️", "alarm_clock": "⏰", "clock3": "🕒",
  "busts_in_silhouette": "👥", "bust_in_silhouette": "👤", "raised_hand": "✋", "wave": "👋", "rocket": "🚀",
  "arrow_right": "➡️", "arrow_up": "⬆️", "arrow_down": "⬇️", "arrows_counterclockwise": "🔄", "page_facing_up": "📄",
  "information_source": "ℹ️", "speech_balloon": "💬", "shield": "🛡️", "package": "📦", "calendar": "📅", "zap": "⚡",
  "traffic_light": "🚦", "thinking_face": "🤔", "construction": "🚧", "heart": "❤️", "ok_hand": "👌", "key": "🔑",
  "black_small_square": "▪️", "small_red_triangle": "🔺", "small_orange_diamond": "🔸", "checkered_flag": "🏁",
};

export const emoji = (name) => EMOJI[name] || `:${name}:`;

const decode = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
const withEmoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] || whole);

// the workspace's clock may be ahead of this machine's
export const time = { ahead: 0 };
const now = () => Date.now() + time.ahead * 1000;

export function span(seconds) {
  const [count, unit] = seconds < 60 ? [seconds, "second"] : seconds < 3600 ? [seconds / 60, "minute"]
    : seconds < 86400 ? [seconds / 3600, "hour"] : [seconds / 86400, "day"];
  const whole = Math.max(1, Math.floor(count));
  return `${whole} ${unit}${whole === 1 ? "" : "s"}`;
}

export function ago(seconds) {
  const past = now() / 1000 - seconds;
  const words = span(Math.abs(past));
  return past >= 0 ? `${words} ago` : `in ${words}`;
}

function when(seconds, format) {
  const at = new Date(seconds * 1000);
  const show = (options) => new Intl.DateTimeFormat(undefined, options).format(at);
  const pretty = (options) => {
    const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - new Date(now()).setHours(0, 0, 0, 0)) / 86400000);
    return { "0": "today", "-1": "yesterday", "1": "tomorrow" }[days] || show(options);
  };
  const long = { weekday: "long", year: "numeric", month: "long", day: "numeric" };
  const middle = { year: "numeric", month: "long", day: "numeric" };
  const short = { year: "numeric", month: "short", day: "numeric" };
  const parts = {
    date_num: () => at.toISOString().slice(0, 10), date: () => show(middle), date_short: () => show(short),
    date_long: () => show(long), date_pretty: () => pretty(middle), date_short_pretty: () => pretty(short),
    date_long_pretty: () => pretty(long), time: () => show({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    time_secs: () => show({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }), ago: () => ago(seconds),
    day_divider_pretty: () => pretty(long), date_slash: () => show({ dateStyle: "short" }),
  };
  return format.replace(/\{(\w+)\}/g, (whole, name) => (parts[name] ? parts[name]() : whole));
}

// `{ago}` grows old while the page is open
export function refreshTimes(root) {
  for (const node of root.querySelectorAll("time[data-format]")) {
    node.textContent = when(Number(node.dataset.at), node.dataset.format);
  }
}

export function safeUrl(url) {
  try {
    const parsed = new URL(url, location.origin);
    return ["http:", "https:", "mailto:"].includes(parsed.protocol) ? parsed.href : null;
  } catch { return null; }
}

export function anchor(url, label) {
  const safe = safeUrl(url);
  return safe ? h("a", { href: safe, target: "_blank", rel: "noopener noreferrer" }, label) : h("span", {}, label);
}

function angle(inside, world) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : decode(inside.slice(bar + 1));
  if (target.startsWith("@")) return mention(world, target.slice(1), label);
  if (target.startsWith("#")) return h("span", { class: "mention" }, "#" + (label || world.roomName(target.slice(1))));
  if (target.startsWith("!date^")) {
    const [, at, format, url] = target.split("^");
    const node = h("time", { data: { at, format: decode(format || "") }, title: label }, when(Number(at), decode(format || "")));
    return url ? anchor(decode(url), node) : node;
  }
  if (target.startsWith("!subteam^")) return h("span", { class: "mention" }, label || "@" + (world.groups[target.slice(9)] || target.slice(9)));
  if (target.startsWith("!")) return h("span", { class: "mention loud" }, "@" + target.slice(1));
  return anchor(decode(target), label || decode(target));
}

export function mention(world, id, label) {
  const person = world.people[id];
  const mine = id === world.me ? " mine" : "";
  return h("span", { class: "mention" + mine, title: person ? person.real_name : id }, "@" + (label || (person ? person.name : id)));
}

const INLINE = /`([^`\n]+)`|<([^<>\n]+)>|(?<![\p{L}\p{N}*])\*(?=\S)([^*\n]*?\S)\*(?![\p{L}\p{N}*])|(?<![\p{L}\p{N}_])_(?=\S)([^_\n]*?\S)_(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}~])~(?=\S)([^~\n]*?\S)~(?![\p{L}\p{N}~])/gu;

function inline(text, world) {
  const out = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > last) out.push(withEmoji(decode(text.slice(last, match.index))));
    const [, code, angled, bold, italic, strike] = match;
    if (code !== undefined) out.push(h("code", {}, decode(code)));
    else if (angled !== undefined) out.push(angle(angled, world));
    else if (bold !== undefined) out.push(h("b", {}, inline(bold, world)));
    else if (italic !== undefined) out.push(h("i", {}, inline(italic, world)));
    else out.push(h("s", {}, inline(strike, world)));
    last = match.index + match[0].length;
  }
  if (last < text.length) out.push(withEmoji(decode(text.slice(last))));
  return out;
}

export function mrkdwn(text, world) {
  const box = h("span", { class: "mrkdwn" });
  for (const [index, part] of text.split(/```/).entries()) {
    if (index % 2) { box.append(h("pre", {}, decode(part.replace(/^\n/, "")))); continue; }
    let quote = null;
    const lines = part.split("\n");
    for (const [at, line] of lines.entries()) {
      const quoted = /^(&gt;|>)\s?/.exec(line);
      if (quoted) {
        if (!quote) { quote = h("blockquote", {}); box.append(quote); } else quote.append(h("br"));
        quote.append(...inline(line.slice(quoted[0].length), world));
        continue;
      }
      const after = quote;
      quote = null;
      box.append(...inline(line, world));
      if (at < lines.length - 1 && !(after && line === "")) box.append(h("br"));
    }
  }
  return box;
}

export function textOf(object, world) {
  if (!object) return "";
  if (object.type === "mrkdwn") return mrkdwn(object.text, world);
  return h("span", { class: "plain" }, withEmoji(object.text));
}
