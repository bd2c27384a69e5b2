// @ts-check
/* What a network confuses: pure functions, apart from the page. */

/** @typedef {{true: number, read: number, probability: number,
 *   index: number}} Mistake */

/**
 * The total of each row of a square table.
 * @param {ArrayLike<number>} table Row by row: the true class, then the class read.
 * @param {number} classes
 */
export function totals(table, classes) {
  return Array.from({ length: classes }, (_, row) =>
    Array.from(
      { length: classes },
      (_, column) => table[row * classes + column],
    ).reduce((sum, count) => sum + count, 0),
  );
}

/**
 * How strongly a cell is coloured, from 0 to 5. Confusions are compared with the worst
 * confusion, not with the right answers, beside which all of them would look like none.
 * @param {ArrayLike<number>} table
 * @param {number} classes
 * @param {number} cell
 */
export function strength(table, classes, cell) {
  const [row, column] = [Math.floor(cell / classes), cell % classes];
  if (table[cell] === 0) return 0;
  if (row === column) return 5;
  const others = Array.from(table).filter(
    (_, i) => Math.floor(i / classes) !== i % classes,
  );
  return Math.max(1, Math.ceil((5 * table[cell]) / Math.max(...others)));
}

/**
 * The confusions, most frequent first.
 * @param {ArrayLike<number>} table
 * @param {number} classes
 * @param {number} most
 * @returns {{true: number, read: number, count: number}[]}
 */
export function worst(table, classes, most) {
  return Array.from(table, (count, i) => ({
    true: Math.floor(i / classes),
    read: i % classes,
    count,
  }))
    .filter((cell) => cell.true !== cell.read && cell.count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, most);
}

/**
 * The mistakes that two filters let through.
 * @param {Mistake[]} mistakes
 * @param {number | null} truth Null for all.
 * @param {number | null} read Null for all.
 * @param {boolean} surest Whether the surest come first: these are the worst.
 */
export function choose(mistakes, truth, read, surest = true) {
  return mistakes
    .filter((each) => truth === null || each.true === truth)
    .filter((each) => read === null || each.read === read)
    .sort((a, b) => (surest ? 1 : -1) * (b.probability - a.probability));
}
