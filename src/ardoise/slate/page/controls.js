// @ts-check
/* Controls that several sections use. */

import { make } from "./dom.js";
import { onLanguage } from "./words.js";

/** A slider with its name and, in words, its value.
 * @param {string} text A key of words.
 * @param {{min: number, max: number, step: number, value: number}} range
 * @param {(value: number) => string} words
 * @param {(value: number) => void} change
 */
export function slider(text, range, words, change) {
  const input = make("input", { type: "range", ...range });
  const said = make("output", { class: "value" });
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
