import assert from "node:assert/strict";
import { test } from "node:test";

import { summary } from "../../../src/ardoise/slate/page/chart.js";
import * as scales from "../../../src/ardoise/slate/page/scales.js";
import { use } from "../../../src/ardoise/slate/page/words.js";

const { MARGIN, frameOf, logTicks, rangeOf, thin, ticks } = scales;

test("few points stay as they are; of many, no peak is lost", () => {
  const few = [[0, 1], [1, 2]];
  assert.equal(thin(few, 10), few);
  const many = Array.from({ length: 10000 }, (_, i) => [i, Math.sin(i / 900)]);
  many[5003] = [5003, 40];
  many[7777] = [7777, -40];
  const kept = thin(many, 600);
  assert.ok(kept.length <= 600);
  assert.deepEqual([kept[0], kept.at(-1)], [many[0], many.at(-1)]);
  assert.ok(kept.includes(many[5003]) && kept.includes(many[7777]));
  for (let i = 1; i < kept.length; i++) assert.ok(kept[i][0] > kept[i - 1][0]);
});

test("round values within a range", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.5, 1]);
  assert.deepEqual(ticks(0, 0.83, 4), [0, 0.5]);
  assert.deepEqual(ticks(-0.3, 0.3, 3), [-0.2, 0, 0.2]);
  assert.deepEqual(ticks(3, 3), [3]);
  for (const [low, high] of [[0, 938], [1e-5, 2e-5], [-7, 12345]]) {
    const found = ticks(low, high, 5);
    assert.ok(found.length >= 2 && found.length <= 7, String(found));
    assert.ok(found.every((value) => value >= low && value <= high));
  }
});

test("powers of ten within a range", () => {
  assert.deepEqual(logTicks(0.01, 5), [0.01, 0.1, 1]);
  assert.deepEqual(logTicks(2, 5), [2, 5]);
});

test("ranges of finite values", () => {
  assert.deepEqual(rangeOf([3, NaN, -1, Infinity]), [-1, 3]);
  assert.deepEqual(rangeOf([2, 2]), [1.5, 2.5]);
  assert.deepEqual(rangeOf([NaN]), [0, 1]);
});

test("points lie within the margins, and can be found again", () => {
  const lines = [{ points: [[0, 0.01], [50, 1], [100, 10]] }];
  for (const options of [{}, { log: true }, { log: true, range: [0.001, 100] }]) {
    const { right, down, under } = frameOf(lines, options, 400, 200);
    assert.equal(right(0), MARGIN.left);
    assert.equal(right(100), 400 - MARGIN.right);
    for (const [x, y] of lines[0].points) {
      assert.ok(down(y) >= MARGIN.top && down(y) <= 200 - MARGIN.bottom);
      assert.ok(Math.abs(under(right(x)) - x) < 1e-9);
    }
    assert.ok(down(10) < down(1) && down(1) < down(0.01));
  }
  const { down } = frameOf(lines, { log: true, range: [0.001, 100] }, 400, 200);
  assert.ok(Math.abs(down(1) - down(10) - (down(0.1) - down(1))) < 1e-9);
});

test("a summary in words", () => {
  use("en", {
    "chart.summary": "{name}: {first} to {last}, {low} to {high}",
    "chart.nothing": "{name}: nothing",
    loss: "Loss",
  });
  const write = (y) => y.toFixed(1);
  const points = [[0, 2.3], [1, 0.1], [2, 3], [3, 0.5]];
  assert.equal(summary({ name: "loss", points }, write), "Loss: 2.3 to 0.5, 0.1 to 3.0");
  assert.equal(summary({ name: "loss", points: [] }, write), "Loss: nothing");
});
