import assert from "node:assert/strict";
import { test } from "node:test";

import { sentenceOf, verdictOf } from "../../../src/ardoise/slate/page/answer.js";
import { moved } from "../../../src/ardoise/slate/page/dom.js";
import { best, latest, shapeOf, store } from "../../../src/ardoise/slate/page/state.js";
import { use } from "../../../src/ardoise/slate/page/words.js";

test("only those hear who asked, and only of changes", () => {
  const { get, set, subscribe } = store({ a: 1, b: NaN });
  const heard = [];
  const stop = subscribe(({ a }) => heard.push(`a${a}`), "a");
  subscribe(() => heard.push("any"));
  set({ a: 1, b: NaN });
  assert.deepEqual(heard, []);
  set({ b: 2 });
  set({ a: 3 });
  assert.deepEqual(heard, ["any", "a3", "any"]);
  stop();
  set({ a: 4 });
  assert.deepEqual(heard.slice(3), ["any"]);
  assert.deepEqual(get(), { a: 4, b: 2 });
});

test("a listener may stop listening, or change something more", () => {
  const { get, set, subscribe } = store({ n: 0 });
  const stop = subscribe(({ n }) => {
    stop();
    set({ n: n + 1 });
  }, "n");
  set({ n: 1 });
  assert.equal(get().n, 2);
});

/** Work that ends when it is told to. */
function workshop() {
  const begun = [];
  const ends = [];
  const work = (item) => {
    begun.push(item);
    return new Promise((resolve, reject) => ends.push({ resolve, reject }));
  };
  return { begun, ends, work };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("one drawing at a time is on its way, and the latest wins", async () => {
  const { begun, ends, work } = workshop();
  const send = latest(work);
  for (const item of [1, 2, 3]) send(item);
  assert.deepEqual(begun, [1]);
  ends[0].resolve();
  await turn();
  assert.deepEqual(begun, [1, 3]); // 2 was overtaken
  ends[1].resolve();
  await turn();
  send(4);
  assert.deepEqual(begun, [1, 3, 4]);
});

test("a failure does not stop those that follow", async () => {
  const { begun, ends, work } = workshop();
  const send = latest((item) => work(item).catch(() => {}));
  send(1);
  send(2);
  ends[0].reject(new Error("refused"));
  await turn();
  assert.deepEqual(begun, [1, 2]);
});

test("the best first", () => {
  assert.deepEqual(best([0.1, 0.7, 0.2]), [1, 2]);
  assert.deepEqual(best(Float32Array.from([0.5, 0.5]), 1), [0]);
});

test("the shape of a network", () => {
  const layer = (kind, shape, parameters) => ({ name: "", kind, shape, parameters });
  const layers = [
    layer("Conv2D", [26, 26, 8], 80),
    layer("BatchNorm", [26, 26, 8], 32),
    layer("ReLU", [26, 26, 8], 0),
    layer("Flatten", [5408], 0),
    layer("Dense", [10], 54090),
  ];
  const network = { layers, input: [28, 28, 1], params: 0 };
  assert.equal(shapeOf(network), "28×28 – 8c – 10");
});

test("what to say of an answer", () => {
  const verdict = (probabilities, more = {}) =>
    verdictOf({ probabilities, ...more }, 0.6).verdict;
  assert.equal(verdict([0.92, 0.05, 0.03]), "read");
  assert.equal(verdict([0.998, 0.002, 0]), "sure");
  assert.equal(verdict([0.5, 0.45, 0.05]), "unsure");
  assert.equal(verdict([0.92, 0.05, 0.03], { refused: true }), "refused");
  assert.equal(verdict([0, 0, 0], { empty: true }), "empty");
  assert.equal(verdict([NaN, NaN, NaN]), "broken");
});

test("the sentence names both guesses", () => {
  use("en", {
    "draw.read": "I read {d} ({p}), perhaps {e}.",
    "draw.digit": "a {d}",
    "draw.eight": "an 8",
    "draw.named": "“{name}”",
    "class.fashion.5": "Sandal",
  });
  const digits = [..."0123456789"];
  const probabilities = digits.map((d) => ({ 7: 0.92, 8: 0.05 })[d] ?? 0.00375);
  const said = sentenceOf({ probabilities }, digits, 0.6);
  assert.equal(said, "I read a 7 (92%), perhaps an 8.");
  const clothes = sentenceOf({ probabilities: [0.1, 0.9] }, ["3", "class.fashion.5"], 0.6);
  assert.equal(clothes, "I read “Sandal” (90%), perhaps a 3.");
});

test("arrows in a grid", () => {
  assert.equal(moved("ArrowRight", 3, 10, 5), 4);
  assert.equal(moved("ArrowDown", 3, 10, 5), 8);
  assert.equal(moved("ArrowDown", 8, 10, 5), 8);
  assert.equal(moved("Home", 8, 10, 5), 0);
  assert.equal(moved("End", 0, 10, 5), 9);
  assert.equal(moved("a", 0, 10, 5), null);
});
