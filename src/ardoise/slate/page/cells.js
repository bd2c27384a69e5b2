// @ts-check
/* The cells of a mosaic that one can hover, click, or walk among with the arrows: one
 * stop of Tab, a slider to screen readers. */

import { make } from "./dom.js";
import { drawMosaic } from "./lighting.js";
import { cellAt, flatOf, gridOf, stepTo } from "./mosaic.js";
import { number, say } from "./words.js";

/** @typedef {import("./mosaic.js").Grid} Grid */
/** @typedef {import("./mosaic.js").Place} Place */
/** What is heard of a cell: it is under the pointer, or the arrows led to it (moved);
 * it was clicked, or Enter was pressed (picked).
 * @typedef {{moved: (byKey: boolean) => void, picked: (byKey: boolean) => void}} Heard
 */

/** @param {number[]} first A shape: (n), (h, w) or (h, w, c). @param {Heard} heard */
export function makeCells(first, { moved, picked }) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  const mark = make("div", { class: "mark", hidden: true });
  const stage = make("div", { class: "stage" }, canvas, mark);
  const look = { class: "cells takes-keys", tabindex: "0", role: "slider" };
  const host = make("div", { ...look, "aria-valuemin": "0" }, stage);
  let shape = first;
  /** @type {ArrayLike<number>} */
  let values = [];
  /** @type {Place} */
  let at = [0, 0, 0];
  /** @type {Grid} */
  let grid = gridOf(shape, 300);

  const value = () => values[flatOf(grid, at)] ?? 0;
  /** Where the mark stands, as the array has it. */
  const index = () => {
    if (shape.length === 1) return [at[2]];
    return shape.length === 2 ? at.slice(0, 2) : [...at];
  };
  /** "3, 17: 0.25" */
  const words = () =>
    say("layers.cell", { index: index().join(", "), value: number(value()) });

  function tell() {
    const { h, w, gap, scale, columns, count } = grid;
    const left = (at[2] % columns) * (w + gap) + at[1];
    const top = Math.floor(at[2] / columns) * (h + gap) + at[0];
    mark.style.left = `${left * scale}px`;
    mark.style.top = `${top * scale}px`;
    mark.style.width = mark.style.height = `${scale}px`;
    host.setAttribute("aria-valuemax", String(h * w * count - 1));
    host.setAttribute("aria-valuenow", String(flatOf(grid, at)));
    host.setAttribute("aria-valuetext", words());
  }

  /** @param {Place} place */
  function go(place) {
    at = place;
    mark.hidden = false;
    tell();
  }

  /** @param {MouseEvent} event */
  function under(event) {
    const { left, top } = canvas.getBoundingClientRect();
    const { scale } = grid;
    return cellAt(grid, (event.clientX - left) / scale, (event.clientY - top) / scale);
  }
  host.addEventListener("pointermove", (event) => {
    const place = under(event);
    if (event.pointerType !== "mouse" || place === null) return;
    if (!mark.hidden && place.join() === at.join()) return;
    go(place);
    moved(false);
  });
  host.addEventListener("click", (event) => {
    const place = under(event);
    if (place === null) return;
    go(place);
    picked(false);
  });
  host.addEventListener("keydown", (event) => {
    const isPicked = event.key === "Enter" || event.key === " ";
    const place = isPicked ? at : stepTo(grid, at, event.key);
    if (place === null) return;
    event.preventDefault();
    go(place);
    (isPicked ? picked : moved)(true);
  });

  return {
    ...{ host, canvas, mark, index, value, words, tell, go },
    /** Go to a number. @param {number[]} wanted Its place in the array. */
    goTo(wanted) {
      const [row, column, map] =
        wanted.length === 1 ? [0, 0, ...wanted] : [...wanted, 0];
      go([row, column, map]);
    },
    /** Have other numbers. @param {ArrayLike<number>} next @param {number[]} [other] */
    hold(next, other = shape) {
      if (other.join() !== shape.join()) {
        at = [0, 0, 0];
        mark.hidden = true;
      }
      [values, shape] = [next, other];
    },
    /** Draw them in a grid. @param {Grid} wanted */
    draw(wanted) {
      grid = wanted;
      drawMosaic(canvas, values, grid);
      tell();
    },
  };
}
