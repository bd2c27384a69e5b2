// @ts-check
/* Curves that grow while a network learns: pure functions, apart from the page. */

/** Points that a curve keeps; past it, neighbours are joined in pairs. */
export const MOST = 1200;
/** How many steps the smoothed curve looks back: fewer at first, in the fast part. */
const past = (/** @type {number} */ step) => Math.min(30, 1 + step / 10);

/**
 * @typedef {object} Curve
 * @property {number[]} x Steps, growing.
 * @property {number[]} y The values there; NaN where there was none.
 * @property {number[]} smooth The same, smoothed.
 * @property {number} stride Steps in one kept point.
 * @property {number[]} waiting Values of the next point, fewer than the stride.
 * @property {number} at The last step.
 * @property {number} mean Of the past, weighted: the smoothed curve is mean / weight.
 * @property {number} weight
 */

/** @returns {Curve} */
export function newCurve() {
  return {
    x: [],
    y: [],
    smooth: [],
    stride: 1,
    waiting: [],
    at: 0,
    mean: 0,
    weight: 0,
  };
}

/** @param {Curve} curve @param {number} x @param {number | null} y Null for NaN. */
export function addPoint(curve, x, y) {
  const value = Number.isFinite(y) ? Number(y) : NaN;
  if (Number.isFinite(value)) {
    // A point may stand for many steps: the more of them, the less past is needed.
    const kept = Math.exp((curve.at - x) / past(x));
    curve.mean = kept * curve.mean + (1 - kept) * value;
    curve.weight = kept * curve.weight + (1 - kept);
    curve.at = x;
  }
  curve.waiting.push(value);
  if (curve.waiting.length < curve.stride) return;
  curve.x.push(x);
  curve.y.push(average(curve.waiting));
  // A mean of the past would hide that the loss is infinite now.
  curve.smooth.push(Number.isFinite(value) ? curve.mean / curve.weight : NaN);
  curve.waiting = [];
  if (curve.x.length > MOST) halve(curve);
}

/** Join the points in pairs. @param {Curve} curve */
export function halve(curve) {
  const pairs = Math.floor(curve.x.length / 2);
  const left = curve.x.length % 2 ? [curve.y[2 * pairs]] : [];
  const each = Array.from({ length: pairs }, (_, i) => 2 * i);
  curve.y = each.map((i) => average([curve.y[i], curve.y[i + 1]]));
  curve.x = each.map((i) => curve.x[i + 1]);
  curve.smooth = each.map((i) => curve.smooth[i + 1]);
  // A point left alone is the first half of the next.
  for (const value of left) curve.waiting = Array(curve.stride).fill(value);
  curve.stride *= 2;
}

/** The mean of those values that are numbers. @param {number[]} values */
function average(values) {
  const known = values.filter(Number.isFinite);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** The last value that is a number. @param {number[]} values */
export function last(values) {
  return values.findLast((value) => Number.isFinite(value));
}

/**
 * The smallest and largest finite value of several lists.
 * @param {number[][]} lists
 * @param {boolean} positive Leave out what a log scale cannot show.
 * @returns {[number, number] | null} Null where there is none.
 */
export function bounds(lists, positive = false) {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (const value of list) {
      if (!Number.isFinite(value) || (positive && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low > high ? null : [low, high];
}

/** The index of the point nearest to x. @param {number[]} xs Growing.
 * @param {number} x */
export function nearest(xs, x) {
  let [low, high] = [0, xs.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle;
    else high = middle;
  }
  return high < 0 ? -1 : x - xs[low] <= xs[high] - x ? low : high;
}
