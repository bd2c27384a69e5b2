// @ts-check
/* Help: a tour of six steps, the keys, and a glossary. */

import { element, make, openDialog } from "./dom.js";
import { say } from "./words.js";

const TOUR = ["draw", "draw", "learn", "draw", "mistakes", "hand"];
/** Keys, and what they do. @type {[string[], string][]} */
const KEYS = [
  [["1", "7"], "sections"],
  [["g"], "learn"],
  [["."], "batch"],
  [[","], "rewind"],
  [["?"], "help"],
  [["Esc"], "close"],
  [["←", "↑", "→", "↓"], "pad"],
  [["␣"], "dot"],
  [["E"], "eraser"],
  [["U"], "undo"],
  [["⌦"], "clear"],
  [["0", "9"], "example"],
  [["⇞", "⇟"], "maps"],
];
/** Words of the glossary, and the section where each can be seen. */
export const WORDS = {
  draw: [
    ...["activation", "bias", "class", "convolution", "dense", "feature_map", "forward"],
    ...["kernel", "layer", "logit", "neuron", "parameter", "pooling", "probability"],
    ...["relu", "softmax", "weight"],
  ],
  learn: [
    ...["batch", "dead_relu", "dropout", "early_stopping", "epoch", "initialisation"],
    ...["learning_rate", "loss", "optimiser", "overfitting", "seed", "step"],
    ...["training_set", "validation_set"],
  ],
  steps: ["backward", "batch_norm", "cross_entropy", "finite_difference", "gradient"],
  mistakes: ["accuracy", "calibration", "confusion", "test_set"],
};

/** Leave the dialog for a section. */
function leave() {
  /** @type {HTMLDialogElement} */ (element("dialog")).close();
}

/** @param {string} section */
function link(section) {
  return make("a", { href: `#${section}`, class: "button", text: `${section}.title`, on: { click: leave } });
}

/** @param {string} title @param {boolean} open @param {...Node} content */
function part(title, open, ...content) {
  const summary = make("summary", {}, make("h3", { text: title }));
  return make("details", { open, class: "help-part" }, summary, ...content);
}

function tour() {
  const steps = TOUR.map((section, i) => {
    const title = make("h4", { text: `help.tour.${i + 1}` });
    return make("li", {}, title, make("p", { text: `help.try.${i + 1}` }), link(section));
  });
  return part("help.tour", true, make("ol", { class: "tour" }, ...steps));
}

function keys() {
  const rows = KEYS.map(([names, what]) => {
    const between = names.length === 2 ? " – " : " ";
    const shown = names.flatMap((name, i) => [i > 0 && between, make("kbd", {}, name)]);
    const head = make("th", { scope: "row" }, ...shown);
    return make("tr", {}, head, make("td", { text: `help.key.${what}` }));
  });
  return part("help.keys", false, make("table", { class: "keys" }, make("tbody", {}, ...rows)));
}

/** Without accents and capitals, so that "epoque" finds "Époque". @param {string} text */
export const simple = (text) =>
  text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();

function glossary() {
  const entries = Object.entries(WORDS)
    .flatMap(([section, words]) => words.map((word) => ({ section, word })))
    .sort((a, b) => say(`help.word.${a.word}`).localeCompare(say(`help.word.${b.word}`)))
    .map(({ section, word }) => {
      const term = make("dt", { text: `help.word.${word}` });
      const seen = make("a", { href: `#${section}`, text: `${section}.title`, on: { click: leave } });
      const meaning = make("dd", {}, make("span", { text: `help.is.${word}` }), " ", seen);
      return make("div", {}, term, meaning);
    });
  const list = make("dl", { class: "glossary" }, ...entries);
  const none = make("p", { class: "soft", text: "help.none", hidden: true });
  const search = make("input", { type: "text", autocomplete: "off" });
  search.addEventListener("input", () => {
    for (const entry of entries) {
      entry.hidden = !simple(entry.textContent ?? "").includes(simple(search.value.trim()));
    }
    none.hidden = entries.some((entry) => !entry.hidden);
  });
  const label = make("label", { class: "field" }, make("span", { text: "help.find" }), search);
  return part("help.words", false, label, list, none);
}

/** @param {HTMLElement} opener The button that opens it. */
export function start(opener) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog"));
  element("dialog-close").addEventListener("click", leave);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) leave(); // beside its content
  });
  opener.addEventListener("click", () => {
    openDialog("help.title", {}, tour(), keys(), glossary());
  });
}
