// @ts-check
/* Photo: a sheet of numbers is read digit by digit, with its doubts, and corrected. */

import {
  correct,
  counts,
  digitsOf,
  remove,
  sameDigits,
  textOf,
  withoutSmall,
} from "./boxes.js";
import { decode, sendPhoto } from "./decode.js";
import { announce, attempt, button, make } from "./dom.js";
import { makeDoubt } from "./doubt.js";
import { openEditor } from "./editor.js";
import { focusBox, showBoxes, showLines } from "./overlay.js";
import { makeInputs, writeSheet } from "./picking.js";
import { shared } from "./state.js";
import { onLanguage, put, say } from "./words.js";

/** @typedef {import("./boxes.js").Digit} Digit */
/** @typedef {import("./boxes.js").Reading} Reading */
/** @typedef {import("./decode.js").Grey} Grey */

/** What stands on the page: the photo, and its reading after each correction.
 * @type {{photo: Grey, readings: Reading[], truth: string} | null} */
let sheet = null;
const limits = { doubt: 0.9, least: 0 };

const canvas = make("canvas", { "aria-hidden": "true" });
const boxes = make("div", { class: "boxes", role: "group", label: "photo.boxes" });
const lines = make("ol", { class: "photo-lines", label: "photo.lines" });
const summary = make("p");
const truth = make("p", { class: "soft photo-truth" });
const copied = make("span", { role: "status", class: "soft" });
const undo = button("photo.undo", goBack);
const result = make(
  "div",
  { class: "photo-result", hidden: true },
  make("div", { class: "photo-view" }, canvas, boxes),
  make(
    "div",
    { class: "card" },
    ...[summary, lines, truth],
    make("div", { class: "row" }, button("photo.copy", copyText), undo, copied),
  ),
  makeDoubt(limits, show),
);

/** @param {HTMLElement} section */
export function start(section) {
  section.append(makeInputs(section, readFile, readSample), result);
  onLanguage(show);
}

/** @param {Blob} file */
function readFile(file) {
  return attempt(async () => {
    const photo = await decode(file, canvas).catch(() => {
      throw new Error(say("photo.unreadable"));
    });
    await read(photo, "");
  }, boxes);
}

/** @param {import("./sheets.js").Name} name */
function readSample(name) {
  return attempt(async () => {
    const written = await writeSheet(name, shared.get().classes, canvas);
    await read(written, written.truth);
  }, boxes);
}

/** Send the photo that stands on the canvas, and show what is read.
 * @param {Grey} photo @param {string} known What stands on it, if that is known.
 */
async function read(photo, known) {
  sheet = null;
  result.hidden = false; // the photo can be seen while it is read
  for (const place of [boxes, lines, truth]) place.replaceChildren();
  put(summary, "photo.reading");
  try {
    sheet = { photo, readings: [await sendPhoto(photo)], truth: known };
  } finally {
    result.hidden = sheet === null;
  }
  show();
  announce(summary.textContent ?? "");
}

const whole = () => /** @type {Reading} */ (sheet?.readings.at(-1));
const shown = () => withoutSmall(whole(), limits.least);

function show() {
  if (sheet === null) return;
  const reading = shown();
  result.hidden = false;
  showBoxes(boxes, reading, limits.doubt, actions);
  showLines(lines, reading, limits.doubt, actions);
  const found = counts(reading, limits.doubt);
  put(summary, found.found === 0 ? "photo.nothing" : "photo.result", found);
  const right = sameDigits(textOf(reading), sheet.truth);
  truth.hidden = sheet.truth === "";
  put(truth, right ? "photo.all_right" : "photo.truth", { text: sheet.truth });
  undo.disabled = sheet.readings.length < 2;
  copied.textContent = "";
}

/** @type {import("./overlay.js").Actions} */
const actions = {
  classes: () => shared.get().classes,
  open: (digit) => sheet && openEditor(digit, limits.doubt, sheet.photo, actions),
  correct: (digit, label) => changeAt(digit, correct(whole(), digit, label), label),
  remove: (digit) => changeAt(digit, remove(whole(), digit), ""),
};

/** Show the next reading; the focus stays at the place of the digit that changed.
 * @param {Digit} digit @param {Reading} next @param {string} label "" if it is removed.
 */
function changeAt(digit, next, label) {
  const at = digitsOf(shown()).indexOf(digit);
  const host = lines.contains(document.activeElement) ? lines : boxes;
  sheet?.readings.push(next);
  show();
  focusBox(host, at);
  announce(say(label === "" ? "photo.removed" : "photo.corrected", { label }));
}

function goBack() {
  sheet?.readings.pop();
  show();
  focusBox(boxes, 0);
}

async function copyText() {
  try {
    await navigator.clipboard.writeText(textOf(shown()));
    put(copied, "photo.copied");
  } catch {
    // Not allowed, or no https: the lines are selected, and a person copies them.
    getSelection()?.selectAllChildren(lines);
    put(copied, "photo.selected");
  }
}
