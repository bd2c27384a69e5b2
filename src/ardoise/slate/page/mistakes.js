// @ts-check
/* Mistakes: how often the network is wrong, where, and how sure it was. */

import { makeChart } from "./chart.js";
import { worst } from "./confusion.js";
import { attempt, button, make } from "./dom.js";
import { makeGallery } from "./gallery.js";
import { makeMatrix } from "./matrix.js";
import { makeRobustness } from "./robustness.js";
import { ask } from "./socket.js";
import { latest, shared } from "./state.js";
import { percent, put } from "./words.js";

/** @typedef {{count: number, accuracy: number, confidence: number}} Bin */

const FEWEST = 10; // images read with about one confidence, for a point of the curve

/** Accuracy, with its interval. */
function makeScore() {
  const share = make("p", { class: "big" });
  const between = make("p", { class: "soft", text: "mistakes.measuring" });
  return {
    whole: make("div", { class: "card score-card" }, share, between),
    /** @param {any} header */
    show({ accuracy, interval: [low, high], correct, total, part }) {
      put(share, "mistakes.accuracy", { p: () => percent(accuracy, 2) });
      put(between, part === "test" ? "mistakes.interval_test" : "mistakes.interval", {
        low: () => percent(low, 2),
        high: () => percent(high, 2),
        ...{ correct, total },
      });
    },
  };
}

/** How far it can be believed: confidence beside accuracy. */
function makeReliability() {
  const host = make("div");
  const sentence = make("p", { class: "small" });
  const title = make("h3", { text: "mistakes.reliability" });
  const about = make("p", { class: "soft small", text: "mistakes.reliability_about" });
  const whole = make("div", { class: "card" }, title, about, host, sentence);
  const chart = makeChart(host, {
    x: "mistakes.confidence",
    share: true,
    xShare: true,
    range: [0, 1],
  });
  return {
    whole,
    /** @param {Bin[]} bins @param {number} error */
    show(bins, error) {
      const known = bins.filter(({ count }) => count >= FEWEST);
      /** @type {[number, number][]} */
      const points = known.map((bin) => [bin.confidence, bin.accuracy]);
      chart.show([
        {
          name: "mistakes.perfect",
          points: [
            [0, 0],
            [1, 1],
          ],
          look: "soft",
          dashed: true,
        },
        { name: "mistakes.right_share", points, look: "cyan" },
      ]);
      put(sentence, "mistakes.calibration_error", { p: () => percent(error, 1) });
    },
  };
}

/** The most frequent confusions, in words.
 * @param {(a: number, b: number) => void} choose */
function makeWorst(choose) {
  const list = make("ul", { class: "worst" });
  const title = make("h3", { text: "mistakes.worst" });
  return {
    whole: make("div", { class: "card" }, title, list),
    /** @param {ArrayLike<number>} table @param {string[]} classes */
    show(table, classes) {
      const items = worst(table, classes.length, 5).map(
        ({ true: a, read: b, count }) => {
          const key = count === 1 ? "mistakes.cell_one" : "mistakes.cell";
          const values = { n: count, a: classes[a], b: classes[b] };
          return make(
            "li",
            {},
            button(key, () => choose(a, b), { class: "quiet", values }),
          );
        },
      );
      list.replaceChildren(...items);
    },
  };
}

/** @param {HTMLElement} section */
export async function start(section) {
  const score = makeScore();
  const gallery = makeGallery();
  const matrix = makeMatrix(gallery.filter);
  const most = makeWorst(gallery.filter);
  const reliability = makeReliability();
  const robustness = makeRobustness();
  const confusion = make("div", { class: "card" });
  confusion.append(
    make("h3", { text: "mistakes.matrix" }),
    matrix.about,
    matrix.scroll,
  );
  const top = make("div", { class: "mistakes-top" }, confusion, reliability.whole);
  section.append(score.whole, top, most.whole, gallery.whole, robustness.whole);
  let measured = -1;

  const measure = latest(async (/** @type {number} */ version) => {
    const answer = await attempt(() => ask("mistakes", { part: "validation" }));
    if (answer === undefined) return;
    const { header, arrays } = answer;
    measured = version;
    score.show(header);
    matrix.show(arrays.confusion.data, header.classes);
    most.show(arrays.confusion.data, header.classes);
    const images = /** @type {any} */ (arrays.images);
    gallery.show(header.gallery, images, header.classes, header.mistakes);
    reliability.show(header.calibration, header.calibration_error);
    robustness.begin();
  });
  /** Measure anew whenever another network draws, while somebody looks. */
  const look = () => {
    const { version } = shared.get();
    if (!section.hidden && version !== measured) measure(version);
  };
  shared.subscribe(look, "version");
  addEventListener("hashchange", () => setTimeout(look));
  look();
}
