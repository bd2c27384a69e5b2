// @ts-check
/* What the network reads, in a sentence, a large sign and ten bars. */

import { make } from "./dom.js";
import { best } from "./state.js";
import { knows, onLanguage, percent, put, say } from "./words.js";

/** @typedef {{probabilities: ArrayLike<number>, empty?: boolean, refused?: boolean}}
 * Told */
/** @typedef {{code: string, values: Record<string, number>}} Change */
/** @typedef {"empty" | "broken" | "refused" | "unsure" | "sure" | "read"} Verdict */

const HARDLY = 0.005; // a second guess below it is not worth naming

/** What to say of an answer. @param {Told} told @param {number} threshold Below this
 * probability it is not sure. @returns {{verdict: Verdict, first: number, second:
 * number}} */
export function verdictOf({ probabilities, empty, refused }, threshold) {
  const [first, second = first] = best(probabilities);
  const found = (/** @type {Verdict} */ verdict) => ({ verdict, first, second });
  if (empty) return found("empty");
  if (!Array.from(probabilities).every(Number.isFinite)) return found("broken");
  if (refused) return found("refused");
  if (probabilities[first] < threshold) return found("unsure");
  return found(probabilities[second] < HARDLY ? "sure" : "read");
}

/** The name of a class, alone: "7", "Sandal". @param {string} name */
export const plain = (name) => (knows(name) ? say(name) : name);

/** The name within a sentence: "a 7", "an 8", "un 8", "“Sandal”". @param {string}
 * name */
export function withArticle(name) {
  if (!/^\d$/.test(name)) return say("draw.named", { name: plain(name) });
  return name === "8" ? say("draw.eight") : say("draw.digit", { d: name });
}

/** "I read a 7 (92 %), perhaps a 1." @param {Told} told @param {string[]} classes
 * @param {number} threshold */
export function sentenceOf(told, classes, threshold) {
  const { verdict, first, second } = verdictOf(told, threshold);
  return say(`draw.${verdict}`, {
    d: withArticle(classes[first]),
    e: withArticle(classes[second]),
    p: percent(told.probabilities[first]),
    q: percent(told.probabilities[second]),
  });
}

/** What was done to a drawing before the network saw it. @param {Change[]} changes
 * @param {boolean} isEmpty */
export function changesSentence(changes, isEmpty) {
  if (isEmpty) return say("draw.change.nothing");
  const told = changes.filter(({ code }) => knows(`draw.change.${code}`));
  const sentences = told.map(({ code, values }) => say(`draw.change.${code}`, values));
  return [say("draw.change.framed"), ...sentences].join(" ");
}

/** Bars, one a class. @param {HTMLElement} host
 * @returns {{show: (told: Told, classes: string[]) => void}} */
export function makeBars(host) {
  const list = make("ul", { class: "bars", label: "draw.bars" });
  host.append(list);
  let names = "";

  /** @param {string[]} classes */
  function build(classes) {
    names = classes.join("\n");
    const rows = classes.map((name) => {
      const fill = make("span", { class: "fill" });
      return make(
        "li",
        {},
        make("span", { class: "name" }, plain(name)),
        make("span", { class: "track", "aria-hidden": "true" }, fill),
        make("span", { class: "value" }),
      );
    });
    list.replaceChildren(...rows);
  }

  return {
    show({ probabilities, empty }, classes) {
      if (names !== classes.join("\n")) build(classes);
      const [first, second] = empty ? [-1, -1] : best(probabilities);
      [...list.children].forEach((row, i) => {
        const share = Number.isFinite(probabilities[i]) ? probabilities[i] : 0;
        row.classList.toggle("first", i === first);
        row.classList.toggle("second", i === second && share >= HARDLY);
        const fill = /** @type {HTMLElement} */ (row.querySelector(".fill"));
        fill.style.transform = `scaleX(${share})`;
        row.children[2].textContent = empty ? "–" : percent(share);
      });
    },
  };
}

/** The whole answer: sign, sentence, bars. @param {HTMLElement} host */
export function makeAnswer(host) {
  const sign = make("p", { class: "sign", "aria-hidden": "true", translate: "no" });
  const sentence = make("p", { class: "sentence", id: "answer" });
  host.append(make("div", { class: "said" }, sign, sentence));
  const bars = makeBars(host);
  /** @type {[Told, string[], number] | null} */
  let last = null;

  /** @param {Told} told @param {string[]} classes @param {number} threshold */
  function show(told, classes, threshold) {
    last = [told, classes, threshold];
    const { verdict, first } = verdictOf(told, threshold);
    const none = verdict === "empty" || verdict === "broken" || verdict === "refused";
    sign.textContent = none ? (verdict === "empty" ? "" : "?") : plain(classes[first]);
    sign.className = `sign ${verdict}`;
    sign.classList.toggle("long", [...(sign.textContent ?? "")].length > 2);
    put(sentence, "draw.said", {
      sentence: () => sentenceOf(told, classes, threshold),
    });
    bars.show(told, classes);
  }
  onLanguage(() => last && show(...last));
  return { show, sentence: () => sentence.textContent ?? "" };
}
