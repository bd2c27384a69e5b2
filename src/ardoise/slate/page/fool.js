// @ts-check
/* How little of a change makes the network misread a drawing. */

import { withArticle } from "./answer.js";
import { attempt, make } from "./dom.js";
import { paintGrey, paintSigned } from "./images.js";
import { ask } from "./socket.js";
import { shared } from "./state.js";
import { imageAtHand, makeChoice, makeFigure } from "./why.js";
import { number, percent, put } from "./words.js";

/** @param {HTMLElement} host @param {(image: Uint8Array) => void} use Puts the changed
 * image onto the pad. */
export function makeFool(host, use) {
  const { label, select } = makeChoice("fool.target", "fool.any", () => attempt(show));
  const [before, change, after] = ["fool.before", "fool.change", "fool.after"].map(
    makeFigure,
  );
  const sentence = make("p", { class: "sentence" });
  const keep = make("button", { type: "button", text: "fool.use" });
  /** @type {Uint8Array | null} */
  let changed = null;
  keep.addEventListener("click", () => changed && use(changed));
  const sign = (/** @type {string} */ text) =>
    make("span", { class: "operator", "aria-hidden": "true" }, text);
  const pictures = make(
    "div",
    { class: "sum" },
    before.figure,
    sign("+"),
    change.figure,
    sign("="),
    after.figure,
  );
  host.append(
    pictures,
    make(
      "div",
      { class: "told" },
      sentence,
      make("div", { class: "row" }, label, keep),
    ),
  );

  async function show() {
    const image = imageAtHand();
    if (image === null) return;
    const fields = select.value === "" ? {} : { target: Number(select.value) };
    const { header, arrays } = await ask("fool", fields, { image });
    changed = /** @type {Uint8Array} */ (arrays.image.data);
    paintGrey(before.canvas, image.data);
    paintSigned(change.canvas, arrays.difference.data, 28, 28, { block: 10 });
    paintGrey(after.canvas, changed);
    const { classes } = shared.get();
    put(sentence, "fool.sentence", {
      d: () => withArticle(classes[header.before]),
      e: () => withArticle(classes[header.after]),
      p: () => percent(arrays.probabilities.data[header.after]),
      size: () => number(header.size),
      n: () => number(header.pixels),
    });
  }

  return { open: show };
}
