// @ts-check
/* Click a weight: its gradient as backward computes it, beside what is measured. */

import { chooser } from "./controls.js";
import { announce, attempt, button, make } from "./dom.js";
import { kindName } from "./layers.js";
import { checkView } from "./number.js";
import { tensor } from "./packets.js";
import { makePicker } from "./picker.js";
import { ask } from "./socket.js";
import { weightIndex, weightPlace } from "./stages.js";
import { onLanguage, say } from "./words.js";

/** @typedef {import("./stages.js").Layer} Layer */

/** The card of checks. @param {() => {image: Uint8Array, label: number} | null} at The
 * image, and its right class.
 */
export function makeCheck(at) {
  /** @type {Layer[]} Those that have weights. */
  let layers = [];
  /** @type {{kind: string, shape: number[], whole: boolean}} How weights are shown. */
  let shown = { kind: "", shape: [], whole: false };
  const choice = chooser("check.layer", [], () => attempt(showWeights));
  const unit = make("input", { type: "number", min: 0, step: 1, value: 0 });
  const unitField = make(
    "label",
    { class: "field" },
    make("span", { text: "check.unit" }),
    unit,
  );
  unit.addEventListener("change", () => attempt(showWeights));
  const picker = makePicker(
    () => say("check.weights"),
    (index) => attempt(() => compare(index)),
  );
  const weights = make("div", { class: "check-weights" }, picker.element);
  const result = make("div", { class: "check-result" });
  const steepest = button("check.steepest", () => attempt(() => compare(null)), {
    class: "primary",
  });
  const card = make(
    "div",
    { class: "card", id: "check" },
    make("h3", { text: "check.title" }),
    make("p", { class: "soft", text: "check.lead" }),
    make("div", { class: "row bottoms" }, choice.field, unitField, steepest),
    make("div", { class: "check-body" }, weights, result),
  );

  const layer = () => layers.find((each) => String(each.layer) === choice.select.value);

  async function showWeights() {
    result.replaceChildren();
    await loadWeights();
  }

  async function loadWeights() {
    const [now, chosen] = [at(), layer()];
    if (now === null || chosen === undefined) return;
    const { kind, shape } = chosen;
    const weighted = kind === "Dense" || kind === "Conv2D";
    weights.hidden = !weighted;
    unitField.hidden = !weighted;
    if (!weighted) return;
    unit.max = String((shape.at(-1) ?? 1) - 1);
    const output = Math.min(Math.max(unit.valueAsNumber || 0, 0), Number(unit.max));
    const index = [...shape.slice(0, -1).map(() => 0), output];
    const fields = { layer: chosen.layer, index };
    const cell = await ask("cell", fields, { image: tensor(now.image, 28, 28) });
    let found = cell.arrays.weights;
    shown = { kind, shape: found?.shape ?? [], whole: found === undefined };
    if (shown.whole) {
      // Behind another dense layer: the whole table of weights, inputs × outputs.
      found = (await ask("inside", { layer: chosen.layer })).arrays.weights;
      shown.shape = found.shape.slice(1);
      unitField.hidden = true;
    }
    picker.show(found.data, shown.shape);
  }

  /** @param {number[] | null} picked Null: the weight whose gradient is the largest. */
  async function compare(picked) {
    const [now, chosen] = [at(), layer()];
    if (now === null || chosen === undefined) return;
    const { kind, shape, whole } = shown;
    /** @type {Record<string, any>} */
    const fields = { layer: chosen.layer, label: now.label };
    if (picked !== null) {
      fields.param = "W";
      const output = unit.valueAsNumber || 0;
      fields.index = whole ? picked : weightIndex(kind, shape, picked, output);
    }
    const { header } = await ask("check", fields, { image: tensor(now.image, 28, 28) });
    if (picked === null && !weights.hidden && header.param === "W")
      await goTo(header.index);
    result.replaceChildren(...checkView(header));
    announce(result.querySelector(".note")?.textContent ?? "");
  }

  /** Show where a weight lies. @param {number[]} index In the array W. */
  async function goTo(index) {
    unit.value = String(index[index.length - 1]);
    await loadWeights();
    const { kind, shape, whole } = shown;
    picker.mark(whole ? index : weightPlace(kind, shape, index).at);
  }

  onLanguage(fill);
  function fill() {
    choice.fill(
      layers.map((each) => ({
        value: String(each.layer),
        text: "layers.name",
        values: { kind: () => kindName(each.kind), shape: each.shape.join(" × ") },
      })),
    );
  }
  return {
    card,
    /** @param {Layer[]} all */
    show(all) {
      layers = all.filter(({ parameters }) => parameters > 0);
      fill();
      return showWeights();
    },
    /** Go to the weights of an output. @param {number} place @param {number} output */
    async go(place, output) {
      choice.select.value = String(place);
      unit.value = String(output);
      await showWeights();
      card.scrollIntoView({ block: "start" });
      picker.focus();
    },
  };
}
