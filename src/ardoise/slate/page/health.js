// @ts-check
/* How each layer does, at the end of an epoch: gradients, steps, dead units. */

import { make } from "./dom.js";
import { recipe } from "./recipe.js";
import { training } from "./training.js";
import { number, onLanguage, percent } from "./words.js";

/** @typedef {import("./training.js").Epoch} Epoch */

const RANGE = /** @type {const} */ ([1e-6, 1]); // of ratios that a bar can show
const GOOD = /** @type {const} */ ([1e-4, 2e-2]); // steps beside the weights: well
const FEW = 0.1; // share of dead units that any network may have
const MANY = 0.5; // that which the doctor warns of
const ENDING = 0.01; // of the highest rate: small steps are meant to be small

/** How a step is beside its weights: "small", "good", "large", or "rest" where the
 * learning rate has nearly run out. @param {number} ratio @param {number} [left] The
 * rate as a share of the highest. */
export function judge(ratio, left = 1) {
  if (ratio > GOOD[1]) return "large";
  if (ratio >= GOOD[0]) return "good";
  return left < ENDING ? "rest" : "small";
}

/** How a share of dead units looks. @param {number} share */
export function judgeDead(share) {
  return share > MANY ? "large" : share > FEW ? "small" : "good";
}

/** The rate of the last epoch as a share of the highest. @param {Epoch[]} epochs
 * @param {number} begun The rate that it was started with. */
export function rateLeft(epochs, begun) {
  const rates = epochs.map(({ learning_rate: rate }) => rate ?? 0);
  return (rates.at(-1) ?? 0) / Math.max(begun, ...rates) || 0;
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

/** @param {Epoch["weights"][number]} weights @param {number} left */
function weightsRow({ name, gradient, update }, left) {
  const cells = [make("td", {}, number(gradient))];
  if (update === null) cells.push(make("td", {}, "–"), make("td"));
  else {
    const verdict = judge(update, left);
    cells.push(
      make("td", {}, number(update), bar(place(update), verdict)),
      make("td", { class: `verdict-${verdict}`, text: `learn.update.${verdict}` }),
    );
  }
  return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
}

/** @param {Epoch["dead"][number]} layer */
function deadRow({ layer, share }) {
  const verdict = judgeDead(share);
  const name = make("th", { scope: "row" }, layer);
  const cell = make("td", { class: `verdict-${verdict}` }, percent(share, 1));
  cell.append(bar(share, verdict));
  return make("tr", {}, name, cell);
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
    const { epochs } = training.get();
    const epoch = epochs.at(-1);
    none.hidden = epoch !== undefined;
    tables.hidden = about.hidden = epoch === undefined;
    if (epoch === undefined) return;
    const left = rateLeft(epochs, recipe.get().learning_rate);
    weights.replaceChildren(...epoch.weights.map((each) => weightsRow(each, left)));
    dead.replaceChildren(...epoch.dead.map(deadRow));
    narrow.hidden = epoch.dead.length === 0;
  };
  training.subscribe(show, "epochs");
  onLanguage(show);
  show();
  const title = make("h3", { text: "learn.health" });
  return make("div", { class: "card" }, title, about, none, tables);
}
