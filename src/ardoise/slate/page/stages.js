// @ts-check
/* Step by step, as data: one image down through the layers, and the gradient back up.
 *
 * Row 0 is the image, row i the i-th layer that is shown. No DOM here. */

/** @typedef {{phase: "forward" | "loss" | "backward", row: number}} Stage */
/** @typedef {{layer: number, kind: string, shape: number[],
 *   parameters: number}} Layer */

/** @param {number} rows The image's, and one a layer. @returns {Stage[]} */
export function stagesOf(rows) {
  const down = Array.from({ length: rows }, (_, row) => row);
  const forward = down.map((row) => ({ phase: /** @type {const} */ ("forward"), row }));
  const backward = down
    .toReversed()
    .map((row) => ({ phase: /** @type {const} */ ("backward"), row }));
  return [...forward, { phase: "loss", row: rows }, ...backward];
}

/** Which rows have been reached. @param {Stage[]} stages @param {number} at
 * @returns {{down: number, loss: boolean, up: number}} Rows below `down` have their
 *   numbers, rows from `up` on their gradients.
 */
export function reachedAt(stages, at) {
  const rows = (stages.length - 1) / 2;
  const { phase, row } = stages[at];
  if (phase === "forward") return { down: row + 1, loss: false, up: rows };
  return { down: rows, loss: true, up: phase === "loss" ? rows : row };
}

/** @typedef {{z: number, power: number, p: number, wanted: number,
 *   slope: number}} End */

/** From the network's outputs to probabilities and ∂loss/∂z, class by class.
 * @param {ArrayLike<number>} z @param {number} label The right class.
 * @returns {End[]} `power` is e^(z − max).
 */
export function endsOf(z, label) {
  const most = Math.max(...Array.from(z));
  const powers = Array.from(z, (x) => Math.exp(x - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power, k) => {
    const [p, wanted] = [power / sum, k === label ? 1 : 0];
    return { z: z[k], power, p, wanted, slope: p - wanted };
  });
}

/** What the numbers of a layer are like. @param {ArrayLike<number>} values */
export function statistics(values) {
  let [low, high, zeros] = [Infinity, -Infinity, 0];
  for (let i = 0; i < values.length; i++) {
    [low, high] = [Math.min(low, values[i]), Math.max(high, values[i])];
    if (values[i] === 0) zeros += 1;
  }
  return { low, high, zeros: values.length > 0 ? zeros / values.length : 0 };
}

/** Where a weight of an output's own weights stands in the layer's array W.
 * @param {string} kind Of layer: "Dense" or "Conv2D".
 * @param {number[]} shape Of the weights as they are shown: (n), (h, w) or (h, w, c).
 * @param {number[]} index Of the weight there.
 * @param {number} unit Of the output.
 */
export function weightIndex(kind, shape, index, unit) {
  if (kind === "Conv2D") return [...index.slice(0, 2), index[2] ?? 0, unit];
  const flat = index.reduce((sum, i, axis) => sum * shape[axis] + i, 0);
  return [flat, unit];
}

/** The reverse: where a weight of the array W is shown, and of which output it is.
 * @param {string} kind @param {number[]} shape @param {number[]} index Of the array.
 * @returns {{at: number[], unit: number}}
 */
export function weightPlace(kind, shape, index) {
  const unit = index[index.length - 1];
  if (kind === "Conv2D") return { at: index.slice(0, shape.length), unit };
  let left = index[0];
  const at = shape.toReversed().map((side) => {
    const place = left % side;
    left = (left - place) / side;
    return place;
  });
  return { at: at.toReversed(), unit };
}

/** How many digits two numbers share, by their relative error: 16 at most.
 * @param {number} error
 */
export const digitsShared = (error) =>
  error > 0 ? Math.max(0, Math.min(16, Math.floor(-Math.log10(error)))) : 16;
