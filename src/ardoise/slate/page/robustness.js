// @ts-check
/* What the network withstands: noise; images turned, shifted, thicker, thinner. */

import { attempt, make, written } from "./dom.js";
import { imageOf, paintGrey } from "./images.js";
import { ask } from "./socket.js";
import { latest, shared } from "./state.js";
import { onLanguage, percent, put, say } from "./words.js";

/** Kinds of change: the highest level that a slider offers, and its step. */
const KINDS = {
  noise: { max: 1, step: 0.05 },
  turn: { max: 90, step: 5 },
  shift: { max: 10, step: 1 },
  thick: { max: 4, step: 1 },
  thin: { max: 4, step: 1 },
};
/** @typedef {keyof typeof KINDS} Kind */

/** How large a change is: noise is a share of white. @param {Kind} kind
 * @param {number} level */
const sizeOf = (kind, level) => (kind === "noise" ? () => percent(level) : level);

/** Ten images and how each was read. */
function makeExamples() {
  const list = make("ul", { class: "digits examples" });
  return {
    list,
    /** @param {any} header @param {{data: Uint8Array, shape: number[]}} images */
    show(header, images) {
      const { classes } = shared.get();
      const items = header.read.map(
        (/** @type {number} */ read, /** @type {number} */ i) => {
          const right = read === header.true[i];
          const canvas = make("canvas", { "aria-hidden": "true" });
          paintGrey(canvas, imageOf(images, i), images.shape[1], images.shape[2]);
          const mark = `${classes[read]} ${right ? "✓" : "✗"}`;
          const answer = make(
            "span",
            { class: "digit-answer", "aria-hidden": "true" },
            mark,
          );
          const said = make("span", { class: "hidden" });
          const values = { a: classes[header.true[i]], b: classes[read] };
          put(
            said,
            right ? "mistakes.example_right" : "mistakes.example_wrong",
            values,
          );
          const look = `digit ${right ? "right" : "wrong"}`;
          return make("li", { class: look }, canvas, answer, said);
        },
      );
      list.replaceChildren(...items);
    },
  };
}

/** One slider. @param {Kind} kind @param {(kind: Kind, level: number) => void} moved */
function makeLevel(kind, moved) {
  const input = make("input", { type: "range", min: 0, value: 0, ...KINDS[kind] });
  const level = make("span", { class: "value" });
  let accuracy = /** @type {number | null} */ (null); // none, where none was measured
  const write = () => (accuracy === null ? "" : percent(accuracy, 1));
  const score = written("span", write, { class: "score" });
  const tell = () => {
    put(level, `mistakes.level.${kind}`, { n: sizeOf(kind, input.valueAsNumber) });
    input.setAttribute("aria-valuetext", level.textContent ?? "");
  };
  input.addEventListener("input", () => {
    tell();
    moved(kind, input.valueAsNumber);
  });
  onLanguage(tell);
  tell();
  const title = make("span", { text: `mistakes.kind.${kind}` });
  return {
    row: make("label", { class: "level" }, title, level, input, score),
    isZero: () => input.valueAsNumber === 0,
    /** @param {number | null} found */
    judge(found) {
      accuracy = found;
      score.textContent = write();
    },
    reset() {
      input.value = "0";
      tell();
    },
  };
}

/** All sliders, the examples, the accuracy. */
export function makeRobustness() {
  const examples = makeExamples();
  const verdict = make("p", { "aria-live": "polite" });
  const kinds = /** @type {Kind[]} */ (Object.keys(KINDS));
  const measure = latest(
    async (/** @type {{kind: Kind, level: number}} */ { kind, level }) => {
      const answer = await attempt(() => ask("robustness", { kind, level }));
      if (answer === undefined) return;
      const { header, arrays } = answer;
      const { accuracy, total } = header;
      const [low, high] = header.interval;
      examples.show(header, /** @type {any} */ (arrays.images));
      // Unspoiled, the images are the same for all.
      const same = level === 0 ? kinds.filter((each) => levels[each].isZero()) : [kind];
      for (const each of same) levels[each].judge(accuracy);
      put(verdict, "mistakes.robust", {
        kind: () => say(`mistakes.kind.${kind}`),
        level: () => say(`mistakes.level.${kind}`, { n: sizeOf(kind, level) }),
        total,
        p: () => percent(accuracy, 1),
        low: () => percent(low, 1),
        high: () => percent(high, 1),
      });
    },
  );
  const levels = /** @type {Record<Kind, ReturnType<typeof makeLevel>>} */ (
    Object.fromEntries(
      kinds.map((kind) => [
        kind,
        makeLevel(kind, (_, level) => measure({ kind, level })),
      ]),
    )
  );
  const title = make("h3", { text: "mistakes.robustness" });
  const about = make("p", { class: "soft small", text: "mistakes.robustness_about" });
  const rows = make(
    "div",
    { class: "levels" },
    ...kinds.map((kind) => levels[kind].row),
  );
  const whole = make("div", { class: "card robustness" });
  whole.append(title, about, rows, verdict, examples.list);
  return {
    whole,
    /** Another network: what was measured of the last one goes, all sliders to 0. */
    begin() {
      for (const { reset, judge } of Object.values(levels)) {
        reset();
        judge(null);
      }
      measure({ kind: "noise", level: 0 });
    },
  };
}
