// @ts-check
/* What the page says, in the language of its reader.
 *
 * A sentence that was put into an element with `put` (or by the attribute data-text in
 * index.html) is said again by itself when the language changes. */

/** @typedef {string | number | (() => string)} Value A function is asked at each
 * change. */
/** @typedef {Record<string, Value>} Values */
/** @typedef {"text" | "label" | "hint"} Place The text itself, aria-label, title. */

/** @type {Record<string, string>} */
let sentences = {};
let current = "en";
/** @type {WeakMap<Element, Partial<Record<Place, Values>>>} */
const remembered = new WeakMap();
/** @type {Set<() => void>} */
const listeners = new Set();

export const language = () => current;

/** Speak with these sentences. @param {string} lang @param {Record<string, string>}
 * table */
export function use(lang, table) {
  current = lang;
  sentences = table;
}

/** Change the language of the whole page. @param {string} lang */
export async function load(lang) {
  const answer = await fetch(new URL(`../words/${lang}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`/words/${lang}.json: ${answer.status}`);
  use(lang, await answer.json());
  document.documentElement.lang = lang;
  apply(document);
  for (const listener of listeners) listener();
}

/** Be called after each change of language. @param {() => void} listener */
export function onLanguage(listener) {
  listeners.add(listener);
}

/** Whether there is such a sentence. @param {string} key */
export const knows = (key) => key in sentences;

/** The sentence of a key; numbers are written as the language does. @param {string} key
 * @param {Values} [values] */
export function say(key, values = {}) {
  return (sentences[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (typeof value === "number") return number(value);
    return typeof value === "function" ? value() : (value ?? whole);
  });
}

/** Put a sentence into an element. @param {Element} node @param {string} key
 * @param {Values} [values] @param {Place} [place] */
export function put(node, key, values = {}, place = "text") {
  /** @type {HTMLElement} */ (node).dataset[place] = key;
  remembered.set(node, { ...remembered.get(node), [place]: values });
  fill(node, place);
}

/** @type {WeakMap<Element, () => void>} */
const drawn = new WeakMap();

/** Draw what an element holds, now and, while it is on the page, after each change of
 * language. @template {HTMLElement} T @param {T} node @param {(node: T) => void} draw
 * @returns {T} */
export function again(node, draw) {
  node.dataset.again = "";
  drawn.set(node, () => draw(node));
  draw(node);
  return node;
}

/** Say everything below an element again. @param {ParentNode} root */
export function apply(root) {
  for (const node of root.querySelectorAll("[data-again]")) drawn.get(node)?.();
  for (const place of /** @type {const} */ (["text", "label", "hint"])) {
    for (const node of root.querySelectorAll(`[data-${place}]`)) fill(node, place);
  }
}

/** @param {Element} node @param {Place} place */
function fill(node, place) {
  const key = /** @type {HTMLElement} */ (node).dataset[place] ?? "";
  const sentence = say(key, remembered.get(node)?.[place]);
  if (place === "text") node.textContent = sentence;
  else node.setAttribute(place === "label" ? "aria-label" : "title", sentence);
}

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map(); // making one takes longer than using it a hundred times

/** @param {number} x @param {"percent" | "decimal"} style
 * @param {"significant" | "fraction"} kind Which digits there are so many of, at most;
 * of a percentage, exactly. @param {number} digits */
function written(x, style, kind, digits) {
  const key = `${current} ${style} ${kind} ${digits}`;
  let format = formats.get(key);
  if (format === undefined) {
    const least = style === "percent" ? { minimumFractionDigits: digits } : {};
    const most =
      kind === "fraction"
        ? { maximumFractionDigits: digits }
        : { maximumSignificantDigits: digits };
    format = new Intl.NumberFormat(current, { style, ...least, ...most });
    formats.set(key, format);
  }
  return format.format(x);
}

/** 0.923 → "92 %". @param {number} share @param {number} [decimals] */
export function percent(share, decimals = 0) {
  return written(share, "percent", "fraction", decimals);
}

/** 0.01234 → "0.0123", 1e-7 → "1 × 10⁻⁷". @param {number} x @param {number} [digits]
 * @returns {string} */
export function number(x, digits = 3) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : x > 0 ? "∞" : "−∞";
  if (x === 0) return "0"; // −0, too
  const size = Math.abs(x);
  if (size < 1e-4 || size >= 1e9) return scientific(x, digits);
  const whole = Number.isInteger(x) || size >= 10 ** digits;
  const text = whole
    ? written(x, "decimal", "fraction", 0)
    : written(x, "decimal", "significant", digits);
  return text.replace("-", "−");
}

/** @param {number} x @param {number} digits */
function scientific(x, digits) {
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  const raised = [...String(Number(exponent))]
    .map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(sign)]))
    .join("");
  return `${number(Number(mantissa), digits)} × 10${raised}`;
}

/** With its sign: "+1.2", "−0.4". @param {number} x @param {number} [digits] */
export const signed = (x, digits = 3) => (x > 0 ? "+" : "") + number(x, digits);
