// @ts-check
/* Leading a training: start, pause, step, stop; the rate and dropout while it runs. */

import { announce, attempt, button, make } from "./dom.js";
import { isOurs, recipe } from "./recipe.js";
import { ask } from "./socket.js";
import { latest, shortcuts } from "./state.js";
import { training } from "./training.js";
import { number, onLanguage, percent, put, say } from "./words.js";

/* What the server is asked. */

/** What changes a value of the recipe while a network learns. */
const CHANGES = { learning_rate: "learn.rate", dropout: "learn.dropout" };
const DIALS = /** @type {const} */ (["learning_rate", "dropout"]);

/** @param {boolean} paused Whether it waits before its first step. */
export async function begin(paused = false) {
  const begun = recipe.get();
  const fields = Object.entries(begun).filter(([, value]) => value !== null);
  training.set({ starts: true });
  await ask("learn.start", { ...Object.fromEntries(fields), paused }).finally(() => {
    training.set({ starts: false });
  });
  const now = recipe.get(); // starting takes a moment, in which sliders may move
  for (const name of DIALS) {
    if (now[name] !== begun[name]) await ask(CHANGES[name], { value: now[name] });
  }
}

/** Start, pause or go on. */
async function toggle() {
  const { phase } = training.get();
  if (phase === "idle") await begin();
  else await ask(phase === "running" ? "learn.pause" : "learn.resume");
}

/** @param {"batch" | "epoch"} of */
async function step(of) {
  if (training.get().phase === "idle") await begin(true);
  await ask("learn.step", { of });
}

/** Whenever the recipe's value changes while a network learns, the server is told.
 * @param {(typeof DIALS)[number]} name */
function sendChanges(name) {
  const send = latest(async (/** @type {number} */ value) => {
    await attempt(() => ask(CHANGES[name], { value }));
  });
  recipe.subscribe((now) => {
    if (isOurs() && training.get().phase !== "idle") send(now[name]);
  }, name);
}

/* What is on the page. */

/** How a value of the recipe and its slider go together.
 * @typedef {{min: number, max: number, step: number, to: (value: number) => number,
 *   from: (slider: number) => number, words: (value: number) => string}} Scale */

/** @type {Scale} */
export const RATE = {
  ...{ min: -5, max: 1, step: 0.05, to: Math.log10, words: number },
  from: (slider) => Number((10 ** slider).toPrecision(2)),
};
/** @type {Scale} */
const DROPOUT = {
  min: 0,
  max: 0.9,
  step: 0.05,
  to: Number,
  from: Number,
  words: percent,
};

/** A slider of the recipe. @param {"learning_rate" | "dropout"} name
 * @param {Scale} scale */
function dial(name, { min, max, step: one, to, from, words }) {
  const input = make("input", { type: "range", min, max, step: one });
  const said = make("span", { class: "value" });
  const tell = () => {
    const value = recipe.get()[name];
    input.value = String(to(value));
    said.textContent = words(value);
    input.setAttribute("aria-valuetext", said.textContent);
  };
  input.addEventListener("input", () => {
    recipe.set({ [name]: from(input.valueAsNumber) });
  });
  recipe.subscribe(tell, name);
  onLanguage(tell);
  tell();
  const title = make("span", { text: `learn.setting.${name}` });
  return make("label", { class: "slider" }, title, said, input);
}

/** How far the training is. */
function makeProgress() {
  const bar = make("progress", { max: 1, label: "learn.progress" });
  const text = make("p", { class: "small soft" });
  const show = () => {
    const { place, phase } = training.get();
    bar.max = place?.steps ?? 1;
    bar.value = place?.step ?? 0;
    if (place === null) {
      put(text, phase === "idle" ? "learn.place_idle" : "learn.place_begin");
      return;
    }
    put(text, "learn.place", { ...place, rate: () => number(place.rate, 2) });
  };
  training.subscribe(show, "place", "phase");
  show();
  return make("div", { class: "progress" }, bar, text);
}

const MAIN = { idle: "learn.start", running: "learn.pause", paused: "learn.resume" };
const SAID = { idle: "learn.ended", running: "learn.running", paused: "learn.paused" };

/** Buttons, sliders, progress. */
export function makeDrive() {
  const run = () => attempt(toggle, main);
  const one = () => attempt(() => step("batch"), batch);
  const main = button("learn.start", run, {
    class: "primary",
    hint: "learn.start_key",
  });
  const batch = button("learn.batch", one, { hint: "learn.batch_key" });
  const epoch = button("learn.epoch", () => attempt(() => step("epoch"), epoch));
  const end = () => attempt(() => ask("learn.stop", { keep: "best" }), stop);
  const stop = button("learn.stop", end);
  shortcuts.set("g", run);
  shortcuts.set(".", one);
  training.subscribe(({ phase }) => {
    put(main, MAIN[phase]);
    announce(say(SAID[phase]));
    stop.disabled = phase === "idle";
  }, "phase");
  stop.disabled = training.get().phase === "idle";
  DIALS.forEach(sendChanges);
  const buttons = make("div", { class: "drive-buttons" }, main, batch, epoch, stop);
  const dials = [dial("learning_rate", RATE), dial("dropout", DROPOUT)];
  const title = make("h3", { text: "learn.drive" });
  return make("div", { class: "card drive" }, title, buttons, makeProgress(), ...dials);
}
