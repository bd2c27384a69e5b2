// @ts-check
/* A layer as a mosaic: where its cells lie. A dense layer is a
 * grid of squares; the maps of a convolution stand side by side. */

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
