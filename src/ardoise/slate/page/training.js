// @ts-check
/* The training that the server leads, as this page knows it: no element is touched. */

import { addPoint } from "./curves.js";
import { follow } from "./recipe.js";
import { newRun } from "./runs.js";
import { ask, listen } from "./socket.js";
import { shared, store } from "./state.js";
import { onLanguage } from "./words.js";

/** @typedef {import("./recipe.js").Recipe} Recipe */
/** @typedef {import("./runs.js").Run} Run */
/** @typedef {{step: number, epoch: number, steps: number, epochs: number,
 *   rate: number}} Place */
/** @typedef {{sentence: string, code: string, severity: string, step: number,
 *   suggestion: Partial<Recipe> | null}} Note */
/** @typedef {{step: number, epoch: number, learning_rate?: number,
 *   validation_loss: number | null,
 *   validation_accuracy: number | null,
 *   weights: {name: string, gradient: number, update: number | null}[],
 *   dead: {layer: string, kind: string, share: number}[]}} Epoch */
/**
 * @typedef {object} Known
 * @property {"idle" | "running" | "paused"} phase
 * @property {Run} run It grows in place; `tick` tells when.
 * @property {Run | null} previous
 * @property {boolean} starts Whether this page is starting it.
 * @property {number} tick
 * @property {Place | null} place
 * @property {Epoch[]} epochs
 * @property {Note[]} notes
 * @property {number[]} moments Steps whose network is kept.
 * @property {Recipe[]} presets
 * @property {Record<string, any>} choices What each setting may be.
 */

/** @type {Known} */
const NOTHING = {
  phase: "idle",
  run: newRun(),
  previous: null,
  starts: false,
  tick: 0,
  place: null,
  epochs: [],
  notes: [],
  moments: [],
  presets: [],
  choices: {},
};
export const training = store(NOTHING);

const MOMENTS_EVERY = 2000; // milliseconds
let momentsAt = 0; // when they were last asked for

/* What the server tells. */

/** @param {Run} run @param {Epoch} epoch */
function addEpoch(run, { step, validation_loss, validation_accuracy }) {
  addPoint(run.validationLoss, step, validation_loss);
  addPoint(run.validationAccuracy, step, validation_accuracy);
}

/** Ask for everything so far: for a page that comes while the server trains. */
export async function catchUp() {
  const { header, arrays } = await ask("learn.state");
  const run = newRun();
  const points = arrays.curve?.data ?? [];
  for (let i = 0; i < points.length; i += 3) {
    addPoint(run.loss, points[i], points[i + 1]);
    addPoint(run.accuracy, points[i], points[i + 2]);
  }
  for (const epoch of header.epochs ?? []) addEpoch(run, epoch);
  const { tick } = training.get();
  training.set({
    run,
    phase: header.learning,
    tick: tick + 1,
    place: header.place ?? null,
    epochs: header.epochs ?? [],
    notes: header.notes ?? [],
    moments: header.moments ?? [],
    presets: header.presets ?? [],
    choices: header.choices ?? {},
  });
  return header;
}

async function refreshMoments() {
  momentsAt = performance.now();
  const { header } = await ask("learn.moments");
  training.set({ moments: header.steps });
}

/** @param {import("./socket.js").Header} header */
function onPoints({ points, ...place }) {
  const { run, tick } = training.get();
  for (const [step, loss, accuracy] of points) {
    addPoint(run.loss, step, loss);
    addPoint(run.accuracy, step, accuracy);
  }
  training.set({ tick: tick + 1, place: /** @type {any} */ (place) });
  // A refusal needs no words: they are asked for again soon.
  if (performance.now() > momentsAt + MOMENTS_EVERY) refreshMoments().catch(() => {});
}

/** @param {any} epoch */
function onEpoch(epoch) {
  const { run, tick, epochs } = training.get();
  addEpoch(run, epoch);
  training.set({ tick: tick + 1, epochs: [...epochs, epoch] });
  shared.set({ version: shared.get().version + 1 }); // this network draws from now on
}

/** @param {import("./socket.js").Header} header */
function onState({ learning }) {
  const { phase, run, previous, tick } = training.get();
  if (phase === "idle" && learning !== "idle") {
    const before = run.loss.x.length > 1 ? run : previous;
    training.set({ run: newRun(), previous: before, tick: tick + 1, place: null });
    training.set({ epochs: [], notes: [], moments: [] });
  }
  training.set({ phase: learning });
  const isElsewhere = !training.get().starts && shared.get().learning !== "replay";
  if (phase === "idle" && learning !== "idle" && isElsewhere) again();
  if (phase !== "idle" && learning !== "running") refreshMoments().catch(() => {});
}

/** Ask for everything again; a lost connection says so by itself. */
function again() {
  catchUp()
    .then((header) => header.learning !== "idle" && header.settings && follow(header))
    .catch(() => {});
}

export function listenToTraining() {
  listen("learn", onPoints);
  listen("epoch", onEpoch);
  listen("state", onState);
  listen("note", (note) => {
    training.set({ notes: [...training.get().notes, /** @type {any} */ (note)] });
  });
  listen("connection", ({ state }) => state === "open" && again());
  onLanguage(again); // notes are sentences of the server
}
