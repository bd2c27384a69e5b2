import assert from "node:assert/strict";
import { test } from "node:test";

import {
  choose,
  strength,
  totals,
  worst,
} from "../../../src/ardoise/slate/page/confusion.js";

// Rows: true class; columns: read as.
const TABLE = Int32Array.from([90, 4, 0, 2, 80, 1, 0, 0, 70]);

test("rows are summed, confusions sorted", () => {
  assert.deepEqual(totals(TABLE, 3), [94, 83, 70]);
  assert.deepEqual(worst(TABLE, 3, 2), [
    { true: 0, read: 1, count: 4 },
    { true: 1, read: 0, count: 2 },
  ]);
  assert.equal(worst(TABLE, 3, 99).length, 3);
});

test("a confusion is coloured beside the worst confusion", () => {
  const strengths = Array.from(TABLE, (_, cell) => strength(TABLE, 3, cell));
  assert.deepEqual(strengths, [5, 5, 0, 3, 5, 2, 0, 0, 5]);
});

const MISTAKES = [
  { true: 4, read: 9, probability: 0.6, index: 0 },
  { true: 7, read: 1, probability: 0.99, index: 1 },
  { true: 4, read: 9, probability: 0.9, index: 2 },
  { true: 4, read: 1, probability: 0.7, index: 3 },
];
const chosen = (...filters) => choose(MISTAKES, ...filters).map(({ index }) => index);

test("the gallery is filtered by what is true and what was read", () => {
  assert.deepEqual(chosen(null, null), [1, 2, 3, 0]);
  assert.deepEqual(chosen(4, null), [2, 3, 0]);
  assert.deepEqual(chosen(null, 1), [1, 3]);
  assert.deepEqual(chosen(4, 9, false), [0, 2]);
  assert.deepEqual(chosen(0, 0), []);
  assert.equal(MISTAKES[0].index, 0, "the list itself stays as it was");
});
