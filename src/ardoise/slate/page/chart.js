// @ts-check
/* A line chart in SVG, drawn anew at its real size, with a summary in words, a
 * read-out under the pointer and the numbers as a table. Lines differ by colour and by
 * dashes. */

import { make, makeSvg } from "./dom.js";
import { MARGIN, frameOf, logTicks, rangeOf, thin, ticks } from "./scales.js";
import { number, onLanguage, percent, say } from "./words.js";

/** @typedef {import("./scales.js").Point} Point */
/** @typedef {{name: string, points: Point[], look?: "amber" | "cyan" | "chalk" |
 * "soft",   dashed?: boolean}} Series `name` is a key of words. */
/** @typedef {{x: string, share?: boolean, log?: boolean, height?: number,
 *   xShare?: boolean, range?: [number, number]}} Options `x` is the key of the
 *   horizontal axis' name; `share` (`xShare`): values (places) are shares, written as
 *   percent; `range` fixes the vertical axis. */

const MOST = 600; // points of a line that are drawn
const ROWS = 25; // of the table

/** A share beside an axis: "50 %", but "99.5 %". @param {number} share */
const shareLabel = (share) =>
  percent(share, Number.isInteger(Number((100 * share).toPrecision(9))) ? 0 : 1);

/** What a line tells, in a sentence. @param {Series} series
 * @param {(value: number) => string} write */
export function summary({ name, points }, write) {
  if (points.length === 0) return say("chart.nothing", { name: say(name) });
  const [low, high] = rangeOf(points.map(([, y]) => y));
  return say("chart.summary", {
    name: say(name),
    first: write(points[0][1]),
    last: write(points[points.length - 1][1]),
    low: write(low),
    high: write(high),
  });
}

/** A chart within `host`; `show` draws it anew. @param {HTMLElement} host
 * @param {Options} options @returns {{show: (series: Series[]) => void}} */
export function makeChart(host, options) {
  const { log = false, height = 220, share = false, xShare = false } = options;
  const write = (/** @type {number} */ y) => (share ? percent(y, 1) : number(y));
  const writeY = share ? shareLabel : (/** @type {number} */ y) => number(y);
  const writeX = (/** @type {number} */ x) => (xShare ? shareLabel(x) : number(x));
  /** @type {Series[]} */
  let lines = [];
  const svg = makeSvg("svg", { role: "img", class: "chart-picture" });
  const legend = make("p", { class: "legend" });
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  const table = make("table", { class: "numbers" });
  const details = make("details", {}, make("summary", { text: "chart.table" }));
  details.append(make("div", { class: "scroll", tabindex: "0" }, table));
  details.addEventListener("toggle", fillTable);
  host.classList.add("chart");
  host.append(legend, svg, readout, details);
  const frame = () => frameOf(lines, options, Math.max(svg.clientWidth, 200), height);

  function draw() {
    const { x, y, width, right, down } = frame();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", String(height));
    svg.setAttribute("aria-label", lines.map((one) => summary(one, write)).join(" "));
    const marks = (log ? logTicks(y[0], y[1]) : ticks(y[0], y[1])).map((value) => {
      const at = { x1: MARGIN.left, x2: width - MARGIN.right, y1: down(value) };
      return makeSvg(
        "g",
        { class: "tick" },
        makeSvg("line", { ...at, y2: at.y1 }),
        label(value, MARGIN.left - 8, down(value) + 4, "end", writeY),
      );
    });
    const feet = ticks(x[0], x[1], Math.min(6, width / 90)).map((value) => {
      return label(value, right(value), height - 8, "middle", writeX);
    });
    const paths = lines.map(({ points, look = "amber", dashed }) => {
      const drawn = thin(
        points.filter(([, value]) => Number.isFinite(value)),
        MOST,
      );
      const d = drawn.map(([a, b], i) => `${i ? "L" : "M"}${right(a)} ${down(b)}`);
      const form = `line ${look}${dashed ? " dashed" : ""}`;
      return makeSvg("path", { class: form, d: d.join("") || "M0 0" });
    });
    svg.replaceChildren(...marks, makeSvg("g", { class: "tick" }, ...feet), ...paths);
    legend.replaceChildren(
      ...lines.map(({ name, look = "amber", dashed }) => {
        const key = make("span", { class: `key ${look}${dashed ? " dashed" : ""}` });
        return make("span", {}, key, make("span", { text: name }));
      }),
      make("span", { class: "axis", text: options.x }),
    );
    if (details.open) fillTable();
  }

  /** @param {number} value @param {number} x @param {number} y @param {string} anchor
   * @param {(value: number) => string} form */
  function label(value, x, y, anchor, form) {
    return makeSvg("text", { x, y, "text-anchor": anchor }, form(value));
  }

  function fillTable() {
    const head = [options.x, ...lines.map(({ name }) => name)];
    const rows = thin(lines[0]?.points ?? [], ROWS).map(([x]) => {
      const cells = lines.map(({ points }) => points.find(([at]) => at >= x)?.[1]);
      return make(
        "tr",
        {},
        make("th", { scope: "row" }, writeX(x)),
        ...cells.map((y) => make("td", {}, y === undefined ? "" : write(y))),
      );
    });
    const titles = head.map((text) => make("th", { scope: "col", text }));
    table.replaceChildren(
      make("thead", {}, make("tr", {}, ...titles)),
      make("tbody", {}, ...rows),
    );
  }

  svg.addEventListener("pointermove", (event) => {
    const at = frame().under(event.offsetX);
    const told = lines
      .filter(({ points }) => points.length > 0)
      .map((one) => {
        const near = one.points.reduce((a, b) => {
          return Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a;
        });
        const where = `${say(options.x)} ${writeX(near[0])}`;
        return `${say(one.name)} ${write(near[1])} (${where})`;
      });
    readout.textContent = told.join(" · ");
  });
  svg.addEventListener("pointerleave", () => (readout.textContent = ""));
  new ResizeObserver(draw).observe(host);
  onLanguage(draw);
  return {
    show(series) {
      lines = series;
      draw();
    },
  };
}
