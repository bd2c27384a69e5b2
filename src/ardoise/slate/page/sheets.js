// @ts-check
/* Sample sheets for the photo section, written with example digits: none is shipped. */

import { SIDE, knot, stamp } from "./ink.js";

/** @typedef {{image: Uint8Array, label: string}} Example 28×28, light ink on black. */
/** @typedef {object} Sheet
 * @property {number} digit Height of a digit, in pixels.
 * @property {number[][]} lines How many digits the numbers of each line have.
 * @property {number} slope Of the lines.
 * @property {boolean} chalk Whether it is light on dark.
 * @property {number} shadow How dark one corner is: 0 to 1.
 * @property {number} noise In grey levels.
 * @property {boolean} scribble Whether something stands there that is no digit.
 */

/** @typedef {"paper" | "shadow" | "slate"} Name */

/** @type {Record<Name, Sheet>} */
export const SHEETS = {
  paper: {
    digit: 66,
    lines: [
      [2, 2, 2, 2],
      [2, 2, 2, 2],
      [2, 2, 2, 2],
      [2, 2, 2, 2],
    ],
    slope: 0,
    chalk: false,
    shadow: 0,
    noise: 3,
    scribble: false,
  },
  shadow: {
    digit: 74,
    lines: [
      [3, 3, 1],
      [1, 4, 2],
      [2, 2, 3],
    ],
    slope: 0.05,
    chalk: false,
    shadow: 0.55,
    noise: 9,
    scribble: false,
  },
  slate: {
    digit: 88,
    lines: [
      [2, 2, 1],
      [4, 1],
      [1, 3],
    ],
    slope: -0.03,
    chalk: true,
    shadow: 0.25,
    noise: 7,
    scribble: true,
  },
};

/** How many examples a sheet takes. @param {Sheet} sheet */
export const digitsOn = (sheet) => sheet.lines.flat().reduce((sum, n) => sum + n, 0);

/** How long a line is, in pixels. @param {number[]} numbers Their digits.
 * @param {number} step From digit to digit. @param {number} space Between numbers.
 */
const lengthOf = (numbers, step, space) =>
  numbers.reduce((sum, n) => sum + n * step + space, 0);

/** A sheet as a grey picture, and what stands on it, line by line.
 * @param {Sheet} sheet @param {Example[]} examples As many as `digitsOn` says.
 * @param {() => number} random
 */
export function makeSheet(sheet, examples, random) {
  const { digit, lines, slope, chalk, shadow, noise } = sheet;
  const size = Math.round((digit * SIDE) / 20); // a digit fills 20 of 28 pixels
  const [step, space] = [Math.round(digit * 0.98), Math.round(digit * 1.2)];
  const longest = Math.max(...lines.map((numbers) => lengthOf(numbers, step, space)));
  const width = longest + 2 * space;
  const rise = slope * width; // of a line, from one side to the other
  const height = Math.round(lines.length * digit * 2.1 + Math.abs(rise));
  const ink = { amount: new Float32Array(width * height), width, height };
  /** @type {string[]} */
  const truth = [];
  let next = 0;
  lines.forEach((numbers, l) => {
    let x = space - Math.round((size - digit) / 2);
    const middle = height / 2 - rise / 2 + (l + 0.5 - lines.length / 2) * digit * 2.1;
    const y = Math.round(middle - size / 2);
    const words = numbers.map((n) => {
      let word = "";
      for (let i = 0; i < n; i++, x += step) {
        const { image, label } = examples[next++];
        const shift = Math.round(slope * x + (random() - 0.5) * digit * 0.08);
        stamp(ink, image, x, y + shift, size);
        word += label;
      }
      x += space;
      return word;
    });
    if (sheet.scribble && l === lines.length - 1) {
      stamp(ink, knot(), x, y + Math.round(slope * x), size);
      words.push("?");
    }
    truth.push(words.join(" "));
  });
  const [paper, pen] = chalk ? [52, 235] : [238, 44];
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) {
    const corner = ((i % width) / width + i / width / height) / 2;
    const light = 1 - shadow * corner ** 1.5;
    const level =
      (paper + (pen - paper) * ink.amount[i]) * light + (random() - 0.5) * 2 * noise;
    grey[i] = Math.min(Math.max(Math.round(level), 0), 255);
  }
  return { grey, width, height, truth: truth.join("\n") };
}
