import assert from "node:assert/strict";
import test from "node:test";

import { treeOf } from "../../../src/ardoise/slate/page/mathml.js";

const value = (name, number, ...index) => ({ is: "value", name, index, value: number });
const constant = (number) => ({ is: "number", value: number });
const sum = (...of) => ({ is: "sum", of, value: of.reduce((s, n) => s + n.value, 0) });
const product = (...of) => ({
  ...{ is: "product", of, value: of.reduce((p, n) => p * n.value, 1) },
});
const difference = (a, b) => ({
  ...{ is: "difference", of: [a, b], value: a.value - b.value },
});
const quotient = (a, b) => ({
  ...{ is: "quotient", of: [a, b], value: a.value / b.value },
});
const max = (...of) => ({
  ...{ is: "max", of, value: Math.max(...of.map((n) => n.value)) },
});
const apply = (name, of) => ({
  ...{ is: "function", name, of: [of], value: Math[name](of.value) },
});

/** What a person reads, left to right. */
function text([tag, ...parts]) {
  const inner = parts.map((part) => (typeof part === "string" ? part : text(part)));
  if (tag === "mfrac") return `{{${inner[0]}} / {${inner[1]}}}`;
  if (tag === "msup") return `${inner[0]}^{${inner[1]}}`;
  if (tag === "msub") return `${inner[0]}_{${inner[1]}}`;
  if (tag === "msqrt") return `√{${inner.join("")}}`;
  return inner.join("");
}

/** What somebody who computes the formula as it is written gets. */
function computed(tree) {
  const code = text(tree)
    .replaceAll("−", "-")
    .replaceAll("×", "*")
    .replace(/e\^{/g, "Math.exp{")
    .replaceAll("√", "Math.sqrt")
    .replace(/(max|log|tanh)\(/g, "Math.$1(")
    .replaceAll("{", "(")
    .replaceAll("}", ")");
  return new Function(`return ${code}`)();
}

const x = (number, i = 0) => value("x", number, i);
const W = (number, i = 0, j = 0) => value("W", number, i, j);

const FORMULAS = {
  "a weighted sum": sum(product(x(2), W(-0.5)), product(x(-3), W(4)), value("b", -1)),
  "a difference of a sum": difference(constant(7), sum(x(-2), constant(5))),
  "a difference of a difference": difference(x(1), difference(x(-2), x(-4))),
  "a product of sums": product(sum(x(1), x(-2)), difference(x(3), x(-4))),
  "a product that begins below zero, in a sum": sum(x(1), product(x(-2), W(3))),
  normalisation: sum(
    product(
      value("gamma", -1.5, 3),
      quotient(
        difference(x(0.25), value("running_mean", -0.5, 3)),
        apply("sqrt", sum(value("running_variance", 0.5), constant(0.5))),
      ),
    ),
    value("beta", -0.25, 3),
  ),
  ReLU: max(x(-0.75), constant(0)),
  sigmoid: quotient(
    constant(1),
    sum(constant(1), apply("exp", product(constant(-1), x(-2)))),
  ),
  loss: difference(
    apply("log", sum(apply("exp", difference(x(1), x(3))), apply("exp", constant(0)))),
    difference(value("z", -1, 4), value("max", 3)),
  ),
};

for (const [name, formula] of Object.entries(FORMULAS)) {
  test(`${name}: what is written is what was computed, brackets and all`, () => {
    const written = treeOf(formula, false);
    assert.ok(Math.abs(computed(written) - formula.value) < 1e-9, text(written));
  });
}

test("names have their places below them, and Greek letters where these are usual", () => {
  const row = treeOf(sum(product(x(2, 17), W(-0.5, 17, 3)), value("beta", 1, 3)), true);
  assert.equal(text(row), "x_{17}⋅W_{17,3}+β_{3}");
});

test("a long sum is shortened, a short one is not", () => {
  const terms = Array.from({ length: 5 }, (_, i) => x(i + 1, i));
  assert.equal(text(treeOf(sum(...terms), false)), "1+2+3+…");
  assert.equal(text(treeOf(sum(...terms.slice(0, 4)), false)), "1+2+3+4");
});

test("terms that are too small to be shown are counted", () => {
  const [tag, said] = treeOf({ is: "rest", count: 772, value: 0.25 }, false);
  assert.equal(tag, "mtext");
  assert.match(said, /formula\.rest|772/);
});
