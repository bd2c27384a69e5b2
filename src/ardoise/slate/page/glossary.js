// @ts-check
/* The glossary: forty words, each with the section where it can be seen. */

import { make } from "./dom.js";
import { say } from "./words.js";

/** Words of the glossary, and the section where each can be seen. */
export const WORDS = {
  draw: [
    ...[
      "activation",
      "bias",
      "class",
      "convolution",
      "dense",
      "feature_map",
      "forward",
    ],
    ...["kernel", "layer", "logit", "neuron", "parameter", "pooling", "probability"],
    ...["relu", "softmax", "weight"],
  ],
  learn: [
    ...["batch", "dead_relu", "dropout", "early_stopping", "epoch", "initialisation"],
    ...["learning_rate", "loss", "optimiser", "overfitting", "seed", "step"],
    ...["training_set", "validation_set"],
  ],
  steps: ["backward", "batch_norm", "cross_entropy", "finite_difference", "gradient"],
  mistakes: ["accuracy", "calibration", "confusion", "test_set"],
};

/** Without accents and capitals, so that "epoque" finds "Époque". @param {string}
 * text */
export const simple = (text) =>
  text
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "")
    .toLowerCase();

/** @param {() => void} leave Called when a link is followed. @returns {Node[]} */
export function glossary(leave) {
  const entries = Object.entries(WORDS)
    .flatMap(([section, words]) => words.map((word) => ({ section, word })))
    .sort((a, b) =>
      say(`help.word.${a.word}`).localeCompare(say(`help.word.${b.word}`)),
    )
    .map(({ section, word }) => {
      const term = make("dt", { text: `help.word.${word}` });
      const seen = make("a", {
        href: `#${section}`,
        text: `${section}.title`,
        on: { click: leave },
      });
      const meaning = make(
        "dd",
        {},
        make("span", { text: `help.is.${word}` }),
        " ",
        seen,
      );
      return make("div", {}, term, meaning);
    });
  const list = make("dl", { class: "glossary" }, ...entries);
  const none = make("p", { class: "soft", text: "help.none", hidden: true });
  const search = make("input", { type: "text", autocomplete: "off" });
  search.addEventListener("input", () => {
    for (const entry of entries) {
      entry.hidden = !simple(entry.textContent ?? "").includes(
        simple(search.value.trim()),
      );
    }
    none.hidden = entries.some((entry) => !entry.hidden);
  });
  const label = make(
    "label",
    { class: "field" },
    make("span", { text: "help.find" }),
    search,
  );
  return [label, list, none];
}
