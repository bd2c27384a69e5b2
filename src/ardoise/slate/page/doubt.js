// @ts-check
/* What counts as doubtful on a photo, or too small: sliders; and what colours mean. */

import { slider } from "./controls.js";
import { make } from "./dom.js";
import { percent, say } from "./words.js";

/** @typedef {{doubt: number, least: number}} Limits A probability, and pixels. */

const KINDS = {
  sure: "photo.sure",
  doubtful: "photo.doubtful",
  refused: "photo.refused",
  corrected: "photo.by_hand",
};

/** @param {Limits} limits Changed by the sliders. @param {() => void} changed */
export function makeDoubt(limits, changed) {
  /** @param {keyof Limits} name */
  const set = (name) => (/** @type {number} */ value) => {
    limits[name] = value;
    changed();
  };
  const shares = { min: 0.5, max: 0.99, step: 0.01, value: limits.doubt };
  const sides = { min: 0, max: 80, step: 1, value: limits.least };
  const pixels = (/** @type {number} */ n) => say("photo.pixels", { n });
  const entries = Object.entries(KINDS).map(([kind, text]) => {
    const swatch = make("span", { class: `swatch ${kind}` });
    return make("li", {}, swatch, make("span", { text }));
  });
  return make(
    "div",
    { class: "card" },
    slider("photo.doubt", shares, percent, set("doubt")),
    slider("photo.least", sides, pixels, set("least")),
    make("ul", { class: "photo-legend small" }, ...entries),
    make("p", { class: "soft small", text: "photo.keys" }),
  );
}
