// @ts-check
/* Formulas as the server sends them (trees, see formulas.py), as MathML: once with the
 * names of the numbers, once with the numbers themselves. */

import { make } from "./dom.js";
import { number, say, signed } from "./words.js";

/** @typedef {{is: string, value: number, name?: string, index?: number[],
 *   of?: FormulaNode[], count?: number}} FormulaNode */
/** @typedef {{file: string, first: number, lines: string[]}} Code */
/** An element of MathML: its name and what it holds. @typedef {[string, ...Part[]]} Tree */
/** @typedef {Tree | string} Part */

const SIGNS = {
  ...{ gamma: "γ", beta: "β", alpha: "α", epsilon: "ε", negative_slope: "α" },
  ...{ running_mean: "μ", mean: "μ", running_variance: "σ²", variance: "σ²" },
};
const LONG = 4; // terms of a sum within a formula, beyond which it is shortened

/** @param {string} name */
const signOf = (name) => SIGNS[/** @type {keyof typeof SIGNS} */ (name)] ?? name;

/** @param {Tree[]} trees @param {string} sign @returns {Tree[]} */
const joined = (trees, sign) => {
  return trees.flatMap((tree, i) => (i === 0 ? [tree] : [["mo", sign], tree]));
};

/** @param {...Part} inner @returns {Tree} */
const bracketed = (...inner) => ["mrow", ["mo", "("], ...inner, ["mo", ")"]];

/**
 * The MathML of a formula as a tree.
 * @param {FormulaNode} node @param {boolean} named With names; else with numbers.
 * @param {boolean} [inner] Whether a sign stands before it. @returns {Tree}
 */
export function treeOf(node, named, inner = false) {
  const of = node.of ?? [];
  const all = () => of.map((each, i) => treeOf(each, named, i > 0));
  switch (node.is) {
    case "sum": {
      const shown = of.length > LONG ? of.slice(0, LONG - 1) : of;
      const terms = shown.map((each, i) => treeOf(each, named, i > 0));
      if (shown.length < of.length) terms.push(["mo", "…"]);
      return ["mrow", ...joined(terms, "+")];
    }
    case "difference":
      return ["mrow", treeOf(of[0], named), ["mo", "−"], factor(of[1], named, true)];
    case "product": {
      const factors = of.map((each, i) => factor(each, named, i > 0));
      const row = /** @type {Tree} */ (["mrow", ...joined(factors, named ? "⋅" : "×")]);
      return inner && !named && of[0].value < 0 ? bracketed(row) : row;
    }
    case "quotient":
      return ["mfrac", treeOf(of[0], named), treeOf(of[1], named)];
    case "max":
      return ["mrow", ["mi", "max"], bracketed(...joined(all(), ","))];
    case "function":
      if (node.name === "exp") return ["msup", ["mi", "e"], treeOf(of[0], named)];
      if (node.name === "sqrt") return ["msqrt", treeOf(of[0], named)];
      return ["mrow", ["mi", node.name ?? ""], bracketed(treeOf(of[0], named))];
    case "rest":
      return ["mtext", `${say("formula.rest", { n: node.count ?? 0 })}`];
    default:
      return named && node.is === "value" ? nameOf(node) : numeral(node.value, inner);
  }
}

/** @param {FormulaNode} node @param {boolean} named @param {boolean} inner */
function factor(node, named, inner) {
  const tree = treeOf(node, named, inner);
  return node.is === "sum" || node.is === "difference" ? bracketed(tree) : tree;
}

/** @param {number} value @param {boolean} inner @returns {Tree} */
function numeral(value, inner) {
  const written = /** @type {Tree} */ (["mn", number(value)]);
  return inner && value < 0 ? bracketed(written) : written;
}

/** A name with its index: W₃,₁₇. @param {FormulaNode} node @returns {Tree} */
function nameOf(node) {
  const name = /** @type {Tree} */ (["mi", signOf(node.name ?? "")]);
  if (!node.index?.length) return name;
  const places = node.index.map((i) => /** @type {Tree} */ (["mn", String(i)]));
  return ["msub", name, ["mrow", ...joined(places, ",")]];
}

/** @param {Part} tree @returns {Node} */
function build(tree) {
  if (typeof tree === "string") return document.createTextNode(tree);
  const [tag, ...parts] = tree;
  const node = document.createElementNS("http://www.w3.org/1998/Math/MathML", tag);
  node.append(...parts.map(build));
  return node;
}

/** @param {...Tree} trees */
const line = (...trees) => {
  const math = /** @type {Tree} */ (["math", ["mrow", ...trees]]);
  return make("p", { class: "scroll formula" }, build(math));
};

/** A long sum, one term a row. @param {FormulaNode} node */
function termsTable(node) {
  const rows = (node.of ?? []).map((term) => {
    const plain = term.is === "rest" || term.is === "value";
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, build(["math", treeOf(term, true)])),
      make("td", {}, plain ? "" : build(["math", treeOf(term, false)])),
      make("td", {}, signed(term.value)),
    );
  });
  const foot = make("tr", {}, make("th", { scope: "row", text: "formula.total" }));
  foot.append(make("td"), make("td", {}, number(node.value, 5)));
  const head = ["formula.term", "formula.numbers", "formula.adds"].map((text) => {
    return make("th", { scope: "col", text });
  });
  const body = make("tbody", {}, ...rows);
  const table = make("table", { class: "numbers terms" }, make("thead", {}, make("tr", {}, ...head)));
  table.append(body, make("tfoot", {}, foot));
  return make("div", { class: "scroll", tabindex: "0" }, table);
}

/** Lines of the engine, with their numbers. @param {Code[]} codes */
function codeOf(codes) {
  return codes.map(({ file, first, lines }) => {
    const rows = lines.map((text, i) => {
      return make("span", { class: "code-line", "data-number": first + i }, `${text}\n`);
    });
    const caption = make("figcaption", { text: "formula.code", values: { file, line: String(first) } });
    return make("figure", { class: "code" }, caption, make("pre", { tabindex: "0" }, ...rows));
  });
}

/**
 * All about one number: its formula with names and with numbers, and the code.
 * @param {string} name Of the number, such as "y". @param {FormulaNode} formula
 * @param {Code[]} code @returns {HTMLElement[]}
 */
export function formulaView(name, formula, code) {
  const equals = /** @type {Tree} */ (["mo", "="]);
  const result = /** @type {Tree} */ (["mn", number(formula.value, 5)]);
  const long = formula.is === "sum" && (formula.of?.length ?? 0) > LONG;
  return [
    line(["mi", name], equals, treeOf(formula, true)),
    long ? termsTable(formula) : line(["mi", name], equals, treeOf(formula, false), equals, result),
    make("h3", { text: "formula.lines" }),
    ...(code.length > 0 ? codeOf(code) : [make("p", { text: "formula.no_code" })]),
  ];
}
