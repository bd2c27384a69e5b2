// @ts-check
/* One number, looked at closely: its value, its weights, its strongest inputs, and from
 * there its formula and the lines of code that compute it. */

import { attempt, button, make, openDialog } from "./dom.js";
import { formulaView } from "./formula.js";
import { paintWeights } from "./images.js";
import { kindName } from "./layers.js";
import { tensor } from "./packets.js";
import { ask } from "./socket.js";
import { latest, shared } from "./state.js";
import { number, put, signed } from "./words.js";

/** @typedef {import("./layers.js").Cell} Cell */
/** @typedef {{from: number, index: number[], input: number, weight: number,
 *   product: number}} Input `from` is the layer that gave it; −1: the image. */

/** The name of a number: "Dense, unit 17", "Conv2D, map 3, row 5, column 9".
 * @param {string} kind @param {number[]} index */
function titleOf(kind, index) {
  const values = { kind: () => kindName(kind) };
  const [row, column, map] = index;
  return index.length === 3
    ? /** @type {const} */ (["cell.in_map", { ...values, map, row, column }])
    : /** @type {const} */ (["cell.unit", { ...values, unit: index[0] }]);
}

/** The name of an input, within its layer. @param {number} from @param {number[]} index
 * @returns {[string, Record<string, number>]} */
function placeOf(from, index) {
  const [row, column, map] = index;
  if (from < 0) return ["cell.pixel", { row, column }];
  return index.length === 3
    ? ["cell.from_map", { row, column, map }]
    : ["cell.from_unit", { unit: row }];
}

/** @param {HTMLElement} host
 * @param {(layer: number, index: number[]) => void} follow Goes to another number. */
export function makeCell(host, follow) {
  const title = make("h3", { text: "cell.title", tabindex: "-1" });
  const value = make("p", { class: "cell-value" });
  const invitation = make("p", { class: "soft", text: "cell.invitation" });
  const body = make("div", { class: "cell-body" }, invitation);
  host.append(make("div", { class: "row spread" }, title, value), body);
  /** @type {Cell | null} The cell that was chosen, looked at again when the image
   * changes. */
  let chosen = null;
  let timer = 0;

  /** @param {Cell} cell @returns {Promise<void>} Rejected, if there is no such cell. */
  async function look({ layer, index }) {
    const { image } = shared.get();
    if (image === null)
      body.replaceChildren(make("p", { class: "soft", text: "cell.draw_first" }));
    else show(await ask("cell", { layer, index }, { image: tensor(image, 28, 28) }));
  }
  const lookSoon = latest((/** @type {Cell} */ cell) => attempt(() => look(cell)));
  /** Another image, or another network, which may have no such cell. */
  const lookAgain = latest((/** @type {Cell} */ cell) => look(cell).catch(forget));

  function forget() {
    chosen = null;
    put(title, "cell.title");
    delete value.dataset.text;
    value.textContent = "";
    body.replaceChildren(invitation);
  }

  /** @param {import("./socket.js").Answer} answer */
  function show({ header, arrays }) {
    const [key, values] = titleOf(header.kind, header.index);
    put(title, key, values);
    put(value, "cell.value", { value: number(header.value, 4) });
    const canvas = make("canvas", { role: "img", label: "cell.weights" });
    if (arrays.weights) paintWeights(canvas, arrays.weights);
    const caption = make("p", { text: "cell.weights" });
    const codes = [header.code, ...(header.deeper ?? [])].filter((code) => !!code);
    const open = () => {
      openDialog(key, values, ...formulaView("y", header.formula, codes));
    };
    const inputs = /** @type {Input[]} */ (header.inputs ?? []);
    body.replaceChildren(
      arrays.weights
        ? make("div", { class: "figure cell-weights" }, canvas, caption)
        : "",
      inputs.length > 0 ? inputsTable(inputs) : "",
      button("cell.open", open, { class: "primary" }),
    );
  }

  /** @param {Input[]} inputs */
  function inputsTable(inputs) {
    const rows = inputs.map(({ from, index, input, weight, product }) => {
      const [text, values] = placeOf(from, index);
      const go = () => follow(from, index);
      const name =
        from < 0 ? make("span", { text, values }) : button(text, go, { values });
      const cells = [number(input), signed(weight), signed(product)];
      return make(
        "tr",
        {},
        make("th", { scope: "row" }, name),
        ...cells.map((text) => make("td", {}, text)),
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

  shared.subscribe(
    () => {
      clearTimeout(timer);
      if (chosen !== null) timer = setTimeout(() => chosen && lookAgain(chosen), 250);
    },
    "image",
    "version",
  );

  return {
    /** @param {Cell} cell @param {boolean} isChosen */
    show(cell, isChosen) {
      const [key, values] = titleOf(cell.kind, cell.index);
      put(title, key, values);
      put(value, "cell.value", { value: number(cell.value, 4) });
      if (isChosen) chosen = cell;
      lookSoon(cell);
    },
    /** Give the focus to the cell's details. */
    focus: () => title.focus(),
  };
}
