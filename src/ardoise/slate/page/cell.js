// @ts-check
/* One number, looked at closely: its value, its weights, its strongest inputs, and from
 * there its formula and the lines of code that compute it. */

import { attempt, button, make, openDialog } from "./dom.js";
import { formulaView } from "./formula.js";
import { paintWeights } from "./images.js";
import { inputsTable } from "./inputs.js";
import { kindName } from "./layers.js";
import { tensor } from "./packets.js";
import { ask } from "./socket.js";
import { latest, shared } from "./state.js";
import { number, put } from "./words.js";

/** @typedef {import("./layers.js").Cell} Cell */

const A_MOMENT = 300; // milliseconds in which the page hears of another network

/** The name of a number: "Dense, unit 17", "Conv2D, map 3, row 5, column 9".
 * @param {string} kind @param {number[]} index */
function titleOf(kind, index) {
  const values = { kind: () => kindName(kind) };
  const [row, column, map] = index;
  return index.length === 3
    ? /** @type {const} */ (["cell.in_map", { ...values, map, row, column }])
    : /** @type {const} */ (["cell.unit", { ...values, unit: index[0] }]);
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
  /** @type {Cell | null} The cell whose number stands there. */
  let shown = null;
  let timer = 0;

  /** @param {Cell} cell @returns {Promise<void>} Rejected, if there is no such cell. */
  async function look(cell) {
    const { layer, index } = cell;
    const { image } = shared.get();
    if (image === null)
      body.replaceChildren(make("p", { class: "soft", text: "cell.draw_first" }));
    else {
      const given = { image: tensor(image, 28, 28) };
      const answer = await ask("cell", { layer, index }, given);
      // By now it may be another one's: its number is not to be taken back.
      if (shown === cell) show(answer);
    }
  }
  const lookSoon = latest((/** @type {Cell} */ cell) => attempt(() => tryTo(cell)));

  /** Look at a cell. Where the network is another by now, whose layers are shown only
   * in a moment, there may be none. @param {Cell} cell */
  async function tryTo(cell) {
    const { version } = shared.get();
    try {
      await look(cell);
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, A_MOMENT));
      if (shared.get().version === version) throw error;
      forget();
    }
  }

  /** Another image, or another network, which may have no such cell. */
  const lookAgain = latest((/** @type {Cell} */ cell) => look(cell).catch(forget));

  function forget() {
    chosen = shown = null;
    put(title, "cell.title");
    delete value.dataset.text;
    value.textContent = "";
    body.replaceChildren(invitation);
  }

  /** @param {import("./socket.js").Answer} answer */
  function show({ header, arrays }) {
    const [key, values] = titleOf(header.kind, header.index);
    put(title, key, values);
    put(value, "cell.value", { value: () => number(header.value, 4) });
    const canvas = make("canvas", { role: "img", label: "cell.weights" });
    if (arrays.weights) paintWeights(canvas, arrays.weights);
    const caption = make("p", { text: "cell.weights" });
    const codes = [header.code, ...(header.deeper ?? [])].filter((code) => !!code);
    const open = () => {
      openDialog(key, values, ...formulaView("y", header.formula, codes));
    };
    const inputs = /** @type {import("./inputs.js").Input[]} */ (header.inputs ?? []);
    body.replaceChildren(
      arrays.weights
        ? make("div", { class: "figure cell-weights" }, canvas, caption)
        : "",
      inputs.length > 0 ? inputsTable(inputs, follow) : "",
      button("cell.open", open, { class: "primary" }),
    );
  }

  function again() {
    shown = chosen;
    if (chosen !== null) lookAgain(chosen);
  }

  shared.subscribe(
    () => {
      clearTimeout(timer);
      if (chosen !== null) timer = setTimeout(again, 250);
    },
    "image",
    "version",
  );

  return {
    /** @param {Cell} cell @param {boolean} isChosen */
    show(cell, isChosen) {
      const [key, values] = titleOf(cell.kind, cell.index);
      put(title, key, values);
      put(value, "cell.value", { value: () => number(cell.value, 4) });
      shown = cell;
      if (isChosen) chosen = cell;
      lookSoon(cell);
    },
    /** Give the focus to the cell's details. */
    focus: () => title.focus(),
  };
}
