import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import {
  apply,
  knows,
  language,
  load,
  number,
  onLanguage,
  percent,
  put,
  say,
  signed,
  use,
} from "../../../src/ardoise/slate/page/words.js";

beforeEach(() => use("en", { a: "{n} of {n}: {x} {y}", b: "plain" }));

test("a sentence with its values", () => {
  assert.equal(say("a", { n: 1234.5, x: "one", y: () => "two" }), "1,235 of 1,235: one two");
  assert.equal(say("a", { n: 0 }), "0 of 0: {x} {y}");
  assert.equal(say("b"), "plain");
  assert.equal(say("missing.key"), "missing.key");
  assert.deepEqual([knows("a"), knows("missing.key")], [true, false]);
});

test("values are not read as sentences", () => {
  assert.equal(say("a", { n: "{x}", x: "$&", y: "{n}" }), "{x} of {x}: $& {n}");
});

test("percentages are written as the language does", () => {
  assert.equal(percent(0.923), "92%");
  assert.equal(percent(0.9234, 1), "92.3%");
  use("fr", {});
  // Which space that does not break stands there, the browser's own data decides.
  assert.match(percent(0.923), /^92[\u202f\u00a0]%$/);
  assert.match(percent(0.9, 1), /^90,0[\u202f\u00a0]%$/);
});

test("numbers: three digits, a minus sign, powers of ten", () => {
  const written = {
    "0.01234": 0.01234,
    "−0.5": -0.5,
    "12.3": 12.345,
    "1,235": 1234.6,
    "109,386": 109386,
    "1.5 × 10⁻⁷": 1.5e-7,
    "−2 × 10¹²": -2e12,
    "0": 0,
    NaN: NaN,
    "−∞": -Infinity,
  };
  for (const [text, value] of Object.entries(written)) {
    assert.equal(number(value, text === "0.01234" ? 4 : 3), text);
  }
  assert.equal(number(-0), "0");
  assert.deepEqual([signed(1.5), signed(-1.5), signed(0)], ["+1.5", "−1.5", "0"]);
  use("fr", {});
  assert.deepEqual([number(0.5), number(109386)], ["0,5", "109\u202f386"]);
});

/** An element, as far as words.js knows one. */
function fakeElement(dataset = {}) {
  const attributes = {};
  return {
    ...{ dataset, attributes, textContent: "" },
    setAttribute: (name, value) => (attributes[name] = value),
  };
}

test("what was put is said again in another language", async () => {
  const node = fakeElement();
  const labelled = fakeElement({ label: "b", hint: "b" });
  put(node, "a", { n: 1, x: () => percent(0.5), y: "-" });
  assert.equal(node.textContent, "1 of 1: 50% -");
  globalThis.document = {
    documentElement: {},
    querySelectorAll: (selector) => {
      const place = /data-(\w+)/.exec(selector)[1];
      return [node, labelled].filter((each) => place in each.dataset);
    },
  };
  globalThis.fetch = async (address) => ({
    ok: String(address).endsWith("/words/fr.json"),
    status: 404,
    json: async () => ({ a: "{x} sur {n}", b: "simple" }),
  });
  let heard = 0;
  onLanguage(() => (heard += 1));
  await load("fr");
  assert.match(node.textContent, /^50[\u202f\u00a0]% sur 1$/);
  assert.deepEqual(labelled.attributes, { "aria-label": "simple", title: "simple" });
  assert.equal(document.documentElement.lang, "fr");
  assert.deepEqual([language(), heard], ["fr", 1]);
  await assert.rejects(load("de"), /404/);
  assert.equal(language(), "fr");
  apply(document);
});
