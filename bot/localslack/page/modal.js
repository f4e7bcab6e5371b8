// The top modal of a person's stack, those below it behind; what is typed stays in the page until it is sent.
import { drawBlocks } from "/page/blocks.js";
import { h, textOf } from "/page/words.js";

let shown = "";
let typed = {};

export function drawModal(curtain, screen, world, send) {
  const view = screen.views[screen.views.length - 1];
  const key = view ? JSON.stringify([view.id, view.hash, screen.errors[view.id], screen.views.length]) : "";
  if (key === shown) return;
  if (!view || !shown.includes(`"${view.id}"`)) typed = {};
  shown = key;
  if (!view) { curtain.hidden = true; curtain.replaceChildren(); return; }

  const values = structuredClone(view.state.values);
  const draw = (block, element, value) => {
    typed[block.block_id] = { ...typed[block.block_id], [element.action_id]: value };
    if (block.type !== "input" || block.dispatch_action) {
      send("click", { view_id: view.id, block_id: block.block_id, action_id: element.action_id, value });
    }
  };
  for (const [block, inputs] of Object.entries(typed)) {
    for (const [action, value] of Object.entries(inputs)) keepTyped(values, view, block, action, value);
  }
  const state = { values, errors: screen.errors[view.id] || {} };
  const submit = view.submit && h("button", { class: "button primary", type: "submit" }, textOf(view.submit, world));
  const close = (everything) => send("close", { view_id: view.id, everything });
  const form = h("form", { class: "modal", role: "dialog", "aria-modal": "true", "aria-label": view.title.text, onsubmit: async (event) => {
    event.preventDefault();
    if (submit) submit.disabled = true;
    const filled = {};
    for (const block of view.blocks) if (typed[block.block_id]) filled[block.block_id] = typed[block.block_id];
    for (const node of form.querySelectorAll("[data-block]")) {
      (filled[node.dataset.block] ||= {})[node.dataset.action] = node.value;
    }
    const told = await send("submit", { view_id: view.id, values: filled });
    if (submit) submit.disabled = false;
    if (told && told.ok && !told.acked) {
      form.querySelector(".trouble").textContent = `The bot did not answer in time (${told.because}). Try again?`;
    }
  } },
  h("header", { class: "head" }, screen.views.length > 1 && h("button", { type: "button", class: "ghost", "aria-label": "Back", title: "Back to the one below", onclick: () => close(false) }, "‹"),
    h("b", {}, textOf(view.title, world)), h("button", { type: "button", class: "ghost", "aria-label": "Close", title: "Close (Esc)", onclick: () => close(true) }, "✕")),
  h("div", { class: "modal-body" }, drawBlocks(view.blocks, world, draw, state)),
  h("div", { class: "trouble", role: "alert" }),
  h("footer", { class: "foot" }, screen.views.length > 1 && h("small", {}, `${screen.views.length} of 3`),
    h("button", { type: "button", class: "button", onclick: () => close(false) }, view.close ? textOf(view.close, world) : "Close"), submit));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); close(false); }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    if (event.key === "Tab") stayWithin(form, event);
  });
  const below = screen.views.slice(0, -1).map((one) => h("div", { class: "modal below", "aria-hidden": "true" }, h("header", { class: "head" }, h("b", {}, textOf(one.title, world)))));
  curtain.replaceChildren(...below, form);
  curtain.hidden = false;
  const first = form.querySelector(".wrong .typed, .typed, .select, input, .button.primary") || form.querySelector(".foot .button");
  if (first) first.focus({ preventScroll: !first.closest(".wrong") }); // a long dialog is read from its beginning
}

// Tab goes round inside the dialog
function stayWithin(form, event) {
  const stops = [...form.querySelectorAll("button, input, select, textarea, a[href], summary")].filter((one) => !one.disabled && one.offsetParent);
  const [first, end] = [stops[0], stops[stops.length - 1]];
  if (event.shiftKey && document.activeElement === first) { event.preventDefault(); end.focus(); }
  if (!event.shiftKey && document.activeElement === end) { event.preventDefault(); first.focus(); }
}

function keepTyped(values, view, blockId, actionId, value) {
  const held = (values[blockId] || {})[actionId];
  const block = view.blocks.find((one) => one.block_id === blockId);
  const element = block && (block.element || block.accessory || (block.elements || []).find((one) => one.action_id === actionId));
  if (!held || !element) return;
  const option = (wanted) => (element.options || []).find((one) => one.value === wanted) || (typeof wanted === "object" ? wanted : null);
  if ("value" in held) held.value = value;
  else if ("selected_options" in held) held.selected_options = (value || []).map(option).filter(Boolean);
  else if ("selected_option" in held) held.selected_option = option(value);
  else for (const name of Object.keys(held)) if (name.startsWith("selected_")) held[name] = value;
}
