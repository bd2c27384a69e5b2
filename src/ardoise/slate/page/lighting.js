// @ts-check
/* How the cells of a mosaic are lit. What is below zero is cyan, and not by its colour
 * alone: hollow in a dense layer, hatched in maps. */

import { AMBER, CHALK, CYAN, GROUND, extent, mix } from "./images.js";

/** @typedef {import("./mosaic.js").Grid} Grid */

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
 * @param {ArrayLike<number>} values @param {Grid} grid @param {Uint8Array} [below]
 * Takes a 1 for each cell below zero. */
export function mosaicPixels(values, grid, below) {
  const { h, w, count, gap, columns } = grid;
  const { across, down } = sizeOf(grid);
  const pixels = new Uint8ClampedArray(4 * across * down);
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
        const place = (top + i) * across + left + j;
        const to = 4 * place;
        if (below && value < 0) below[place] = 1;
        pixels[to] = shades[from];
        pixels[to + 1] = shades[from + 1];
        pixels[to + 2] = shades[from + 2];
        pixels[to + 3] = 255;
      }
    }
  }
  return pixels;
}

/** Maps in the size in which they are seen, what is below zero hatched.
 * @param {Uint8ClampedArray} pixels RGBA, one a cell. @param {Uint8Array} below
 * @param {number} across How many cells stand in a row. @param {number} scale */
export function hatchedPixels(pixels, below, across, scale) {
  const wide = across * scale;
  const large = new Uint8ClampedArray(pixels.length * scale * scale);
  for (let n = 0; n < large.length / 4; n++) {
    const [x, y] = [n % wide, Math.floor(n / wide)];
    const cell = Math.floor(y / scale) * across + Math.floor(x / scale);
    const dark = below[cell] && (x + y) % 4 === 0 ? 0.6 : 0;
    for (let i = 0; i < 3; i++) {
      const light = pixels[4 * cell + i];
      large[4 * n + i] = light + dark * (GROUND[i] - light);
    }
    large[4 * n + 3] = pixels[4 * cell + 3];
  }
  return large;
}

/** Cells in a row and in a column, with gaps. @param {Grid} grid */
const sizeOf = ({ h, w, gap, columns, rows }) => ({
  across: columns * (w + gap),
  down: rows * (h + gap),
});

/** Draw a layer. @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} values
 * @param {Grid} grid */
export function drawMosaic(canvas, values, grid) {
  const { across, down } = sizeOf(grid);
  const { scale } = grid;
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const isSigned = Array.prototype.some.call(values, (x) => x < 0);
  const ratio = grid.gap ? (isSigned ? scale : 1) : 2 * scale;
  if (canvas.width !== across * ratio) canvas.width = across * ratio;
  if (canvas.height !== down * ratio) canvas.height = down * ratio;
  canvas.style.width = `${across * scale}px`;
  const below = new Uint8Array(isSigned ? across * down : 0);
  const pixels = mosaicPixels(values, grid, below);
  if (grid.gap) {
    const picture = ink.createImageData(canvas.width, canvas.height);
    const drawn = isSigned ? hatchedPixels(pixels, below, across, scale) : pixels;
    picture.data.set(drawn);
    ink.putImageData(picture, 0, 0);
  } else drawSquares(ink, values, grid, pixels);
}

/** @param {CanvasRenderingContext2D} ink @param {ArrayLike<number>} values
 * @param {Grid} grid @param {Uint8ClampedArray} pixels */
function drawSquares(ink, values, { scale, columns, count }, pixels) {
  const ratio = 2 * scale;
  const side = ratio - 4;
  ink.clearRect(0, 0, ink.canvas.width, ink.canvas.height);
  for (let n = 0; n < count; n++) {
    const [x, y] = [(n % columns) * ratio, Math.floor(n / columns) * ratio];
    ink.fillStyle = `rgb(${pixels.subarray(4 * n, 4 * n + 3).join()})`;
    ink.beginPath();
    ink.roundRect(x, y, side, side, 5);
    ink.fill();
    if (values[n] < 0) ink.clearRect(x + 7, y + 7, side - 14, side - 14);
  }
}
