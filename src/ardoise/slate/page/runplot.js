// @ts-check
/* What a chart of a training shows: from curves to lines, apart from the page. */

import { bounds } from "./curves.js";
import { number, percent } from "./words.js";

/** @typedef {import("./runs.js").Run} Run */
/** @typedef {import("./plot.js").Plot} Plot */
/** @typedef {import("./plot.js").Line} Line */
/** @typedef {{run: Run, previous: Run | null, log: boolean,
 *   mark: number | null}} Shown */
/** @typedef {{title: string, name: "loss" | "accuracy",
 *   validation: "validationLoss" | "validationAccuracy"}} Form */
/** @typedef {{accent: string, strong: string, text: string, rule: string}} Colours */

/** @type {Form} */
export const LOSS = { title: "learn.loss", name: "loss", validation: "validationLoss" };
/** @type {Form} */
export const ACCURACY = {
  title: "learn.accuracy",
  name: "accuracy",
  validation: "validationAccuracy",
};

const LEAST_ERROR = 1e-3; // accuracy on a log scale is a scale of errors, down to 0.1 %
const FEWEST_STEPS = 10; // that the horizontal axis shows

/** How a value is written. @param {Form} form @param {number | undefined} value */
export function write({ name }, value) {
  if (value === undefined) return "–";
  return name === "accuracy" ? percent(value, 1) : number(value);
}

/**
 * The vertical axis, from the bottom to the top.
 * @param {boolean} share Whether values are shares: then it is always the same.
 * @param {boolean} log
 * @param {[number, number] | null} found The least and the greatest value.
 * @returns {[number, number]}
 */
export function axis(share, log, found) {
  if (share) return log ? [1, LEAST_ERROR] : [0, 1];
  if (found === null) return log ? [0.1, 1] : [0, 1];
  const [low, high] = found;
  return log ? [low * 0.9, Math.max(high * 1.1, low * 2)] : [0, high * 1.05 || 1];
}

/** The lines of one training: the raw curve, the smoothed one, and validation.
 * @param {Form} form @param {Run} run @param {boolean} log @param {Colours} colours
 * @returns {[Line, Line, Line]} */
function linesOf({ name, validation }, run, log, { accent, strong }) {
  const lift = (/** @type {number[]} */ values) =>
    log && name === "accuracy"
      ? values.map((y) => Math.max(1 - y, LEAST_ERROR))
      : values;
  const [curve, points] = [run[name], run[validation]];
  return [
    { x: curve.x, y: lift(curve.y), colour: accent, width: 1, opacity: 0.4 },
    { x: curve.x, y: lift(curve.smooth), colour: accent, width: 2.5 },
    { x: points.x, y: lift(points.y), colour: strong, dots: true },
  ];
}

/** @param {Form} form @param {Shown} shown @param {Colours} colours @returns {Plot} */
export function plotOf(form, { run, previous, log, mark }, colours) {
  const share = form.name === "accuracy";
  const lines = linesOf(form, run, log, colours);
  if (previous !== null) {
    const [, ...before] = linesOf(form, previous, log, colours);
    const look = { width: 1.5, opacity: 0.75, dash: [6, 5], dots: false };
    lines.unshift(...before.map((line) => ({ ...line, ...look })));
  }
  // A longer run before is cut off, rather than the present one pressed together.
  const present = run[form.name].x.length > 0 ? run : previous;
  const end = present?.[form.name].x.at(-1) ?? 0;
  const found = bounds(
    lines.map(({ y }) => y),
    log,
  );
  return {
    ...{ lines, log, mark },
    x: [0, Math.max(FEWEST_STEPS, end)],
    y: axis(share, log, found),
    label: (value) => (share ? shareLabel(log ? 1 - value : value) : number(value)),
    count: (value) => number(value),
    text: colours.text,
    rule: colours.rule,
  };
}

/** @param {number} share "90 %", but "99.9 %". */
const shareLabel = (share) => percent(share, share > 0.99 && share < 1 ? 1 : 0);
