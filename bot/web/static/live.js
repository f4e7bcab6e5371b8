// Keeps an incident's page current: looks whether its log grew, and shows it anew unless somebody is typing.
"use strict";

const EVERY = 4000;

function typing(main) {
  const touched = (field) => field.type !== "hidden" && field.matches(":enabled")
    && (field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
      : field.tagName === "SELECT" ? [...field.options].some((o) => o.selected !== o.defaultSelected && [...field.options].some((p) => p.defaultSelected))
      : field.value !== field.defaultValue);
  const focused = document.activeElement?.closest("form, .redline");
  return Boolean(focused) || [...main.querySelectorAll("input, textarea, select")].some(touched);
}

async function renew(main) {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (!fresh) return;
  const name = (each) => `${each.closest("[id]")?.id}/${each.querySelector("summary")?.textContent}`;
  const open = new Set([...main.querySelectorAll("details[open]")].map(name));
  for (const each of fresh.querySelectorAll("details")) if (open.has(name(each))) each.open = true;
  main.replaceChildren(...fresh.childNodes);
  main.dataset.head = fresh.dataset.head;
}

function offer(main) {
  if (main.querySelector(".renew")) return;
  const note = document.createElement("p");
  note.className = "note wait renew";
  note.setAttribute("role", "status");
  const link = document.createElement("a");
  link.href = location.pathname;
  link.textContent = "show it";
  note.append("Something happened in this incident since you began to type: ", link, " (what you typed is lost then).");
  main.prepend(note);
}

async function look() {
  const main = document.querySelector("main[data-watch]");
  if (!main || document.hidden) return;
  try {
    const answer = await fetch(main.dataset.watch);
    if (!answer.ok) return;
    const { head } = await answer.json();
    if (head === main.dataset.head) return;
    if (typing(main)) offer(main); else await renew(main);
  } catch {
    // the next look tries again
  }
}

setInterval(look, EVERY);
document.addEventListener("visibilitychange", look);
