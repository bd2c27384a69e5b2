// @ts-check
/* The dialog that asks what a digit of a photo is. */

import { cut, kindOf } from "./boxes.js";
import { drawGrey, reduced } from "./decode.js";
import { announce, attempt, button, element, make, openDialog } from "./dom.js";
import { wordsOf } from "./overlay.js";
import { ask } from "./socket.js";
import { say } from "./words.js";

/** @typedef {import("./boxes.js").Digit} Digit */
/** @typedef {import("./decode.js").Grey} Grey */

let keeps = true; // whether corrections go to My hand

/** Ask what a digit is. @param {Digit} digit @param {number} doubt @param {Grey} photo
 * @param {import("./overlay.js").Actions} actions
 */
export function openEditor(digit, doubt, photo, actions) {
  const part = cut(photo, digit.box);
  const canvas = make("canvas", { class: "cut", "aria-hidden": "true" });
  drawGrey(part, canvas);
  const keep = make("input", { type: "checkbox", checked: keeps });
  keep.addEventListener("change", () => (keeps = keep.checked));
  const close = () => /** @type {HTMLDialogElement} */ (element("dialog")).close();
  const kind = kindOf(digit, doubt);
  const unsure = kind === "doubtful" || kind === "refused";
  const guesses = unsure ? [digit.label, digit.second] : [digit.label];
  const choices = actions.classes().map((label) =>
    make(
      "button",
      {
        type: "button",
        class: guesses.includes(label) ? "guess" : "",
        on: {
          click: () => {
            close();
            actions.correct(digit, label);
            if (keeps) attempt(() => keepInHand(part, label));
          },
        },
      },
      label,
    ),
  );
  const removal = button("photo.remove", () => {
    close();
    actions.remove(digit);
  });
  openDialog(
    "photo.edit",
    {},
    make("div", { class: "edited" }, canvas, make("p", {}, wordsOf(digit, doubt))),
    make("div", { class: "choices", role: "group", label: "photo.edit" }, ...choices),
    make("label", { class: "check" }, keep, make("span", { text: "photo.keep" })),
    make("div", { class: "row" }, removal),
  );
}

/** Add a part of a photo to My hand, prepared as the network wants it.
 * @param {Grey} part @param {string} label
 */
async function keepInHand(part, label) {
  const { grey, width, height } = reduced(part, 180); // what a message may hold
  const pad = { data: grey, shape: [height, width] };
  const { arrays } = await ask("draw", {}, { pad });
  await ask("hand.add", { label }, { image: arrays.image });
  announce(say("photo.kept", { label }));
}
