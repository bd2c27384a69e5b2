// @ts-check
/* What was read on a photo, as data: boxes, corrections, lines of text. No DOM here. */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */
/** @typedef {object} Digit A digit as `ardoise read --json` tells of it.
 * @property {string} label
 * @property {number} probability
 * @property {string} second
 * @property {number} second_probability
 * @property {boolean} refused
 * @property {Box} box In pixels of the photo.
 * @property {boolean} [corrected] Whether somebody said what it is.
 */
/** @typedef {object} Reading Lines of numbers of digits.
 * @property {number} width Of the photo.
 * @property {number} height
 * @property {Digit[][][]} lines
 */

/** All digits, in reading order. @param {Reading} reading @returns {Digit[]} */
export const digitsOf = (reading) => reading.lines.flat(2);

/** The reading with each digit changed, or left out where `change` gives null.
 * @param {Reading} reading @param {(digit: Digit) => Digit | null} change
 * @returns {Reading}
 */
function changed(reading, change) {
  const lines = reading.lines
    .map((line) =>
      line
        .map((number) => number.map(change).filter((digit) => digit !== null))
        .filter((number) => number.length > 0),
    )
    .filter((line) => line.length > 0);
  return { ...reading, lines };
}

/** The reading after somebody said that one of its digits is a `label`.
 * @param {Reading} reading @param {Digit} digit @param {string} label
 */
export function correct(reading, digit, label) {
  const right = { ...digit, label, refused: false, corrected: true };
  return changed(reading, (each) => (each === digit ? right : each));
}

/** The reading without one of its digits.
 * @param {Reading} reading @param {Digit} digit
 */
export const remove = (reading, digit) =>
  changed(reading, (each) => (each === digit ? null : each));

/** The reading without boxes lower than `least` pixels.
 * @param {Reading} reading @param {number} least
 */
export const withoutSmall = (reading, least) =>
  changed(reading, (digit) =>
    digit.box.bottom - digit.box.top < least ? null : digit,
  );

/** How much a digit can be trusted; below probability `doubt` the second guess counts.
 * @param {Digit} digit @param {number} doubt
 * @returns {"corrected" | "refused" | "doubtful" | "sure"}
 */
export function kindOf(digit, doubt) {
  if (digit.corrected) return "corrected";
  if (digit.refused) return "refused";
  return digit.probability < doubt ? "doubtful" : "sure";
}

/** What stands under a box. @param {Digit} digit */
export const signOf = (digit) => (digit.refused ? "?" : digit.label);

/** A line of text for each line of the photo. @param {Reading} reading */
export const textOf = (reading) =>
  reading.lines
    .map((line) => line.map((number) => number.map(signOf).join("")).join(" "))
    .join("\n");

/** Whether two texts hold the same digits, however they are spaced.
 * @param {string} text @param {string} other
 */
export const sameDigits = (text, other) =>
  text.replace(/\s/g, "") === other.replace(/\s/g, "");

/** How many digits there are of each kind.
 * @param {Reading} reading @param {number} doubt
 */
export function counts(reading, doubt) {
  const n = { corrected: 0, refused: 0, doubtful: 0, sure: 0 };
  const digits = digitsOf(reading);
  for (const digit of digits) n[kindOf(digit, doubt)] += 1;
  return { ...n, found: digits.length };
}

/** Where a box stands over the photo, in percent of its sides.
 * @param {Box} box @param {{width: number, height: number}} photo
 */
export const placed = (box, { width, height }) => ({
  left: (100 * box.left) / width,
  top: (100 * box.top) / height,
  width: (100 * (box.right - box.left)) / width,
  height: (100 * (box.bottom - box.top)) / height,
});

/** The digit to which a key leads from digit `at`: along the lines, or across them.
 * @param {Reading} reading @param {number} at @param {string} key
 * @returns {number}
 */
export function neighbour(reading, at, key) {
  const digits = digitsOf(reading);
  const last = digits.length - 1;
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (key === "ArrowLeft") return Math.max(at - 1, 0);
  if (key === "ArrowRight") return Math.min(at + 1, last);
  /** @type {number[]} */
  const lineOf = reading.lines.flatMap((line, l) => line.flat().map(() => l));
  const wanted = lineOf[at] + (key === "ArrowUp" ? -1 : key === "ArrowDown" ? 1 : 0);
  const middle = (/** @type {Box} */ box) => (box.left + box.right) / 2;
  let [best, least] = [at, Infinity];
  digits.forEach((digit, i) => {
    const distance = Math.abs(middle(digit.box) - middle(digits[at].box));
    if (lineOf[i] === wanted && distance < least) [best, least] = [i, distance];
  });
  return best;
}

/** A part of a grey picture around a box, with a little of what is around it.
 * @param {{grey: Uint8Array, width: number, height: number}} picture @param {Box} box
 */
export function cut({ grey, width, height }, box) {
  const margin = Math.round((box.bottom - box.top) / 6);
  const [left, top] = [Math.max(box.left - margin, 0), Math.max(box.top - margin, 0)];
  const right = Math.min(box.right + margin, width);
  const bottom = Math.min(box.bottom + margin, height);
  const part = new Uint8Array((right - left) * (bottom - top));
  for (let y = top; y < bottom; y++) {
    const from = y * width + left;
    part.set(grey.subarray(from, from + right - left), (y - top) * (right - left));
  }
  return { grey: part, width: right - left, height: bottom - top };
}
