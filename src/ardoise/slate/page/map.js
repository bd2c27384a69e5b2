// @ts-check
/* A map of images: where each stands, which are near, how well classes part. No DOM. */

/** @typedef {object} Frame What part of the plane a canvas shows.
 * @property {number} left
 * @property {number} top
 * @property {number} scale Pixels a unit.
 * @property {number} height Of the canvas.
 */

/** The frame that shows all points, with the same scale on both axes.
 * @param {ArrayLike<number>} points x, y, x, y, …
 * @param {number} width Of the canvas.
 * @param {number} height
 * @param {number} margin Pixels left free on each side.
 * @returns {Frame}
 */
export function frameOf(points, width, height, margin) {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    [x0, x1] = [Math.min(x0, points[i]), Math.max(x1, points[i])];
    [y0, y1] = [Math.min(y0, points[i + 1]), Math.max(y1, points[i + 1])];
  }
  if (!Number.isFinite(x1 - x0 + y1 - y0)) return { left: 0, top: 0, scale: 1, height };
  const wide = (width - 2 * margin) / (x1 - x0 || 1);
  const scale = Math.min(wide, (height - 2 * margin) / (y1 - y0 || 1));
  const left = (x0 + x1) / 2 - width / 2 / scale;
  return { left, top: (y0 + y1) / 2 + height / 2 / scale, scale, height };
}

/** Where a point stands on the canvas; y grows upwards in the plane.
 * @param {Frame} frame @param {number} x @param {number} y
 * @returns {[number, number]}
 */
export const onCanvas = ({ left, top, scale }, x, y) => [
  (x - left) * scale,
  (top - y) * scale,
];

/** The point next to a place of the canvas; -1 if there is none within `reach` pixels.
 * @param {Frame} frame @param {ArrayLike<number>} points
 * @param {number} x @param {number} y @param {number} reach
 */
export function nearest(frame, points, x, y, reach) {
  let [best, least] = [-1, reach * reach];
  for (let i = 0; i < points.length / 2; i++) {
    const [px, py] = onCanvas(frame, points[2 * i], points[2 * i + 1]);
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance <= least) [best, least] = [i, distance];
  }
  return best;
}

/** @type {Record<string, [number, number]>} */
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** The point to which a key leads: the nearest that lies more that way than aside; the
 * same where there is none; null for other keys.
 * @param {ArrayLike<number>} points @param {number} from @param {string} key
 */
export function towards(points, from, key) {
  if (key === "Home") return 0;
  if (key === "End") return points.length / 2 - 1;
  if (!(key in ARROWS)) return null;
  const [right, up] = ARROWS[key];
  let [best, least] = [from, Infinity];
  for (let i = 0; i < points.length / 2; i++) {
    const x = points[2 * i] - points[2 * from];
    const y = points[2 * i + 1] - points[2 * from + 1];
    const ahead = x * right + y * up;
    const aside = Math.abs(x * up) + Math.abs(y * right);
    const distance = x * x + y * y;
    if (ahead > 0 && ahead >= aside && distance < least) [best, least] = [i, distance];
  }
  return best;
}

/** @typedef {object} Group What the map says of a class.
 * @property {number} n Images.
 * @property {number} x Their centre.
 * @property {number} y
 * @property {number} own Share of them that have no other class's centre nearer.
 * @property {number} other The class whose centre takes most of the others; -1 if none.
 */

/** How well the classes part on the map.
 * @param {ArrayLike<number>} points @param {ArrayLike<number>} labels
 * @param {number} classes How many there are.
 * @returns {Group[]}
 */
export function groupsOf(points, labels, classes) {
  const groups = Array.from({ length: classes }, () => ({ n: 0, x: 0, y: 0 }));
  for (let i = 0; i < labels.length; i++) {
    const group = groups[labels[i]];
    group.n += 1;
    group.x += (points[2 * i] - group.x) / group.n;
    group.y += (points[2 * i + 1] - group.y) / group.n;
  }
  const taken = groups.map(() => new Array(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    let [best, least] = [labels[i], Infinity];
    groups.forEach(({ n, x, y }, k) => {
      const distance = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
      if (n > 0 && distance < least) [best, least] = [k, distance];
    });
    taken[labels[i]][best] += 1;
  }
  return groups.map((group, k) => {
    const others = taken[k].map((n, j) => (j === k ? 0 : n));
    const most = Math.max(...others);
    const own = group.n > 0 ? taken[k][k] / group.n : NaN;
    return { ...group, own, other: most > 0 ? others.indexOf(most) : -1 };
  });
}

/** The share of all images whose own class's centre is the nearest.
 * @param {Group[]} groups
 */
export function partedShare(groups) {
  const n = groups.reduce((sum, group) => sum + group.n, 0);
  return groups.reduce((sum, group) => sum + (group.n && group.n * group.own), 0) / n;
}
