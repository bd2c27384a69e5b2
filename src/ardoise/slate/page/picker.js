// @ts-check
/* Numbers as a picture, out of which one is picked by pointer, or arrows and Enter. */

import { make } from "./dom.js";
import { cellAt, drawMosaic, flatOf, gridOf, stepTo } from "./mosaic.js";
import { number, onLanguage, say } from "./words.js";

/** @typedef {import("./mosaic.js").Place} Place */

const EDGE = 6; // pixels of the board around the picture
const HEIGHT = 240; // that a picture should have, if its cells stay large enough
const CELL = 26; // the largest cell of a vector, one that a finger hits
const MAP = 120; // the widest map

/** The grid of a layer, its cells as large as the room allows.
 * @param {number[]} shape (n) or (h, w, c) @param {number} width Pixels that there are.
 * @param {number} height
 */
export function fittedGrid(shape, width, height) {
  const grid = gridOf(shape, width);
  const { h, w, gap, count } = grid;
  const isMap = shape.length === 3 && count > 1; // one of several images
  const largest = isMap ? Math.floor(MAP / w) : CELL;
  for (let scale = grid.scale + 1; scale <= largest; scale++) {
    const columns = Math.min(count, Math.floor(width / (scale * (w + gap))));
    const rows = Math.ceil(count / columns);
    if (columns < 1 || rows * (h + gap) * scale > height) break;
    Object.assign(grid, { scale, columns, rows });
  }
  return grid;
}

/**
 * @param {() => string} label What the picture shows, for screen readers.
 * @param {(index: number[], value: number) => void} picked
 * @param {number} [height] Pixels that the picture should have.
 */
export function makePicker(label, picked, height = HEIGHT) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  const mark = make("div", { class: "mark", hidden: true });
  const host = make(
    "div",
    { class: "cells takes-keys", tabindex: "0", role: "slider", "aria-valuemin": "0" },
    make("div", { class: "stage" }, canvas, mark),
  );
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  /** @type {number[]} */
  let shape = [1];
  /** @type {ArrayLike<number>} */
  let values = [];
  /** @type {Place} */
  let at = [0, 0, 0];
  let grid = gridOf(shape, 300);

  const value = () => values[flatOf(grid, at)] ?? 0;
  const index = () => {
    if (shape.length === 1) return [at[2]];
    return shape.length === 2 ? at.slice(0, 2) : [...at];
  };

  function tell() {
    const { h, w, gap, scale, columns, count } = grid;
    const left = (at[2] % columns) * (w + gap) + at[1];
    const top = Math.floor(at[2] / columns) * (h + gap) + at[0];
    mark.style.left = `${left * scale}px`;
    mark.style.top = `${top * scale}px`;
    mark.style.width = mark.style.height = `${scale}px`;
    const told = say("layers.cell", {
      index: index().join(", "),
      value: number(value()),
    });
    host.setAttribute("aria-label", label());
    host.setAttribute("aria-valuemax", String(h * w * count - 1));
    host.setAttribute("aria-valuenow", String(flatOf(grid, at)));
    host.setAttribute("aria-valuetext", told);
    readout.textContent = mark.hidden ? "" : told;
  }

  /** @param {Place} place */
  function go(place) {
    at = place;
    mark.hidden = false;
    tell();
  }

  /** @param {MouseEvent} event */
  function under(event) {
    const box = canvas.getBoundingClientRect();
    const scale = box.width / (grid.columns * (grid.w + grid.gap));
    return cellAt(
      grid,
      (event.clientX - box.left) / scale,
      (event.clientY - box.top) / scale,
    );
  }

  host.addEventListener("pointermove", (event) => {
    const place = under(event);
    if (event.pointerType === "mouse" && place !== null) go(place);
  });
  host.addEventListener("click", (event) => {
    const place = under(event);
    if (place === null) return;
    go(place);
    picked(index(), value());
  });
  host.addEventListener("keydown", (event) => {
    const place = stepTo(grid, at, event.key);
    if (event.key === "Enter" || event.key === " ") picked(index(), value());
    else if (place !== null) go(place);
    else return;
    event.preventDefault();
  });
  host.addEventListener("focus", () => host.matches(":focus-visible") && go(at));

  function draw() {
    const width = host.clientWidth - 2 * EDGE;
    if (width <= 0 || values.length === 0) return;
    grid = fittedGrid(shape.length === 2 ? [...shape, 1] : shape, width, height);
    drawMosaic(canvas, values, grid);
    // The gap after the last row and column is beyond the board.
    canvas.style.margin = `0 ${-grid.gap * grid.scale}px ${-grid.gap * grid.scale}px 0`;
    tell();
  }
  new ResizeObserver(draw).observe(host);
  onLanguage(tell);
  return {
    element: make("div", { class: "picker" }, host, readout),
    /** @param {ArrayLike<number>} next
     * @param {number[]} nextShape (n), (h, w) or (h, w, c) */
    show(next, nextShape) {
      if (nextShape.join() !== shape.join()) {
        at = [0, 0, 0];
        mark.hidden = true;
      }
      [values, shape] = [next, nextShape];
      draw();
    },
    /** Mark a number. @param {number[]} index */
    mark(index) {
      const [row, column, map] = index.length === 1 ? [0, 0, ...index] : [...index, 0];
      go([row, column, map]);
    },
    focus: () => host.focus(),
  };
}
