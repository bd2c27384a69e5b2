// @ts-check
/* Help: a tour of six steps, the keys, and a glossary. */

import { element, make, openDialog } from "./dom.js";
import { glossary } from "./glossary.js";

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
/** Leave the dialog for a section. */
function leave() {
  /** @type {HTMLDialogElement} */ (element("dialog")).close();
}

/** @param {string} section */
function link(section) {
  return make("a", {
    href: `#${section}`,
    class: "button",
    text: `${section}.title`,
    on: { click: leave },
  });
}

/** @param {string} title @param {boolean} open @param {...Node} content */
function part(title, open, ...content) {
  const summary = make("summary", {}, make("h3", { text: title }));
  return make("details", { open, class: "help-part" }, summary, ...content);
}

function tour() {
  const steps = TOUR.map((section, i) => {
    const title = make("h4", { text: `help.tour.${i + 1}` });
    return make(
      "li",
      {},
      title,
      make("p", { text: `help.try.${i + 1}` }),
      link(section),
    );
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
  return part(
    "help.keys",
    false,
    make("table", { class: "keys" }, make("tbody", {}, ...rows)),
  );
}

/** @param {HTMLElement} opener The button that opens it. */
export function start(opener) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog"));
  element("dialog-close").addEventListener("click", leave);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) leave(); // beside its content
  });
  opener.addEventListener("click", () => {
    openDialog(
      "help.title",
      {},
      tour(),
      keys(),
      part("help.words", false, ...glossary(leave)),
    );
  });
}
