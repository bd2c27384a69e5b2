// @ts-check
/* Numbers as a picture, out of which one is picked by pointer, or arrows and Enter. */

import { makeCells } from "./cells.js";
import { make } from "./dom.js";
import { gridOf } from "./mosaic.js";
import { onLanguage } from "./words.js";

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
  const cells = makeCells([1], {
    moved: write,
    picked() {
      write();
      picked(cells.index(), cells.value());
    },
  });
  const { host, canvas, mark } = cells;
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  let shape = [1];
  let isEmpty = true;

  function write() {
    readout.textContent = mark.hidden ? "" : cells.words();
  }

  function tell() {
    host.setAttribute("aria-label", label());
    cells.tell();
    write();
  }

  host.addEventListener("focus", () => {
    if (!host.matches(":focus-visible")) return;
    mark.hidden = false;
    tell();
  });

  function draw() {
    const width = host.clientWidth - 2 * EDGE;
    if (width <= 0 || isEmpty) return;
    const grid = fittedGrid(shape.length === 2 ? [...shape, 1] : shape, width, height);
    cells.draw(grid);
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
      cells.hold(next, nextShape);
      shape = nextShape;
      isEmpty = next.length === 0;
      draw();
    },
    /** Mark a number. @param {number[]} index */
    mark(index) {
      cells.goTo(index);
      write();
    },
    focus: () => host.focus(),
  };
}
