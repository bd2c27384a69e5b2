// @ts-check
/* All about one number: its formula, with names and with numbers, and the code. */

import { make, written } from "./dom.js";
import { LONG, build, treeOf } from "./mathml.js";
import { again, number, signed } from "./words.js";

/** @typedef {import("./mathml.js").FormulaNode} FormulaNode */
/** @typedef {{file: string, first: number, lines: string[]}} Code */
/** @typedef {import("./mathml.js").Tree} Tree */

/** A formula whose numbers are written as the language of the moment does.
 * @template {HTMLElement} T @param {T} node @param {() => Tree[]} trees */
const math = (node, trees) =>
  again(node, () => node.replaceChildren(build(["math", ["mrow", ...trees()]])));

/** @param {() => Tree[]} trees */
const line = (trees) =>
  math(make("p", { class: "scroll formula", tabindex: "0" }), trees);

/** A long sum, one term a row. @param {FormulaNode} node */
function termsTable(node) {
  const rows = (node.of ?? []).map((term) => {
    const plain = term.is === "rest" || term.is === "value";
    return make(
      "tr",
      {},
      math(make("td", { class: "term" }), () => [treeOf(term, true)]),
      plain ? make("td") : math(make("td"), () => [treeOf(term, false)]),
      written("td", () => signed(term.value)),
    );
  });
  const foot = make("tr", {}, make("th", { scope: "row", text: "formula.total" }));
  foot.append(make("td"));
  foot.append(written("td", () => number(node.value, 5)));
  const head = ["formula.term", "formula.numbers", "formula.adds"].map((text) => {
    return make("th", { scope: "col", text });
  });
  const body = make("tbody", {}, ...rows);
  const table = make(
    "table",
    { class: "numbers terms" },
    make("thead", {}, make("tr", {}, ...head)),
  );
  table.append(body, make("tfoot", {}, foot));
  return make("div", { class: "scroll", tabindex: "0" }, table);
}

/** Lines of the engine, with their numbers. @param {Code[]} codes */
function codeOf(codes) {
  return codes.map(({ file, first, lines }) => {
    const rows = lines.map((text, i) => {
      return make(
        "span",
        { class: "code-line", "data-number": first + i },
        `${text}\n`,
      );
    });
    const caption = make("figcaption", {
      text: "formula.code",
      values: { file, line: String(first) },
    });
    return make(
      "figure",
      { class: "code" },
      caption,
      make("pre", { tabindex: "0" }, ...rows),
    );
  });
}

/**
 * All about one number: its formula with names and with numbers, and the code.
 * @param {string} name Of the number, such as "y". @param {FormulaNode} formula
 * @param {Code[]} code @returns {HTMLElement[]}
 */
export function formulaView(name, formula, code) {
  const begin = /** @type {Tree[]} */ ([
    ["mi", name],
    ["mo", "="],
  ]);
  /** @returns {Tree[]} */
  const numbers = () => {
    const value = number(formula.value, 5);
    return [...begin, treeOf(formula, false), ["mo", "="], ["mn", value]];
  };
  const long = formula.is === "sum" && (formula.of?.length ?? 0) > LONG;
  return [
    line(() => [...begin, treeOf(formula, true)]),
    long ? termsTable(formula) : line(numbers),
    make("h3", { text: "formula.lines" }),
    ...(code.length > 0 ? codeOf(code) : [make("p", { text: "formula.no_code" })]),
  ];
}
