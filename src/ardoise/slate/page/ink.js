// @ts-check
/* Ink on a sample sheet: small images stamped on it, larger than they are. */

export const SIDE = 28; // of an image

/** @typedef {{amount: Float32Array, width: number, height: number}} Ink From 0 to 1. */

/** Numbers that look random, the same each time. @param {number} seed */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Grey level of an image between its pixels. @param {Uint8Array} image
 * @param {number} x @param {number} y
 */
function between(image, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (/** @type {number} */ r, /** @type {number} */ c) =>
    r < 0 || c < 0 || r >= SIDE || c >= SIDE ? 0 : image[r * SIDE + c];
  const [h, v] = [x - left, y - top];
  const upper = at(top, left) * (1 - h) + at(top, left + 1) * h;
  return (
    upper * (1 - v) + (at(top + 1, left) * (1 - h) + at(top + 1, left + 1) * h) * v
  );
}

/** Write an image on the sheet's ink. @param {Ink} ink @param {Uint8Array} image
 * @param {number} left @param {number} top @param {number} size
 */
export function stamp(ink, image, left, top, size) {
  const { width, height } = ink;
  for (let y = Math.max(0, top); y < Math.min(height, top + size); y++) {
    for (let x = Math.max(0, left); x < Math.min(width, left + size); x++) {
      const [u, v] = [((x - left) * SIDE) / size, ((y - top) * SIDE) / size];
      const i = y * width + x;
      ink.amount[i] = Math.max(ink.amount[i], between(image, u, v) / 255);
    }
  }
}

/** A knot of strokes that no digit has; one that can be cut into four ones is none. */
export function knot() {
  const image = new Uint8Array(SIDE * SIDE);
  for (let i = 0; i < 900; i++) {
    const t = (2 * Math.PI * i) / 900;
    const [x, y] = [14 + 8 * Math.sin(3 * t), 14 + 9.5 * Math.sin(2 * t + 0.5)];
    image[Math.round(y) * SIDE + Math.round(x)] = 255;
  }
  return image;
}
