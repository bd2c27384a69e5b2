// @ts-check
/* The ways to bring a picture: a file, the camera, a drop, the clipboard, a sample. */

import { drawGrey } from "./decode.js";
import { button, make } from "./dom.js";
import { randomFrom } from "./ink.js";
import { SHEETS, digitsOn, makeSheet } from "./sheets.js";
import { ask } from "./socket.js";

const AT_ONCE = 4; // questions to the server, which lets few of them wait

/** The place for pictures; drops anywhere in the section count too.
 * @param {HTMLElement} section
 * @param {(file: Blob) => Promise<unknown>} read
 * @param {(name: import("./sheets.js").Name) => void} readSample
 */
export function makeInputs(section, read, readSample) {
  const choose = filePicker(read, {});
  const camera = filePicker(read, { capture: "environment" });
  const place = make(
    "div",
    { class: "drop card" },
    make("p", { text: "photo.drop" }),
    make(
      "div",
      { class: "row" },
      button("photo.choose", () => choose.click(), { class: "primary" }),
      button("photo.camera", () => camera.click(), { class: "camera" }),
      ...[choose, camera],
    ),
    make(
      "div",
      { class: "row", role: "group", label: "photo.samples" },
      make("span", { text: "photo.samples", "aria-hidden": "true" }),
      button("photo.sample.paper", () => readSample("paper")),
      button("photo.sample.shadow", () => readSample("shadow")),
      button("photo.sample.slate", () => readSample("slate")),
    ),
  );
  listenToDrops(section, place, read);
  document.addEventListener("paste", (event) => {
    const file = imageIn(event.clipboardData);
    if (file === null || section.hidden) return;
    event.preventDefault();
    read(file);
  });
  return place;
}

/** A file input that a button opens: the browser's own would be in its language.
 * @param {(file: Blob) => Promise<unknown>} read @param {Record<string, string>} more
 */
function filePicker(read, more) {
  const input = make("input", {
    type: "file",
    accept: "image/*",
    hidden: true,
    ...more,
  });
  input.addEventListener("change", async () => {
    const file = input.files?.[0];
    if (file) await read(file);
    input.value = ""; // the same file may be chosen again
  });
  return input;
}

/** @param {HTMLElement} section @param {HTMLElement} place
 * @param {(file: Blob) => Promise<unknown>} read
 */
function listenToDrops(section, place, read) {
  section.addEventListener("dragover", (event) => {
    event.preventDefault(); // a drop is allowed
    place.classList.add("over");
  });
  section.addEventListener("dragleave", (event) => {
    const to = /** @type {Node | null} */ (event.relatedTarget);
    if (!section.contains(to)) place.classList.remove("over");
  });
  section.addEventListener("drop", (event) => {
    event.preventDefault(); // the browser would leave the page for the picture
    place.classList.remove("over");
    const file = imageIn(event.dataTransfer);
    if (file !== null) read(file);
  });
}

/** The picture in what was dropped or pasted. @param {DataTransfer | null} data */
function imageIn(data) {
  const files = [...(data?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
}

/** Write a sample sheet on a canvas, with example digits that the server gives.
 * @param {import("./sheets.js").Name} name @param {string[]} classes
 * @param {HTMLCanvasElement} canvas
 */
export async function writeSheet(name, classes, canvas) {
  const sheet = SHEETS[name];
  /** @type {import("./sheets.js").Example[]} */
  const examples = [];
  for (let left = digitsOn(sheet); left > 0; left -= AT_ONCE) {
    const asked = Array.from({ length: Math.min(left, AT_ONCE) }, () => ask("example"));
    for (const { header, arrays } of await Promise.all(asked)) {
      const image = /** @type {Uint8Array} */ (arrays.image.data);
      examples.push({ image, label: classes[header.label] });
    }
  }
  const made = makeSheet(sheet, examples, randomFrom(Date.now()));
  drawGrey(made, canvas);
  return made;
}
