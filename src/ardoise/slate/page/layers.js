// @ts-check
/* The strip of layers, from the image to the answer. */

import { makeRow } from "./layer.js";
import { recall, remember } from "./state.js";
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
  let wanted = recall("cell"); // by the address that somebody came with
  let frame = 0;
  /** @type {import("./packets.js").Tensors} */
  let values = {};
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      rows.find(({ row }) => row === target)?.see(isIntersecting);
    }
  });

  /** @param {Layer[]} layers */
  function build(layers) {
    shape = JSON.stringify(layers);
    rows = layers.map((layer) =>
      makeRow(layer, (cell, chosen) => {
        for (const other of rows) if (other.layer !== layer) other.unmark();
        heard(cell, chosen);
        if (chosen) remember("cell", [cell.layer, ...cell.index].join());
      }),
    );
    watcher.disconnect();
    host.replaceChildren(...rows.map(({ row }) => row));
    for (const { row } of rows) watcher.observe(row);
    fit();
  }

  function fit() {
    const width = host.querySelector(".cells")?.clientWidth ?? 0;
    if (width > 0) for (const row of rows) row.fit(width);
  }

  /** @param {Layer} layer */
  const valuesOf = ({ layer }) => values[`layer${layer}`]?.data;

  function draw() {
    frame = 0;
    for (const row of rows) row.show(valuesOf(row.layer) ?? []);
    if (wanted === null || !rows.some(({ layer }) => valuesOf(layer))) return;
    const [layer, ...index] = wanted.split(",").map(Number);
    wanted = null;
    choose(layer, index);
  }

  /** Go to a cell. @param {number} layer @param {number[]} index */
  function choose(layer, index) {
    const found = rows.find((row) => row.layer.layer === layer);
    const { shape } = found?.layer ?? { shape: [] };
    const isThere = index.every((n, i) => n >= 0 && n < shape[i]);
    if (isThere && index.length === shape.length) found?.choose(index);
  }

  new ResizeObserver(fit).observe(host);
  onLanguage(fit);
  return {
    /** @param {Layer[]} layers @param {import("./packets.js").Tensors} arrays */
    show(layers, arrays) {
      if (shape !== JSON.stringify(layers)) build(layers);
      values = arrays;
      if (frame === 0) frame = requestAnimationFrame(draw);
    },
    choose,
    /** Nothing moves for a moment: draw what is not on the screen, too. */
    settle() {
      for (const row of rows) row.settle();
    },
  };
}
