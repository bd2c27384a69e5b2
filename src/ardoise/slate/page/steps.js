// @ts-check
/* Step by step: one image down through the layers, and the gradient back up. */

import { plain, withArticle } from "./answer.js";
import { makeCheck } from "./check.js";
import { chooser, forEachNetwork } from "./controls.js";
import { attempt, button, make } from "./dom.js";
import { makeEnds } from "./ends.js";
import { makeFlow } from "./flow.js";
import { paintGrey } from "./images.js";
import { openEnd, openNumber } from "./number.js";
import { tensor } from "./packets.js";
import { ask } from "./socket.js";
import { makeStageBar } from "./stagebar.js";
import { best, shared } from "./state.js";
import { onLanguage, percent, put } from "./words.js";

/** @typedef {import("./stages.js").Layer} Layer */

/** The image, its right class, and what came of it.
 * @type {{image: Uint8Array, label: number} | null} */
let lesson = null;

const picture = make("canvas", {
  class: "lesson",
  role: "img",
  label: "steps.picture",
});
const said = make("p", { class: "sentence" });
const members = make("p", { class: "soft small", hidden: true });
const rows = make("ol", { class: "flow" });
const right = chooser("steps.right", [], () => attempt(look));
const flow = makeFlow(rows, (picked) => {
  const now = lesson;
  if (now)
    attempt(() =>
      openNumber(now, picked, (...where) => attempt(() => check.go(...where))),
    );
});
const ends = makeEnds((kind, index) => {
  const [image, name] = [lesson?.image, plain(shared.get().classes[index])];
  if (image) attempt(() => openEnd(image, kind, index, name));
});
const check = makeCheck(() => lesson);
const stageBar = makeStageBar({ flow, ends: ends.item });

/** @param {HTMLElement} section */
export function start(section) {
  const mine = button("steps.mine", () =>
    attempt(() => take(shared.get().image, null)),
  );
  const another = button("steps.another", () => attempt(takeExample));
  section.append(
    make(
      "div",
      { class: "card steps-image" },
      picture,
      make(
        "div",
        { class: "told" },
        said,
        make("div", { class: "row bottoms" }, right.field, another, mine),
      ),
    ),
    make("p", { class: "soft small", text: "steps.how" }),
    members,
    make("div", { class: "steps-flow" }, stageBar.bar, rows),
    check.card,
  );
  shared.subscribe(({ image }) => (mine.disabled = image === null), "image");
  mine.disabled = shared.get().image === null;
  onLanguage(fillRight);
  forEachNetwork(section, () => (lesson === null ? takeExample() : look()));
}

async function takeExample() {
  const { header, arrays } = await ask("example");
  await take(/** @type {Uint8Array} */ (arrays.image.data), header.label);
}

/** @param {Uint8Array | null} image
 * @param {number | null} label Null: what is read on it.
 */
async function take(image, label) {
  if (image === null) return;
  const { probabilities } = shared.get().reading ?? { probabilities: [1] };
  const found = label ?? best(probabilities, 1)[0];
  lesson = { image: image.slice(), label: found };
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
  const { header, arrays } = await ask(
    "backward",
    { label },
    { image: tensor(image, 28, 28) },
  );
  const layers = /** @type {Layer[]} */ (header.layers);
  const pixels = Float32Array.from(image, (level) => level / 255);
  const all = layers.map(({ layer }) => {
    return { values: arrays[`forward${layer}`], slopes: arrays[`grad${layer}`] };
  });
  const first = { values: { data: pixels, shape: [28, 28] }, slopes: arrays.grad };
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
  members.hidden = !header.members;
  put(members, "steps.members", { n: header.members ?? 1 });
  stageBar.show(layers);
  await check.show(layers);
}
