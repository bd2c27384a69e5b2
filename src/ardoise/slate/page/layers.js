// @ts-check
/* The strip of layers, from the image to the answer. */

import { makeRow } from "./layer.js";
import { onLanguage } from "./words.js";

export { kindName } from "./layer.js";
/** @typedef {import("./layer.js").Layer} Layer */
/** @typedef {import("./layer.js").Cell} Cell */
/** @typedef {import("./layer.js").Heard} Heard */

/** All layers. @param {HTMLElement} host @param {Heard} heard */
export function makeLayers(host, heard) {
  /** @type {ReturnType<typeof makeRow>[]} */
  let rows = [];
  let shape = "";

  /** @param {Layer[]} layers */
  function build(layers) {
    shape = JSON.stringify(layers);
    rows = layers.map((layer) =>
      makeRow(layer, (cell, chosen) => {
        for (const other of rows) if (other.layer !== layer) other.unmark();
        heard(cell, chosen);
      }),
    );
    host.replaceChildren(...rows.map(({ row }) => row));
    fit();
  }

  function fit() {
    const width = host.querySelector(".cells")?.clientWidth ?? 0;
    if (width > 0) for (const row of rows) row.fit(width);
  }
  new ResizeObserver(fit).observe(host);
  onLanguage(fit);
  return {
    /** @param {Layer[]} layers @param {import("./packets.js").Tensors} arrays */
    show(layers, arrays) {
      if (shape !== JSON.stringify(layers)) build(layers);
      for (const row of rows) row.show(arrays[`layer${row.layer.layer}`]?.data ?? []);
    },
    /** Go to a cell. @param {number} layer @param {number[]} index */
    choose(layer, index) {
      rows.find((row) => row.layer.layer === layer)?.choose(index);
    },
  };
}
