// @ts-check
/* Step by step: one image down through the layers, the loss, and the gradient back up. */

import { plain, withArticle } from "./answer.js";
import { makeCheck } from "./check.js";
import { chooser } from "./controls.js";
import { attempt, button, make } from "./dom.js";
import { makeEnds } from "./ends.js";
import { makeFlow } from "./flow.js";
import { paintGrey } from "./images.js";
import { kindName } from "./layers.js";
import { openEnd, openNumber } from "./number.js";
import { tensor } from "./packets.js";
import { ask } from "./socket.js";
import { reachedAt, stagesOf } from "./stages.js";
import { best, shared } from "./state.js";
import { knows, onLanguage, percent, put } from "./words.js";

/** @typedef {import("./stages.js").Layer} Layer */

/** The image, its right class, and what came of it.
 * @type {{image: Uint8Array, label: number, layers: Layer[]} | null} */
let lesson = null;
let stages = stagesOf(1);
let at = 0;

const picture = make("canvas", { class: "lesson", role: "img", label: "steps.picture" });
const said = make("p", { class: "sentence" });
const about = make("p", { class: "steps-about", role: "status" });
const place = make("p", { class: "soft small" });
const rows = make("ol", { class: "flow" });
const right = chooser("steps.right", [], () => attempt(look));
const flow = makeFlow(rows, (picked) => {
  const image = lesson?.image;
  if (image) attempt(() => openNumber(image, picked, (...where) => attempt(() => check.go(...where))));
});
const ends = makeEnds((kind, index) => {
  const [image, name] = [lesson?.image, plain(shared.get().classes[index])];
  if (image) attempt(() => openEnd(image, kind, index, name));
});
const check = makeCheck(() => lesson);
const back = button("steps.back", () => go(at - 1));
const next = button("steps.next", () => go(at + 1), { class: "primary" });

/** @param {HTMLElement} section */
export function start(section) {
  const mine = button("steps.mine", () => attempt(() => take(shared.get().image, null)));
  const another = button("steps.another", () => attempt(takeExample));
  const whole = button("steps.all", () => go(stages.length - 1));
  const first = button("steps.first", () => go(0));
  const moves = make("div", { class: "row" }, ...[first, back, next, whole, place]);
  const bar = make("div", { class: "steps-bar" }, moves, about);
  section.append(
    make(
      "div",
      { class: "card steps-image" },
      picture,
      make("div", { class: "told" }, said, make("div", { class: "row bottoms" }, right.field, another, mine)),
    ),
    make("p", { class: "soft small", text: "steps.how" }),
    make("div", { class: "steps-flow" }, bar, rows),
    check.card,
  );
  shared.subscribe(({ image }) => (mine.disabled = image === null), "image");
  mine.disabled = shared.get().image === null;
  shared.subscribe(() => attempt(look), "version"); // another network
  onLanguage(() => lesson && (fillRight(), tell()));
  attempt(takeExample);
}

async function takeExample() {
  const { header, arrays } = await ask("example");
  await take(/** @type {Uint8Array} */ (arrays.image.data), header.label);
}

/** @param {Uint8Array | null} image @param {number | null} label Null: what it reads. */
async function take(image, label) {
  if (image === null) return;
  const { probabilities } = shared.get().reading ?? { probabilities: [1] };
  const found = label ?? best(probabilities, 1)[0];
  lesson = { image: image.slice(), label: found, layers: [] };
  fillRight();
  right.select.value = String(found);
  paintGrey(picture, lesson.image);
  await look();
}

function fillRight() {
  const { classes } = shared.get();
  right.fill(classes.map((name, i) => ({ value: String(i), plain: plain(name) })));
}

/** Send the image down, and its loss back up. */
async function look() {
  if (lesson === null) return;
  lesson.label = Number(right.select.value);
  const { image, label } = lesson;
  const { header, arrays } = await ask("backward", { label }, { image: tensor(image, 28, 28) });
  const layers = /** @type {Layer[]} */ (header.layers);
  const pixels = Float32Array.from(image, (level) => level / 255);
  const all = layers.map(({ layer }) => {
    return { values: arrays[`forward${layer}`], slopes: arrays[`grad${layer}`] };
  });
  const first = { values: { data: pixels, shape: [28, 28] }, slopes: arrays.grad };
  const isNew = layers.length !== lesson.layers.length;
  lesson.layers = layers;
  flow.show(layers, [first, ...all]);
  const { classes } = shared.get();
  ends.show(all[all.length - 1].values.data, label, header.loss, classes);
  rows.append(ends.item);
  const { data } = arrays.probabilities;
  const read = best(data, 1)[0];
  put(said, read === label ? "steps.read_right" : "steps.read_wrong", {
    read: () => withArticle(classes[read]),
    share: () => percent(data[read]),
    right: () => withArticle(classes[label]),
    p: () => percent(data[label], 2),
    loss: header.loss,
  });
  stages = stagesOf(layers.length + 1);
  if (isNew) at = stages.length - 1;
  show();
  await check.show(layers);
}

/** Go to a stage. @param {number} stage */
function go(stage) {
  at = Math.min(Math.max(stage, 0), stages.length - 1);
  show();
  const { phase, row } = stages[at];
  const item = phase === "loss" ? ends.item : flow.item(row);
  const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  item?.scrollIntoView({ block: "center", behavior: smooth ? "smooth" : "auto" });
}

function show() {
  const { down, loss, up } = reachedAt(stages, at);
  flow.reach(down, up, stages[at].row);
  ends.item.hidden = !loss;
  ends.item.classList.toggle("current", stages[at].phase === "loss");
  back.disabled = at === 0;
  next.disabled = at === stages.length - 1;
  tell();
}

/** Say what happens at this stage. */
function tell() {
  const { phase, row } = stages[at];
  const layer = lesson?.layers[row - 1];
  put(place, `steps.at.${phase}`, { n: at + 1, all: stages.length });
  if (phase === "loss") return put(about, "steps.loss");
  if (layer === undefined) return put(about, phase === "forward" ? "steps.begin" : "steps.end");
  const known = knows(`steps.${phase}.${layer.kind}`);
  put(about, known ? `steps.${phase}.${layer.kind}` : `steps.${phase}.other`, {
    kind: () => kindName(layer.kind),
  });
}
