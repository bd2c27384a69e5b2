// @ts-check
/* Rewind: the same drawing, judged by the network of step 0, 50, 200 … */

import { makeBars, plain, sentenceOf } from "./answer.js";
import { make, makeSvg } from "./dom.js";
import { imageOf } from "./images.js";
import { tensor } from "./packets.js";
import { ask } from "./socket.js";
import { recall, remember, shared } from "./state.js";
import { onLanguage, put, say } from "./words.js";

const ROW = 16; // height of a class in the strip
const LEFT = 20;

/** The moments at which the answer changes: the first, and each whose best class is
 * another than before. @param {ArrayLike<number>[]} moments @returns {number[]} */
export function turns(moments) {
  const answers = moments.map((p) =>
    Array.prototype.indexOf.call(p, Math.max(...Array.from(p))),
  );
  return answers.flatMap((answer, i) =>
    i === 0 || answer !== answers[i - 1] ? [i] : [],
  );
}

/** @param {HTMLElement} host @param {() => number} threshold */
export function makeRewind(host, threshold) {
  const strip = makeSvg("svg", { class: "strip", role: "img" });
  const slider = make("input", {
    type: "range",
    min: 0,
    step: 1,
    label: "rewind.slider",
  });
  const when = make("p", { class: "big" });
  const sentence = make("p", { class: "sentence" });
  const bars = make("div");
  const story = make("p", { class: "soft" });
  const none = make("p", { class: "note", text: "rewind.none", hidden: true });
  const time = make("div", { class: "time", hidden: true }, strip, slider, story);
  const told = make("div", { class: "told", hidden: true }, when, sentence, bars);
  host.append(none, time, told);
  const { show: showBars } = makeBars(bars);
  /** @type {number[]} */
  let steps = [];
  /** @type {Float32Array[]} */
  let moments = [];

  slider.addEventListener("input", showMoment);
  slider.addEventListener("change", () => {
    remember("step", String(steps[Number(slider.value)]));
  });
  onLanguage(() => moments.length > 0 && (draw(), showMoment()));

  function showMoment() {
    const at = Number(slider.value);
    const { classes } = shared.get();
    const answer = { probabilities: moments[at] };
    put(when, "rewind.step", { n: steps[at] });
    put(sentence, "draw.said", {
      sentence: () => sentenceOf(answer, classes, threshold()),
    });
    slider.setAttribute(
      "aria-valuetext",
      `${say("rewind.step", { n: steps[at] })} ${sentence.textContent}`,
    );
    showBars(answer, classes);
    strip.querySelectorAll(".moment").forEach((column, i) => {
      column.classList.toggle("now", i === at);
    });
  }

  /** One column a moment, one row a class, as light as its probability. */
  function draw() {
    const { classes } = shared.get();
    const wide = Math.max(300, strip.clientWidth || 300);
    const column = (wide - LEFT - 3) / moments.length;
    const high = ROW * classes.length;
    strip.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    strip.setAttribute("height", String(high));
    const names = classes.map((name, k) => {
      const at = { x: 0, y: (k + 0.75) * ROW };
      return makeSvg("text", at, [...plain(name)].slice(0, 2).join(""));
    });
    const columns = moments.map((p, i) => {
      const cells = Array.from(p, (share, k) => {
        const fill = {
          class: "share",
          "fill-opacity": Number.isFinite(share) ? share : 0,
        };
        const place = { x: LEFT + i * column, y: k * ROW + 1 };
        return makeSvg("rect", {
          ...fill,
          ...place,
          width: Math.max(1, column - 1),
          height: ROW - 2,
        });
      });
      const frame = {
        x: LEFT + i * column - 1,
        y: 1,
        width: column + 1,
        height: high - 2,
      };
      const moment = makeSvg(
        "g",
        { class: "moment" },
        ...cells,
        makeSvg("rect", { ...frame, class: "frame" }),
      );
      moment.addEventListener("click", () => {
        slider.value = String(i);
        showMoment();
      });
      return moment;
    });
    strip.replaceChildren(...names, ...columns);
    const told = turns(moments).map((i) => {
      const answer = moments[i].indexOf(Math.max(...moments[i]));
      return say("rewind.turn", { n: steps[i], d: plain(classes[answer] ?? "?") });
    });
    story.textContent = say("rewind.story", { turns: told.slice(-8).join(" · ") });
    strip.setAttribute("aria-label", story.textContent);
  }

  return {
    async open() {
      const { image } = shared.get();
      if (image === null) return;
      const { header, arrays } = await ask(
        "rewind",
        {},
        { image: tensor(image, 28, 28) },
      );
      steps = header.steps;
      const { data, shape } = arrays.probabilities;
      const pile = { data: /** @type {Float32Array} */ (data), shape: [...shape, 1] };
      moments = steps.map((_, i) => imageOf(pile, i));
      none.hidden = steps.length > 1;
      time.hidden = told.hidden = steps.length <= 1;
      if (steps.length <= 1) return;
      slider.max = String(steps.length - 1);
      const wanted = Number(recall("step") ?? Infinity);
      const later = steps.findIndex((step) => step >= wanted);
      slider.value = String(later < 0 ? steps.length - 1 : later);
      draw();
      showMoment();
    },
  };
}
