// @ts-check
/* One layer of the strip: lit by what it says of the drawing; each of its cells can be
 * hovered, or walked to with the arrows. */

import { make } from "./dom.js";
import { cellAt, drawMosaic, flatOf, gridOf, stepTo } from "./mosaic.js";
import { knows, number, put, say } from "./words.js";

/** @typedef {import("./mosaic.js").Place} Place */
/** @typedef {{layer: number, kind: string, shape: number[], parameters: number}}
 * Layer */
/** @typedef {{layer: number, kind: string, index: number[], value: number}} Cell */
/** Hears of cells that are hovered (chosen: false) or chosen.
 * @typedef {(cell: Cell, chosen: boolean) => void} Heard */

/** The name of a kind of layer. @param {string} kind */
export const kindName = (kind) => (knows(`kind.${kind}`) ? say(`kind.${kind}`) : kind);

/** One layer. @param {Layer} layer @param {Heard} heard */
export function makeRow(layer, heard) {
  const isMaps = layer.shape.length === 3;
  const about = { kind: () => kindName(layer.kind), shape: layer.shape.join(" × ") };
  const canvas = make("canvas", { "aria-hidden": "true" });
  const mark = make("div", { class: "mark", hidden: true });
  const cells = make("div", {
    class: "cells takes-keys",
    tabindex: "0",
    role: "slider",
  });
  cells.append(canvas, mark);
  put(cells, "layers.name", about, "label");
  const head = make("div", { class: "layer-head" });
  head.append(make("h4", { text: "layers.name", values: about }));
  if (layer.parameters > 0) {
    head.append(
      make("p", {
        class: "soft small",
        text: "layers.params",
        values: { n: layer.parameters },
      }),
    );
  }
  let grid = gridOf(layer.shape, 300);
  /** @type {ArrayLike<number>} */
  let values = [];
  /** @type {Place} */
  let at = [0, 0, 0];

  function showMark() {
    const { h, w, gap, columns, rows, count } = grid;
    const [i, j, map] = at;
    const across = columns * (w + gap);
    const down = rows * (h + gap);
    const left = (map % columns) * (w + gap) + j;
    const top = Math.floor(map / columns) * (h + gap) + i;
    const { style } = mark;
    style.left = `${(100 * left) / across}%`;
    style.top = `${(100 * top) / down}%`;
    style.width = `${100 / across}%`;
    style.height = `${100 / down}%`;
    cells.setAttribute("aria-valuemin", "0");
    cells.setAttribute("aria-valuemax", String(h * w * count - 1));
    cells.setAttribute("aria-valuenow", String(flatOf(grid, at)));
    const told = { index: (isMaps ? at : [map]).join(", "), value: number(valueAt()) };
    cells.setAttribute("aria-valuetext", say("layers.cell", told));
  }

  const valueAt = () => values[flatOf(grid, at)] ?? 0;

  /** @param {Place} place @param {boolean} chosen */
  function tell(place, chosen) {
    at = place;
    mark.hidden = false;
    showMark();
    const index = isMaps ? [...at] : [at[2]];
    heard({ layer: layer.layer, kind: layer.kind, index, value: valueAt() }, chosen);
  }

  /** @param {MouseEvent} event */
  function under(event) {
    const { left, top } = canvas.getBoundingClientRect();
    const { scale } = grid;
    return cellAt(grid, (event.clientX - left) / scale, (event.clientY - top) / scale);
  }
  cells.addEventListener("pointermove", (event) => {
    const place = under(event);
    if (event.pointerType !== "mouse" || place === null) return;
    if (mark.hidden || place.join() !== at.join()) tell(place, false);
  });
  cells.addEventListener("click", (event) => {
    const place = under(event);
    if (place !== null) tell(place, true);
  });
  cells.addEventListener("keydown", (event) => {
    const entered = event.key === "Enter" || event.key === " ";
    const place = entered ? at : stepTo(grid, at, event.key);
    if (place === null) return;
    event.preventDefault();
    tell(place, true);
    if (entered) cells.dispatchEvent(new Event("enter", { bubbles: true }));
  });
  cells.addEventListener("focus", () => (mark.hidden = false));

  let isSeen = true;
  let isLate = false; // its values are newer than its picture

  function draw() {
    drawMosaic(canvas, values, grid);
    showMark();
    isLate = false;
  }
  return {
    layer,
    row: make("div", { class: "layer" }, head, cells),
    unmark: () => (mark.hidden = true),
    /** @param {number} width */
    fit(width) {
      grid = gridOf(layer.shape, width);
      draw();
    },
    /** @param {ArrayLike<number>} next */
    show(next) {
      values = next;
      if (isSeen) draw();
      else isLate = true;
    },
    /** Told whether it is on the screen: elsewhere it is not drawn.
     * @param {boolean} seen */
    see(seen) {
      isSeen = seen;
      if (seen && isLate) draw();
    },
    settle: () => isLate && draw(),
    /** @param {number[]} index */
    choose: (index) =>
      tell(isMaps ? /** @type {Place} */ (index) : [0, 0, index[0]], true),
  };
}
