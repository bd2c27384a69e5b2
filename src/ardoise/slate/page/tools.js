// @ts-check
/* What lies beside the pad: chalk, sponge, undo, clear, an example, the pen's width. */

import { button, make } from "./dom.js";

/** @typedef {ReturnType<typeof import("./pad.js").makePad>} Pad */

const WIDTHS = { min: 1.2, max: 4, step: 0.2, value: 2.4 };

/** @param {HTMLElement} host @param {Pad} pad @param {() => void} example */
export function makeTools(host, pad, example) {
  const chalk = button("pad.chalk", () => pad.erase(false), { "aria-pressed": "true" });
  const sponge = button("pad.eraser", () => pad.erase(true), {
    "aria-pressed": "false",
  });
  const undo = button("pad.undo", () => pad.undo());
  const clear = button("pad.clear", () => pad.clear());
  const width = make("input", { type: "range", ...WIDTHS });
  width.addEventListener("input", () => pad.setWidth(Number(width.value)));
  host.append(
    make(
      "div",
      { class: "row" },
      make(
        "div",
        { class: "segments", role: "group", label: "pad.tools" },
        chalk,
        sponge,
      ),
      undo,
      clear,
    ),
    make(
      "div",
      { class: "row" },
      make(
        "label",
        { class: "field width" },
        make("span", { text: "pad.width" }),
        width,
      ),
      button("pad.example", example, { class: "quiet" }),
    ),
    make("p", { class: "soft small keys", id: "pad-keys", text: "pad.keys" }),
  );

  return {
    /** @param {boolean} erases */
    showTool(erases) {
      chalk.setAttribute("aria-pressed", String(!erases));
      sponge.setAttribute("aria-pressed", String(erases));
    },
    refresh() {
      undo.setAttribute("aria-disabled", String(!pad.canUndo()));
      clear.setAttribute("aria-disabled", String(pad.isEmpty()));
    },
  };
}
