// @ts-check
/* The two charts of a training, and what can be done with them. */

import { attempt, button, make } from "./dom.js";
import { download, pngOf } from "./download.js";
import { makeLiveChart } from "./livechart.js";
import { drawPlot } from "./plot.js";
import { ACCURACY, LOSS, write } from "./runplot.js";
import { rows, some, toCsv } from "./runs.js";
import { shared } from "./state.js";
import { training } from "./training.js";
import { number, onLanguage } from "./words.js";

const [WIDTH, HEIGHT] = [1200, 420]; // of a chart in the PNG
const TABLE_EVERY = 1000; // milliseconds between two of the table

/** @typedef {ReturnType<typeof makeLiveChart>} LiveChart */

/** What the colours of a chart mean, beside its title.
 * @param {CanvasRenderingContext2D} ink @param {HTMLElement} figure */
function drawLegend(ink, figure) {
  ink.textAlign = "right";
  ink.font = "16px system-ui, sans-serif";
  let right = WIDTH - 60;
  for (const entry of [
    ...figure.querySelectorAll(".legend > span:not([hidden])"),
  ].reverse()) {
    const [key, text] = entry.children;
    ink.fillStyle = getComputedStyle(key).borderTopColor;
    ink.fillText(`— ${text.textContent}`, right, -16);
    right -= ink.measureText(`— ${text.textContent}`).width + 24;
  }
}

/** Both charts, one above the other. @param {LiveChart[]} charts */
function picture(charts) {
  const canvas = make("canvas", { width: WIDTH, height: HEIGHT * charts.length });
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  // drawPlot clears what is below it, so the ground comes last, behind everything.
  charts.forEach((chart, i) => {
    const plot = chart.plot();
    if (plot === null) return;
    ink.setTransform(1, 0, 0, 1, 20, HEIGHT * i + 50);
    drawPlot(ink, WIDTH - 40, HEIGHT - 70, plot);
    ink.font = "600 22px system-ui, sans-serif";
    ink.fillStyle = plot.text;
    ink.textAlign = "left";
    ink.fillText(chart.figure.querySelector("h3")?.textContent ?? "", 8, -16);
    drawLegend(ink, chart.figure);
  });
  ink.resetTransform();
  ink.globalCompositeOperation = "destination-over";
  ink.fillStyle = getComputedStyle(charts[0].figure).backgroundColor;
  ink.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

/** The numbers of the curves; `show` fills it, where it is open. */
function makeTable() {
  const heads = ["step", "loss", "accuracy", "validation_loss", "validation_accuracy"];
  const titles = heads.map((name) =>
    make("th", { scope: "col", text: `learn.col.${name}` }),
  );
  const body = make("tbody");
  const table = make("table", { class: "numbers" });
  table.append(make("thead", {}, make("tr", {}, ...titles)), body);
  const scroll = make("div", { class: "scroll", tabindex: "0" }, table);
  const details = make("details", {}, make("summary", { text: "chart.table" }), scroll);
  let next = 0;
  const show = () => {
    if (!details.open) return;
    next = performance.now() + TABLE_EVERY;
    const lines = some(rows(training.get().run)).map(([step, ...values]) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, number(step ?? 0)),
        ...values.map((value, i) =>
          make("td", {}, write([LOSS, ACCURACY][i % 2], value)),
        ),
      ),
    );
    body.replaceChildren(...lines);
  };
  details.addEventListener("toggle", show);
  onLanguage(show);
  return { details, show: () => performance.now() >= next && show() };
}

/** A box to tick. @param {string} text @param {() => void} change
 * @param {boolean} on */
function tick(text, change, on) {
  const input = make("input", { type: "checkbox", on: { change } });
  input.checked = on;
  return { input, label: make("label", {}, input, make("span", { text })) };
}

/** Charts, their switches, the table, exports. @param {() => number | null} mark A step
 * to mark. */
export function makeGraphs(mark) {
  const charts = [makeLiveChart(LOSS), makeLiveChart(ACCURACY)];
  const log = tick("learn.log", show, false);
  const compare = tick("learn.compare", show, true);
  const table = makeTable();

  function show() {
    const { run, previous } = training.get();
    const before = compare.input.checked ? previous : null;
    const shown = { run, previous: before, log: log.input.checked, mark: mark() };
    for (const chart of charts) chart.show(shown);
    compare.label.hidden = previous === null;
    table.show();
  }

  const name = () => `ardoise-${training.get().place?.step ?? 0}`;
  const csv = () => {
    const text = toCsv(training.get().run);
    download(`${name()}.csv`, new Blob([text], { type: "text/csv" }));
  };
  const png = () =>
    attempt(async () => download(`${name()}.png`, await pngOf(picture(charts))));
  const tools = make("div", { class: "row" }, log.label, compare.label);
  tools.append(
    button("learn.csv", csv, { label: "learn.csv_about", hint: "learn.csv_about" }),
    button("learn.png", png, { label: "learn.png_about", hint: "learn.png_about" }),
  );
  training.subscribe(show, "tick", "previous", "run");
  shared.subscribe(show, "learning");
  const repaint = () => charts.forEach((chart) => chart.repaint());
  new MutationObserver(repaint).observe(document.documentElement, {
    attributeFilter: ["data-theme"],
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  show();
  const both = make("div", { class: "columns" }, ...charts.map(({ figure }) => figure));
  const whole = make("div", { class: "graphs", role: "group", label: "learn.curves" });
  whole.append(both, tools, table.details);
  return { whole, show };
}
