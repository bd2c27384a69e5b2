// @ts-check
/* The guided sheet: a pad, which digit to write next, and what the network reads. */

import { sentenceOf, withArticle } from "./answer.js";
import { chooser } from "./controls.js";
import { announce, attempt, button, make } from "./dom.js";
import { paintGrey } from "./images.js";
import { makePad } from "./pad.js";
import { tensor } from "./packets.js";
import { ask } from "./socket.js";
import { latest, shared } from "./state.js";
import { onLanguage, put, say } from "./words.js";

/** @typedef {import("./socket.js").Answer} Answer */

const SURE = 0.6; // below it the network is not sure

/** @param {(answer: Answer) => void} added Hears of all digits, after one came in. */
export function makeWriting(added) {
  /** @type {string | null} */
  let wanted = null;
  /** @type {{image: Uint8Array, header: any, probabilities: Float32Array} | null} */
  let drawn = null;
  const request = make("p", { class: "hand-ask", role: "status" });
  const meter = make("progress", { label: "hand.progress_name" });
  const progress = make("p", { class: "soft" });
  const reads = make("p", { class: "sentence" });
  const seen = make("canvas", { role: "img", label: "draw.mirror" });
  const other = chooser("hand.other", [], () => tell());
  const add = button("hand.add", () => attempt(keep, add), { class: "primary" });
  const undo = button("pad.undo", () => pad.undo());
  const clear = button("pad.clear", () => pad.clear());
  const board = make("div", { class: "board" });
  const keys = make("p", { class: "soft small", id: "hand-keys", text: "hand.keys" });
  const card = make(
    "div",
    { class: "card hand-sheet" },
    make(
      "div",
      { class: "hand-wanted" },
      make("h3", { text: "hand.guide" }),
      ...[request, meter, progress],
    ),
    make(
      "div",
      { class: "pad-side" },
      board,
      make("div", { class: "row" }, add, undo, clear),
      keys,
    ),
    make(
      "div",
      { class: "hand-read" },
      make("div", { class: "figure" }, seen, make("p", { text: "draw.mirror" })),
      ...[reads, other.field],
    ),
  );
  const pad = makePad(board, {
    changed: () => read(undefined),
    example() {},
    tool() {},
  });
  pad.element.setAttribute("aria-describedby", "hand-keys");
  board.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    attempt(keep, add);
  });

  /** The class that the next digit is added to. */
  const label = () => other.select.value || (wanted ?? shared.get().classes[0]);

  function tell() {
    const d = () => withArticle(label());
    const done = wanted === null && other.select.value === "";
    put(request, done ? "hand.done" : "hand.ask", { d });
  }

  const read = latest(() => attempt(look));
  async function look() {
    const { header, arrays } = await ask("draw", {}, { pad: pad.ink() });
    const image = /** @type {Uint8Array} */ (arrays.image.data);
    const probabilities = /** @type {Float32Array} */ (arrays.probabilities.data);
    drawn = { image, header, probabilities };
    paintGrey(seen, image);
    tellReading();
  }

  function tellReading() {
    if (drawn === null) return;
    const { header, probabilities } = drawn;
    const told = { probabilities, empty: header.empty, refused: header.refused };
    const nothing = pad.isEmpty() || header.empty;
    reads.textContent = nothing ? "" : sentenceOf(told, shared.get().classes, SURE);
    add.setAttribute("aria-disabled", String(nothing));
  }

  async function keep() {
    if (pad.isEmpty()) throw new Error(say("hand.empty_pad"));
    await look(); // what is kept is what stands there now
    if (drawn === null) return;
    const image = tensor(drawn.image, 28, 28);
    const name = label();
    const answer = await ask("hand.add", { label: name }, { image });
    other.select.value = "";
    pad.clear();
    added(answer);
    announce(say("hand.added", { label: name, n: answer.header.labels.length }));
  }

  function fill() {
    const { classes } = shared.get();
    const all = classes.map((name) => ({ value: name }));
    other.fill([{ value: "", text: "hand.as_asked" }, ...all]);
    tell();
    tellReading();
  }
  onLanguage(fill);
  fill();
  return {
    card,
    /** @param {Record<string, any>} header About all digits. */
    show(header) {
      wanted = header.next;
      const counts = /** @type {number[]} */ (Object.values(header.counts));
      const each = header.wanted / counts.length;
      const done = counts.reduce((sum, count) => sum + Math.min(count, each), 0);
      meter.max = header.wanted;
      meter.value = done;
      put(progress, "hand.progress", { n: done, all: header.wanted });
      tell();
    },
  };
}
