// @ts-check
/* Why this answer: what each pixel of the drawing adds. */

import { plain, withArticle } from "./answer.js";
import { attempt, make } from "./dom.js";
import { extent, paintSigned } from "./images.js";
import { tensor } from "./packets.js";
import { ask } from "./socket.js";
import { best, shared } from "./state.js";
import { onLanguage, put, signed } from "./words.js";

/** A choice among the classes. @param {string} key Of its label. @param {string | null}
 * any The key of a first entry that stands for all. @param {() => void} changed */
export function makeChoice(key, any, changed) {
  const select = make("select", { on: { change: changed } });
  const fill = () => {
    const { value } = select;
    const names = shared.get().classes.map((name, i) => {
      return make("option", { value: i }, plain(name));
    });
    select.replaceChildren(
      ...(any ? [make("option", { value: "", text: any })] : []),
      ...names,
    );
    select.value = value;
  };
  fill();
  onLanguage(fill);
  const label = make("label", { class: "field" }, make("span", { text: key }), select);
  return { label, select };
}

/** A picture with what it shows. @param {string} text */
export function makeFigure(text) {
  const canvas = make("canvas", { class: "large", role: "img", label: text });
  const caption = make("p", { text });
  return { canvas, caption, figure: make("div", { class: "figure" }, canvas, caption) };
}

/** The image that is asked about, or null where nothing is drawn. */
export function imageAtHand() {
  const { image, reading } = shared.get();
  return image === null || reading === null ? null : tensor(image, 28, 28);
}

/** @param {HTMLElement} host */
export function makeWhy(host) {
  const { label, select } = makeChoice("why.of", null, () => attempt(show));
  const { canvas, figure } = makeFigure("why.figure");
  const sentence = make("p", { class: "sentence" });
  const keys = make("p", { class: "legend" });
  for (const [look, text] of [
    ["for", "why.for"],
    ["against", "why.against"],
  ]) {
    const sample = make("span", { class: `swatch ${look}`, "aria-hidden": "true" });
    keys.append(make("span", {}, sample, make("span", { text })));
  }
  const told = make(
    "div",
    { class: "told" },
    sentence,
    keys,
    label,
    make("p", { class: "soft small", text: "why.how" }),
  );
  host.append(figure, told);

  async function show() {
    const image = imageAtHand();
    if (image === null) return;
    const { header, arrays } = await ask(
      "why",
      { label: Number(select.value) },
      { image },
    );
    const data = Float32Array.from(arrays.contributions.data);
    paintSigned(canvas, data, 28, 28, { scale: extent(data, 1e-6), block: 10 });
    const plus = data.reduce((sum, x) => sum + Math.max(x, 0), 0);
    const minus = data.reduce((sum, x) => sum + Math.min(x, 0), 0);
    put(sentence, "why.sentence", {
      d: () => withArticle(shared.get().classes[header.label]),
      plus: () => signed(plus),
      minus: () => signed(minus),
      sum: () => signed(header.sum ?? plus + minus),
    });
  }

  return {
    /** Ask about the answer of now. */
    async open() {
      const { reading } = shared.get();
      if (reading !== null) select.value = String(best(reading.probabilities)[0]);
      await show();
    },
  };
}
