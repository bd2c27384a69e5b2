// @ts-check
/* The boxes over a photo: buttons that the arrows lead along, a line of text each. */

import { digitsOf, kindOf, neighbour, placed, signOf } from "./boxes.js";
import { make } from "./dom.js";
import { percent, say } from "./words.js";

/** @typedef {import("./boxes.js").Digit} Digit */
/** @typedef {import("./boxes.js").Reading} Reading */
/** @typedef {object} Actions
 * @property {() => string[]} classes What a digit can be.
 * @property {(digit: Digit) => void} open Ask what it is.
 * @property {(digit: Digit, label: string) => void} correct
 * @property {(digit: Digit) => void} remove
 */

const SAID = {
  corrected: "photo.box.corrected",
  refused: "photo.box.refused",
  doubtful: "photo.box.doubtful",
  sure: "photo.box.sure",
};

/** A digit in words: "7, 61 %, perhaps a 1".
 * @param {Digit} digit @param {number} doubt
 */
export function wordsOf(digit, doubt) {
  return say(SAID[kindOf(digit, doubt)], {
    label: digit.label,
    share: percent(digit.probability),
    second: digit.second,
  });
}

/** @param {Digit} digit @param {number} doubt @param {Actions} actions */
function digitButton(digit, doubt, actions) {
  const kind = kindOf(digit, doubt);
  const sign = make("span", { class: "label" }, signOf(digit));
  const second =
    kind === "doubtful" && make("span", { class: "second" }, `${digit.second}?`);
  return make(
    "button",
    {
      type: "button",
      class: `digit ${kind}`,
      "aria-label": wordsOf(digit, doubt),
      on: { click: () => actions.open(digit) },
    },
    make("span", { class: "signs", "aria-hidden": "true" }, sign, second),
  );
}

/** Show boxes over the photo, or digits in lines of text: in both, one stop of Tab.
 * @param {HTMLElement} host @param {Reading} reading @param {number} doubt
 * @param {Actions} actions
 */
export function showBoxes(host, reading, doubt, actions) {
  const buttons = digitsOf(reading).map((digit) => {
    const button = digitButton(digit, doubt, actions);
    const { left, top, width, height } = placed(digit.box, reading);
    // In hundredths of the width of the photo, which is a container: cqw.
    const share = (0.34 * height * reading.height) / reading.width;
    button.style.left = `${left}%`;
    button.style.top = `${top}%`;
    button.style.width = `${width}%`;
    button.style.height = `${height}%`;
    button.style.fontSize = `clamp(0.7rem, ${share}cqw, 2rem)`;
    return button;
  });
  host.replaceChildren(...buttons);
  keys(host, reading, actions);
}

/** @param {HTMLElement} host @param {Reading} reading @param {number} doubt
 * @param {Actions} actions
 */
export function showLines(host, reading, doubt, actions) {
  host.replaceChildren(
    ...reading.lines.map((line) =>
      make(
        "li",
        {},
        ...line.map((number) =>
          make(
            "span",
            { class: "number" },
            ...number.map((digit) => digitButton(digit, doubt, actions)),
          ),
        ),
      ),
    ),
  );
  keys(host, reading, actions);
}

/** Arrows move, a class's key corrects, Delete removes. @param {HTMLElement} host
 * @param {Reading} reading @param {Actions} actions
 */
function keys(host, reading, actions) {
  const digits = digitsOf(reading);
  const buttons = /** @type {HTMLElement[]} */ ([...host.querySelectorAll(".digit")]);
  buttons.forEach((button, i) => {
    button.tabIndex = i === 0 ? 0 : -1;
    button.addEventListener("focus", () => {
      for (const each of buttons) each.tabIndex = each === button ? 0 : -1;
    });
    button.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^(Arrow|Home$|End$)/.test(event.key)) {
        buttons[neighbour(reading, i, event.key)].focus();
      } else if (event.key === "Delete" || event.key === "Backspace") {
        actions.remove(digits[i]);
      } else if (actions.classes().includes(event.key)) {
        actions.correct(digits[i], event.key);
      } else {
        return;
      }
      event.preventDefault();
      event.stopPropagation(); // the page has shortcuts of its own
    });
  });
}

/** Put the focus on a digit again, after the boxes were made anew.
 * @param {HTMLElement} host @param {number} at
 */
export function focusBox(host, at) {
  const buttons = /** @type {HTMLElement[]} */ ([...host.querySelectorAll(".digit")]);
  buttons[Math.min(at, buttons.length - 1)]?.focus();
}
