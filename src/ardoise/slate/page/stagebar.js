// @ts-check
/* The bar that leads step by step: which stage is shown, and what happens there. */

import { button, make, makeSvg } from "./dom.js";
import { kindName } from "./layers.js";
import { reachedAt, stagesOf } from "./stages.js";
import { knows, put } from "./words.js";

/** @typedef {import("./stages.js").Layer} Layer */
/** What the stages are about: rows of layers, and the end of them.
 * @typedef {object} Shown
 * @property {ReturnType<typeof import("./flow.js").makeFlow>} flow
 * @property {HTMLElement} ends
 */

const AT = {
  forward: "steps.at.forward",
  loss: "steps.at.loss",
  backward: "steps.at.backward",
};

/** @param {Shown} shown */
export function makeStageBar({ flow, ends }) {
  /** @type {Layer[]} */
  let layers = [];
  let stages = stagesOf(1);
  let at = 0;
  const about = make("p", { class: "steps-about", role: "status" });
  const place = make("p", { class: "soft small" });
  const first = icon("steps.first", "M7 5v14M18 5l-8 7 8 7z", () => go(0));
  const back = button("steps.back", () => go(at - 1));
  const next = button("steps.next", () => go(isLast() ? 0 : at + 1), {
    class: "primary",
  });
  const all = icon("steps.all", "M17 5v14M6 5l8 7-8 7z", () => go(stages.length - 1));
  const moves = make("div", { class: "row" }, ...[first, back, next, all, place]);

  const isLast = () => at === stages.length - 1;

  /** @param {number} stage */
  function go(stage) {
    at = Math.min(Math.max(stage, 0), stages.length - 1);
    show();
    const { phase, row } = stages[at];
    const item = phase === "loss" ? ends : flow.item(row);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    item?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  }

  function show() {
    const { down, loss, up } = reachedAt(stages, at);
    const { phase, row } = stages[at];
    flow.reach(down, up, phase === "loss" ? -1 : row);
    ends.hidden = !loss;
    ends.classList.toggle("current", phase === "loss");
    for (const control of [first, back])
      control.setAttribute("aria-disabled", String(at === 0));
    all.setAttribute("aria-disabled", String(isLast()));
    put(next, isLast() ? "steps.restart" : "steps.next");
    put(place, AT[phase], { n: at + 1, all: stages.length });
    const [key, values] = storyOf(stages[at], layers);
    put(about, key, values);
  }

  return {
    bar: make("div", { class: "steps-bar" }, moves, about),
    /** Lead through these layers; all is shown, until somebody goes elsewhere.
     * @param {Layer[]} others */
    show(others) {
      if (others.length !== layers.length) {
        stages = stagesOf(others.length + 1);
        at = stages.length - 1;
      }
      layers = others;
      show();
    },
  };
}

/** What happens at a stage: a key and its values.
 * @param {import("./stages.js").Stage} stage @param {Layer[]} layers
 * @returns {[string, import("./words.js").Values]}
 */
function storyOf({ phase, row }, layers) {
  if (phase === "loss") return ["steps.loss", {}];
  if (row === 0) return [phase === "forward" ? "steps.begin" : "steps.end", {}];
  // Row i is that of layer i - 1. Its gradient came through the layer below it.
  const layer = layers[phase === "forward" ? row - 1 : row];
  if (layer === undefined) return ["steps.outputs", {}];
  const key = `steps.${phase}.${layer.kind}`;
  const kind = () => kindName(layer.kind);
  return [knows(key) ? key : `steps.${phase}.other`, { kind }];
}

/** A button with a sign. @param {string} label @param {string} path Of the sign.
 * @param {() => void} click
 */
function icon(label, path, click) {
  const sign = makeSvg("path", { d: path });
  const svg = makeSvg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, sign);
  const control = make(
    "button",
    { type: "button", class: "move", label, hint: label },
    svg,
  );
  control.addEventListener("click", click);
  return control;
}
