// @ts-check
/* Files that the page makes itself, handed to the browser. */

import { make } from "./dom.js";

/** Have the browser save something. @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const href = URL.createObjectURL(blob);
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000); // it has been read by then
}

/** A canvas as a PNG file. @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>} */
export function pngOf(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))));
  });
}
