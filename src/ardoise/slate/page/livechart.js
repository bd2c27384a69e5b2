// @ts-check
/* One chart of a training that runs: drawn at most once a frame. */

import { last, nearest } from "./curves.js";
import { make } from "./dom.js";
import { drawPlot, stepAt } from "./plot.js";
import { plotOf, write } from "./runplot.js";
import { onLanguage, say } from "./words.js";

const TELL_EVERY = 500; // milliseconds between two sentences about it

/** @typedef {import("./runplot.js").Shown} Shown */
/** @typedef {import("./runplot.js").Form} Form */

/** A chart; `show` draws it anew, soon. @param {Form} form */
export function makeLiveChart(form) {
  const { title, name, validation } = form;
  const look = name === "accuracy" ? "cyan" : "amber";
  const keys = [look, "points", "soft dashed"].map((one) =>
    make("span", { class: `key ${one}` }),
  );
  const before = make("span", {}, keys[2], make("span", { text: "learn.before" }));
  const legend = make("p", { class: "legend" });
  legend.append(
    make("span", {}, keys[0], make("span", { text: "learn.training" })),
    make("span", {}, keys[1], make("span", { text: "learn.validation" })),
    before,
  );
  const now = make("p", { class: "now" });
  const head = make("div", { class: "row spread" }, make("h3", { text: title }), now);
  const canvas = make("canvas", { class: "live", role: "img", label: title });
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  const figure = make("figure", { class: "card live-chart" });
  figure.append(head, legend, canvas, readout);
  /** @type {Shown | null} */
  let shown = null;
  let waiting = false;

  /** @type {import("./runplot.js").Colours | null} */
  let known = null; // null: the theme is another
  let [width, height] = [0, 0];
  let [told, telling] = [0, 0]; // when it was put into words, and what will do so

  /** The colours of the theme, as the page computes them. */
  function colours() {
    if (known !== null) return known;
    const [accent, strong] = keys.map((key) => getComputedStyle(key).borderTopColor);
    const text = getComputedStyle(canvas).color;
    const rule = getComputedStyle(figure).borderTopColor;
    return (known = { accent, strong, text, rule });
  }

  function draw() {
    waiting = false;
    if (shown === null || width === 0) return;
    const size = [width, height].map((side) => Math.round(side * devicePixelRatio));
    if (canvas.width !== size[0]) canvas.width = size[0];
    if (canvas.height !== size[1]) canvas.height = size[1];
    const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    ink.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    drawPlot(ink, width, height, plotOf(form, shown, colours()));
    const smooth = shown.run[name].smooth;
    now.textContent = smooth.length === 0 ? "" : write(form, last(smooth));
    clearTimeout(telling);
    telling = setTimeout(tell, told + TELL_EVERY - performance.now());
  }

  /** Say what the chart shows. */
  function tell() {
    if (shown === null) return;
    told = performance.now();
    const { run, previous } = shown;
    const [curve, points] = [run[name], run[validation]];
    before.hidden = previous === null;
    const values = {
      name: say(title),
      step: curve.x[curve.x.length - 1],
      first: write(form, curve.smooth[0]),
      last: write(form, last(curve.smooth)),
      validation: write(form, last(points.y)),
    };
    const key = curve.x.length === 0 ? "learn.chart_empty" : "learn.chart";
    canvas.setAttribute("aria-label", say(key, values));
  }

  /** Write what lies under the pointer. @param {PointerEvent} event */
  function read(event) {
    if (shown === null || shown.run[name].x.length === 0) return;
    const [curve, points] = [shown.run[name], shown.run[validation]];
    const plot = plotOf(form, shown, colours());
    const step = stepAt(plot, canvas.clientWidth, event.offsetX);
    const [i, k] = [nearest(curve.x, step), nearest(points.x, step)];
    readout.textContent = say("learn.readout", {
      step: curve.x[i],
      raw: write(form, curve.y[i]),
      smooth: write(form, curve.smooth[i]),
      validation: write(form, points.y[k]),
    });
  }

  function soon() {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  }

  canvas.addEventListener("pointermove", read);
  canvas.addEventListener("pointerleave", () => (readout.textContent = ""));
  new ResizeObserver(() => {
    [width, height] = [canvas.clientWidth, canvas.clientHeight];
    soon();
  }).observe(canvas);
  onLanguage(soon);
  return {
    figure,
    /** @param {Shown} what */
    show(what) {
      shown = what;
      soon();
    },
    /** The theme is another. */
    repaint() {
      known = null;
      soon();
    },
    /** The plot as it is now. */
    plot: () => (shown === null ? null : plotOf(form, shown, colours())),
  };
}
