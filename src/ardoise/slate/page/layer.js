// @ts-check
/* One layer of the strip: lit by what it says of the drawing; each of its cells can be
 * hovered, or walked to with the arrows. */

import { makeCells } from "./cells.js";
import { make } from "./dom.js";
import { gridOf } from "./mosaic.js";
import { knows, put, say } from "./words.js";

/** @typedef {{layer: number, kind: string, shape: number[], parameters: number}}
 * Layer */
/** @typedef {{layer: number, kind: string, index: number[], value: number}} Cell */
/** Hears of cells that are hovered (chosen: false) or chosen.
 * @typedef {(cell: Cell, chosen: boolean) => void} Heard */

/** The name of a kind of layer. @param {string} kind */
export const kindName = (kind) => (knows(`kind.${kind}`) ? say(`kind.${kind}`) : kind);

/** One layer. @param {Layer} layer @param {Heard} heard */
export function makeRow(layer, heard) {
  const { kind, shape, parameters } = layer;
  const about = { kind: () => kindName(kind), shape: shape.join(" × ") };
  /** @param {boolean} chosen */
  const tell = (chosen) => {
    const [index, value] = [cells.index(), cells.value()];
    heard({ layer: layer.layer, kind, index, value }, chosen);
  };
  const cells = makeCells(shape, {
    moved: tell, // the arrows choose, too: screen readers say what they lead to
    picked(byKey) {
      tell(true);
      if (byKey) cells.host.dispatchEvent(new Event("enter", { bubbles: true }));
    },
  });
  put(cells.host, "layers.name", about, "label");
  const head = make("div", { class: "layer-head" });
  head.append(make("h4", { text: "layers.name", values: about }));
  if (parameters > 0) {
    const values = { n: parameters };
    head.append(make("p", { class: "soft small", text: "layers.params", values }));
  }
  cells.host.addEventListener("focus", () => (cells.mark.hidden = false));

  let grid = gridOf(shape, 300);
  let isSeen = true;
  let isLate = false; // its values are newer than its picture

  function draw() {
    cells.draw(grid);
    isLate = false;
  }
  return {
    layer,
    row: make("div", { class: "layer" }, head, cells.host),
    unmark: () => (cells.mark.hidden = true),
    /** @param {number} width */
    fit(width) {
      grid = gridOf(shape, width);
      draw();
    },
    /** @param {ArrayLike<number>} next */
    show(next) {
      cells.hold(next);
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
    choose(index) {
      cells.goTo(index);
      tell(true);
    },
  };
}
