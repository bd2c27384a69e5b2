/* A drawing as the picture that the network receives: what `prepare` of ardoise.pictures
 * does with light ink on a dark ground, step by step; or `fit_image`, for a network that
 * was taught pictures of another kind. */

const SIDE = 28; // of the picture
const BOX = 20; // of the digit in it
const MIDDLE = 14.5; // its centre of mass
const FINE = 4 * BOX; // longest side at which strokes are looked at
const MARK = 0.04; // of the largest mark's ink: so much makes another a part of the digit
const NEAR = 0.2; // of its longest side: half of that is enough so near to it

/** @typedef {{ ink: Float64Array, height: number, width: number }} Picture */
/** @typedef {{ top: number, left: number, bottom: number, right: number }} Box */
/** @typedef {{ thinnest: number, thickest: number, dark_on_light: boolean }} Settings */

/**
 * @param {Uint8Array} grey levels, row by row: 255 is ink
 * @param {number} height @param {number} width
 * @param {Settings} settings
 * @returns {Uint8Array}
 */
function prepareDrawing(grey, height, width, settings) {
  const drawing = { ink: Float64Array.from(grey, (level) => level / 255), height, width };
  const digit = cutOut(drawing);
  const framed = digit === null ? new Float64Array(SIDE * SIDE) : inFrame(usual(digit, settings));
  return Uint8Array.from(framed, (level) =>
    roundToEven(255 * (settings.dark_on_light ? 1 - level : level)),
  );
}

/**
 * The digit without specks, or null if nothing is drawn.
 * @param {Picture} picture @returns {Picture | null}
 */
function cutOut({ ink, height, width }) {
  const marks = marksOf({ ink, height, width });
  if (marks.length === 0) return null;
  const main = marks.reduce((best, mark) => (mark.places.length > best.places.length ? mark : best));
  const least = MARK * main.places.length;
  const longest = Math.max(main.box.bottom - main.box.top, main.box.right - main.box.left);
  const kept = marks.filter(({ places, box }) => {
    if (places.length >= least) return true;
    return places.length >= least / 2 && gap(box, main.box) / longest <= NEAR;
  });
  // Grey edges belong to the mark that they touch.
  const seen = new Uint8Array(ink.length);
  const own = spread(kept.flatMap(({ places }) => places), height, width, seen, (i) => ink[i] > 0);
  const box = boxOf(own, width);
  const result = blank(box.bottom - box.top, box.right - box.left);
  for (const i of own) {
    const [row, column] = [Math.floor(i / width), i % width];
    result.ink[(row - box.top) * result.width + column - box.left] = ink[i];
  }
  return result;
}

/**
 * What hangs together where there is more ink than none: places and box of each mark.
 * @param {Picture} picture @returns {{ places: number[], box: Box }[]}
 */
function marksOf({ ink, height, width }) {
  const seen = new Uint8Array(ink.length);
  const marks = [];
  for (let i = 0; i < ink.length; i++) {
    if (ink[i] < 0.5 || seen[i]) continue;
    const places = spread([i], height, width, seen, (j) => ink[j] >= 0.5);
    marks.push({ places, box: boxOf(places, width) });
  }
  return marks;
}

/**
 * All places that hang together with some of them, those at a corner too.
 * @param {number[]} from @param {number} height @param {number} width
 * @param {Uint8Array} seen set to 1 at all of them
 * @param {(i: number) => boolean} belongs
 * @returns {number[]}
 */
function spread(from, height, width, seen, belongs) {
  const places = [...from];
  for (const i of places) seen[i] = 1;
  for (let n = 0; n < places.length; n++) {
    const row = Math.floor(places[n] / width);
    const column = places[n] % width;
    for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, height - 1); y++) {
      for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, width - 1); x++) {
        const i = y * width + x;
        if (seen[i] || !belongs(i)) continue;
        seen[i] = 1;
        places.push(i);
      }
    }
  }
  return places;
}

/** @param {number[]} places @param {number} width @returns {Box} */
function boxOf(places, width) {
  const box = { top: Infinity, left: Infinity, bottom: 0, right: 0 };
  for (const i of places) {
    const [row, column] = [Math.floor(i / width), i % width];
    box.top = Math.min(box.top, row);
    box.left = Math.min(box.left, column);
    box.bottom = Math.max(box.bottom, row + 1);
    box.right = Math.max(box.right, column + 1);
  }
  return box;
}

/** Pixels between two boxes, on the axis with more. @param {Box} a @param {Box} b */
function gap(a, b) {
  const down = Math.max(a.top - b.bottom, b.top - a.bottom);
  return Math.max(down, a.left - b.right, b.left - a.right, 0);
}

/** @param {number} height @param {number} width @returns {Picture} */
function blank(height, width) {
  return { ink: new Float64Array(height * width), height, width };
}

/**
 * The digit with strokes of a width that was taught.
 * @param {Picture} digit @param {Settings} settings @returns {Picture}
 */
function usual(digit, settings) {
  const longest = Math.max(digit.height, digit.width);
  const width = (thickness(digit) * BOX) / longest; // in pixels of the frame
  const wanted = Math.min(Math.max(width, settings.thinnest), settings.thickest);
  if (width === 0 || wanted === width) return digit;
  let fine = digit;
  if (longest > 1.5 * FINE || longest < FINE) {
    const scale = FINE / longest;
    const [h, w] = [digit.height, digit.width].map((n) => Math.max(1, roundToEven(n * scale)));
    fine = resample(digit, h, w, scale, [0, 0]);
  }
  const unit = Math.max(fine.height, fine.width) / BOX;
  const now = thickness(fine);
  // Both sides grow, and the frame then shrinks all by what the box grew.
  const more = (wanted * unit - now) / 2 / (1 - wanted / BOX);
  const changed = thicken(fine, Math.max(more, -0.35 * now)); // so that no stroke breaks
  const places = [...changed.ink.keys()].filter((i) => changed.ink[i] > 0);
  if (places.length === 0) return digit;
  const box = boxOf(places, changed.width);
  return cut(changed, box);
}

/** @param {Picture} picture @param {Box} box @returns {Picture} */
function cut({ ink, width }, box) {
  const result = blank(box.bottom - box.top, box.right - box.left);
  for (let i = 0; i < result.height; i++) {
    const start = (box.top + i) * width + box.left;
    result.ink.set(ink.subarray(start, start + result.width), i * result.width);
  }
  return result;
}

/** @param {Picture} picture @param {number} by pixels without ink on each side */
function pad({ ink, height, width }, by) {
  const result = blank(height + 2 * by, width + 2 * by);
  for (let i = 0; i < height; i++) {
    result.ink.set(ink.subarray(i * width, (i + 1) * width), (i + by) * result.width + by);
  }
  return result;
}

/** The mean width of strokes, from their area and their edge. @param {Picture} picture */
function thickness(picture) {
  const { ink, height, width } = pad(picture, 1);
  const area = ink.reduce((sum, level) => sum + level, 0);
  let edge = 0;
  for (let i = 0; i + 1 < height; i++) {
    for (let j = 0; j + 1 < width; j++) {
      const k = i * width + j;
      const [a, b, c, d] = [ink[k], ink[k + 1], ink[k + width], ink[k + width + 1]];
      edge += Math.hypot(c - a + d - b, b - a + d - c) / 2;
    }
  }
  const half = edge / 2;
  const inside = half * half - 4 * area;
  return inside > 0 ? (half - Math.sqrt(inside)) / 2 : half / 2;
}

/**
 * Strokes wider by so many pixels on each side, or narrower.
 * @param {Picture} picture @param {number} pixels @returns {Picture}
 */
function thicken(picture, pixels) {
  const whole = Math.floor(Math.abs(pixels));
  const part = Math.abs(pixels) - whole;
  const extreme = pixels > 0 ? Math.max : Math.min;
  let result = pad(picture, Math.ceil(Math.max(pixels, 0)));
  for (let n = 0; n < whole; n++) result = step(result, extreme, n);
  if (part === 0) return result;
  const further = step(result, extreme, whole).ink;
  const ink = result.ink.map((level, i) => (1 - part) * level + part * further[i]);
  return { ...result, ink };
}

/**
 * One pixel wider: over a cross; every third time a square: nearly a disc.
 * @param {Picture} picture @param {(...levels: number[]) => number} extreme
 * @param {number} number @returns {Picture}
 */
function step(picture, extreme, number) {
  const padded = pad(picture, 1);
  const { height, width } = picture;
  const result = blank(height, width);
  const corners = number % 3 === 2;
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const k = (i + 1) * padded.width + j + 1;
      const [up, down] = [k - padded.width, k + padded.width];
      const near = [k, k - 1, k + 1, up, down];
      if (corners) near.push(up - 1, up + 1, down - 1, down + 1);
      result.ink[i * width + j] = extreme(...near.map((place) => padded.ink[place]));
    }
  }
  return result;
}

/**
 * MNIST's own frame. @param {Picture} digit @returns {Float64Array}
 */
function inFrame(digit) {
  const { ink, height, width } = digit;
  const total = ink.reduce((sum, level) => sum + level, 0);
  let scale = BOX / Math.max(height, width);
  let [row, column] = [0, 0];
  ink.forEach((level, i) => {
    row += level * Math.floor(i / width);
    column += level * (i % width);
  });
  let shift = [row, column].map((sum) => MIDDLE - scale * (sum / total + 0.5));
  if (Math.abs(scale - 1) < 0.03) {
    scale = 1;
    shift = shift.map(roundToEven);
  }
  const framed = resample(digit, SIDE, SIDE, scale, shift).ink;
  return framed.map((level) => Math.min(Math.max(level, 0), 1));
}

/**
 * A picture of another size: each pixel the mean of what it covers.
 * @param {Picture} picture @param {number} height @param {number} width
 * @param {number} scale @param {number[]} shift of its upper left corner
 * @returns {Picture}
 */
function resample({ ink, height: h, width: w }, height, width, scale, shift) {
  const rows = covers(h, height, scale, shift[0]);
  const columns = covers(w, width, scale, shift[1]);
  const tall = blank(height, w);
  for (const [from, to, share] of rows) {
    for (let j = 0; j < w; j++) tall.ink[to * w + j] += share * ink[from * w + j];
  }
  const result = blank(height, width);
  for (const [from, to, share] of columns) {
    for (let i = 0; i < height; i++) result.ink[i * width + to] += share * tall.ink[i * w + from];
  }
  return result;
}

/**
 * Which old pixel covers which share of which new one.
 * @param {number} from @param {number} to @param {number} scale @param {number} shift
 * @returns {[number, number, number][]}
 */
function covers(from, to, scale, shift) {
  /** @type {[number, number, number][]} */
  const found = [];
  for (let i = 0; i < from; i++) {
    const [low, high] = [shift + scale * i, shift + scale * (i + 1)];
    for (let j = Math.max(Math.floor(low), 0); j < Math.min(Math.ceil(high), to); j++) {
      const share = Math.min(high, j + 1) - Math.max(low, j);
      if (share > 0) found.push([i, j, share]);
    }
  }
  return found;
}

/**
 * A picture made bright on dark, and of the wanted size, keeping its proportions.
 * @param {Uint8Array} grey levels, row by row
 * @param {number} height @param {number} width of the picture
 * @param {number} toHeight @param {number} toWidth
 * @returns {Uint8Array}
 */
function fitImage(grey, height, width, toHeight, toWidth) {
  let background = Math.floor(medianOfBorder(grey, height, width));
  let image = grey;
  if (background > 127) {
    image = image.map((level) => 255 - level);
    background = 255 - background;
  }
  const scale = Math.min(toHeight / height, toWidth / width);
  const h = Math.max(1, roundToEven(height * scale));
  const w = Math.max(1, roundToEven(width * scale));
  const small = resizeRows(resizeColumns(image, height, width, w), height, w, h);
  const top = Math.floor((toHeight - h) / 2);
  const left = Math.floor((toWidth - w) / 2);
  const fitted = new Uint8Array(toHeight * toWidth).fill(background);
  for (let i = 0; i < h; i++) {
    fitted.set(small.subarray(i * w, (i + 1) * w), (top + i) * toWidth + left);
  }
  return fitted;
}

/**
 * @param {Uint8Array} grey @param {number} height @param {number} width
 */
function medianOfBorder(grey, height, width) {
  const border = [];
  for (let j = 0; j < width; j++) border.push(grey[j], grey[(height - 1) * width + j]);
  for (let i = 0; i < height; i++) border.push(grey[i * width], grey[(i + 1) * width - 1]);
  border.sort((a, b) => a - b);
  const middle = border.length / 2; // the length is even
  return (border[middle - 1] + border[middle]) / 2;
}

/** @param {number} x A half goes to the even neighbour, as in Python. */
function roundToEven(x) {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/**
 * For each of `to` pixels, the first and the one after the last of those it replaces:
 * those whose middle lies in it, or on its right edge.
 * @param {number} from @param {number} to
 * @returns {[number, number][]}
 */
function replaced(from, to) {
  const scale = from / to;
  const wide = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    let first = Math.max(Math.floor(centre - wide / 2 + 0.5), 0);
    let last = Math.min(Math.floor(centre + wide / 2 + 0.5), from);
    // What lies on an edge: the same sums as Pillow's, to the last bit.
    if ((first - centre + 0.5) * (1 / wide) <= -0.5) first++;
    if ((last - 1 - centre + 0.5) * (1 / wide) > 0.5) last--;
    return [first, last];
  });
}

/**
 * A mean as Pillow rounds it, which computes with 22 binary places.
 * @param {number} sum @param {number} count
 */
function mean(sum, count) {
  const share = Math.floor((1 / count) * 2 ** 22 + 0.5);
  return Math.floor((sum * share + 2 ** 21) / 2 ** 22);
}

/**
 * Each row as `to` means.
 * @param {Uint8Array} image @param {number} height @param {number} width
 * @param {number} to
 */
function resizeColumns(image, height, width, to) {
  const result = new Uint8Array(height * to);
  replaced(width, to).forEach(([first, last], j) => {
    for (let i = 0; i < height; i++) {
      let sum = 0;
      for (let k = first; k < last; k++) sum += image[i * width + k];
      result[i * to + j] = mean(sum, last - first);
    }
  });
  return result;
}

/**
 * Each column as `to` means.
 * @param {Uint8Array} image @param {number} height @param {number} width
 * @param {number} to
 */
function resizeRows(image, height, width, to) {
  const result = new Uint8Array(to * width);
  replaced(height, to).forEach(([first, last], i) => {
    for (let j = 0; j < width; j++) {
      let sum = 0;
      for (let k = first; k < last; k++) sum += image[k * width + j];
      result[i * width + j] = mean(sum, last - first);
    }
  });
  return result;
}
