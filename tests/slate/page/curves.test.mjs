import assert from "node:assert/strict";
import { test } from "node:test";

import {
  MOST,
  addPoint,
  bounds,
  last,
  nearest,
  newCurve,
} from "../../../src/ardoise/slate/page/curves.js";
import {
  drawPlot,
  logTicks,
  scale,
  stepAt,
} from "../../../src/ardoise/slate/page/plot.js";
import {
  ACCURACY,
  LOSS,
  axis,
  plotOf,
} from "../../../src/ardoise/slate/page/runplot.js";
import { newRun, rows, some, toCsv } from "../../../src/ardoise/slate/page/runs.js";

/** A curve with these values at steps 1, 2, 3 … */
function curveOf(values) {
  const curve = newCurve();
  values.forEach((value, i) => addPoint(curve, i + 1, value));
  return curve;
}

test("a short curve keeps every point", () => {
  const curve = curveOf([3, 2, 1]);
  assert.deepEqual(curve.x, [1, 2, 3]);
  assert.deepEqual(curve.y, [3, 2, 1]);
});

test("the smoothed curve begins at the first value and follows", () => {
  const flat = curveOf(Array(50).fill(2));
  for (const value of flat.smooth) assert.ok(Math.abs(value - 2) < 1e-12);
  const noisy = curveOf(
    Array.from({ length: 400 }, (_, i) => 1 + (i % 2 ? 0.5 : -0.5)),
  );
  assert.ok(Math.abs(noisy.smooth.at(-1) - 1) < 0.05);
});

test("points that stand for many steps are hardly smoothed", () => {
  const [fine, coarse] = [newCurve(), newCurve()];
  for (let i = 1; i <= 10; i++) {
    addPoint(fine, 1000 + i, i);
    addPoint(coarse, 1000 + 100 * i, i);
  }
  assert.ok(fine.smooth.at(-1) < 7);
  assert.ok(coarse.smooth.at(-1) > 9.9);
});

test("a long curve is halved, and its mean is kept", () => {
  const n = 10 * MOST;
  const curve = curveOf(Array.from({ length: n }, (_, i) => i));
  assert.ok(curve.x.length <= MOST && curve.x.length > MOST / 3);
  for (let i = 1; i < curve.x.length; i++) assert.ok(curve.x[i] > curve.x[i - 1]);
  // Each kept point stands for `stride` steps, the last of which is its x.
  curve.x.forEach((x, i) => {
    assert.equal(x, (i + 1) * curve.stride);
    assert.ok(Math.abs(curve.y[i] - (x - 1 - (curve.stride - 1) / 2)) < 1e-9);
  });
});

test("what is not a number is a gap, and spoils nothing after it", () => {
  const curve = curveOf([1, null, Infinity, 1]);
  assert.deepEqual(curve.y, [1, NaN, NaN, 1]);
  assert.ok(Number.isNaN(curve.smooth[1]));
  assert.equal(curve.smooth[3], 1);
  assert.equal(last([1, 2, NaN]), 2);
});

test("bounds leave out gaps, and what a log scale cannot show", () => {
  assert.deepEqual(bounds([[3, NaN, -1], [7]]), [-1, 7]);
  assert.deepEqual(bounds([[3, 0, -1], [7]], true), [3, 7]);
  assert.equal(bounds([[NaN], []]), null);
});

test("the nearest point is found", () => {
  const xs = [10, 20, 40];
  const found = [-5, 14, 16, 31, 99].map((x) => nearest(xs, x));
  assert.deepEqual(found, [0, 0, 1, 2, 2]);
  assert.equal(nearest([], 3), -1);
  assert.equal(nearest([7], 3), 0);
});

test("rows put the curves beside one another, as CSV does", () => {
  const run = newRun();
  addPoint(run.loss, 1, 2.5);
  addPoint(run.accuracy, 1, 0.1);
  addPoint(run.loss, 2, NaN);
  addPoint(run.accuracy, 2, 0.5);
  addPoint(run.validationLoss, 2, 1.25);
  assert.deepEqual(rows(run), [
    [1, 2.5, 0.1, undefined, undefined],
    [2, NaN, 0.5, 1.25, undefined],
  ]);
  assert.equal(
    toCsv(run),
    "step,loss,accuracy,validation_loss,validation_accuracy\r\n" +
      "1,2.5,0.1,,\r\n2,,0.5,1.25,\r\n",
  );
});

test("some rows keep the ends and every epoch", () => {
  const all = Array.from({ length: 500 }, (_, i) => [
    i,
    1,
    1,
    i === 77 ? 1 : undefined,
  ]);
  const kept = some(all, 20);
  assert.ok(kept.length <= 23);
  assert.equal(kept[0][0], 0);
  assert.equal(kept.at(-1)[0], 499);
  assert.ok(kept.some((row) => row[0] === 77));
});

test("ticks of a log scale are round and lie between the ends", () => {
  assert.deepEqual(logTicks(0.01, 10), [0.01, 0.1, 1, 10]);
  assert.deepEqual(logTicks(0.3, 2.4), [0.5, 1, 2]);
});

test("a scale puts values between two pixels", () => {
  const linear = scale([0, 10], [100, 0]);
  assert.deepEqual([0, 5, 10].map(linear), [100, 50, 0]);
  const log = scale([0.01, 1], [0, 100], true);
  assert.ok(Math.abs(log(0.1) - 50) < 1e-9);
  assert.ok(!Number.isFinite(log(0)) && !Number.isFinite(log(-1)));
  assert.equal(scale([2, 2], [0, 10])(2), 0);
});

test("a gap breaks the line that is drawn", () => {
  const calls = [];
  const ink = new Proxy(
    {},
    {
      get:
        (_, name) =>
        (...args) =>
          calls.push([name, ...args]),
      set: () => true,
    },
  );
  const plot = {
    lines: [{ x: [0, 1, 2, 3, 4], y: [1, 0, NaN, 0, 1], colour: "red" }],
    x: [0, 4],
    y: [0, 1],
    label: String,
    count: String,
    text: "black",
    rule: "grey",
  };
  drawPlot(ink, 300, 200, plot);
  // After the clip, the curve alone.
  const curve = calls.slice(calls.findIndex(([name]) => name === "clip"));
  const count = (wanted) => curve.filter(([name]) => name === wanted).length;
  assert.deepEqual([count("moveTo"), count("lineTo")], [2, 2]);
});

test("the step under the pointer stays within the plot", () => {
  const plot = { x: [0, 100] };
  assert.equal(stepAt(plot, 500, 0), 0);
  assert.equal(stepAt(plot, 500, 500), 100);
  const middle = stepAt(plot, 500, 267);
  assert.ok(middle > 45 && middle < 55);
});

const COLOURS = { accent: "amber", strong: "chalk", text: "grey", rule: "dark" };

test("a plot shows the run, and the one before in dashes behind it", () => {
  const [run, previous] = [newRun(), newRun()];
  for (let i = 1; i <= 20; i++) {
    addPoint(run.loss, i, 2 / i);
    addPoint(previous.loss, 2 * i, 3 / i);
  }
  const shown = { run, previous, log: false, mark: null };
  const plot = plotOf(LOSS, shown, COLOURS);
  assert.deepEqual(plot.x, [0, 20], "as long as the present run");
  assert.ok(plot.y[0] === 0 && plot.y[1] > 3);
  const dashed = plot.lines.map(({ dash }) => dash !== undefined);
  assert.deepEqual(dashed, [true, true, false, false, false]);
  const alone = plotOf(LOSS, { ...shown, previous: null }, COLOURS);
  assert.equal(alone.lines.length, 3);
  const soon = plotOf(LOSS, { ...shown, run: newRun() }, COLOURS);
  assert.deepEqual(soon.x, [0, 40], "as long as the run before, until it begins");
});

test("accuracy on a log scale is a scale of errors", () => {
  const run = newRun();
  [0, 0.9, 1].forEach((accuracy, i) => addPoint(run.accuracy, i + 1, accuracy));
  const shown = { run, previous: null, log: true, mark: null };
  const plot = plotOf(ACCURACY, shown, COLOURS);
  assert.deepEqual(plot.y, [1, 0.001]);
  const [raw] = plot.lines;
  assert.ok(Math.abs(raw.y[1] - 0.1) < 1e-12);
  assert.equal(raw.y[2], 0.001, "no error at all stays on the scale");
  assert.equal(plot.label(0.1), "90%");
  assert.equal(plot.label(0.001), "99.9%");
});

test("axes hold what was found, and something where nothing was", () => {
  assert.deepEqual(axis(true, false, [0.3, 0.4]), [0, 1]);
  assert.deepEqual(axis(false, false, null), [0, 1]);
  const [low, high] = axis(false, true, [0.1, 0.1]);
  assert.ok(low < 0.1 && high > 0.1);
  assert.ok(axis(false, false, [0, 0])[1] > 0);
});
