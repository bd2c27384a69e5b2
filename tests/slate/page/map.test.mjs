import assert from "node:assert/strict";
import test from "node:test";

import {
  frameOf,
  groupsOf,
  nearest,
  onCanvas,
  partedShare,
  towards,
} from "../../../src/ardoise/slate/page/map.js";

test("all points are within the margins, and the longer side fills them", () => {
  const points = Float32Array.from([-3, 2, 5, 2.5, 0, -1]);
  const frame = frameOf(points, 400, 300, 20);
  const places = [0, 1, 2].map((i) =>
    onCanvas(frame, points[2 * i], points[2 * i + 1]),
  );
  for (const [x, y] of places) {
    assert.ok(x >= 20 - 1e-9 && x <= 380 + 1e-9, `x = ${x}`);
    assert.ok(y >= 20 - 1e-9 && y <= 280 + 1e-9, `y = ${y}`);
  }
  const xs = places.map(([x]) => x);
  assert.ok(Math.abs(Math.max(...xs) - Math.min(...xs) - 360) < 1e-6);
  assert.ok(
    places[2][1] > places[1][1],
    "what is low in the plane is low on the canvas",
  );
});

test("a map of one point, of none, or of points at one place is finite", () => {
  for (const points of [[], [1, 1], [2, 3, 2, 3], [0, 0, 0, 5]]) {
    const frame = frameOf(points, 100, 100, 10);
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = onCanvas(frame, points[i], points[i + 1]);
      assert.ok(x >= 0 && x <= 100 && y >= 0 && y <= 100);
    }
  }
});

test("the nearest point is found, within reach only", () => {
  const points = [0, 0, 10, 0, 10, 10];
  const frame = frameOf(points, 120, 120, 10);
  const [x, y] = onCanvas(frame, 10, 10);
  assert.equal(nearest(frame, points, x + 3, y - 2, 12), 2);
  assert.equal(nearest(frame, points, x + 30, y, 12), -1);
});

test("groups: centres, shares and the class that takes most of the others", () => {
  // Of class 0, three around (0, 0) and one among class 1, around (10, 0); no class 2.
  const points = [-1, 0, 1, 0, 0, 0, 10, 0, 9, 0, 11, 0];
  const labels = [0, 0, 0, 0, 1, 1];
  const [zero, one, none] = groupsOf(points, labels, 3);
  assert.deepEqual([zero.n, one.n, none.n], [4, 2, 0]);
  assert.equal(zero.x, 2.5);
  assert.equal(zero.own, 0.75);
  assert.equal(zero.other, 1);
  assert.equal(one.own, 1);
  assert.equal(one.other, -1);
  assert.ok(Number.isNaN(none.own));
  assert.equal(partedShare([zero, one, none]), 5 / 6);
});

test("arrows lead to the nearest point that lies that way", () => {
  const points = [0, 0, 3, 1, 1, 5, -2, 0, 0, -1];
  assert.equal(towards(points, 0, "ArrowRight"), 1);
  assert.equal(towards(points, 0, "ArrowUp"), 2);
  assert.equal(towards(points, 0, "ArrowLeft"), 3);
  assert.equal(towards(points, 0, "ArrowDown"), 4);
  assert.equal(towards(points, 3, "ArrowLeft"), 3, "there is none further left");
  assert.deepEqual([towards(points, 2, "Home"), towards(points, 2, "End")], [0, 4]);
  assert.equal(towards(points, 0, "a"), null);
});
