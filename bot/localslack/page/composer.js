// The field one writes in: Enter sends, `/` hints at commands and `@` at people while one types.
import { h } from "/page/words.js";

export function composer(form, field, { root, room, read, send }) {
  const hints = h("div", { class: "hints", role: "listbox", "aria-label": "Hints" });
  hints.hidden = true;
  form.prepend(hints);
  let at = 0;
  let offered = [];

  const close = () => { hints.hidden = true; offered = []; };
  const take = (one) => {
    const before = field.value.slice(0, field.selectionStart).replace(one.typed, "");
    const after = field.value.slice(field.selectionStart);
    field.value = before + one.put + after;
    field.selectionStart = field.selectionEnd = (before + one.put).length;
    field.focus();
    look();
  };
  const draw = () => {
    hints.hidden = !offered.length;
    hints.replaceChildren(...offered.map((one, index) => h("button", { type: "button", role: "option", class: index === at ? "here" : "", "aria-selected": String(index === at),
      onmousedown: (event) => { event.preventDefault(); take(one); } }, h("b", {}, one.label), h("small", {}, one.words))));
  };
  const look = () => {
    offered = suggest(field.value.slice(0, field.selectionStart), read(), !!root());
    at = 0;
    draw();
  };

  const submit = async (event) => {
    event.preventDefault();
    const text = field.value;
    close();
    field.value = "";
    if (!(await write(text))) field.value = text;
    field.focus();
  };

  async function write(text) {
    const words = text.trim();
    if (!words) return true;
    if (words.startsWith("/")) {
      const [, command, rest] = /^(\/\S+)\s*([\s\S]*)$/.exec(words);
      return (await send("command", { channel: room(), command, text: rest, thread_ts: root() })).ok;
    }
    return (await send("say", { channel: room(), text: words, thread_ts: root() })).ok;
  }

  form.addEventListener("submit", submit);
  field.addEventListener("input", look);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (offered.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : offered.length - 1)) % offered.length;
      draw();
    } else if (offered.length && (event.key === "Tab" || (event.key === "Enter" && !offered[at].whole))) {
      event.preventDefault();
      take(offered[at]);
    } else if (offered.length && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && !event.shiftKey) submit(event);
  });
}

// what could be meant by what stands before the cursor
function suggest(before, screen, inThread) {
  const command = /^\/\S*$/.exec(before);
  if (command) {
    if (inThread) return [{ label: command[0], words: "Slack takes no commands in threads; mention @Tocsin instead", put: "", typed: /^\/\S*$/ }];
    return screen.commands.filter((one) => one.command.startsWith(command[0])).map((one) => (
      { label: one.command, words: one.hint || one.words, put: one.command + " ", typed: /^\/\S*$/ }));
  }
  const verb = /^(\/\S+)\s+(\S*)$/.exec(before);
  const known = verb && screen.commands.find((one) => one.command === verb[1]);
  if (known) {
    return known.hint.split("|").map((one) => one.trim()).filter((one) => one && one !== verb[2] && one.startsWith(verb[2])).map((one) => (
      { label: one, words: "", put: one + " ", typed: /\S*$/ }));
  }
  const name = /(?:^|\s)@([\p{L}\p{N}_.-]*)$/u.exec(before);
  if (!name) return [];
  const wanted = name[1].toLowerCase();
  const near = (...names) => names.some((one) => one && one.toLowerCase().split(" ").some((part) => part.startsWith(wanted)));
  const people = Object.values(screen.people).filter((one) => !one.deleted && near(one.name, one.real_name)).map((one) => (
    { label: "@" + one.name, words: one.real_name + (one.dnd ? " · do not disturb" : ""), put: "@" + one.name + " ", typed: /@[\p{L}\p{N}_.-]*$/u }));
  const groups = Object.values(screen.groups).filter((one) => near(one)).map((one) => ({ label: "@" + one, words: "user group", put: "@" + one + " ", typed: /@[\p{L}\p{N}_.-]*$/u }));
  return [...people, ...groups].slice(0, 8);
}
