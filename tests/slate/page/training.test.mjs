/* The training as the page knows it, beside a server that is played here. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { RATE, begin } from "../../../src/ardoise/slate/page/drive.js";
import { judge, judgeDead, place, rateLeft } from "../../../src/ardoise/slate/page/health.js";
import { isForNow, wordsOf } from "../../../src/ardoise/slate/page/notes.js";
import { pack } from "../../../src/ardoise/slate/page/packets.js";
import { isOurs, recipe } from "../../../src/ardoise/slate/page/recipe.js";
import { unitsOf } from "../../../src/ardoise/slate/page/settings.js";
import { connect } from "../../../src/ardoise/slate/page/socket.js";
import { shared } from "../../../src/ardoise/slate/page/state.js";
import {
  catchUp,
  listenToTraining,
  training,
} from "../../../src/ardoise/slate/page/training.js";
import { use } from "../../../src/ardoise/slate/page/words.js";

/** A server in the place of the WebSocket: `answers` has what each type is answered. */
class Server extends EventTarget {
  static OPEN = 1;
  static CONNECTING = 0;
  readyState = Server.OPEN;
  asked = [];
  answers = { "learn.moments": { steps: [0, 1, 2] } };

  constructor() {
    super();
    server = this;
  }

  send(packet) {
    const { id, type, ...fields } = JSON.parse(packet);
    this.asked.push({ type, ...fields });
    const { arrays, ...header } = this.answers[type] ?? {};
    const answer = { id, type, ...header };
    queueMicrotask(() => this.tell(arrays ? pack(answer, arrays) : answer));
  }

  tell(message) {
    const data = message instanceof ArrayBuffer ? message : JSON.stringify(message);
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

let server;
globalThis.WebSocket = Server;
connect("ws://127.0.0.1/ws", () => {});
listenToTraining();

const EPOCH = {
  type: "epoch",
  step: 2,
  epoch: 1,
  validation_loss: 1,
  weights: [],
  dead: [],
};
const push = (...points) =>
  server.tell({ type: "learn", step: points.at(-1)[0], points });
const state = (learning) => server.tell({ type: "state", learning });

beforeEach(() => {
  state("idle");
  server.asked = [];
});

test("points and epochs make the curves grow", () => {
  state("running");
  push([1, 2.5, 0.1], [2, 2, 0.2]);
  push([3, 1.5, 0.3]);
  const { version } = shared.get();
  server.tell({ ...EPOCH, validation_accuracy: 0.4 });
  const { run, place: now, epochs, phase } = training.get();
  assert.equal(phase, "running");
  assert.deepEqual(run.loss.x, [1, 2, 3]);
  assert.deepEqual(run.accuracy.y, [0.1, 0.2, 0.3]);
  assert.deepEqual(run.validationAccuracy.y, [0.4]);
  assert.equal(now.step, 3);
  assert.equal(epochs.length, 1);
  assert.equal(shared.get().version, version + 1, "another network draws");
});

test("a new training keeps the curves of the one before, and nothing else", () => {
  state("running");
  push([1, 2, 0.1], [2, 1, 0.2]);
  server.tell({ type: "note", sentence: "x", suggestion: null });
  state("paused");
  state("running");
  assert.equal(training.get().run.loss.x.length, 2, "a pause is no new training");
  state("idle");
  const old = training.get().run;
  state("running");
  const { run, previous, notes, epochs, place: now } = training.get();
  assert.equal(previous, old);
  assert.equal(run.loss.x.length, 0);
  assert.deepEqual([notes, epochs, now], [[], [], null]);
});

test("a page that comes late is told everything", async () => {
  const curve = { data: Float32Array.of(1, 2.5, 0.125, 2, 2, 0.25), shape: [2, 3] };
  server.answers["learn.state"] = {
    learning: "paused",
    place: { step: 2, steps: 10 },
    epochs: [{ ...EPOCH, validation_accuracy: 0.5 }],
    notes: [{ sentence: "x", suggestion: null }],
    moments: [0, 2],
    arrays: { curve },
  };
  await catchUp();
  const { run, phase, place: now, notes, moments } = training.get();
  assert.equal(phase, "paused");
  assert.deepEqual(run.loss.y, [2.5, 2]);
  assert.deepEqual(run.accuracy.y, [0.125, 0.25]);
  assert.deepEqual(run.validationLoss.x, [2]);
  assert.deepEqual([now.step, notes.length, moments], [2, 1, [0, 2]]);
});

test("moments are asked for while it learns, but not with every push", async () => {
  state("running");
  for (let i = 1; i < 50; i++) push([i, 1, 0.5]);
  await new Promise(setImmediate);
  const asked = server.asked.filter(({ type }) => type === "learn.moments");
  assert.ok(asked.length <= 1);
  state("paused");
  await new Promise(setImmediate);
  assert.deepEqual(training.get().moments, [0, 1, 2]);
});

test("a training begins with what its preset has, and with no more", async () => {
  recipe.set({ preset: "conv", epochs: 3, units: null, activation: null, start: null });
  await begin(true);
  const [asked] = server.asked.filter(({ type }) => type === "learn.start");
  assert.equal(asked.preset, "conv");
  assert.equal(asked.paused, true);
  assert.ok(!("units" in asked) && !("activation" in asked) && !("start" in asked));
});

test("the slider of the rate gives round rates, and finds each again", () => {
  for (let at = RATE.min; at <= RATE.max; at += RATE.step) {
    const rate = RATE.from(at);
    assert.ok(Math.abs(RATE.to(rate) - at) < RATE.step / 2);
    assert.equal(rate, Number(rate.toPrecision(2)));
  }
  assert.equal(RATE.from(-2), 0.01);
});

test("suggestions are said in words; only rate and dropout work at once", () => {
  use("en", {
    "learn.setting.learning_rate": "Learning rate",
    "learn.setting.dropout": "Dropout",
    "learn.setting.start": "First weights",
    "learn.start.usual": "usual (He)",
  });
  assert.equal(wordsOf({ learning_rate: 0.1 }), "Learning rate 0.1");
  assert.equal(
    wordsOf({ start: "usual", dropout: 0.3 }),
    "First weights usual (He), Dropout 30%",
  );
  assert.ok(isForNow({ learning_rate: 0.1 }));
  assert.ok(!isForNow({ learning_rate: 0.1, start: "usual" }));
});

test("steps beside the weights are judged, and stand on a log scale", () => {
  const judged = [1e-6, 1e-3, 0.5].map((ratio) => judge(ratio));
  assert.deepEqual(judged, ["small", "good", "large"]);
  // Where the rate has run out, small steps are as they should be.
  const epochs = [{ learning_rate: 0.005 }, { learning_rate: 1e-7 }];
  assert.equal(judge(1e-6, rateLeft(epochs, 0.005)), "rest");
  assert.equal(judge(1e-6, rateLeft(epochs.slice(0, 1), 0.005)), "small");
  assert.equal(rateLeft([], 0.1), 0);
  assert.deepEqual([0, 1e-6, 1e-3, 1, 100].map(place), [0, 0, 0.5, 1, 1]);
});

test("units are numbers between whatever", () => {
  assert.deepEqual(unitsOf("128, 64"), [128, 64]);
  assert.deepEqual(unitsOf(" 16 "), [16]);
});

test("a training that is started elsewhere shows what it is", async () => {
  const settings = { ...recipe.get(), preset: "broken", epochs: 7, dropout: 0.25 };
  server.answers["learn.state"] = { learning: "running", settings, rate: 0.5 };
  const ours = [];
  const stop = recipe.subscribe(() => ours.push(isOurs()), "preset");
  state("running");
  await new Promise((resolve) => setTimeout(resolve));
  stop();
  assert.deepEqual(recipe.get(), { ...settings, learning_rate: 0.5 });
  assert.deepEqual(ours, [false], "so that it is not sent back");
  assert.equal(isOurs(), true);
});

test("one that this page starts is not asked about", async () => {
  training.set({ starts: true });
  state("running");
  training.set({ starts: false });
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(server.asked, []);
});

test("many dead units look like what they are", () => {
  const looks = [0, 0.05, 0.387, 0.9].map(judgeDead);
  assert.deepEqual(looks, ["good", "good", "small", "large"]);
});
