// @ts-check
/* Controls that several sections use. */

import { attempt, make } from "./dom.js";
import { shared } from "./state.js";
import { onLanguage } from "./words.js";

/** A slider with its name and, in words, its value.
 * @param {string} text A key of words.
 * @param {{min: number, max: number, step: number, value: number}} range
 * @param {(value: number) => string} words
 * @param {(value: number) => void} change
 */
export function slider(text, range, words, change) {
  const input = make("input", { type: "range", ...range });
  const said = make("span", { class: "value" });
  const tell = () => {
    said.textContent = words(input.valueAsNumber);
    input.setAttribute("aria-valuetext", said.textContent);
  };
  input.addEventListener("input", () => {
    tell();
    change(input.valueAsNumber);
  });
  onLanguage(tell);
  tell();
  return make("label", { class: "slider" }, make("span", { text }), said, input);
}

/** @typedef {{value: string, text?: string, plain?: string,
 *   values?: import("./words.js").Values}} Choice `text` is a key, `plain` a text. */

/** A list to choose from, with its name.
 * @param {string} text A key of words.
 * @param {Choice[]} choices
 * @param {(value: string) => void} change
 */
export function chooser(text, choices, change) {
  const select = make("select", { on: { change: () => change(select.value) } });
  /** @param {Choice[]} others */
  const fill = (others) => {
    const { value } = select;
    select.replaceChildren(...others.map(optionOf));
    if (others.some((choice) => choice.value === value)) select.value = value;
  };
  fill(choices);
  const field = make("label", { class: "field" }, make("span", { text }), select);
  return { field, select, fill };
}

/** @param {Choice} choice */
const optionOf = ({ value, text, values, plain }) =>
  text === undefined
    ? make("option", { value }, plain ?? value)
    : make("option", { value, text, values });

/** A table of numbers in a box of its own, which scrolls where it is too wide.
 * @param {string[]} titles Keys of words.
 */
export function makeTable(titles) {
  const body = make("tbody");
  const head = titles.map((text) => make("th", { scope: "col", text }));
  const table = make("table", { class: "numbers" });
  table.append(make("thead", {}, make("tr", {}, ...head)), body);
  return {
    element: make("div", { class: "scroll", tabindex: "0" }, table),
    /** @param {string[][]} rows The first cell of each is its title. */
    show(rows) {
      body.replaceChildren(
        ...rows.map(([first, ...cells]) => {
          const title = make("th", { scope: "row" }, first);
          return make("tr", {}, title, ...cells.map((cell) => make("td", {}, cell)));
        }),
      );
    },
  };
}

/** Do something for each network that reads, but only while the section is shown.
 * @param {HTMLElement} section @param {() => Promise<unknown>} work
 */
export function forEachNetwork(section, work) {
  let done = -1;
  const look = () => {
    const { version, server } = shared.get();
    if (section.hidden || server === null || version === done) return;
    done = version;
    attempt(() =>
      work().catch((error) => {
        done = -1; // try again when it is shown the next time
        throw error;
      }),
    );
  };
  shared.subscribe(look, "version");
  new MutationObserver(look).observe(section, { attributeFilter: ["hidden"] });
  look();
}
