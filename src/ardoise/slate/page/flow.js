// @ts-check
/* The layers, one below the other: what each gives, and beside it the gradient. */

import { make } from "./dom.js";
import { kindName } from "./layers.js";
import { makePicker } from "./picker.js";
import { statistics } from "./stages.js";
import { number, percent, put, say } from "./words.js";

/** @typedef {import("./stages.js").Layer} Layer */
/** @typedef {import("./packets.js").Tensor} Tensor */
/** A number that was picked; layer -1 is the image.
 * @typedef {{layer: number, kind: string, index: number[], value: number,
 *   slope: number}} Picked */
/** @typedef {{values: Tensor, slopes: Tensor}} Row */

/** @param {ArrayLike<number>} values @param {number} share */
function told(values, share) {
  const { low, high, zeros } = statistics(values);
  const key = zeros >= share ? "steps.range_zeros" : "steps.range";
  return {
    key,
    values: {
      low: () => number(low),
      high: () => number(high),
      zeros: () => percent(zeros),
    },
  };
}

/** One row. @param {Layer | null} layer Null: the image.
 * @param {(picked: Picked) => void} heard
 */
function makeRow(layer, heard) {
  const place = layer === null ? -1 : layer.layer;
  const kind = layer === null ? "image" : layer.kind;
  const key = layer === null ? "steps.image" : "layers.name";
  const values = { kind: () => kindName(kind), shape: layer?.shape.join(" × ") ?? "" };
  const name = () => say(key, values);
  /** @type {Row | null} */
  let row = null;
  /** @param {number[]} index */
  const pick = (index) => {
    if (row === null) return;
    const { shape } = row.values;
    const flat = index.reduce((sum, i, axis) => sum * shape[axis] + i, 0);
    const value = row.values.data[flat];
    heard({ layer: place, kind, index, value, slope: row.slopes.data[flat] });
  };
  const down = makePicker(() => `${name()}, ${say("steps.forward")}`, pick);
  const up = makePicker(() => `${name()}, ${say("steps.gradient")}`, pick);
  const [downWords, upWords] = [1, 2].map(() => make("p", { class: "soft small" }));
  const waiting = make("p", { class: "waiting", "aria-hidden": "true" }, "·");
  const head = make("h3", { text: key, values });
  const forward = make("div", { class: "flow-side" });
  forward.append(make("h4", { text: "steps.forward" }), down.element, downWords);
  const backward = make("div", { class: "flow-side up" });
  backward.append(make("h4", { text: "steps.backward" }), up.element, upWords);
  const item = make("li", { class: "flow-row" }, head, forward, backward, waiting);

  return {
    item,
    /** @param {Row} next */
    show(next) {
      row = next;
      const [values, slopes] = [next.values, next.slopes];
      down.show(values.data, values.shape);
      up.show(slopes.data, slopes.shape);
      const [about, blame] = [told(values.data, 0.005), told(slopes.data, 0.005)];
      put(downWords, about.key, about.values);
      put(upWords, blame.key, blame.values);
    },
    /** @param {boolean} isDown @param {boolean} isUp */
    reach(isDown, isUp) {
      item.classList.toggle("later", !isDown);
      forward.hidden = !isDown;
      backward.hidden = !isUp;
      waiting.hidden = isUp;
    },
  };
}

/** All rows. @param {HTMLElement} host @param {(picked: Picked) => void} heard */
export function makeFlow(host, heard) {
  /** @type {ReturnType<typeof makeRow>[]} */
  let rows = [];
  let shape = "";
  return {
    /** @param {Layer[]} layers
     * @param {Row[]} values One of the image, then one a layer. */
    show(layers, values) {
      if (shape !== JSON.stringify(layers)) {
        shape = JSON.stringify(layers);
        rows = [null, ...layers].map((layer) => makeRow(layer, heard));
        host.replaceChildren(...rows.map(({ item }) => item));
      }
      rows.forEach((row, i) => row.show(values[i]));
    },
    /** Show rows above `down`, and gradients from `up` on; mark the row of this stage.
     * @param {number} down @param {number} up @param {number} current */
    reach(down, up, current) {
      rows.forEach((row, i) => {
        row.reach(i < down, i >= up);
        row.item.classList.toggle("current", i === current);
      });
    },
    /** @param {number} i */
    item: (i) => rows[i]?.item,
  };
}
