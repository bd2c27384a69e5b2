// @ts-check
/* The confusion matrix: a table whose cells are buttons. */

import { strength, totals } from "./confusion.js";
import { make, roving } from "./dom.js";
import { put } from "./words.js";

/** @typedef {(truth: number, read: number) => void} Chosen */

/** @param {string[]} classes @param {ArrayLike<number>} table @param {number} cell
 * @param {Chosen} choose */
function cellOf(classes, table, cell, choose) {
  const [row, column] = [Math.floor(cell / classes.length), cell % classes.length];
  const count = table[cell];
  const kind = row === column ? "right" : "wrong";
  const look = `cell ${kind} s${strength(table, classes.length, cell)}`;
  const node = make("button", { type: "button", class: look }, String(count || "·"));
  node.addEventListener("click", () => choose(row, column));
  const key = count === 1 ? "mistakes.cell_one" : "mistakes.cell";
  const values = { n: count, a: classes[row], b: classes[column] };
  put(node, key, values, "label");
  put(node, key, values, "hint");
  return make("td", {}, node);
}

/** A confusion matrix; `choose` is called with the classes of a cell.
 * @param {Chosen} choose */
export function makeMatrix(choose) {
  const head = make("thead");
  const body = make("tbody");
  const about = make("p", { class: "soft small", text: "mistakes.matrix_about" });
  const table = make(
    "table",
    { class: "matrix", label: "mistakes.matrix" },
    head,
    body,
  );
  const scroll = make("div", { class: "scroll" }, table);

  /** Show counts (K, K): true class by row, class read by column.
   * @param {ArrayLike<number>} counts @param {string[]} classes */
  function show(counts, classes) {
    const focused = [...body.querySelectorAll("button")].indexOf(
      /** @type {any} */ (document.activeElement),
    );
    const all = totals(counts, classes.length);
    const heads = classes.map((name) => make("th", { scope: "col" }, name));
    const sum = make("th", { scope: "col", text: "mistakes.all" });
    head.replaceChildren(make("tr", {}, make("td"), ...heads, sum));
    const lines = classes.map((name, row) => {
      const cells = classes.map((_, column) =>
        cellOf(classes, counts, row * classes.length + column, choose),
      );
      const first = make("th", { scope: "row" }, name);
      return make("tr", {}, first, ...cells, make("td", {}, String(all[row])));
    });
    body.replaceChildren(...lines);
    roving(body, "button", () => classes.length);
    if (focused >= 0) body.querySelectorAll("button")[focused]?.focus();
  }
  return { about, scroll, show };
}
