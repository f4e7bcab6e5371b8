// Who is who: faces, names with their marks, and the page on which one chooses who to be.
import { h } from "/page/words.js";

export function avatar(person) {
  if (!person) return h("span", { class: "avatar" }, "?");
  if (person.is_bot) return h("span", { class: "avatar bot", "aria-hidden": "true" }, "T");
  const face = h("span", { class: "avatar" + (person.away ? " away" : ""), "aria-hidden": "true" }, person.real_name.split(" ").map((one) => one[0]).slice(0, 2).join(""));
  face.style.setProperty("--hue", [...person.id].reduce((sum, one) => (sum * 31 + one.charCodeAt(0)) % 360, 7));
  return face;
}

// what one should know of somebody before writing to them
export function marks(person) {
  if (!person) return [];
  return [
    person.is_bot && h("span", { class: "mark" }, "APP"),
    person.is_ultra_restricted ? h("span", { class: "mark", title: "sees this one channel alone" }, "single-channel guest")
      : person.is_restricted && h("span", { class: "mark", title: "not a member of the team" }, "guest"),
    person.is_stranger && h("span", { class: "mark", title: "belongs to another workspace" }, "another workspace"),
    person.dnd && h("span", { class: "quiet", title: "does not want to be disturbed", "aria-label": "do not disturb" }, "🔕"),
  ];
}

export function chooser(people) {
  const cards = Object.values(people).filter((one) => !one.is_bot && !one.deleted).map((one) =>
    h("a", { class: "person", href: `/?as=${encodeURIComponent(one.id)}${location.hash}` }, avatar(one),
      h("span", {}, h("b", {}, one.real_name, " ", marks(one)), h("small", {}, one.profile.title || "@" + one.name))));
  return [h("h1", {}, "Who are you?"), h("p", {}, "This is a practice workspace on your machine. Open one tab per person to play several."), h("div", { class: "cards" }, cards)];
}

// the foot of the side: who one is, and whether one may be disturbed
export function myself(person, send) {
  const turn = (name, on, off, sign) => h("button", { class: "ghost" + (person[name] ? " on" : ""), "aria-pressed": String(!!person[name]), title: person[name] ? off : on,
    onclick: () => send("status", { [name]: !person[name] }) }, sign);
  return [avatar(person), h("span", {}, h("b", {}, person.real_name), h("small", {}, person.profile.title || "@" + person.name)),
    turn("dnd", "Do not disturb me", "I may be disturbed again", person.dnd ? "🔕" : "🔔"),
    turn("away", "I walk away", "I am back", person.away ? "☾" : "☀"),
    h("a", { class: "ghost", href: "/?as=-", target: "_blank", title: "Open a tab as somebody else" }, "+")];
}
