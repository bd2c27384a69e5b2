// @ts-check
/* One number closely: its formula with values, the lines that compute it, its check. */

import { button, element, make, openDialog, written } from "./dom.js";
import { formulaView } from "./formula.js";
import { kindName } from "./layers.js";
import { tensor } from "./packets.js";
import { ask } from "./socket.js";
import { digitsShared } from "./stages.js";
import { number, signed } from "./words.js";

/** @typedef {import("./flow.js").Picked} Picked */

/** Open the dialog of a number of a layer.
 * @param {Uint8Array} image 28×28 @param {Picked} picked
 * @param {(layer: number, unit: number) => void} toWeights Leads to their check.
 */
export async function openNumber(image, picked, toWeights) {
  const { layer, index, value, slope, kind } = picked;
  const title =
    layer < 0 ? "steps.pixel_at" : index.length > 1 ? "cell.in_map" : "cell.unit";
  const [row, column, map] = index;
  const values = { kind: () => kindName(kind), row, column, map, unit: index[0] };
  const slopeWords = make("p", {
    text:
      slope > 0
        ? "steps.slope_up"
        : slope < 0
          ? "steps.slope_down"
          : "steps.slope_none",
    values: { slope: () => signed(slope) },
  });
  if (layer < 0) {
    const pixel = make("p", {
      text: "steps.pixel",
      values: { value: () => number(value * 255) },
    });
    openDialog(title, values, pixel, slopeWords);
    return;
  }
  const { header } = await ask(
    "cell",
    { layer, index },
    { image: tensor(image, 28, 28) },
  );
  const checks = button("steps.to_weights", () => {
    /** @type {HTMLDialogElement} */ (element("dialog")).close();
    toWeights(layer, index.at(-1) ?? 0);
  });
  const weighted = kind === "Dense" || kind === "Conv2D";
  openDialog(
    title,
    values,
    ...formulaView("y", header.formula, codesOf(header)),
    make("h3", { text: "steps.gradient" }),
    slopeWords,
    weighted && checks,
  );
}

/** Open the dialog of a probability, or of the loss.
 * @param {Uint8Array} image @param {"softmax" | "loss"} layer @param {number} index
 * @param {string} name Of the class.
 */
export async function openEnd(image, layer, index, name) {
  const fields = { layer, index: [index] };
  const { header } = await ask("cell", fields, { image: tensor(image, 28, 28) });
  const title = layer === "loss" ? "steps.loss_of" : "steps.probability_of";
  const sign = layer === "loss" ? "L" : "p";
  openDialog(title, { name }, ...formulaView(sign, header.formula, codesOf(header)));
}

/** The lines of code of an answer, those that compute first.
 * @param {Record<string, any>} header @returns {import("./formula.js").Code[]}
 */
const codesOf = ({ code, deeper }) => (code ? [code, ...(deeper ?? [])] : []);

/** What came of a check. @param {Record<string, any>} header */
export function checkView(header) {
  const rows = /** @type {const} */ ([
    ["check.weight", () => number(header.weight, 6)],
    ["check.lower", () => number(header.lower, 8)],
    ["check.upper", () => number(header.upper, 8)],
    ["check.numeric", () => signed(header.numeric, 8)],
    ["check.analytic", () => signed(header.analytic, 8)],
    ["check.error", () => number(header.error, 2)],
  ]).map(([text, write]) =>
    make(
      "tr",
      { class: text === "check.analytic" || text === "check.numeric" ? "strong" : "" },
      make("th", { scope: "row", text }),
      written("td", write),
    ),
  );
  const name = `${header.param}[${header.index.join(", ")}]`;
  const isZero = header.analytic === 0 && header.numeric === 0;
  const agrees = header.error < 1e-4 ? "check.agree" : "check.differ";
  return [
    make("h4", { text: "check.of", values: { name } }),
    make(
      "div",
      { class: "scroll", tabindex: "0" },
      make("table", { class: "numbers" }, make("tbody", {}, ...rows)),
    ),
    make("p", {
      class: "note",
      text: isZero ? "check.zero" : agrees,
      values: { n: digitsShared(header.error) },
    }),
    header.formula && make("h4", { text: "check.formula" }),
    ...(header.formula ? formulaView("∂L/∂W", header.formula, codesOf(header)) : []),
  ].filter((part) => !!part);
}
