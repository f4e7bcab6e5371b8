// Makes a piece of the page say what a fresh one says, leaving every node alone that need not change.
const NEAR = 24;

const dirty = (field) => field.type !== "hidden" && field.matches(":enabled")
  && (field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
    : field.tagName === "SELECT" ? chosen(field)
    : "defaultValue" in field && field.value !== field.defaultValue);

function chosen(select) {
  const options = [...select.options], first = options.findIndex((each) => each.defaultSelected);
  return !select.multiple && select.selectedIndex !== Math.max(0, first);
}

// what somebody has in hand: a form they type in, a text they stand in to mark something
const inHand = (node) => node.nodeType === 1
  && (node.matches("form, .redline") ? used(node) : [...node.querySelectorAll("form, .redline")].some(used));

const used = (node) => node.contains(document.activeElement) || [...node.querySelectorAll("input, textarea, select")].some(dirty);

function key(node) {
  if (node.nodeType !== 1) return "";
  if (node.id) return `#${node.id}`;
  if (node.tagName === "DETAILS") return `details ${node.querySelector("summary")?.textContent.replace(/\d+/g, "").trim()}`;
  if (node.tagName === "FORM") {
    const names = [...node.querySelectorAll("input[type=hidden]")].filter((each) => !["once", "digest"].includes(each.name));
    return `form ${node.getAttribute("action")} ${names.map((each) => each.value).join(" ")}`;
  }
  if (node.tagName === "TR" || node.tagName === "LI") return node.querySelector("a[href]")?.getAttribute("href") ?? "";
  return "";
}

const alike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && key(one) === key(other);

function* from(node, many = Infinity) {
  for (let at = node; at && many-- > 0; at = at.nextSibling) yield at;
}

// where the nodes that have a key stand among their siblings; looked up once, however many there are
function placed(parent) {
  const found = new Map();
  for (const each of parent.childNodes) {
    const name = key(each);
    if (name) found.set(name, [...(found.get(name) ?? []), each]);
  }
  return found;
}

const before = (one, other) => Boolean(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

// the node that already is what is wanted, or can become it; null where a new one is needed
function match(at, fresh, known) {
  if (!at || at.isEqualNode(fresh)) return at;
  const name = key(fresh);
  if (name) {
    if (alike(at, fresh)) return at;
    const held = known().get(name) ?? [];
    while (held.length && !(held[0].parentNode === at.parentNode && before(at, held[0]))) held.shift();
    return held.length && alike(held[0], fresh) ? held[0] : null;
  }
  const equal = [...from(at, NEAR)].find((each) => each.isEqualNode(fresh));
  if (equal) return equal;
  return alike(at, fresh) && ![...from(fresh.nextSibling, NEAR)].some((each) => each.isEqualNode(at)) ? at : null;
}

function attributes(old, fresh) {
  let changed = false;
  const left = (name) => name === "open" && old.tagName === "DETAILS";
  for (const { name, value } of [...fresh.attributes]) {
    if (left(name) || old.getAttribute(name) === value) continue;
    old.setAttribute(name, value);
    changed ||= !["data-stream", "data-head"].includes(name) && fresh.name !== "once";
  }
  for (const { name } of [...old.attributes]) {
    if (left(name) || fresh.hasAttribute(name)) continue;
    old.removeAttribute(name);
    changed = true;
  }
  return changed;
}

export function morph(old, fresh) {
  let changed = false, held = false;
  const note = (found) => { changed ||= found.changed; held ||= found.held; };
  if (old.nodeType !== 1) {
    if (old.data !== fresh.data) { old.data = fresh.data; changed = true; }
    return { changed, held };
  }
  if (old.isEqualNode(fresh)) return { changed, held };
  if (old.matches("form, .redline") && used(old)) return { changed, held: true };
  const foreign = attributes(old, fresh);
  changed ||= foreign;
  let at = old.firstChild, here = null, wanted = null;
  const known = () => (here ??= placed(old));
  const later = (node) => (wanted ??= placed(fresh)).has(key(node));
  for (const each of [...fresh.childNodes]) {
    const found = match(at, each, known);
    if (!found) {
      old.insertBefore(document.importNode(each, true), at);
      changed = true;
    } else if (found === at) {
      at = at.nextSibling;
      note(morph(found, each));
    } else {
      // what lies between is not wanted here: it may be further on, so it is only passed over where it is in hand
      while (at && at !== found) {
        const next = at.nextSibling;
        if (later(at)) {
          old.insertBefore(found, at);
          break;
        }
        if (inHand(at)) held = true;
        else { at.remove(); changed = true; }
        at = next;
      }
      if (at === found) at = found.nextSibling;
      note(morph(found, each));
    }
  }
  while (at) {
    const next = at.nextSibling;
    if (inHand(at)) held = true;
    else { at.remove(); changed = true; }
    at = next;
  }
  if (old.tagName === "TEXTAREA") old.value = old.defaultValue;
  else if (old.tagName === "INPUT" && old.type !== "checkbox" && old.type !== "radio") old.value = old.defaultValue;
  return { changed, held };
}
