// @ts-check
/* The few things that every panel does with the document. */

import { again, put } from "./words.js";

/** @typedef {import("./words.js").Values} Values */
/** @typedef {Node | string | null | undefined | false} Child */
/**
 * `text`, `label` and `hint` are keys of words; `values` go into all three. `on` names
 * listeners. Everything else becomes an attribute: true is an empty one, false none.
 * @typedef {{text?: string, label?: string, hint?: string, values?: Values,
 *   on?: Record<string, (event: any) => void>, [name: string]: any}} Attributes
 */

/** The element of an id. @param {string} id @returns {HTMLElement} */
export function element(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`there is no #${id} on the page`);
  return found;
}

/** @template {Element} T @param {T} node @param {Attributes} attributes
 * @param {Child[]} children @returns {T} */
function dress(node, attributes, children) {
  const { text, label, hint, values, on, ...others } = attributes;
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined || value === false || value === null) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  if (text !== undefined) put(node, text, values);
  if (label !== undefined) put(node, label, values, "label");
  if (hint !== undefined) put(node, hint, values, "hint");
  for (const [name, listener] of Object.entries(on ?? {})) {
    node.addEventListener(name, listener);
  }
  for (const child of children) if (child) node.append(child);
  return node;
}

/**
 * A new element: make("button", {class: "primary", text: "learn.start", on: {click}}).
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Attributes} [attributes] @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** The same for SVG. @template {keyof SVGElementTagNameMap} K @param {K} tag
 * @param {Attributes} [attributes] @param {...Child} children
 * @returns {SVGElementTagNameMap[K]} */
export function makeSvg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return dress(node, attributes, children);
}

/** An element with a number, or another text that depends on the language.
 * @template {keyof HTMLElementTagNameMap} K @param {K} tag @param {() => string} write
 * @param {Attributes} [attributes] @returns {HTMLElementTagNameMap[K]} */
export const written = (tag, write, attributes = {}) =>
  again(make(tag, attributes), (node) => (node.textContent = write()));

/** A button with a sentence. @param {string} text @param {(event: MouseEvent) => void}
 * click @param {Attributes} [more] */
export const button = (text, click, more = {}) =>
  make("button", { type: "button", text, on: { click }, ...more });

/** Say something once to screen readers. @param {string} sentence */
export function announce(sentence) {
  const said = element("said");
  if (said.textContent !== sentence) said.textContent = sentence;
}

/** Show an error as a sentence until the next one, or until "" takes it away.
 * @param {unknown} error */
export function showProblem(error) {
  const place = element("problem");
  place.textContent = error instanceof Error ? error.message : String(error ?? "");
  place.hidden = place.textContent === "";
}

/** Run something that asks the server; a refusal is shown. While it runs, a button that
 * is given rests. @template T @param {() => Promise<T>} work
 * @param {HTMLElement} [control] @returns {Promise<T | undefined>} */
export async function attempt(work, control) {
  if (control?.getAttribute("aria-busy") === "true") return undefined;
  control?.setAttribute("aria-busy", "true");
  try {
    const result = await work();
    showProblem("");
    return result;
  } catch (error) {
    showProblem(error);
    return undefined;
  } finally {
    control?.removeAttribute("aria-busy");
  }
}

/** Open the page's dialog; Escape, its button and a click beside it close it.
 * @param {string} title A key of words. @param {Values} values
 * @param {...Child} content */
export function openDialog(title, values, ...content) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog"));
  put(element("dialog-title"), title, values);
  const body = element("dialog-body");
  body.replaceChildren();
  for (const child of content) if (child) body.append(child);
  if (!dialog.open) dialog.showModal();
  body.scrollTop = 0;
}

/** Where an arrow leads in a grid: the new index, or null. @param {string} key
 * @param {number} at @param {number} count @param {number} columns */
export function moved(key, at, count, columns) {
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (!Object.hasOwn(steps, key)) return null;
  const next = at + steps[key];
  return next >= 0 && next < count ? next : at;
}

/** One stop of Tab for many elements, among which the arrows move (roving tabindex).
 * Call it again after the elements change. @param {HTMLElement} host
 * @param {string} selector @param {() => number} [columns] How many stand in a row. */
export function roving(host, selector, columns = () => 1) {
  const all = () => /** @type {HTMLElement[]} */ ([...host.querySelectorAll(selector)]);
  all().forEach((node, i) => (node.tabIndex = i === 0 ? 0 : -1));
  if (host.dataset.roving === selector) return;
  host.dataset.roving = selector;
  host.addEventListener("keydown", (event) => {
    const nodes = all();
    const at = nodes.indexOf(/** @type {HTMLElement} */ (event.target));
    const next = at < 0 ? null : moved(event.key, at, nodes.length, columns());
    if (next === null) return;
    event.preventDefault();
    nodes[next].focus();
  });
  host.addEventListener("focusin", (event) => {
    const nodes = all();
    if (!nodes.includes(/** @type {HTMLElement} */ (event.target))) return;
    for (const node of nodes) node.tabIndex = node === event.target ? 0 : -1;
  });
}
