// @ts-check
/* The network at the steps that are kept: go back to one, use it, save it. */

import { attempt, button, make } from "./dom.js";
import { ask } from "./socket.js";
import { shared } from "./state.js";
import { training } from "./training.js";
import { onLanguage, put } from "./words.js";

/** A slider over the moments. @param {() => void} moved Called when the chosen step
 * changes. */
export function makeTimeline(moved) {
  const input = make("input", {
    type: "range",
    min: 0,
    step: 1,
    label: "learn.timeline",
  });
  const when = make("span", { class: "value" });
  const done = make("p", { class: "small soft", "aria-live": "polite" });
  let follows = true; // the newest moment, until somebody chooses another

  const chosen = () => training.get().moments[input.valueAsNumber] ?? null;
  function tell() {
    const step = chosen();
    put(when, step === null ? "learn.no_moment" : "learn.step_n", { n: step ?? 0 });
    input.setAttribute("aria-valuetext", when.textContent ?? "");
  }
  input.addEventListener("input", () => {
    follows = input.valueAsNumber === training.get().moments.length - 1;
    tell();
    moved();
  });
  onLanguage(tell);
  training.subscribe(({ moments }) => {
    const before = input.valueAsNumber;
    input.max = String(Math.max(0, moments.length - 1));
    if (follows || before >= moments.length) input.value = input.max;
    use.disabled = input.disabled = moments.length === 0;
    tell();
  }, "moments");

  async function adopt() {
    // The newest of a training that goes on is the network as it is now.
    const isNow = follows && training.get().phase !== "idle";
    const { header } = await ask("learn.use", isNow ? {} : { step: chosen() });
    shared.set({ version: shared.get().version + 1 });
    put(done, "learn.used", { n: header.step });
  }
  const use = button("learn.use", () => attempt(adopt, use));
  use.disabled = input.disabled = true;
  tell();
  const label = make("label", { class: "slider" });
  label.append(make("span", { text: "learn.moment" }), when, input);
  const title = make("h3", { text: "learn.timeline" });
  const about = make("p", { class: "soft small", text: "learn.timeline_about" });
  const row = make("div", { class: "row" }, use, done);
  return {
    whole: make("div", { class: "card" }, title, about, label, row),
    /** The step that the charts mark: none, where it is simply the newest. */
    mark: () => (follows ? null : chosen()),
  };
}

/** A form that saves the network that draws. */
export function makeSaving() {
  const name = make("input", {
    type: "text",
    maxlength: 40,
    pattern: "[\\w\\-]{1,40}",
  });
  name.required = true;
  name.spellcheck = false;
  name.autocomplete = "off";
  name.value = "ardoise";
  const replace = make("input", { type: "checkbox" });
  const submit = make("button", { class: "primary", text: "learn.save" });
  const done = make("p", { class: "path", "aria-live": "polite" });

  async function save() {
    const fields = { name: name.value, replace: replace.checked };
    const { header } = await ask("model.save", fields);
    put(done, "learn.saved", { path: header.path });
  }
  const form = make("form", { class: "saving" });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(save, submit);
  });
  const named = make(
    "label",
    { class: "field" },
    make("span", { text: "learn.name" }),
    name,
  );
  const again = make("label", {}, replace, make("span", { text: "learn.replace" }));
  form.append(named, again, submit);
  const title = make("h3", { text: "learn.save_title" });
  const about = make("p", { class: "soft small", text: "learn.save_about" });
  return make("div", { class: "card" }, title, about, form, done);
}
