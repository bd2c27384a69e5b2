// @ts-check
/* Formulas as the server sends them (trees, see formulas.py), as MathML: with the names
 * of the numbers, or with the numbers themselves. */

import { number, say } from "./words.js";

/** @typedef {{is: string, value: number, name?: string, index?: number[],
 *   of?: FormulaNode[], count?: number}} FormulaNode */
/** An element of MathML: its name and what it holds. @typedef {[string, ...Part[]]}
 * Tree */
/** @typedef {Tree | string} Part */

const SIGNS = {
  ...{ gamma: "γ", beta: "β", alpha: "α", epsilon: "ε", negative_slope: "α" },
  ...{ running_mean: "μ", mean: "μ", running_variance: "σ²", variance: "σ²" },
};
export const LONG = 4; // terms of a sum within a formula, beyond which it is shortened

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
      return ["mtext", say("formula.rest", { n: node.count ?? 0 })];
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

/** The elements of a tree. @param {Part} tree @returns {Node} */
export function build(tree) {
  if (typeof tree === "string") return document.createTextNode(tree);
  const [tag, ...parts] = tree;
  const node = document.createElementNS("http://www.w3.org/1998/Math/MathML", tag);
  node.append(...parts.map(build));
  return node;
}
