// @ts-check
/* From arrays to pictures. Signs are told by colour and by hatching: amber for more
 * than zero, hatched cyan for less; black slate is zero. The same in both themes. */

/** @typedef {readonly [number, number, number]} Colour */
/** @typedef {ArrayLike<number>} Values */

export const GROUND = /** @type {Colour} */ ([17, 27, 22]);
export const CHALK = /** @type {Colour} */ ([244, 241, 230]);
export const AMBER = /** @type {Colour} */ ([250, 182, 70]);
export const CYAN = /** @type {Colour} */ ([92, 214, 232]);

/** @param {Colour} a @param {Colour} b @param {number} share Of b, from 0 to 1.
 * @returns {Colour} */
export function mix(a, b, share) {
  const t = Math.min(Math.max(share, 0), 1);
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** The largest absolute value; at least `least`. @param {Values} values
 * @param {number} [least] */
export function extent(values, least = 1e-12) {
  let most = least;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

/** @param {number} value @param {number} scale The value that is fully lit.
 * @returns {Colour} */
export function signedColour(value, scale) {
  return mix(GROUND, value < 0 ? CYAN : AMBER, Math.abs(value / scale) ** 0.7);
}

/**
 * Pixels (RGBA) of grey levels: chalk on black.
 * @param {Values} values @param {number} [low] @param {number} [high]
 */
export function greyPixels(values, low = 0, high = 255) {
  const pixels = new Uint8ClampedArray(4 * values.length);
  for (let i = 0; i < values.length; i++) {
    pixels.set(mix(GROUND, CHALK, (values[i] - low) / (high - low)), 4 * i);
    pixels[4 * i + 3] = 255;
  }
  return pixels;
}

/**
 * Pixels (RGBA) of signed values, each a square of block × block pixels, those below
 * zero hatched.
 * @param {Values} values @param {number} height @param {number} width
 * @param {{scale?: number, block?: number}} [options]
 */
export function signedPixels(values, height, width, options = {}) {
  const { scale = extent(values), block = 1 } = options;
  const wide = width * block;
  const pixels = new Uint8ClampedArray(4 * height * block * wide);
  for (let y = 0; y < height * block; y++) {
    for (let x = 0; x < wide; x++) {
      const value = values[Math.floor(y / block) * width + Math.floor(x / block)];
      let colour = signedColour(value, scale);
      if (value < 0 && block >= 3 && (x + y) % 4 === 0)
        colour = mix(colour, GROUND, 0.6);
      pixels.set(colour, 4 * (y * wide + x));
      pixels[4 * (y * wide + x) + 3] = 255;
    }
  }
  return pixels;
}

/** Put pixels on a canvas, which takes their size. @param {HTMLCanvasElement} canvas
 * @param {Uint8ClampedArray} pixels @param {number} height @param {number} width */
export function paint(canvas, pixels, height, width) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const picture = context.createImageData(width, height);
  picture.data.set(pixels);
  context.putImageData(picture, 0, 0);
}

/** @param {HTMLCanvasElement} canvas @param {Values} values @param {number} [height]
 * @param {number} [width] @param {number} [low] @param {number} [high] */
export function paintGrey(
  canvas,
  values,
  height = 28,
  width = 28,
  low = 0,
  high = 255,
) {
  paint(canvas, greyPixels(values, low, high), height, width);
}

/** @param {HTMLCanvasElement} canvas @param {Values} values @param {number} [height]
 * @param {number} [width] @param {{scale?: number, block?: number}} [options] */
export function paintSigned(canvas, values, height = 28, width = 28, options = {}) {
  const block = options.block ?? 5;
  const pixels = signedPixels(values, height, width, { ...options, block });
  paint(canvas, pixels, height * block, width * block);
}

/** One image of a pile (n, h, w). @template {Uint8Array | Float32Array} T
 * @param {{data: T, shape: number[]}} pile @param {number} i @returns {T} */
export function imageOf({ data, shape }, i) {
  const size = shape[1] * shape[2];
  return /** @type {T} */ (data.subarray(i * size, (i + 1) * size));
}

/** One channel of an image (h, w, c). @param {Values} values @param {number} channel
 * @param {number} channels */
export function channelOf(values, channel, channels) {
  return Float32Array.from(
    { length: values.length / channels },
    (_, i) => values[i * channels + channel],
  );
}

/** How many columns make a grid of `count` cells about `ratio` times as wide as high.
 * @param {number} count @param {number} [ratio] */
export function columnsOf(count, ratio = 1) {
  return Math.max(1, Math.min(count, Math.ceil(Math.sqrt(count * ratio))));
}

const SEEN = 140; // pixels that the weights of one number are wide

/** Weights (h, w) or (h, w, c) as one picture, channels side by side.
 * @param {HTMLCanvasElement} canvas @param {{data: Values, shape: number[]}} weights */
export function paintWeights(canvas, { data, shape }) {
  const [h, w, count = 1] = shape;
  const columns = columnsOf(count);
  const rows = Math.ceil(count / columns);
  const gap = count > 1 ? 1 : 0;
  const wide = columns * (w + gap) - gap;
  const all = new Float32Array((rows * (h + gap) - gap) * wide);
  for (let n = 0; n < count; n++) {
    const channel = channelOf(data, n, count);
    const start =
      Math.floor(n / columns) * (h + gap) * wide + (n % columns) * (w + gap);
    for (let i = 0; i < h; i++) {
      all.set(channel.subarray(i * w, (i + 1) * w), start + i * wide);
    }
  }
  // As large as it is seen: drawn smaller or larger, hatching would not be seen.
  const block = Math.max(1, Math.round(SEEN / wide));
  paintSigned(canvas, all, all.length / wide, wide, { scale: extent(data), block });
}
