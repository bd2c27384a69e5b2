import assert from "node:assert/strict";
import test from "node:test";

import {
  correct,
  counts,
  cut,
  digitsOf,
  kindOf,
  neighbour,
  placed,
  remove,
  sameDigits,
  textOf,
  withoutSmall,
} from "../../../src/ardoise/slate/page/boxes.js";
import {
  bodyOf,
  fitted,
  greyOf,
  reduced,
} from "../../../src/ardoise/slate/page/decode.js";
import { randomFrom } from "../../../src/ardoise/slate/page/ink.js";
import { SHEETS, digitsOn, makeSheet } from "../../../src/ardoise/slate/page/sheets.js";

const digit = (label, probability, left, top, more = {}) => ({
  label,
  probability,
  second: "9",
  second_probability: 1 - probability,
  refused: false,
  box: { left, top, right: left + 10, bottom: top + 20 },
  ...more,
});

/** "12 3" above "45", the 5 unknown. */
const reading = () => ({
  width: 200,
  height: 100,
  lines: [
    [[digit("1", 0.99, 0, 0), digit("2", 0.6, 20, 0)], [digit("3", 0.95, 80, 0)]],
    [[digit("4", 0.99, 2, 50), digit("5", 0.4, 70, 50, { refused: true })]],
  ],
});

test("lines of text, refused digits as question marks", () => {
  assert.equal(textOf(reading()), "12 3\n4?");
  assert.equal(textOf({ width: 1, height: 1, lines: [] }), "");
});

test("spaces between digits don't count", () => {
  assert.ok(sameDigits("12 3\n4?", "123\n4 ?"));
  assert.ok(!sameDigits("12 3", "12 4"));
});

test("doubt depends on the threshold, but not for what somebody said", () => {
  const [sure, doubtful] = digitsOf(reading());
  assert.equal(kindOf(sure, 0.9), "sure");
  assert.equal(kindOf(sure, 0.995), "doubtful");
  assert.equal(kindOf(doubtful, 0.9), "doubtful");
  assert.equal(kindOf({ ...doubtful, corrected: true }, 0.9), "corrected");
  assert.deepEqual(counts(reading(), 0.9), {
    ...{ found: 5, corrected: 0, refused: 1, doubtful: 1, sure: 3 },
  });
});

test("correcting changes one digit, and nothing in the reading before", () => {
  const before = reading();
  const after = correct(before, digitsOf(before)[4], "6");
  assert.equal(textOf(after), "12 3\n46");
  assert.equal(kindOf(digitsOf(after)[4], 0.9), "corrected");
  assert.equal(textOf(before), "12 3\n4?");
});

test("removing the only digit of a number or line removes these", () => {
  let now = reading();
  now = remove(now, digitsOf(now)[2]);
  assert.equal(textOf(now), "12\n4?");
  now = remove(now, digitsOf(now)[2]);
  now = remove(now, digitsOf(now)[2]);
  assert.equal(textOf(now), "12");
  assert.equal(now.lines.length, 1);
});

test("a correction made while small boxes are hidden reaches the right digit", () => {
  const all = reading();
  all.lines[0][0][0].box.bottom = 3;
  const shown = withoutSmall(all, 10);
  assert.equal(textOf(shown), "2 3\n4?");
  const after = correct(all, digitsOf(shown)[0], "7");
  assert.equal(textOf(after), "17 3\n4?");
});

test("keys lead along the lines and to what stands above or below", () => {
  const now = reading();
  assert.equal(neighbour(now, 0, "ArrowRight"), 1);
  assert.equal(neighbour(now, 0, "ArrowLeft"), 0);
  assert.equal(neighbour(now, 4, "ArrowRight"), 4);
  assert.equal(neighbour(now, 2, "ArrowDown"), 4);
  assert.equal(neighbour(now, 4, "ArrowUp"), 2);
  assert.equal(neighbour(now, 1, "ArrowUp"), 1);
  assert.equal(neighbour(now, 3, "ArrowUp"), 0);
  assert.deepEqual([neighbour(now, 2, "Home"), neighbour(now, 2, "End")], [0, 4]);
});

test("a box stands over the photo in percent", () => {
  const box = { left: 20, top: 50, right: 30, bottom: 70 };
  assert.deepEqual(placed(box, { width: 200, height: 100 }), {
    ...{ left: 10, top: 50, width: 5, height: 20 },
  });
});

test("a part is cut out with a margin, never beyond the picture", () => {
  const grey = Uint8Array.from({ length: 12 * 10 }, (_, i) => i);
  const part = cut(
    { grey, width: 12, height: 10 },
    { left: 0, top: 2, right: 4, bottom: 8 },
  );
  assert.deepEqual([part.width, part.height], [5, 8]);
  assert.equal(part.grey[0], 12);
  assert.equal(part.grey.at(-1), 8 * 12 + 4);
});

test("the body has both sides, low byte first, and then the grey levels", () => {
  const picture = { grey: new Uint8Array(600 * 2).fill(7), width: 600, height: 2 };
  const body = bodyOf(picture);
  assert.deepEqual([...body.subarray(0, 5)], [0x58, 0x02, 2, 0, 7]);
  assert.equal(body.length, 4 + 1200);
});

test("sample sheets: as many digits as they say, ink where they stand, reproducible", () => {
  const seven = Uint8Array.from({ length: 784 }, (_, i) => (i % 28 === 14 ? 255 : 0));
  for (const sheet of Object.values(SHEETS)) {
    const n = digitsOn(sheet);
    const examples = Array.from({ length: n }, (_, i) => ({
      ...{ image: seven, label: String(i % 10) },
    }));
    const made = makeSheet(sheet, examples, randomFrom(1));
    assert.equal(made.grey.length, made.width * made.height);
    assert.ok(Math.max(made.width, made.height) <= 1600);
    assert.equal(made.truth.replace(/\D/g, "").length, n);
    assert.equal(made.truth.includes("?"), sheet.scribble);
    const isInk = sheet.chalk ? (v) => v > 140 : (v) => v < 90;
    const inked = made.grey.filter(isInk).length;
    assert.ok(inked > n * sheet.digit && inked < made.grey.length / 10, `${inked}`);
    assert.deepEqual(makeSheet(sheet, examples, randomFrom(1)), made);
  }
});

test("a large photo is made smaller, a small one is left as it is", () => {
  assert.deepEqual(fitted(4000, 3000), { width: 1600, height: 1200 });
  assert.deepEqual(fitted(3000, 4000), { width: 1200, height: 1600 });
  assert.deepEqual(fitted(20000, 3), { width: 1600, height: 1 });
  assert.deepEqual(fitted(640, 480), { width: 640, height: 480 });
});

test("grey levels weigh colours as the eye does, from black to white", () => {
  const colours = [0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 255, 0, 255, 0, 255];
  assert.deepEqual([...greyOf(Uint8ClampedArray.from(colours))], [0, 255, 76, 150]);
});

test("a part is reduced by means of squares, until no side is too long", () => {
  const picture = {
    grey: Uint8Array.of(0, 4, 9, 8, 4, 9, 1, 1, 1),
    width: 3,
    height: 3,
  };
  assert.deepEqual(reduced(picture, 3), picture);
  assert.deepEqual(reduced(picture, 2), {
    ...{ grey: Uint8Array.of(4), width: 1, height: 1 },
  });
  const wide = { grey: new Uint8Array(500 * 90).fill(77), width: 500, height: 90 };
  const small = reduced(wide, 180);
  assert.deepEqual([small.width, small.height], [166, 30]);
  assert.ok(small.grey.every((level) => level === 77));
});
