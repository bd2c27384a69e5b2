// @ts-check
/* Switch units of a layer off, and see how well the network reads without them. */

import { plain } from "./answer.js";
import { makeTable } from "./controls.js";
import { attempt, button, make } from "./dom.js";
import { makePicker } from "./picker.js";
import { ask } from "./socket.js";
import { latest, shared } from "./state.js";
import { onLanguage, percent, put, say } from "./words.js";

/** Some of n, each as likely. @param {number} n @param {number} count */
export function someOf(n, count) {
  const all = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(Math.random() * (n - i));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all.slice(0, count);
}

export function makeSilence() {
  let [layer, n] = [0, 1];
  /** @type {Set<number>} */
  let off = new Set();
  const sentence = make("p", { class: "sentence", role: "status" });
  const picker = makePicker(
    () => say("silence.units"),
    ([unit]) => {
      if (!off.delete(unit)) off.add(unit);
      change();
    },
  );
  const digits = makeTable(["map.class", "silence.before", "silence.after"]);
  /** @param {string} text @param {() => Iterable<number>} choose */
  const choice = (text, choose) =>
    button(text, () => {
      off = new Set(choose());
      change();
    });
  const card = make(
    "div",
    { class: "card" },
    make("h3", { text: "silence.title" }),
    make("p", { class: "soft", text: "silence.lead" }),
    picker.element,
    make(
      "div",
      { class: "row" },
      choice("silence.tenth", () => someOf(n, Math.ceil(n / 10))),
      choice("silence.half", () => someOf(n, Math.ceil(n / 2))),
      choice("silence.none", () => []),
    ),
    sentence,
    make("details", {}, make("summary", { text: "silence.table" }), digits.element),
  );
  const read = latest(() => attempt(measure));

  function change() {
    picker.show(
      Uint8Array.from({ length: n }, (_, i) => (off.has(i) ? 0 : 1)),
      [n],
    );
    read(undefined);
  }

  /** @type {(() => void)} */
  let tell = () => {};
  async function measure() {
    const units = [...off];
    const { header, arrays } = await ask("silence", { layer, units });
    tell = () => {
      const { before, after } = header;
      const key = units.length === 0 ? "silence.all_on" : "silence.result";
      put(sentence, key, {
        ...{ n: units.length, all: n, images: header.n },
        ...{ before: percent(before.accuracy, 1), after: percent(after.accuracy, 1) },
        ...{ low: percent(after.low, 1), high: percent(after.high, 1) },
      });
      const { classes } = shared.get();
      digits.show(
        classes.map((name, k) => {
          const counts = [arrays.before.data[k], arrays.after.data[k]];
          const total = arrays.totals.data[k] || 1;
          return [plain(name), ...counts.map((n) => percent(n / total))];
        }),
      );
    };
    tell();
  }
  onLanguage(() => tell());
  return {
    card,
    /** @param {number} place @param {number} units How many there are. */
    show(place, units) {
      if (layer !== place || n !== units) off = new Set();
      [layer, n] = [place, units];
      change();
    },
  };
}
