// @ts-check
/* Curves on a canvas: fast enough for 20 redraws a second, and a PNG at no cost. */

import { ticks } from "./scales.js";

/**
 * @typedef {object} Line
 * @property {number[]} x
 * @property {number[]} y NaN leaves a gap.
 * @property {string} colour
 * @property {number} [width]
 * @property {number} [opacity]
 * @property {number[]} [dash]
 * @property {boolean} [dots] Whether each point has a dot: for curves of few points.
 *
 * @typedef {object} Plot
 * @property {Line[]} lines
 * @property {[number, number]} x
 * @property {[number, number]} y From the bottom to the top.
 * @property {boolean} [log] Whether y is on a log scale.
 * @property {(value: number) => string} label How a value of y is written.
 * @property {(value: number) => string} count How a step is written.
 * @property {number | null} [mark] A step marked by a vertical line.
 * @property {string} text Colour of the labels.
 * @property {string} rule Colour of the lines of the grid.
 */

const LEFT = 46; // room of the labels, in CSS pixels
const BOTTOM = 24;
const TOP = 8;
const RIGHT = 12;

/**
 * The powers of ten between two values, with 2 and 5 times these where they are few.
 * @param {number} low @param {number} high
 */
export function logTicks(low, high) {
  const found = [];
  const factors = Math.log10(high / low) < 2 ? [1, 2, 5] : [1];
  for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
    for (const k of factors) {
      const value = Number((k * 10 ** e).toPrecision(12));
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found;
}

/**
 * Where a value lies between two pixels.
 * @param {[number, number]} values
 * @param {[number, number]} pixels
 * @param {boolean} log
 * @returns {(value: number) => number} NaN where the scale cannot show it.
 */
export function scale([low, high], [from, to], log = false) {
  const of = log ? Math.log10 : Number;
  const span = of(high) - of(low) || 1;
  return (value) => from + ((of(value) - of(low)) / span) * (to - from);
}

/** The step under a pixel. @param {Plot} plot @param {number} width
 * @param {number} left */
export function stepAt(plot, width, left) {
  const share = (left - LEFT) / (width - LEFT - RIGHT);
  return plot.x[0] + Math.min(1, Math.max(0, share)) * (plot.x[1] - plot.x[0]);
}

/** @param {CanvasRenderingContext2D} ink @param {number} width @param {number} height
 * @param {Plot} plot */
export function drawPlot(ink, width, height, plot) {
  const log = plot.log ?? false;
  const x = scale(plot.x, [LEFT, width - RIGHT]);
  const y = scale(plot.y, [height - BOTTOM, TOP], log);
  ink.clearRect(0, 0, width, height);
  ink.font = "12px system-ui, sans-serif";
  ink.lineWidth = 1;
  ink.fillStyle = plot.text;
  ink.strokeStyle = plot.rule;
  const [low, high] = [Math.min(...plot.y), Math.max(...plot.y)];
  for (const value of log ? logTicks(low, high) : ticks(low, high, height / 50)) {
    const at = Math.round(y(value)) + 0.5;
    stroke(ink, [LEFT, at], [width - RIGHT, at]);
    ink.textAlign = "right";
    ink.textBaseline = "middle";
    ink.fillText(plot.label(value), LEFT - 6, at);
  }
  for (const value of ticks(...plot.x, width / 80)) {
    ink.textAlign = "center";
    ink.textBaseline = "alphabetic";
    ink.fillText(plot.count(value), Math.min(x(value), width - 22), height - 6);
  }
  ink.save();
  ink.beginPath();
  ink.rect(LEFT, TOP - 4, width - LEFT - RIGHT + 4, height - TOP - BOTTOM + 8);
  ink.clip();
  for (const line of plot.lines) drawLine(ink, line, x, y);
  ink.restore();
  if (plot.mark === null || plot.mark === undefined) return;
  ink.strokeStyle = plot.text;
  ink.setLineDash([2, 3]);
  stroke(ink, [x(plot.mark), TOP], [x(plot.mark), height - BOTTOM]);
  ink.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} ink @param {[number, number]} from
 * @param {[number, number]} to */
function stroke(ink, from, to) {
  ink.beginPath();
  ink.moveTo(...from);
  ink.lineTo(...to);
  ink.stroke();
}

/** @param {CanvasRenderingContext2D} ink @param {Line} line
 * @param {(value: number) => number} x @param {(value: number) => number} y */
function drawLine(ink, line, x, y) {
  ink.beginPath();
  ink.strokeStyle = ink.fillStyle = line.colour;
  ink.globalAlpha = line.opacity ?? 1;
  ink.lineWidth = line.width ?? 2;
  ink.lineJoin = "round";
  ink.setLineDash(line.dash ?? []);
  let drawing = false;
  line.x.forEach((step, i) => {
    const at = y(line.y[i]);
    if (!Number.isFinite(at)) drawing = false;
    else if (drawing) ink.lineTo(x(step), at);
    else ink.moveTo(x(step), at);
    drawing = Number.isFinite(at);
  });
  ink.stroke();
  ink.setLineDash([]);
  for (const [i, step] of line.dots ? line.x.entries() : []) {
    ink.beginPath();
    ink.arc(x(step), y(line.y[i]), 2.5, 0, 7);
    ink.fill();
  }
  ink.globalAlpha = 1;
}
