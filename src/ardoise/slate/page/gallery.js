// @ts-check
/* The images that were read wrongly: chosen by class, sorted by how sure it was. */

import { choose } from "./confusion.js";
import { chooser } from "./controls.js";
import { make, roving, written } from "./dom.js";
import { imageOf, paintGrey } from "./images.js";
import { sendToDraw } from "./state.js";
import { percent, put } from "./words.js";

/** @typedef {import("./confusion.js").Mistake} Mistake */
/** @typedef {{data: Uint8Array, shape: number[]}} Images */

const ALL = "all";

/** @param {string} value */
const classOf = (value) => (value === ALL ? null : Number(value));

/** @param {Mistake} mistake @param {Images} images @param {string[]} classes */
function thumb({ true: truth, read, probability, index }, images, classes) {
  const image = imageOf(images, index);
  const canvas = make("canvas");
  paintGrey(canvas, image, images.shape[1], images.shape[2]);
  const values = { a: classes[truth], b: classes[read], p: () => percent(probability) };
  const button = make("button", { type: "button", label: "mistakes.thumb", values });
  put(button, "mistakes.to_draw", {}, "hint");
  const change = make(
    "span",
    { class: "change" },
    `${classes[truth]} → ${classes[read]}`,
  );
  const sure = written("span", () => percent(probability), { class: "soft" });
  button.append(canvas, change, sure);
  button.addEventListener("click", () => sendToDraw(image));
  return make("li", {}, button);
}

/** A gallery with its filters. */
export function makeGallery() {
  const list = make("ul", { class: "thumbs" });
  const count = make("p", { class: "soft", "aria-live": "polite" });
  /** @type {Mistake[]} */
  let mistakes = [];
  /** @type {Images} */
  let images = { data: new Uint8Array(), shape: [0, 28, 28] };
  /** @type {string[]} */
  let classes = [];
  let total = 0;

  const truth = chooser("mistakes.true", [], draw);
  const read = chooser("mistakes.read", [], draw);
  const order = chooser(
    "mistakes.order",
    [
      { value: "surest", text: "mistakes.surest" },
      { value: "least", text: "mistakes.least" },
    ],
    draw,
  );
  const fields = make(
    "div",
    { class: "fields filters" },
    truth.field,
    read.field,
    order.field,
  );
  const title = make("h3", { text: "mistakes.gallery" });
  const about = make("p", { class: "soft small", text: "mistakes.gallery_about" });
  const whole = make("div", { class: "card" }, title, about, fields, count, list);

  function draw() {
    const [a, b] = [classOf(truth.select.value), classOf(read.select.value)];
    const chosen = choose(mistakes, a, b, order.select.value === "surest");
    list.replaceChildren(...chosen.map((each) => thumb(each, images, classes)));
    roving(list, "button", columns);
    put(count, keyOf(chosen.length), {
      n: chosen.length,
      sent: mistakes.length,
      total,
    });
  }

  /** @param {number} n How many are shown. */
  function keyOf(n) {
    if (total === 0) return "mistakes.without";
    if (n === 0) return "mistakes.none";
    return total > mistakes.length ? "mistakes.shown_some" : "mistakes.shown";
  }

  /** How many stand in a row. */
  function columns() {
    const items = /** @type {HTMLElement[]} */ ([...list.children]);
    const next = items.findIndex((item) => item.offsetTop > items[0].offsetTop);
    return next < 0 ? items.length : next;
  }

  return {
    whole,
    /** @param {Omit<Mistake, "index">[]} found @param {Images} pile
     * @param {string[]} names @param {number} all How many mistakes there are. */
    show(found, pile, names, all) {
      mistakes = found.map((each, index) => ({ ...each, index }));
      [images, classes, total] = [pile, names, all];
      const each = names.map((name, i) => ({ value: String(i), plain: name }));
      for (const { fill } of [truth, read]) {
        fill([{ value: ALL, text: "mistakes.any" }, ...each]);
      }
      draw();
    },
    /** Show one confusion. @param {number} a @param {number} b */
    filter(a, b) {
      truth.select.value = String(a);
      read.select.value = a === b ? ALL : String(b);
      draw();
      whole.scrollIntoView({ block: "nearest" });
    },
  };
}
