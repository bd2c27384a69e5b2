// @ts-check
/* The inputs of one number that count most, each leading to where it comes from. */

import { button, make, written } from "./dom.js";
import { number, signed } from "./words.js";

/** @typedef {{from: number, index: number[], input: number, weight: number,
 *   product: number}} Input `from` is the layer that gave it; −1: the image. */

/** The name of an input, within its layer. @param {number} from @param {number[]} index
 * @returns {[string, Record<string, number>]} */
function placeOf(from, index) {
  const [row, column, map] = index;
  if (from < 0) return ["cell.pixel", { row, column }];
  return index.length === 3
    ? ["cell.from_map", { row, column, map }]
    : ["cell.from_unit", { unit: row }];
}

/** The inputs that count most, and what each adds. @param {Input[]} inputs
 * @param {(layer: number, index: number[]) => void} follow Goes to another number. */
export function inputsTable(inputs, follow) {
  const rows = inputs.map(({ from, index, input, weight, product }) => {
    const [text, values] = placeOf(from, index);
    const go = () => follow(from, index);
    const name =
      from < 0 ? make("span", { text, values }) : button(text, go, { values });
    const cells = [
      () => number(input),
      () => signed(weight),
      () => signed(product),
    ];
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, name),
      ...cells.map((write) => written("td", write)),
    );
  });
  const head = ["cell.input", "cell.input_value", "cell.weight", "cell.product"];
  const titles = head.map((text) => make("th", { scope: "col", text }));
  const table = make("table", { class: "numbers" });
  table.append(make("caption", { text: "cell.strongest" }));
  table.append(
    make("thead", {}, make("tr", {}, ...titles)),
    make("tbody", {}, ...rows),
  );
  return make("div", { class: "scroll", tabindex: "0" }, table);
}
