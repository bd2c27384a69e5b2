// @ts-check
/* What the next training is: a preset, and what is changed in it. */

import { make } from "./dom.js";
import { recipe } from "./recipe.js";
import { training } from "./training.js";

/** @typedef {import("./recipe.js").Recipe} Recipe */
/** @typedef {keyof Recipe} Name */

/** Numbers; those of rate and dropout have a slider, too. */
const NUMBERS = /** @type {const} */ ([
  "epochs",
  "learning_rate",
  "batch_size",
  "seed",
]);
const LISTS = /** @type {const} */ (["activation", "optimizer", "start"]);
/** One to four numbers of units. */
const UNITS = "\\s*[0-9]+(\\s*[, ]\\s*[0-9]+){0,3}\\s*";

/** "128, 64" → [128, 64]. @param {string} text */
export const unitsOf = (text) => (text.match(/\d+/g) ?? []).map(Number);

/** A field with its name. @param {Name} name @param {HTMLElement} control */
const field = (name, control) =>
  make(
    "label",
    { class: "field" },
    make("span", { text: `learn.setting.${name}` }),
    control,
  );

/** @param {(typeof NUMBERS)[number]} name */
function numberField(name) {
  const step = name === "learning_rate" ? "any" : 1;
  const input = make("input", { type: "number", step, inputmode: "decimal" });
  input.addEventListener("change", () => {
    if (input.reportValidity()) recipe.set({ [name]: input.valueAsNumber });
  });
  input.required = true;
  training.subscribe(({ choices }) => {
    const [low, high] = choices[name] ?? ["", ""];
    input.min = String(low);
    input.max = String(high);
  }, "choices");
  const show = () => (input.value = String(recipe.get()[name]));
  recipe.subscribe(show, name);
  show();
  return field(name, input);
}

/** @param {(typeof LISTS)[number]} name */
function listField(name) {
  const select = make("select", {
    on: { change: () => recipe.set({ [name]: select.value }) },
  });
  const whole = field(name, select);
  const show = () => {
    const value = recipe.get()[name];
    whole.hidden = value === null;
    select.value = value ?? "";
  };
  training.subscribe(({ choices }) => {
    const options = (choices[name] ?? []).map((/** @type {string} */ value) =>
      name === "activation"
        ? make("option", { value }, value)
        : make("option", { value, text: `learn.${name}.${value}` }),
    );
    select.replaceChildren(...options);
    show();
  }, "choices");
  recipe.subscribe(show, name);
  return whole;
}

function unitsField() {
  const input = make("input", { type: "text", pattern: UNITS, inputmode: "numeric" });
  input.required = true;
  input.addEventListener("change", () => {
    if (input.reportValidity()) recipe.set({ units: unitsOf(input.value) });
  });
  const whole = field("units", input);
  recipe.subscribe(({ units }) => {
    whole.hidden = input.disabled = units === null;
    input.value = units?.join(", ") ?? "";
  }, "units");
  return whole;
}

/** The presets, a card each. */
function presetCards() {
  const cards = make("div", { class: "presets" });
  training.subscribe(({ presets }) => {
    const chosen = recipe.get().preset;
    cards.replaceChildren(
      ...presets.map((preset) => {
        const value = preset.preset;
        const input = make("input", { type: "radio", name: "preset", value });
        input.checked = value === chosen;
        // Chosen again, it is as it was before it was changed.
        input.addEventListener("click", () => recipe.set({ ...preset }));
        const name = make("strong", { text: `learn.preset.${value}` });
        const about = make("span", { class: "small", text: `preset.${value}` });
        return make("label", { class: "preset" }, input, name, about);
      }),
    );
  }, "presets");
  recipe.subscribe(({ preset }) => {
    for (const input of cards.querySelectorAll("input")) {
      input.checked = input.value === preset;
    }
  }, "preset");
  return cards;
}

/** All of it; it rests while a network learns. */
export function makeSettings() {
  const fields = make("div", { class: "fields" });
  fields.append(...NUMBERS.map(numberField), unitsField(), ...LISTS.map(listField));
  const whole = make(
    "fieldset",
    { class: "card settings" },
    make("legend", { class: "hidden", text: "learn.recipe" }),
    make("h3", { text: "learn.recipe", "aria-hidden": "true" }),
    presetCards(),
    make("details", {}, make("summary", { text: "learn.settings" }), fields),
  );
  training.subscribe(({ phase }) => (whole.disabled = phase !== "idle"), "phase");
  return whole;
}
