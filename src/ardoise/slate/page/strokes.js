// @ts-check
/* What is on the pad, apart from the document: marks, what can be undone, what keys
 * do. */

/** @typedef {[number, number]} Point In pixels of the image, from its upper left. */
/** @typedef {{points: Point[], width: number, erases: boolean}} Stroke */
/** @typedef {{image: Uint8Array}} Picture An image of 28×28 that was put on the pad. */
/** @typedef {Stroke | Picture} Mark */
/** @typedef {{does: "move" | "draw", by: Point} | {does: "example", label: number}
 *   | {does: "dot"} | {does: "clear"} | {does: "undo"} | {does: "erase"}} Command */

export const SIDE = 28;

/** @type {Record<string, Point>} */
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * What a key does on the pad; null: nothing, so that the page may have it.
 * @param {{key: string, shiftKey?: boolean, ctrlKey?: boolean, altKey?: boolean,
 *   metaKey?: boolean}} event @returns {Command | null}
 */
export function commandOf({ key, shiftKey, ctrlKey, altKey, metaKey }) {
  if (altKey) return null;
  if (ctrlKey || metaKey) return key.toLowerCase() === "z" ? { does: "undo" } : null;
  if (Object.hasOwn(ARROWS, key))
    return { does: shiftKey ? "draw" : "move", by: ARROWS[key] };
  if (key === " ") return { does: "dot" };
  if (key === "Delete" || key === "Backspace") return { does: "clear" };
  if (/^u$/i.test(key)) return { does: "undo" };
  if (/^e$/i.test(key)) return { does: "erase" };
  return /^[0-9]$/.test(key) ? { does: "example", label: Number(key) } : null;
}

/** A pixel of the image beside another, never outside. @param {Point} at
 * @param {Point} by @returns {Point} */
export function beside(at, by) {
  const inside = (/** @type {number} */ x) => Math.min(Math.max(x, 0), SIDE - 1);
  return [inside(at[0] + by[0]), inside(at[1] + by[1])];
}

/** The point of the image under a point of the window.
 * @param {{clientX: number, clientY: number}} event
 * @param {{left: number, top: number, width: number, height: number}} box Where the
 * pad lies. @returns {Point} */
export function pointOf({ clientX, clientY }, { left, top, width, height }) {
  return [((clientX - left) / width) * SIDE, ((clientY - top) / height) * SIDE];
}

/** The middle of a pixel. @param {Point} pixel @returns {Point} */
export const middleOf = ([x, y]) => [x + 0.5, y + 0.5];

/** Marks that can be undone, "clear" and a loaded image too. */
export function makeHistory() {
  /** @type {Mark[][]} */
  let earlier = [];
  /** @type {Mark[]} */
  let marks = [];
  /** @param {Mark[]} next */
  const become = (next) => {
    earlier = [...earlier.slice(-199), marks];
    marks = next;
  };
  return {
    marks: () => marks,
    canUndo: () => earlier.length > 0,
    /** The image on the pad, if it is alone there. */
    picture: () => (marks.length === 1 && "image" in marks[0] ? marks[0].image : null),
    /** @param {Mark} mark */
    add: (mark) => become([...marks, mark]),
    /** @param {Uint8Array} image */
    load: (image) => become([{ image }]),
    clear: () => {
      if (marks.length > 0) become([]);
    },
    undo: () => {
      marks = earlier.pop() ?? marks;
    },
  };
}

/** Grey levels from pixels (RGBA): how opaque they are. @param {ArrayLike<number>}
 * rgba */
export function inkOf(rgba) {
  return Uint8Array.from({ length: rgba.length / 4 }, (_, i) => rgba[4 * i + 3]);
}

/** Pixels (RGBA) of chalk, as opaque as an image is light. @param {Uint8Array} image
 * @param {readonly number[]} chalk */
export function chalkPixels(image, chalk) {
  const pixels = new Uint8ClampedArray(4 * image.length);
  image.forEach((level, i) => pixels.set([chalk[0], chalk[1], chalk[2], level], 4 * i));
  return pixels;
}
