// @ts-check
/* The four curves of a training together: rows of a table, CSV. */

import { newCurve } from "./curves.js";

/** @typedef {import("./curves.js").Curve} Curve */
/**
 * @typedef {object} Run The curves of one training.
 * @property {Curve} loss
 * @property {Curve} accuracy
 * @property {Curve} validationLoss
 * @property {Curve} validationAccuracy
 */

/** @returns {Run} */
export function newRun() {
  return {
    loss: newCurve(),
    accuracy: newCurve(),
    validationLoss: newCurve(),
    validationAccuracy: newCurve(),
  };
}

/**
 * One row a step at which any curve has a point.
 * @param {Run} run
 * @returns {(number | undefined)[][]} The step, then the values in the order of `Run`;
 *   undefined where a curve has none.
 */
export function rows(run) {
  const curves = [run.loss, run.accuracy, run.validationLoss, run.validationAccuracy];
  const columns = curves.map(
    (curve) => new Map(curve.x.map((x, i) => [x, curve.y[i]])),
  );
  const steps = new Set(curves.flatMap((curve) => curve.x));
  return [...steps]
    .sort((a, b) => a - b)
    .map((step) => [step, ...columns.map((column) => column.get(step))]);
}

/**
 * About `most` rows, evenly spaced, with the last and those of epochs.
 * @param {(number | undefined)[][]} all
 * @param {number} most
 */
export function some(all, most = 24) {
  const every = Math.ceil(all.length / most);
  return all.filter(
    (row, i) => i % every === 0 || i === all.length - 1 || row[3] !== undefined,
  );
}

/** @param {Run} run @returns {string} A table that a spreadsheet reads. */
export function toCsv(run) {
  const head = "step,loss,accuracy,validation_loss,validation_accuracy";
  const lines = rows(run).map((row) =>
    row.map((value) => (Number.isFinite(value) ? String(value) : "")).join(","),
  );
  return [head, ...lines].join("\r\n") + "\r\n";
}
