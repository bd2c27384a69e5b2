// @ts-check
/* Learn: a network trains before the eyes. */

import { attempt, make } from "./dom.js";
import { makeDrive } from "./drive.js";
import { makeGraphs } from "./graphs.js";
import { makeHealth } from "./health.js";
import { makeSaving, makeTimeline } from "./moments.js";
import { makeNotes } from "./notes.js";
import { makeSettings } from "./settings.js";
import { shortcuts } from "./state.js";
import { catchUp, listenToTraining, recipe } from "./training.js";
import { makeDigits, makeWeights } from "./watch.js";

/** Know what the server does, and what it offers: a training goes on while pages come
 * and go. */
async function meet() {
  const { settings, rate, presets } = await catchUp();
  recipe.set(settings ? { ...settings, learning_rate: rate } : presets[0]);
}

/** The page's keys rest while somebody types; sliders and cards take no letters, so
 * there the keys of this section work. @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const types = /^(range|radio|checkbox)$/.test(target.getAttribute("type") ?? "");
  if (!types || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key !== "g" && event.key !== ".") return;
  event.preventDefault();
  shortcuts.get(event.key)?.();
}

/** @param {HTMLElement} section */
export async function start(section) {
  const timeline = makeTimeline(() => graphs.show());
  const graphs = makeGraphs(timeline.mark);
  const after = make("div", { class: "columns" }, timeline.whole, makeSaving());
  const main = make("div", { class: "learn-main" });
  main.append(graphs.whole, makeDigits(), makeWeights(), makeHealth(), after);
  const side = make("div", { class: "learn-side" }, makeDrive(), makeNotes());
  const body = make("div", { class: "learn" }, side, main);
  section.append(makeSettings(), body);
  section.addEventListener("keydown", onKey);
  listenToTraining();
  await attempt(meet);
}
