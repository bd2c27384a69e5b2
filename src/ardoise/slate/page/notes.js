// @ts-check
/* What the doctor says while a network learns, each with what to do about it. */

import { announce, button, make } from "./dom.js";
import { recipe } from "./recipe.js";
import { training } from "./training.js";
import { number, percent, put, say } from "./words.js";

/** @typedef {import("./training.js").Note} Note */
/** @typedef {import("./recipe.js").Recipe} Recipe */

/** What a suggestion changes, in words: "learning rate 0.1".
 * @param {Partial<Recipe>} suggestion */
export function wordsOf(suggestion) {
  const parts = Object.entries(suggestion).map(([name, value]) => {
    const said = name === "dropout" ? percent(Number(value)) : valueOf(name, value);
    return `${say(`learn.setting.${name}`)} ${said}`;
  });
  return parts.join(", ");
}

/** @param {string} name @param {unknown} value */
function valueOf(name, value) {
  if (typeof value === "number") return number(value);
  if (name === "start" || name === "optimizer") return say(`learn.${name}.${value}`);
  return String(value);
}

/** Whether a training that runs can take it; else the next one begins with it.
 * @param {Partial<Recipe>} suggestion */
export function isForNow(suggestion) {
  return Object.keys(suggestion).every((name) =>
    /^(learning_rate|dropout)$/.test(name),
  );
}

/** @param {Note} note */
function entry({ sentence, severity, suggestion, step }) {
  const when =
    step > 0 ? make("span", { text: "learn.step_n", values: { n: step } }) : "";
  const item = make("li", { class: `note ${severity}` });
  const mark = make("strong", { text: `learn.severity.${severity}` });
  item.append(make("p", { class: "small soft" }, mark, " ", when));
  item.append(make("p", {}, sentence));
  if (suggestion === null) return item;
  const done = make("p", { class: "small", hidden: true });
  const apply = button("learn.apply", () => {
    recipe.set(suggestion);
    const now = isForNow(suggestion) && training.get().phase !== "idle";
    put(done, now ? "learn.applied_now" : "learn.applied_next");
    announce(done.textContent ?? "");
    done.hidden = false;
    apply.setAttribute("aria-disabled", "true");
  });
  put(apply, "learn.apply", { what: () => wordsOf(suggestion) });
  item.append(make("div", { class: "row" }, apply, done));
  return item;
}

/** The notes of the training, the newest first. */
export function makeNotes() {
  const none = make("p", { class: "soft small", text: "learn.notes_none" });
  const list = make("ul", { class: "notes" });
  /** @type {Note[]} */
  let shown = [];
  const show = () => {
    const { notes } = training.get();
    const grown = shown.every((note, i) => note === notes[i]);
    if (!grown) list.replaceChildren();
    for (const note of notes.slice(grown ? shown.length : 0)) list.prepend(entry(note));
    shown = notes;
    none.hidden = notes.length > 0;
  };
  training.subscribe(show, "notes");
  show();
  const title = make("h3", { text: "learn.notes" });
  const log = make("div", { role: "log", label: "learn.notes" }, list);
  return make("div", { class: "card" }, title, none, log);
}
