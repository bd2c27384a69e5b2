import assert from "node:assert/strict";
import { test } from "node:test";

import * as strokes from "../../../src/ardoise/slate/page/strokes.js";

const { beside, chalkPixels, commandOf, inkOf, makeHistory, middleOf, pointOf } = strokes;
const stroke = (x) => ({ points: [[x, x]], width: 2, erases: false });

test("what keys do on the pad", () => {
  const does = (key, more = {}) => commandOf({ key, ...more });
  assert.deepEqual(does("ArrowLeft"), { does: "move", by: [-1, 0] });
  assert.deepEqual(does("ArrowDown", { shiftKey: true }), { does: "draw", by: [0, 1] });
  assert.deepEqual(does(" "), { does: "dot" });
  assert.deepEqual(does("Delete"), { does: "clear" });
  assert.deepEqual(does("U"), { does: "undo" });
  assert.deepEqual(does("z", { ctrlKey: true }), { does: "undo" });
  assert.deepEqual(does("e"), { does: "erase" });
  for (let label = 0; label < 10; label++) {
    assert.deepEqual(does(String(label)), { does: "example", label });
  }
});

test("keys of the browser and of the page stay theirs", () => {
  for (const key of ["Tab", "Escape", "a", "?", "Enter", "F5", "constructor"]) {
    assert.equal(commandOf({ key }), null, key);
  }
  assert.equal(commandOf({ key: "u", ctrlKey: true }), null);
  assert.equal(commandOf({ key: "ArrowLeft", altKey: true }), null);
  assert.equal(commandOf({ key: "1", metaKey: true }), null);
});

test("the cursor stays on the pad", () => {
  assert.deepEqual(beside([0, 27], [-1, 1]), [0, 27]);
  assert.deepEqual(beside([5, 5], [1, 0]), [6, 5]);
  assert.deepEqual(middleOf([0, 27]), [0.5, 27.5]);
});

test("the point under the pointer, whatever the size of the pad", () => {
  const box = { left: 100, top: 50, width: 280, height: 140 };
  assert.deepEqual(pointOf({ clientX: 100, clientY: 50 }, box), [0, 0]);
  assert.deepEqual(pointOf({ clientX: 240, clientY: 120 }, box), [14, 14]);
});

test("everything can be undone, clearing and loading too", () => {
  const { add, canUndo, clear, load, marks, picture, undo } = makeHistory();
  assert.equal(canUndo(), false);
  clear(); // of nothing: nothing to undo
  assert.equal(canUndo(), false);
  const [a, b] = [stroke(1), stroke(2)];
  add(a);
  add(b);
  clear();
  assert.deepEqual(marks(), []);
  undo();
  assert.deepEqual(marks(), [a, b]);
  const image = new Uint8Array(784);
  load(image);
  assert.deepEqual(marks(), [{ image }]);
  assert.equal(picture(), image);
  add(a);
  assert.equal(picture(), null); // somebody drew over it
  undo();
  undo();
  undo();
  assert.deepEqual(marks(), [a]);
  undo();
  undo();
  assert.deepEqual([marks(), canUndo()], [[], false]);
});

test("memory of the past has an end", () => {
  const { add, canUndo, marks, undo } = makeHistory();
  for (let i = 0; i < 500; i++) add(stroke(i));
  let steps = 0;
  while (canUndo()) {
    undo();
    steps += 1;
  }
  assert.equal(steps, 200);
  assert.equal(marks().length, 300);
});

test("ink is how opaque the chalk is, there and back", () => {
  const image = Uint8Array.from([0, 128, 255]);
  const pixels = chalkPixels(image, [244, 241, 230]);
  assert.deepEqual([...pixels.subarray(8)], [244, 241, 230, 255]);
  assert.deepEqual([...inkOf(pixels)], [...image]);
});
