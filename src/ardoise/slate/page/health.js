// @ts-check
/* How each layer does, at the end of an epoch: gradients, steps, dead units. */

import { make } from "./dom.js";
import { training } from "./training.js";
import { number, percent } from "./words.js";

/** @typedef {import("./training.js").Epoch} Epoch */

const RANGE = /** @type {const} */ ([1e-6, 1]); // of ratios that a bar can show
const GOOD = /** @type {const} */ ([1e-4, 2e-2]); // steps beside the weights: well
const MANY = 0.5; // share of dead units that is too large

/** How a step is beside its weights: "small", "good" or "large".
 * @param {number} ratio */
export function judge(ratio) {
  return ratio < GOOD[0] ? "small" : ratio > GOOD[1] ? "large" : "good";
}

/** Where a ratio stands on a bar, from 0 to 1. @param {number} ratio */
export function place(ratio) {
  const [low, high] = RANGE.map(Math.log10);
  return Math.min(1, Math.max(0, (Math.log10(ratio) - low) / (high - low)));
}

/** @param {number} share @param {string} look */
function bar(share, look) {
  const fill = make("span", { class: `fill verdict-${look}` });
  fill.style.transform = `scaleX(${share})`;
  return make("span", { class: "track", "aria-hidden": "true" }, fill);
}

/** @param {Epoch["weights"][number]} weights */
function weightsRow({ name, gradient, update }) {
  const cells = [make("td", {}, number(gradient))];
  if (update === null) cells.push(make("td", {}, "–"), make("td"));
  else {
    const verdict = judge(update);
    cells.push(
      make("td", {}, number(update), bar(place(update), verdict)),
      make("td", { class: `verdict-${verdict}`, text: `learn.update.${verdict}` }),
    );
  }
  return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
}

/** @param {Epoch["dead"][number]} layer */
function deadRow({ layer, share }) {
  const verdict = share > MANY ? "large" : "good";
  const name = make("th", { scope: "row" }, layer);
  return make("tr", {}, name, make("td", {}, percent(share, 1), bar(share, verdict)));
}

/** @param {string[]} heads Keys of words. @param {HTMLElement} body */
function table(heads, body) {
  const titles = heads.map((text) => make("th", { scope: "col", text }));
  const head = make("thead", {}, make("tr", {}, ...titles));
  return make("table", { class: "numbers health" }, head, body);
}

/** Two tables: of weights, and of the units of each activation. */
export function makeHealth() {
  const [weights, dead] = [make("tbody"), make("tbody")];
  const none = make("p", { class: "soft", text: "learn.health_none" });
  const [wide, narrow] = [
    table(["learn.layer", "learn.gradient", "learn.update", "learn.verdict"], weights),
    table(["learn.layer", "learn.dead"], dead),
  ];
  const about = make("p", { class: "soft small", text: "learn.health_about" });
  const tables = make("div", { class: "health-tables" });
  for (const one of [wide, narrow]) {
    tables.append(make("div", { class: "scroll", tabindex: "0" }, one));
  }
  const show = () => {
    const epoch = training.get().epochs.at(-1);
    none.hidden = epoch !== undefined;
    tables.hidden = about.hidden = epoch === undefined;
    if (epoch === undefined) return;
    weights.replaceChildren(...epoch.weights.map(weightsRow));
    dead.replaceChildren(...epoch.dead.map(deadRow));
    narrow.hidden = epoch.dead.length === 0;
  };
  training.subscribe(show, "epochs");
  show();
  const title = make("h3", { text: "learn.health" });
  return make("div", { class: "card" }, title, about, none, tables);
}
