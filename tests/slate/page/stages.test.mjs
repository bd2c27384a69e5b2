import assert from "node:assert/strict";
import test from "node:test";

import { fittedGrid } from "../../../src/ardoise/slate/page/picker.js";
import {
  digitsShared,
  endsOf,
  reachedAt,
  stagesOf,
  statistics,
  weightIndex,
  weightPlace,
} from "../../../src/ardoise/slate/page/stages.js";

test("the image goes down through every row once, then the gradient goes up", () => {
  const stages = stagesOf(3);
  assert.deepEqual(
    stages.map(({ phase, row }) => `${phase} ${row}`),
    [
      ...["forward 0", "forward 1", "forward 2", "loss 3"],
      ...["backward 2", "backward 1", "backward 0"],
    ],
  );
});

test("each stage shows what the one before it showed, and one thing more", () => {
  const stages = stagesOf(4);
  const shown = stages.map((_, at) => {
    const { down, loss, up } = reachedAt(stages, at);
    return down + Number(loss) + (4 - up);
  });
  assert.deepEqual(shown, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("softmax and its gradient, against finite differences of the loss", () => {
  const z = [2, -1, 0.5];
  const loss = (at) => -Math.log(endsOf(at, 2)[2].p);
  const ends = endsOf(z, 2);
  assert.ok(Math.abs(ends.reduce((sum, { p }) => sum + p, 0) - 1) < 1e-12);
  assert.equal(ends[0].power, 1);
  ends.forEach(({ slope }, k) => {
    const moved = (by) => z.map((x, j) => (j === k ? x + by : x));
    const measured = (loss(moved(1e-5)) - loss(moved(-1e-5))) / 2e-5;
    assert.ok(Math.abs(measured - slope) < 1e-9, `class ${k}: ${measured}, ${slope}`);
  });
});

test("huge outputs overflow nothing", () => {
  assert.deepEqual(
    endsOf([1000, 0], 1).map(({ p }) => p),
    [1, 0],
  );
});

test("where a weight stands in its layer's array", () => {
  assert.deepEqual(weightIndex("Dense", [28, 28], [2, 3], 7), [59, 7]);
  assert.deepEqual(weightIndex("Dense", [12, 12, 32], [1, 2, 5], 0), [
    (12 + 2) * 32 + 5,
    0,
  ]);
  assert.deepEqual(weightIndex("Dense", [256], [9], 3), [9, 3]);
  assert.deepEqual(weightIndex("Conv2D", [5, 5], [4, 1], 31), [4, 1, 0, 31]);
  assert.deepEqual(weightIndex("Conv2D", [3, 3, 32], [0, 1, 30], 2), [0, 1, 30, 2]);
});

test("the way from the array back to the picture", () => {
  const cases = [
    ...[
      ["Dense", [28, 28], [2, 3], 7],
      ["Dense", [12, 12, 32], [1, 2, 5], 0],
    ],
    ...[
      ["Dense", [256], [9], 3],
      ["Conv2D", [5, 5], [4, 1], 31],
    ],
    ["Conv2D", [3, 3, 32], [0, 1, 30], 2],
  ];
  for (const [kind, shape, at, unit] of cases) {
    const index = weightIndex(kind, shape, at, unit);
    assert.deepEqual(weightPlace(kind, shape, index), { at, unit });
  }
});

test("digits that two numbers share", () => {
  assert.equal(digitsShared(3e-8), 7);
  assert.equal(digitsShared(0), 16);
  assert.equal(digitsShared(2), 0);
});

test("statistics of a layer", () => {
  assert.deepEqual(statistics([0, -1, 3, 0]), { low: -1, high: 3, zeros: 0.5 });
});

test("a layer's picture fills the room that it has, and never leaves its width", () => {
  const shapes = [
    [10],
    [128],
    [512],
    [28, 28, 1],
    [24, 24, 8],
    [5, 5, 64],
    [10, 256, 1],
  ];
  for (const shape of shapes) {
    for (const width of [130, 300, 900]) {
      const { w, h, gap, scale, columns, rows, count } = fittedGrid(shape, width, 240);
      assert.ok(columns * rows >= count, "every map has its place");
      const across = columns * (w + gap) * scale;
      assert.ok(
        across <= width || (columns === 1 && scale === 1),
        `${shape}: ${across}`,
      );
    }
  }
  assert.ok(fittedGrid([28, 28, 1], 400, 240).scale >= 7, "an image alone is large");
  assert.ok(
    fittedGrid([10], 400, 240).scale >= 24,
    "a finger hits the cells of a few units",
  );
});
