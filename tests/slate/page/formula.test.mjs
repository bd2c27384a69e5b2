import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { WORDS, simple } from "../../../src/ardoise/slate/page/glossary.js";
import { treeOf } from "../../../src/ardoise/slate/page/mathml.js";
import { use } from "../../../src/ardoise/slate/page/words.js";

use("en", { "formula.rest": "{n} more" });
const x = (value, ...index) => ({ is: "value", name: "x", index, value });
const constant = (value) => ({ is: "number", value });
const node = (is, value, ...of) => ({ is, value, of });

/** The text of a tree, as it reads from left to right. */
const text = (tree) => (typeof tree === "string" ? tree : tree.slice(1).map(text).join(""));
const named = (formula) => text(treeOf(formula, true));
const valued = (formula) => text(treeOf(formula, false));

test("names have their index, numbers their minus sign", () => {
  assert.equal(named(x(-0.5, 3, 17)), "x3,17");
  assert.equal(valued(x(-0.5, 3, 17)), "−0.5");
  assert.deepEqual(treeOf(x(1, 2), true)[0], "msub");
  assert.equal(named({ is: "value", name: "gamma", index: [], value: 1 }), "γ");
});

test("what follows a sign stands in brackets where it must", () => {
  const product = node("product", -1, x(2, 0), x(-0.5, 1));
  assert.equal(valued(product), "2×(−0.5)");
  assert.equal(named(product), "x0⋅x1");
  const sum = node("sum", 0, product, x(-3, 2), node("product", 2, x(-2, 0), x(-1, 1)));
  assert.equal(valued(sum), "2×(−0.5)+(−3)+(−2×(−1))");
  const nested = node("difference", 5, x(1), node("difference", -4, x(-1), x(3)));
  assert.equal(valued(nested), "1−(−1−3)");
  const scaled = node("product", 6, constant(2), node("sum", 3, x(1), x(2)));
  assert.equal(valued(scaled), "2×(1+2)");
});

test("functions, fractions, the largest", () => {
  const [one, two] = [constant(1), x(2, 0)];
  assert.equal(valued(node("max", 2, two, constant(0))), "max(2,0)");
  assert.equal(treeOf(node("quotient", 2, two, one), true)[0], "mfrac");
  const exp = { ...node("function", 7.39, two), name: "exp" };
  assert.deepEqual(treeOf(exp, false), ["msup", ["mi", "e"], ["mn", "2"]]);
  assert.equal(treeOf({ ...exp, name: "sqrt" }, false)[0], "msqrt");
  assert.equal(valued({ ...exp, name: "log" }), "log(2)");
});

test("long sums are cut, and the rest is named", () => {
  const terms = Array.from({ length: 12 }, (_, i) => x(i + 1, i));
  const rest = { is: "rest", count: 772, value: 0.1 };
  const sum = node("sum", 78.1, ...terms, rest);
  assert.equal(valued(sum), "1+2+3+…");
  assert.equal(valued(rest), "772 more");
  assert.equal(named(node("sum", 3, ...terms.slice(0, 4))), "x0+x1+x2+x3");
});

test("forty words, each once, each in both languages", () => {
  const words = Object.values(WORDS).flat();
  assert.deepEqual([words.length, new Set(words).size], [40, 40]);
  for (const lang of ["en", "fr"]) {
    const file = new URL(`../../../src/ardoise/locales/${lang}.json`, import.meta.url);
    const sentences = JSON.parse(readFileSync(file, "utf-8"));
    for (const word of words) {
      for (const part of ["word", "is"]) {
        assert.ok(sentences[`slate.help.${part}.${word}`], `${lang}: ${word}`);
      }
    }
  }
});

test("the search knows no accents", () => {
  assert.equal(simple("Époque, À côté"), "epoque, a cote");
});
