/* A drawing as the picture that the network receives: what `fit_image` of ardoise does,
 * step by step, and with it `ardoise predict`. */

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
