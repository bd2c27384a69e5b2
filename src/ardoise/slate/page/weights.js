// @ts-check
/* The weights of a layer as images, and how far they have moved since the start. */

import { makeChart } from "./chart.js";
import { make } from "./dom.js";
import { makePicker } from "./picker.js";
import { put, say } from "./words.js";

/** @typedef {import("./socket.js").Header} Header */
/** @typedef {import("./packets.js").Tensors} Tensors */

const HEIGHT = 420; // pixels of all images together, if they stay large enough

/** Images one after another (n, h, w) as maps side by side (h, w, n).
 * @param {ArrayLike<number>} images @param {number[]} shape
 */
export function sideBySide(images, [n, h, w]) {
  const maps = new Float32Array(n * h * w);
  for (let i = 0; i < n; i++) {
    for (let pixel = 0; pixel < h * w; pixel++)
      maps[pixel * n + i] = images[i * h * w + pixel];
  }
  return maps;
}

/** A table of weights (1, inputs, outputs) lying down: a row an output.
 * @param {ArrayLike<number>} table @param {number[]} shape
 */
export function lyingDown(table, [, inputs, outputs]) {
  return Float32Array.from({ length: inputs * outputs }, (_, i) => {
    return table[(i % inputs) * outputs + Math.floor(i / inputs)];
  });
}

export function makeWeights() {
  let channels = 1;
  let isTable = false;
  const told = make("p", { class: "soft small" });
  const none = make("p", { class: "soft", text: "inside.no_weights" });
  const name = make("p", { class: "soft" });
  const picker = makePicker(
    () => say("inside.weights"),
    ([row, column, image]) => {
      if (isTable) put(told, "inside.of_table", { unit: row, input: column });
      else if (channels === 1)
        put(told, "inside.of_unit", { unit: image, row, column });
      else {
        const values = {
          unit: Math.floor(image / channels),
          channel: image % channels,
        };
        put(told, "inside.of_channel", { ...values, row, column });
      }
    },
    HEIGHT,
  );
  const card = make(
    "div",
    { class: "card" },
    make("h3", { text: "inside.weights" }),
    ...[name, none, make("div", { class: "inside-weights" }, picker.element), told],
  );
  return {
    card,
    /** @param {Header} header @param {Tensors} arrays */
    show(header, { weights }) {
      told.textContent = "";
      none.hidden = weights !== undefined;
      picker.element.hidden = name.hidden = weights === undefined;
      if (weights === undefined) return;
      const [n, h, w] = weights.shape;
      channels = header.channels;
      // Behind another dense layer there is one image: all weights of the layer.
      isTable = header.kind === "Dense" && n === 1 && header.channels === 1 && w !== h;
      const key = isTable
        ? "inside.table"
        : n < header.images
          ? "inside.some"
          : "inside.all";
      put(name, key, { n, all: header.images, h, w });
      if (isTable) picker.show(lyingDown(weights.data, weights.shape), [w, h, 1]);
      else picker.show(sideBySide(weights.data, weights.shape), [h, w, n]);
    },
  };
}

/** Charts of how many weights have about which value, now and at the start. */
export function makeHistograms() {
  const origin = make("p", { class: "soft" });
  const hosts = make("div", { class: "columns" });
  const none = make("p", { class: "soft", text: "inside.no_weights" });
  /** @type {Map<string, ReturnType<typeof makeChart>>} */
  let charts = new Map();
  const card = make(
    "div",
    { class: "card" },
    make("h3", { text: "inside.histograms" }),
    ...[origin, none, hosts],
  );

  /** @param {string[]} names Of arrays: W, b… */
  function build(names) {
    charts = new Map();
    hosts.replaceChildren(
      ...names.map((name) => {
        const host = make("div");
        charts.set(name, makeChart(host, { x: "inside.value", height: 180 }));
        return make("div", {}, make("h4", {}, name), host);
      }),
    );
  }

  return {
    card,
    /** @param {Header} header @param {Tensors} arrays */
    show(header, arrays) {
      const names = /** @type {string[]} */ (header.arrays_of);
      none.hidden = names.length > 0;
      origin.hidden = names.length === 0;
      put(
        origin,
        header.start === "moments" ? "inside.from_moments" : "inside.from_drawn",
      );
      if (names.join() !== [...charts.keys()].join()) build(names);
      for (const [name, chart] of charts) {
        const { data: edges } = arrays[`bins_${name}`];
        const points = (/** @type {ArrayLike<number>} */ counts) =>
          Array.from(counts, (count, i) => {
            return /** @type {[number, number]} */ ([
              (edges[i] + edges[i + 1]) / 2,
              count,
            ]);
          });
        chart.show([
          { name: "inside.now", points: points(arrays[`now_${name}`].data) },
          {
            ...{ name: "inside.start", look: "cyan", dashed: true },
            points: points(arrays[`start_${name}`].data),
          },
        ]);
      }
    },
  };
}
