// Draws Slack's blocks. `act(block, element, value)` is told what was clicked or chosen.
import { anchor, emoji, h, mention, mrkdwn, safeUrl, textOf } from "/page/words.js";

export function drawBlocks(blocks, world, act, state) {
  return (blocks || []).map((block) => {
    const draw = DRAW[block.type];
    const body = draw ? draw(block, world, act, state) : h("div", { class: "unknown" }, `[${block.type}]`);
    body.classList.add("block", "block-" + block.type);
    return body;
  });
}

const picture = (block, small) => h("img", { class: small ? "small" : "large", src: block.slack_file ? `/files/${encodeURIComponent(block.slack_file.id || "")}` : safeUrl(block.image_url) || "", alt: block.alt_text });

const DRAW = {
  header: (block, world) => h("h3", {}, textOf(block.text, world)),
  divider: () => h("hr"),
  section(block, world, act, state) {
    const words = h("div", { class: "words" }, block.text && h("div", {}, textOf(block.text, world)),
      block.fields && h("div", { class: "fields" }, block.fields.map((one) => h("div", {}, textOf(one, world)))));
    return h("div", {}, words, block.accessory && h("div", { class: "accessory" }, drawElement(block, block.accessory, world, act, state)));
  },
  context: (block, world) => h("div", {}, block.elements.map((one) => one.type === "image" ? picture(one, true) : h("span", {}, textOf(one, world)))),
  actions: (block, world, act, state) => h("div", {}, block.elements.map((one) => drawElement(block, one, world, act, state))),
  image: (block, world) => h("figure", {}, block.title && h("figcaption", {}, textOf(block.title, world)), picture(block, false)),
  markdown: (block, world) => h("div", {}, mrkdwn(block.text.replace(/\*\*(.+?)\*\*/g, "*$1*").replace(/^#+\s*(.+)$/gm, "*$1*").replace(/^[-*] /gm, "• ")
    .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, "<$2|$1>"), world)),
  rich_text: (block, world) => h("div", {}, block.elements.map((one) => rich(one, world))),
  alert: (block, world) => { const box = h("div", {}, textOf(block.text, world)); box.dataset.level = block.level || "default"; return box; },
  container(block, world, act, state) {
    const title = h("summary", {}, block.title ? textOf(block.title, world) : "Details", block.subtitle && h("small", {}, textOf(block.subtitle, world)));
    return h("details", { open: !(block.is_collapsible && block.default_collapsed) }, title, drawBlocks(block.child_blocks, world, act, state));
  },
  table(block, world) {
    const cell = (one, tag) => h(tag, {}, one.type === "rich_text" ? one.elements.map((e) => rich(e, world)) : one.type === "raw_number" ? one.text || String(one.value) : one.text);
    const [head, ...rows] = block.rows;
    return h("div", {}, h("table", {}, h("thead", {}, h("tr", {}, head.map((one) => cell(one, "th")))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((one) => cell(one, "td")))))));
  },
  data_visualization: (block) => h("figure", {}, h("figcaption", {}, block.title), plot(block.chart), legend(block.chart)),
  input(block, world, act, state) {
    const mark = block.optional ? h("small", {}, " (optional)") : null;
    const error = state && state.errors[block.block_id];
    const control = drawElement(block, block.element, world, act, state), fields = "input, select, textarea";
    const field = control.matches(fields) ? control : control.querySelectorAll(fields).length === 1 ? control.querySelector(fields) : null;
    if (field) field.id = `field-${block.block_id}`;
    return h("div", { class: error ? "wrong" : "" }, h("label", field ? { for: field.id } : {}, textOf(block.label, world), mark),
      control, error && h("div", { class: "error", role: "alert" }, error),
      block.hint && h("div", { class: "aid" }, textOf(block.hint, world)));
  },
};

function rich(element, world) {
  const runs = (list) => list.map((one) => richRun(one, world));
  if (element.type === "rich_text_list") {
    const list = h(element.style === "ordered" ? "ol" : "ul", {}, element.elements.map((one) => h("li", {}, runs(one.elements))));
    list.style.marginLeft = `${(element.indent || 0) * 1.4}em`;
    if (element.style === "ordered" && element.offset) list.start = element.offset + 1;
    return list;
  }
  if (element.type === "rich_text_preformatted") return h("pre", {}, runs(element.elements));
  if (element.type === "rich_text_quote") return h("blockquote", {}, runs(element.elements));
  return h("p", {}, runs(element.elements));
}

function richRun(run, world) {
  const style = run.style || {};
  let node = {
    text: () => h("span", {}, run.text), link: () => anchor(run.url, run.text || run.url), emoji: () => h("span", {}, emoji(run.name)),
    user: () => mention(world, run.user_id), usergroup: () => h("span", { class: "mention" }, "@" + run.usergroup_id),
    channel: () => h("span", { class: "mention" }, "#" + world.roomName(run.channel_id)),
    broadcast: () => h("span", { class: "mention loud" }, "@" + run.range),
    date: () => mrkdwn(`<!date^${run.timestamp}^${run.format}|${run.fallback || ""}>`, world),
  }[run.type];
  node = node ? node() : h("span", {}, "");
  for (const [name, tag] of [["code", "code"], ["bold", "b"], ["italic", "i"], ["strike", "s"], ["underline", "u"]]) {
    if (style[name]) node = h(tag, {}, node);
  }
  return node;
}

// -- elements --

const options = (element) => element.options ? [[null, element.options]] : (element.option_groups || []).map((one) => [one.label.text, one.options]);

function drawElement(block, element, world, act, state) {
  const held = state && (state.values[block.block_id] || {})[element.action_id];
  const draw = ELEMENT[element.type];
  return draw ? draw(block, element, world, act, held || {}) : h("span", { class: "unknown" }, `[${element.type}]`);
}

function dropdown(block, element, world, act, chosen, groups) {
  const options = (list) => list.map((one) => h("option", { value: one.value, selected: one.value === chosen }, one.text));
  const choose = h("select", { class: "select", data: { block: block.block_id, action: element.action_id }, onchange: () => choose.value && ask(element, () => act(block, element, choose.value)) },
    h("option", { value: "", disabled: block.type !== "input" || !block.optional, selected: !chosen }, element.placeholder ? element.placeholder.text : "Choose"),
    groups.map(([label, list]) => label ? h("optgroup", { label }, options(list)) : options(list)));
  return choose;
}

const plainOptions = (element) => options(element).map(([label, list]) => [label, list.map((one) => ({ value: one.value, text: one.text.text }))]);

function people(world) {
  return [[null, Object.values(world.people).filter((one) => !one.is_bot && !one.deleted).map((one) => ({ value: one.id, text: one.real_name }))]];
}

function typing(kind) {
  return (block, element, world, act, held) => {
    const props = { class: "typed", value: held.value || "", placeholder: element.placeholder ? element.placeholder.text : "", maxLength: element.max_length || 3000,
      data: { block: block.block_id, action: element.action_id }, onchange: () => act(block, element, node.value) };
    const node = element.multiline ? h("textarea", { ...props, rows: 4 }) : h("input", { ...props, type: kind });
    return node;
  };
}

function ticks(kind) {
  return (block, element, world, act, held) => {
    const chosen = kind === "radio" ? [held.selected_option && held.selected_option.value] : (held.selected_options || element.initial_options || []).map((one) => one.value);
    const name = `${block.block_id}/${element.action_id}`;
    const box = h("div", { class: "ticks" }, element.options.map((one) => {
      const tick = h("input", { type: kind, name, value: one.value, checked: chosen.includes(one.value), onchange: () => {
        const now = [...box.querySelectorAll("input:checked")].map((each) => each.value);
        act(block, element, kind === "radio" ? now[0] : now);
      } });
      return h("label", {}, tick, h("span", {}, textOf(one.text, world), one.description && h("small", {}, textOf(one.description, world))));
    }));
    return box;
  };
}

const ELEMENT = {
  image: (block, element) => picture(element, false),
  button(block, element, world, act) {
    return h("button", { type: "button", class: "button " + (element.style || ""), "aria-label": element.accessibility_label, onclick: () => ask(element, () => {
      if (element.url && safeUrl(element.url)) window.open(safeUrl(element.url), "_blank", "noopener");
      act(block, element, element.value);
    }) }, textOf(element.text, world));
  },
  overflow(block, element, world, act) {
    const menu = h("details", { class: "overflow" }, h("summary", { class: "button", "aria-label": "More" }, "⋯"),
      h("div", { class: "menu" }, element.options.map((one) => h("button", { type: "button", onclick: () => {
        menu.open = false;
        if (one.url && safeUrl(one.url)) window.open(safeUrl(one.url), "_blank", "noopener");
        ask(element, () => act(block, element, one.value));
      } }, textOf(one.text, world), one.description && h("small", {}, textOf(one.description, world))))));
    return menu;
  },
  static_select: (block, element, world, act, held) => dropdown(block, element, world, act, ((held.selected_option || element.initial_option) || {}).value, plainOptions(element)),
  users_select: (block, element, world, act, held) => dropdown(block, element, world, act, held.selected_user || element.initial_user, people(world)),
  channels_select: (block, element, world, act, held) => dropdown(block, element, world, act, held.selected_channel || element.initial_channel, [[null, world.rooms.filter((one) => !one.is_im).map((one) => ({ value: one.id, text: "#" + one.name }))]]),
  conversations_select: (block, element, world, act, held) => dropdown(block, element, world, act, held.selected_conversation || element.initial_conversation, [[null, world.rooms.filter((one) => !one.is_im).map((one) => ({ value: one.id, text: "#" + one.name }))]]),
  multi_static_select: (block, element, world, act, held) => ticks("checkbox")(block, { ...element, options: options(element).flatMap(([, list]) => list) }, world, act, held),
  multi_users_select: (block, element, world, act, held) => ticks("checkbox")(block, { ...element, options: people(world)[0][1].map((one) => ({ value: one.value, text: { type: "plain_text", text: one.text } })) }, world, act,
    { selected_options: (held.selected_users || []).map((value) => ({ value })) }),
  radio_buttons: ticks("radio"),
  checkboxes: ticks("checkbox"),
  plain_text_input: typing("text"), email_text_input: typing("email"), url_text_input: typing("url"), number_input: typing("number"),
  datepicker: (block, element, world, act, held) => typing("date")(block, element, world, act, { value: held.selected_date || element.initial_date }),
  timepicker: (block, element, world, act, held) => typing("time")(block, element, world, act, { value: held.selected_time || element.initial_time }),
  datetimepicker(block, element, world, act, held) {
    const at = held.selected_date_time || element.initial_date_time;
    const local = at ? new Date(at * 1000 - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16) : "";
    const node = h("input", { class: "typed", type: "datetime-local", value: local, onchange: () => act(block, element, node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null) });
    return node;
  },
  external_select(block, element, world, act, held) {
    const results = h("div", { class: "results" });
    const shown = held.selected_option ? held.selected_option.text.text : "";
    const node = h("input", { class: "typed", type: "search", value: shown, placeholder: element.placeholder ? element.placeholder.text : "Type to search", oninput: async () => {
      if (node.value.length < (element.min_query_length ?? 3)) { results.replaceChildren(); return; }
      const found = await world.suggest(element.action_id, node.value);
      results.replaceChildren(...found.map((one) => h("button", { type: "button", onclick: () => { node.value = one.text.text; results.replaceChildren(); act(block, element, one); } }, one.text.text)));
    } });
    return h("div", { class: "external" }, node, results);
  },
};

// a confirm dialog asks once more
function ask(element, go) {
  if (!element.confirm) { go(); return; }
  const text = (object) => object.text;
  const dialog = h("dialog", { class: "confirm" }, h("h3", {}, text(element.confirm.title)), h("p", {}, text(element.confirm.text)),
    h("div", { class: "foot" }, h("button", { class: "button", onclick: () => dialog.remove() }, text(element.confirm.deny)),
      h("button", { class: "button " + (element.confirm.style || "primary"), onclick: () => { dialog.remove(); go(); } }, text(element.confirm.confirm))));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}

// -- charts --

const SVG = "http://www.w3.org/2000/svg";
const shape = (tag, props, text) => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
};

function plot(chart) {
  const wide = 520, high = 150, left = 44, bottom = 18;
  const all = chart.series.flatMap((one) => one.data.map((point) => point.value));
  const top = Math.max(...all), low = Math.min(0, ...all), span = top - low || 1;
  const x = (index, count) => left + (index * (wide - left - 8)) / Math.max(1, count - 1);
  const y = (value) => 8 + (1 - (value - low) / span) * (high - bottom - 8);
  const svg = shape("svg", { viewBox: `0 0 ${wide} ${high}`, class: "chart", role: "img" });
  for (const value of [low, low + span / 2, top]) {
    svg.append(shape("line", { x1: left, x2: wide - 8, y1: y(value), y2: y(value), class: "grid" }),
      shape("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, Number(value.toPrecision(3)).toString()));
  }
  const labels = chart.axis_config.categories;
  for (const index of new Set([0, labels.length - 1])) {
    svg.append(shape("text", { x: x(index, labels.length), y: high - 4, "text-anchor": index ? "end" : "start" }, labels[index]));
  }
  chart.series.forEach((one, at) => svg.append(shape("polyline", {
    points: one.data.map((point, index) => `${x(index, one.data.length)},${y(point.value)}`).join(" "), class: `line line-${at}` })));
  return svg;
}

const legend = (chart) => h("div", { class: "legend" }, chart.series.map((one, at) => h("span", { class: `key line-${at}` }, one.name)));
