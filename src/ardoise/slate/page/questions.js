// @ts-check
/* Questions about a drawing: why, fool it, rewind, what it was. Each is a button that
 * opens a pane; one is open at a time. */

import { plain } from "./answer.js";
import { announce, attempt, button, make } from "./dom.js";
import { makeFool } from "./fool.js";
import { tensor } from "./packets.js";
import { makeRewind } from "./rewind.js";
import { ask } from "./socket.js";
import { shared, shortcuts } from "./state.js";
import { makeWhy } from "./why.js";
import { onLanguage, put } from "./words.js";

/** @typedef {{open: () => Promise<void>}} Question */

/** "It was a …": the drawing becomes one of my digits. @param {HTMLElement} host
 * @returns {Question} */
function makeLabel(host) {
  const choices = make("div", {
    class: "row labels",
    role: "group",
    label: "draw.which",
  });
  const told = make("p", { class: "soft" });
  host.append(make("h3", { text: "draw.which" }), choices, told);

  /** @param {string} name */
  async function add(name) {
    const { image } = shared.get();
    if (image === null) return;
    const { header } = await ask(
      "hand.add",
      { label: name },
      { image: tensor(image, 28, 28) },
    );
    put(told, "draw.added", { d: plain(name), n: header.labels.length });
    announce(told.textContent ?? "");
  }

  return {
    async open() {
      put(told, "draw.which_why");
      const { classes } = shared.get();
      choices.replaceChildren(
        ...classes.map((name) => {
          const choice = make("button", { type: "button" }, plain(name));
          choice.addEventListener("click", () => attempt(() => add(name), choice));
          return choice;
        }),
      );
    },
  };
}

/**
 * @param {HTMLElement} bar Takes the buttons. @param {HTMLElement} panes
 * @param {{use: (image: Uint8Array) => void, threshold: () => number}} draw
 */
export function makeQuestions(bar, panes, { use, threshold }) {
  /** @type {Map<string, {question: Question, pane: HTMLElement, opener:
   * HTMLElement}>} */
  const all = new Map();
  /** @type {string | null} */
  let shown = null;

  /** @param {string} name @param {(host: HTMLElement) => Question} build */
  function add(name, build) {
    const pane = make("div", {
      class: `card pane ${name}`,
      id: `draw-${name}`,
      hidden: true,
    });
    const toggle = () => open(shown === name ? null : name);
    const expands = { "aria-expanded": "false", "aria-controls": pane.id };
    const opener = button(`draw.${name}`, toggle, { ...expands, id: `ask-${name}` });
    bar.append(opener);
    panes.append(pane);
    all.set(name, { question: build(pane), pane, opener });
  }

  /** @param {string | null} name */
  function open(name) {
    const isEmpty = shared.get().image === null;
    shown = isEmpty ? null : name;
    for (const [each, { pane, opener }] of all) {
      pane.hidden = each !== shown;
      opener.setAttribute("aria-expanded", String(each === shown));
    }
    if (isEmpty && name !== null) put(hint, "draw.first");
    hint.hidden = !isEmpty || name === null;
    refresh().then(() =>
      all.get(shown ?? "")?.pane.scrollIntoView({ block: "nearest" }),
    );
  }

  async function refresh() {
    if (shown !== null)
      await attempt(async () => all.get(shown ?? "")?.question.open());
  }

  const hint = make("p", { class: "soft", role: "alert", hidden: true });
  add("why", makeWhy);
  add("fool", (pane) => makeFool(pane, use));
  add("rewind", (pane) => makeRewind(pane, threshold));
  add("label", makeLabel);
  bar.after(hint);
  shortcuts.set(",", () => open("rewind"));
  onLanguage(() => shown === "label" && refresh());
  return {
    /** The drawing is another. */
    refresh() {
      if (shared.get().image === null) open(null);
      else {
        hint.hidden = true;
        if (shown !== "label") refresh();
      }
    },
  };
}
