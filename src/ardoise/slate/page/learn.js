// @ts-check
/* Learn: a network trains before the eyes. */

import { attempt, make } from "./dom.js";
import { makeDrive } from "./drive.js";
import { makeGraphs } from "./graphs.js";
import { makeHealth } from "./health.js";
import { makeSaving, makeTimeline } from "./moments.js";
import { makeNotes } from "./notes.js";
import { follow, recipe } from "./recipe.js";
import { makeSettings } from "./settings.js";
import { catchUp, listenToTraining } from "./training.js";
import { makeDigits, makeWeights } from "./watch.js";

/** Know what the server does, and what it offers: a training goes on while pages come
 * and go. */
async function meet() {
  const header = await catchUp();
  if (header.settings) follow(header);
  else recipe.set(header.presets[0]);
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
  listenToTraining();
  await attempt(meet);
}
