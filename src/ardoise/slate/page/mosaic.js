// @ts-check
/* A layer as a mosaic: where its cells lie, and how they are lit. A dense layer is a
 * grid of squares; the maps of a convolution stand side by side. */

import { AMBER, CHALK, CYAN, extent, mix } from "./images.js";

/** Map, row and column change slowest to fastest on the screen, and a place is
 * [row, column, map], as in the arrays. @typedef {[number, number, number]} Place */

const CELL = 14; // CSS pixels of a dense layer’s cell, with its gap
const SMALL = 10; // where there are many
const MAP = 26; // about as wide is a map of a convolution, where there are many
const WIDEST = 56; // a map, as long as all stand in two rows

/** Where cells lie: how many columns of maps, each h×w cells large and a gap around.
 * @param {number[]} shape @param {number} width CSS pixels that there are */
export function gridOf(shape, width) {
  const [h, w, count] = shape.length === 3 ? shape : [1, 1, shape[0]];
  const gap = shape.length === 3 ? 1 : 0;
  const fitting = (/** @type {number} */ size) =>
    Math.max(1, Math.min(count, Math.floor(width / (size * (w + gap)))));
  let scale = gap ? Math.max(1, Math.round(MAP / w)) : count > 256 ? SMALL : CELL;
  while (gap && (scale + 1) * w <= WIDEST && 2 * fitting(scale + 1) >= count) scale++;
  const rows = Math.ceil(count / fitting(scale));
  const columns = Math.ceil(count / rows); // so that the last row is not short
  return { h, w, count, gap, scale, columns, rows };
}
/** @typedef {ReturnType<typeof gridOf>} Grid */

/** The cell at a place of the mosaic, in cells; null: a gap. @param {Grid} grid
 * @param {number} x @param {number} y @returns {Place | null} */
export function cellAt({ h, w, count, gap, columns, rows }, x, y) {
  const [column, row] = [Math.floor(x / (w + gap)), Math.floor(y / (h + gap))];
  const [j, i] = [Math.floor(x) - column * (w + gap), Math.floor(y) - row * (h + gap)];
  const map = row * columns + column;
  const inside = x >= 0 && y >= 0 && column < columns && row < rows && map < count;
  return inside && i < h && j < w ? [i, j, map] : null;
}

/** Where an arrow leads. @param {Grid} grid @param {Place} cell
 * @param {string} key @returns {Place | null} */
export function stepTo({ h, w, count, columns }, [i, j, map], key) {
  /** @type {Record<string, [number, number]>} */
  const arrows = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  };
  const [down, right] = arrows[key] ?? [0, 0];
  const inside = i + down >= 0 && i + down < h && j + right >= 0 && j + right < w;
  if (key in arrows && inside) return [i + down, j + right, map];
  /** @type {Record<string, number>} */
  const jumps = { PageUp: map - 1, PageDown: map + 1, Home: 0, End: count - 1 };
  const next = key in arrows ? map + down * columns + right : jumps[key];
  if (next === undefined) return null;
  if (next < 0 || next >= count) return [i, j, map];
  const wrap = (/** @type {number} */ at, /** @type {number} */ n) => (at + n) % n;
  return key in arrows ? [wrap(i + down, h), wrap(j + right, w), next] : [i, j, next];
}

/** Where a place stands in the array. @param {Grid} grid @param {Place} place */
export const flatOf = ({ w, count }, [i, j, map]) => (i * w + j) * count + map;

const UNLIT = /** @type {const} */ ([33, 48, 41]);
const SHADES = 255;
/** Colours from unlit to lit, 3 bytes each. @param {readonly [number, number, number]}
 * lit */
const ramp = (lit) =>
  Uint8ClampedArray.from({ length: 3 * (SHADES + 1) }, (_, n) => {
    return mix(UNLIT, lit, (Math.floor(n / 3) / SHADES) ** 0.7)[n % 3];
  });
const RAMPS = { chalk: ramp(CHALK), amber: ramp(AMBER), cyan: ramp(CYAN) };

/** The colour of each cell (RGBA), in the order of the screen; gaps are transparent.
 * Chalk where no value is below zero; else amber above zero and cyan below.
 * @param {ArrayLike<number>} values @param {Grid} grid */
export function mosaicPixels(values, grid) {
  const { h, w, count, gap, columns, rows } = grid;
  const across = columns * (w + gap);
  const pixels = new Uint8ClampedArray(4 * across * rows * (h + gap));
  const scale = SHADES / extent(values);
  const above = Array.prototype.some.call(values, (x) => x < 0)
    ? RAMPS.amber
    : RAMPS.chalk;
  for (let map = 0; map < count; map++) {
    const left = (map % columns) * (w + gap);
    const top = Math.floor(map / columns) * (h + gap);
    for (let i = 0; i < h; i++) {
      for (let j = 0; j < w; j++) {
        const value = values[(i * w + j) * count + map] ?? 0;
        const shades = value < 0 ? RAMPS.cyan : above;
        const from = 3 * Math.round(Math.abs(value) * scale || 0);
        const to = 4 * ((top + i) * across + left + j);
        pixels[to] = shades[from];
        pixels[to + 1] = shades[from + 1];
        pixels[to + 2] = shades[from + 2];
        pixels[to + 3] = 255;
      }
    }
  }
  return pixels;
}

/** Draw a layer. Cells below zero of a dense layer are hollow, so that not their colour
 * alone tells them. @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values
 * @param {Grid} grid */
export function drawMosaic(canvas, values, grid) {
  const { h, w, gap, scale, columns, rows, count } = grid;
  const [across, down] = [columns * (w + gap), rows * (h + gap)];
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const ratio = gap ? 1 : 2 * scale;
  if (canvas.width !== across * ratio) canvas.width = across * ratio;
  if (canvas.height !== down * ratio) canvas.height = down * ratio;
  canvas.style.width = `${across * scale}px`;
  const pixels = mosaicPixels(values, grid);
  if (gap) {
    const picture = ink.createImageData(across, down);
    picture.data.set(pixels);
    ink.putImageData(picture, 0, 0);
    return;
  }
  ink.clearRect(0, 0, canvas.width, canvas.height);
  const side = ratio - 4;
  for (let n = 0; n < count; n++) {
    const [x, y] = [(n % columns) * ratio, Math.floor(n / columns) * ratio];
    ink.fillStyle = `rgb(${pixels.subarray(4 * n, 4 * n + 3).join()})`;
    ink.beginPath();
    ink.roundRect(x, y, side, side, 5);
    ink.fill();
    if (values[n] < 0) ink.clearRect(x + 7, y + 7, side - 14, side - 14);
  }
}
