// @ts-check
/* Look inside: weights, how they moved, a map of images, units switched off. */

import { chooser, forEachNetwork } from "./controls.js";
import { attempt, make } from "./dom.js";
import { kindName } from "./layers.js";
import { makeMap } from "./mapping.js";
import { makeSilence } from "./silence.js";
import { ask } from "./socket.js";
import { latest } from "./state.js";
import { makeHistograms, makeWeights } from "./weights.js";
import { onLanguage } from "./words.js";

/** @typedef {import("./stages.js").Layer} Layer */

const IMAGE = ""; // chosen: the images themselves, before any layer

/** @param {HTMLElement} section */
export function start(section) {
  /** @type {Layer[]} */
  let layers = [];
  const show = latest(() => attempt(showLayer));
  const choice = chooser("inside.layer", [], () => show(undefined));
  const weights = makeWeights();
  const histograms = makeHistograms();
  const map = makeMap();
  const silence = makeSilence();
  section.append(
    make("div", { class: "row bottoms" }, choice.field),
    weights.card,
    histograms.card,
    map.card,
    silence.card,
  );

  function fill() {
    const all = layers.map(({ layer, kind, shape }) => ({
      value: String(layer),
      text: "layers.name",
      values: { kind: () => kindName(kind), shape: shape.join(" × ") },
    }));
    choice.fill([{ value: IMAGE, text: "steps.image" }, ...all]);
  }

  async function showLayer() {
    const { value } = choice.select;
    for (const part of [weights, histograms, silence])
      part.card.hidden = value === IMAGE;
    if (value === IMAGE) {
      await map.show(null);
      return;
    }
    const layer = Number(value);
    const { header, arrays } = await ask("inside", { layer });
    weights.show(header, arrays);
    histograms.show(header, arrays);
    const { shape } = /** @type {Layer} */ (
      layers.find((each) => each.layer === layer)
    );
    await Promise.all([map.show(layer), silence.show(layer, shape.at(-1) ?? 1)]);
  }

  async function begin() {
    // Which layers there are is told with any answer about one of them.
    const { header } = await ask("inside", { layer: 0 });
    const [isFirst, { value }] = [layers.length === 0, choice.select];
    layers = header.layers;
    fill();
    const isGone = choice.select.value !== value; // another network has other layers
    if (isFirst || isGone) choice.select.value = String(layers[0].layer);
    show(undefined);
  }

  onLanguage(fill);
  forEachNetwork(section, begin);
}
