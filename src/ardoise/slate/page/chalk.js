// @ts-check
/* Marks of the pad, drawn in chalk. */

import { make } from "./dom.js";
import { CHALK } from "./images.js";
import { SIDE, chalkPixels } from "./strokes.js";

/** @typedef {import("./strokes.js").Mark} Mark */

export const SENT = 140; // pixels a side of what is sent
export const SEEN = 560; // and of what is seen
const ERASER = 2.2; // times as wide as the pen

/** A canvas to draw marks on. @param {number} side In its own pixels. */
export function makeLayer(side) {
  const canvas = make("canvas", { width: side, height: side });
  const options = { willReadFrequently: side === SENT };
  const ink = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", options)
  );
  ink.lineCap = ink.lineJoin = "round";
  return { canvas, ink, scale: side / SIDE };
}

/** @param {ReturnType<typeof makeLayer>} layer @param {Mark} mark */
function drawMark({ ink, scale }, mark) {
  if ("image" in mark) {
    const small = makeLayer(SIDE);
    const pixels = small.ink.createImageData(SIDE, SIDE);
    pixels.data.set(chalkPixels(mark.image, CHALK));
    small.ink.putImageData(pixels, 0, 0);
    ink.drawImage(small.canvas, 0, 0, SIDE * scale, SIDE * scale);
    return;
  }
  ink.globalCompositeOperation = mark.erases ? "destination-out" : "source-over";
  ink.strokeStyle = `rgb(${CHALK.join()})`;
  ink.lineWidth = mark.width * (mark.erases ? ERASER : 1) * scale;
  ink.beginPath();
  const [[x, y], ...others] = mark.points;
  ink.moveTo(x * scale, y * scale);
  ink.lineTo(x * scale + 0.01, y * scale); // a point alone is a dot
  for (const [a, b] of others) ink.lineTo(a * scale, b * scale);
  ink.stroke();
  ink.globalCompositeOperation = "source-over";
}

/** Draw marks on an empty slate; chalk that is only seen has a grain.
 * @param {ReturnType<typeof makeLayer>} layer @param {Mark[]} marks */
export function drawMarks(layer, marks) {
  const { ink, canvas } = layer;
  ink.clearRect(0, 0, canvas.width, canvas.height);
  for (const mark of marks) drawMark(layer, mark);
  if (canvas.width !== SEEN) return;
  ink.globalCompositeOperation = "destination-out";
  ink.fillStyle = grain(ink);
  ink.fillRect(0, 0, canvas.width, canvas.height);
  ink.globalCompositeOperation = "source-over";
}

/** @type {CanvasPattern | null} */
let made = null;

/** Specks where the slate shows through. @param {CanvasRenderingContext2D} ink */
function grain(ink) {
  if (made !== null) return made;
  const { canvas, ink: specks } = makeLayer(128);
  let seed = 7; // a linear congruential generator: the same grain every time
  for (let i = 0; i < 2600; i++) {
    const [x, y, strength] = [0, 0, 0].map(() => {
      seed = (seed * 1664525 + 1013904223) % 2 ** 32;
      return seed / 2 ** 32;
    });
    specks.fillStyle = `rgb(0 0 0 / ${0.4 * strength ** 2})`;
    specks.fillRect(x * 128, y * 128, 1.6, 1.6);
  }
  made = /** @type {CanvasPattern} */ (ink.createPattern(canvas, "repeat"));
  return made;
}
