// @ts-check
/* What changes under the eyes: answers to twelve digits, the first layer's weights. */

import { make } from "./dom.js";
import { extent, imageOf, paintGrey, paintSigned } from "./images.js";
import { listen } from "./socket.js";
import { best, shared } from "./state.js";
import { onLanguage, percent, put, say } from "./words.js";

/** @typedef {import("./packets.js").Tensor} Tensor */
/** @typedef {{data: Uint8Array | Float32Array, shape: number[]}} Pile Of images. */

const BLOCK = 3; // pixels of the page's picture in one weight: enough for hatching

/** @param {Tensor} table @param {number} row */
const rowOf = ({ data, shape }, row) =>
  data.subarray(row * shape[1], (row + 1) * shape[1]);

/** One digit and what is said of it. */
function makeDigit() {
  const canvas = make("canvas", { "aria-hidden": "true" });
  const answer = make("span", { class: "digit-answer", translate: "no" });
  const fill = make("span", { class: "fill" });
  const track = make("span", { class: "track", "aria-hidden": "true" }, fill);
  const said = make("span", { class: "hidden" });
  const item = make("li", { class: "digit" }, canvas, answer, track, said);
  answer.setAttribute("aria-hidden", "true");
  return {
    item,
    canvas,
    /** @param {ArrayLike<number>} probabilities @param {number} label */
    show(probabilities, label) {
      const { classes } = shared.get();
      const [first] = best(probabilities, 1);
      const right = first === label;
      item.classList.toggle("right", right);
      item.classList.toggle("wrong", !right);
      answer.textContent = `${classes[first]} ${right ? "✓" : "✗"}`;
      fill.style.transform = `scaleX(${probabilities[first]})`;
      put(said, right ? "learn.digit_right" : "learn.digit_wrong", {
        a: classes[label],
        b: classes[first],
        p: () => percent(probabilities[first]),
      });
    },
  };
}

/** The twelve digits of the validation images. */
export function makeDigits() {
  const list = make("ul", { class: "digits" });
  const score = make("p", { class: "now" });
  const none = make("p", { class: "soft", text: "learn.watch_none" });
  const title = make("h3", { text: "learn.watch" });
  const head = make("div", { class: "row spread" }, title, score);
  /** @type {ReturnType<typeof makeDigit>[]} */
  let digits = [];
  listen("watch", ({ labels }, { probabilities, ...arrays }) => {
    const images = /** @type {Pile} */ (arrays.images);
    none.hidden = true;
    if (digits.length !== labels.length) {
      digits = Array.from(labels, makeDigit);
      list.replaceChildren(...digits.map(({ item }) => item));
    }
    let right = 0;
    digits.forEach(({ canvas, show }, i) => {
      const row = rowOf(probabilities, i);
      paintGrey(canvas, imageOf(images, i), images.shape[1], images.shape[2]);
      show(row, labels[i]);
      right += Number(best(row, 1)[0] === labels[i]);
    });
    put(score, "learn.watch_score", { n: right, total: labels.length });
  });
  return make("div", { class: "card" }, head, none, list);
}

/** The first layer's weights as images. */
export function makeWeights() {
  const list = make("div", { class: "weights", role: "img", hidden: true });
  const none = make("p", { class: "soft", text: "learn.weights_none" });
  /** @type {HTMLCanvasElement[]} */
  let canvases = [];
  let frame = 0;
  const name = () =>
    list.setAttribute("aria-label", say("learn.weights_n", { n: canvases.length }));
  listen("weights", (_, arrays) => {
    const weights = /** @type {Pile} */ (arrays.weights);
    const [n, height, width] = weights.shape;
    none.hidden = n > 0;
    list.hidden = n === 0;
    if (canvases.length !== n) {
      canvases = Array.from({ length: n }, () => make("canvas"));
      list.replaceChildren(...canvases);
      list.classList.toggle("kernels", height < 10);
      name();
    }
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      if (list.clientWidth === 0) return; // another section is shown
      const scale = extent(weights.data);
      canvases.forEach((canvas, i) => {
        const image = imageOf(weights, i);
        paintSigned(canvas, image, height, width, { scale, block: BLOCK });
      });
    });
  });
  onLanguage(name);
  const title = make("h3", { text: "learn.weights" });
  const about = make("p", { class: "soft small", text: "learn.weights_about" });
  return make("div", { class: "card" }, title, about, none, list);
}
