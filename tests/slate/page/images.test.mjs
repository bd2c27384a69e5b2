import assert from "node:assert/strict";
import { test } from "node:test";

import * as images from "../../../src/ardoise/slate/page/images.js";
import * as lighting from "../../../src/ardoise/slate/page/lighting.js";
import * as mosaic from "../../../src/ardoise/slate/page/mosaic.js";

const { AMBER, CHALK, CYAN, GROUND } = images;
const pixel = (pixels, i) => [...pixels.subarray(4 * i, 4 * i + 4)];

test("grey levels go from slate to chalk", () => {
  const pixels = images.greyPixels([0, 255, 300, -7]);
  assert.deepEqual(pixel(pixels, 0), [...GROUND, 255]);
  assert.deepEqual(pixel(pixels, 1), [...CHALK, 255]);
  assert.deepEqual(pixel(pixels, 2), [...CHALK, 255]);
  assert.deepEqual(pixel(pixels, 3), [...GROUND, 255]);
  assert.deepEqual(pixel(images.greyPixels([1], 0, 1), 0), [...CHALK, 255]);
});

test("signs are told by colour and by hatching", () => {
  const [h, w, block] = [1, 3, 8];
  const pixels = images.signedPixels([2, 0, -2], h, w, { block });
  const row = (i) => Array.from({ length: block }, (_, x) => pixel(pixels, i * block + x));
  const colours = (i) => new Set(row(i).map(String));
  assert.deepEqual([...colours(0)], [String([...AMBER, 255])]);
  assert.deepEqual([...colours(1)], [String([...GROUND, 255])]);
  assert.equal(colours(2).size, 2); // lit and hatched
  assert.ok(colours(2).has(String([...CYAN, 255])));
});

test("the largest value sets the scale; all zeros stay dark", () => {
  assert.equal(images.extent([1, -3, 2]), 3);
  assert.ok(images.extent([]) > 0);
  for (const value of images.signedPixels([0, 0], 1, 2)) assert.ok(value < 30 || value === 255);
  const half = images.signedPixels([1, 2], 1, 2);
  assert.ok(half[0] > GROUND[0] && half[0] < AMBER[0]);
});

test("one image of a pile, one channel of an image", () => {
  const pile = { data: Uint8Array.from({ length: 12 }, (_, i) => i), shape: [3, 2, 2] };
  assert.deepEqual([...images.imageOf(pile, 1)], [4, 5, 6, 7]);
  assert.deepEqual([...images.channelOf([1, 2, 3, 4, 5, 6], 1, 3)], [2, 5]);
});

test("columns of a grid", () => {
  assert.equal(images.columnsOf(1), 1);
  assert.equal(images.columnsOf(64), 8);
  assert.equal(images.columnsOf(10, 100), 10);
});

test("a mosaic of maps: each value lies where the arrays have it", () => {
  const grid = mosaic.gridOf([2, 3, 5], 1000);
  const values = Float32Array.from({ length: 30 }, (_, i) => i + 1);
  const pixels = lighting.mosaicPixels(values, grid);
  const across = grid.columns * 4;
  let lit = 0;
  for (let y = 0; y < grid.rows * 3; y++) {
    for (let x = 0; x < across; x++) {
      const place = mosaic.cellAt(grid, x + 0.5, y + 0.5);
      const [red, , , alpha] = pixel(pixels, y * across + x);
      assert.equal(alpha, place === null ? 0 : 255);
      if (place === null) continue;
      lit += 1;
      const value = values[mosaic.flatOf(grid, place)];
      assert.equal(value, 1 + place[0] * 15 + place[1] * 5 + place[2]);
      const shade = images.mix([33, 48, 41], CHALK, (Math.round(value * 8.5) / 255) ** 0.7);
      assert.ok(Math.abs(red - shade[0]) <= 1);
    }
  }
  assert.equal(lit, 30);
});

test("a mosaic fits into its width", () => {
  for (const width of [1, 100, 333, 1200]) {
    for (const shape of [[128], [10], [24, 24, 32], [5, 5, 64]]) {
      const { columns, rows, count, scale, w, gap } = mosaic.gridOf(shape, width);
      assert.ok(columns * rows >= count && columns * (rows - 1) <= count);
      assert.ok(columns === 1 || columns * (w + gap) * scale <= width);
    }
  }
});

test("arrows walk through a map, and on into the next one", () => {
  const grid = mosaic.gridOf([2, 3, 5], 1000);
  const walk = (place, key) => mosaic.stepTo(grid, place, key);
  assert.deepEqual(walk([0, 0, 0], "ArrowRight"), [0, 1, 0]);
  assert.deepEqual(walk([0, 2, 0], "ArrowRight"), [0, 0, 1]);
  assert.deepEqual(walk([0, 0, 1], "ArrowLeft"), [0, 2, 0]);
  assert.deepEqual(walk([0, 0, 0], "ArrowLeft"), [0, 0, 0]);
  assert.deepEqual(walk([1, 1, 2], "PageDown"), [1, 1, 3]);
  assert.deepEqual(walk([1, 1, 2], "End"), [1, 1, 4]);
  assert.equal(walk([1, 1, 2], "x"), null);
  const dense = mosaic.gridOf([128], 28 * 14);
  assert.equal(dense.columns, 26); // 5 rows: no more than 28 fit, and none is short
  assert.deepEqual(mosaic.stepTo(dense, [0, 0, 3], "ArrowDown"), [0, 0, 29]);
  assert.deepEqual(mosaic.stepTo(dense, [0, 0, 127], "ArrowDown"), [0, 0, 127]);
});

test("maps: what is below zero is hatched, wherever a cell is large enough", () => {
  const grid = { ...mosaic.gridOf([2, 2, 2], 1000), scale: 5 };
  const values = Float32Array.of(1, -1, -1, 1, 0, 0, 1, -1);
  const across = grid.columns * 3;
  const below = new Uint8Array(across * grid.rows * 3);
  const pixels = lighting.mosaicPixels(values, grid, below);
  const large = lighting.hatchedPixels(pixels, below, across, grid.scale);
  assert.equal(large.length, pixels.length * 25);
  for (let cell = 0; cell < below.length; cell++) {
    const [column, row] = [cell % across, Math.floor(cell / across)];
    const place = mosaic.cellAt(grid, column + 0.5, row + 0.5);
    const isBelow = place !== null && values[mosaic.flatOf(grid, place)] < 0;
    assert.equal(below[cell], Number(isBelow));
    const colours = new Set();
    for (let y = 0; y < 5; y++) {
      for (let x = 0; x < 5; x++) {
        const at = (row * 5 + y) * across * 5 + column * 5 + x;
        colours.add(String(pixel(large, at)));
      }
    }
    assert.equal(colours.size, isBelow ? 2 : 1);
    assert.ok(colours.has(String(pixel(pixels, cell))));
  }
});
