// @ts-check
/* Scales of charts: pure functions of numbers. */

/** @typedef {[number, number]} Point */

/** At most `most` points, the first and the last among them; the highest and the lowest
 * of each stretch are kept, so that no peak is lost. @param {Point[]} points
 * @param {number} most @returns {Point[]} */
export function thin(points, most) {
  if (points.length <= most) return points;
  const kept = [points[0]];
  const stretch = (points.length - 2) / Math.floor((most - 2) / 2);
  for (let i = 0; i < Math.floor((most - 2) / 2); i++) {
    const from = 1 + Math.floor(i * stretch);
    const part = points.slice(
      from,
      Math.max(from + 1, 1 + Math.floor((i + 1) * stretch)),
    );
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
  }
  return [...kept, points[points.length - 1]];
}

/** Round values that cover a range: 1, 2 or 5 times a power of ten apart.
 * @param {number} low @param {number} high @param {number} [count]
 * @returns {number[]} */
export function ticks(low, high, count = 4) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((f) => f * power >= rough * (1 - 1e-9)) ?? 10;
  const first = Math.ceil(low / (factor * power) - 1e-9);
  const last = Math.floor(high / (factor * power) + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => {
    return Number(((first + i) * factor * power).toPrecision(12));
  });
}

/** Powers of ten within a range. @param {number} low @param {number} high */
export function logTicks(low, high) {
  const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  const powers = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => {
    return 10 ** (first + i);
  });
  return powers.length > 0 ? powers : [low, high];
}

/** The least and the greatest of finite values; a little apart even where all are
 * equal. @param {number[]} values @returns {[number, number]} */
export function rangeOf(values) {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

/** Room around the lines, for the names of values. */
export const MARGIN = { left: 52, right: 14, top: 10, bottom: 28 };

/**
 * Where points come to lie in a picture of width × height.
 * @param {{points: Point[]}[]} lines
 * @param {{log?: boolean, range?: [number, number]}} options
 * @param {number} width @param {number} height
 */
export function frameOf(lines, { log = false, range }, width, height) {
  const all = lines.flatMap(({ points }) => points);
  const x = rangeOf(all.map(([at]) => at));
  const y = range ?? rangeOf(all.map(([, value]) => value));
  const lift = (/** @type {number} */ v) => (log ? Math.log10(Math.max(v, 1e-12)) : v);
  const [bottom, top] = y.map(lift);
  const across = width - MARGIN.left - MARGIN.right;
  const up = height - MARGIN.top - MARGIN.bottom;
  return {
    x,
    y,
    width,
    right: (/** @type {number} */ at) =>
      MARGIN.left + ((at - x[0]) / (x[1] - x[0])) * across,
    down: (/** @type {number} */ value) =>
      height - MARGIN.bottom - ((lift(value) - bottom) / (top - bottom)) * up,
    /** The x under a place of the picture. @param {number} place */
    under: (place) => x[0] + ((place - MARGIN.left) / across) * (x[1] - x[0]),
  };
}
