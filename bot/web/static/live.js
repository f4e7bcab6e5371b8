// Keeps a page current: hears that it changed, fetches it anew, and swaps what is different and nothing else.
import { keys } from "./keys.js";
import { morph } from "./morph.js";
import { hourOf, localise, typing, zones } from "./times.js";

const POLL = 4000, POLL_LISTS = 15000, AGAIN = 30000, QUIET = 30000;
const policy = window.trustedTypes?.createPolicy("tocsin", { createHTML: (text) => text });
const main = document.querySelector("main");
// a change is told to everybody at once: they do not all ask at once, and a storm's changes are fetched together
const gather = main?.dataset.watch ? 1000 : 3000, spread = main?.dataset.watch ? 200 : 1000;
const pause = (ms) => new Promise((go) => setTimeout(go, ms));
let source = null, polling = 0, lostAt = null, busy = false, wanted = false, saidAt = -QUIET;

// -- saying -----------------------------------------------------------------------------------------------------------

function lost(because = "trying again") {
  lostAt ??= new Date();
  document.getElementById("link").textContent = `Not live since ${hourOf(lostAt)}: ${because}.`;
}

function found() {
  lostAt = null;
  document.getElementById("link").textContent = "";
}

function say(text) {
  if (performance.now() - saidAt < QUIET) return;
  saidAt = performance.now();
  document.getElementById("news").textContent = text;
}

// -- renewing ---------------------------------------------------------------------------------------------------------

function address() {
  const here = new URL(location.href);
  here.searchParams.delete("done");
  return here.pathname + here.search;
}

async function renew() {
  const answer = await fetch(address(), { headers: { Accept: "text/html" } });
  if (answer.redirected && new URL(answer.url).pathname === "/login") return stop("you are logged out");
  if (answer.status === 404 || answer.status === 403) return stop("this page is not there for you any more");
  if (!answer.ok || answer.redirected) return lost();
  const text = await answer.text();
  const page = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
  const fresh = page.querySelector("main");
  if (!fresh) return;
  localise(page);
  const { changed, held } = morph(main, fresh);
  const foot = document.querySelector("footer p:first-child"), newFoot = page.querySelector("footer p:first-child");
  if (foot && newFoot) morph(foot, newFoot);
  document.title = page.title;
  if (changed) say(held ? "The page was brought up to date; what you are typing in was left as it is." : "The page was brought up to date.");
}

async function changed() {
  wanted = true;
  if (busy) return;
  busy = true;
  await pause(Math.random() * spread);
  while (wanted) {
    wanted = false;
    try {
      await renew();
    } catch {
      lost();
    }
    await pause(gather);
  }
  busy = false;
}

// -- hearing ----------------------------------------------------------------------------------------------------------

function stop(because) {
  leave();
  clearInterval(polling);
  polling = -1;
  lost(because);
}

function leave() {
  source?.close();
  source = null;
}

function listen() {
  if (source || document.hidden || polling === -1 || !main.dataset.stream) return;
  source = new EventSource(main.dataset.stream);
  source.addEventListener("open", () => {
    clearInterval(polling);
    polling = 0;
    found();
  });
  source.addEventListener("changed", changed);
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return lost();
    leave();
    lost();
    ask();
  });
}

// without a stream (a proxy holds it back, too many readers): ask every so often, and try the stream again
function ask() {
  if (polling) return;
  const every = main.dataset.watch ? POLL : POLL_LISTS;
  polling = setInterval(look, every);
  look();
  const again = setInterval(() => {
    if (!polling || polling === -1) clearInterval(again);
    else listen();
  }, AGAIN);
}

async function look() {
  if (document.hidden) return;
  try {
    if (main.dataset.watch) {
      const answer = await fetch(main.dataset.watch);
      if (answer.ok && (await answer.json()).head === main.dataset.head) return;
    }
    await changed();
  } catch {
    lost();
  }
}

zones();
typing();
localise(document);
keys();
if (main?.dataset.stream) {
  listen();
  // a tab that nobody looks at holds no line: a browser has few of them for one house
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", listen);
}
