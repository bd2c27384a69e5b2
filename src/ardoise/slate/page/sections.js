// @ts-check
/* The seven sections: one is shown, that which the address names. */

import { element, showProblem } from "./dom.js";
import { say } from "./words.js";

/** Sections in the order of the rail: the module of each is loaded when first shown. */
const SECTIONS = {
  draw: () => import("./draw.js"),
  learn: () => import("./learn.js"),
  steps: () => import("./steps.js"),
  mistakes: () => import("./mistakes.js"),
  photo: () => import("./photo.js"),
  hand: () => import("./hand.js"),
  inside: () => import("./inside.js"),
};
/** @typedef {keyof typeof SECTIONS} Name */
export const NAMES = /** @type {Name[]} */ (Object.keys(SECTIONS));
/** @type {Map<string, Promise<void>>} */
const started = new Map();
/** @type {Name | null} */
let shown = null;

/** @param {Name} name */
export function begin(name) {
  const section = element(name);
  const known = started.get(name);
  if (known) return known;
  const loading = SECTIONS[name]()
    .then(({ start }) => start(section))
    .catch((error) => {
      console.error(error);
      showProblem(say("frame.broken", { section: say(`${name}.title`) }));
    });
  started.set(name, loading);
  return loading;
}

/** The section that the address names. @returns {Name} */
function wanted() {
  const name = /** @type {Name} */ (location.hash.slice(1).split("?")[0]);
  return NAMES.includes(name) ? name : (shown ?? "draw");
}

/** @param {boolean} byPerson Whether somebody asked for it: then the focus moves
 * there. */
export function show(byPerson) {
  const name = wanted();
  openMore(false);
  if (name === shown) return;
  shown = name;
  showProblem("");
  for (const each of NAMES) element(each).hidden = each !== name;
  for (const link of element("sections").querySelectorAll("a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  element("more").classList.toggle("holds", name === "hand" || name === "inside");
  nameWindow();
  begin(name);
  scrollTo(0, 0);
  if (byPerson) element(`${name}-title`).focus({ preventScroll: true });
}

export function nameWindow() {
  document.title = `${say(`${shown ?? "draw"}.title`)} – Ardoise`;
}

/** @param {boolean} open */
export function openMore(open) {
  element("rail").classList.toggle("open", open);
  element("more").setAttribute("aria-expanded", String(open));
}
