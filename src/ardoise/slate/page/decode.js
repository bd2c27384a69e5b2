// @ts-check
/* From a picture file to grey levels, and to the server, which never sees the file. */

import { language } from "./words.js";

export const LONGEST = 1600; // pixels of the longer side that are sent

/** @typedef {{grey: Uint8Array, width: number, height: number}} Grey */

/** The size of a picture whose longer side is no more than `longest`.
 * @param {number} width @param {number} height
 */
export function fitted(width, height, longest = LONGEST) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const side = (/** @type {number} */ n) => Math.max(1, Math.round(n * scale));
  return { width: side(width), height: side(height) };
}

/** Grey levels (as the eye weighs colours, Rec. 601) of RGBA.
 * @param {Uint8ClampedArray} rgba
 */
export function greyOf(rgba) {
  const grey = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < grey.length; i++) {
    const [r, g, b] = [rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]];
    grey[i] = (299 * r + 587 * g + 114 * b + 500) / 1000;
  }
  return grey;
}

/** A picture made smaller by a whole number, until no side is longer than `most`.
 * @param {Grey} picture @param {number} most @returns {Grey}
 */
export function reduced({ grey, width, height }, most) {
  const k = Math.ceil(Math.max(width, height) / most);
  const [w, h] = [
    Math.max(1, Math.floor(width / k)),
    Math.max(1, Math.floor(height / k)),
  ];
  const small = new Uint8Array(w * h);
  for (let i = 0; i < small.length; i++) {
    let sum = 0;
    const corner = Math.floor(i / w) * k * width + (i % w) * k;
    for (let j = 0; j < k * k; j++)
      sum += grey[corner + Math.floor(j / k) * width + (j % k)];
    small[i] = sum / (k * k) + 0.5;
  }
  return { grey: small, width: w, height: h };
}

/** Draw a file on a canvas, turned as the camera says, and return its grey levels.
 * @param {Blob} file @param {HTMLCanvasElement} canvas Takes the picture's size.
 * @returns {Promise<Grey>} Rejects if the browser cannot read it.
 */
export async function decode(file, canvas) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const { width, height } = fitted(bitmap.width, bitmap.height);
  [canvas.width, canvas.height] = [width, height];
  const ink = contextOf(canvas);
  ink.fillStyle = "#fff"; // behind what is transparent
  ink.fillRect(0, 0, width, height);
  ink.imageSmoothingQuality = "high";
  ink.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = ink.getImageData(0, 0, width, height);
  return { grey: greyOf(data), width, height };
}

/** The body of POST /photo: both sides, then the grey levels.
 * @param {Grey} picture
 */
export function bodyOf({ grey, width, height }) {
  const body = new Uint8Array(4 + grey.length);
  const sides = new DataView(body.buffer);
  sides.setUint16(0, width, true);
  sides.setUint16(2, height, true);
  body.set(grey, 4);
  return body;
}

/** Have the server read a photo. @param {Grey} photo
 * @returns {Promise<import("./boxes.js").Reading>} Rejects with a sentence.
 */
export async function sendPhoto(photo) {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  const answer = await fetch(`/photo?token=${encodeURIComponent(token)}`, {
    method: "POST",
    headers: { "Accept-Language": language(), Accept: "application/json" },
    body: bodyOf(photo),
  });
  const reading = await answer.json();
  if (!answer.ok) throw new Error(reading.sentence);
  return reading;
}

/** Draw grey levels on a canvas.
 * @param {Grey} picture @param {HTMLCanvasElement} canvas
 */
export function drawGrey({ grey, width, height }, canvas) {
  [canvas.width, canvas.height] = [width, height];
  const ink = contextOf(canvas);
  const picture = ink.createImageData(width, height);
  grey.forEach((v, i) => picture.data.set([v, v, v, 255], 4 * i));
  ink.putImageData(picture, 0, 0);
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  if (ink === null) throw new Error("this browser has no 2-D canvas");
  return ink;
}
