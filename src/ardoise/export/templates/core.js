/**
 * The probability of each class for an image of @N_INPUTS@ numbers, row by row: bytes
 * are divided by 255, other numbers are taken as they are.
 * @param {ArrayLike<number>} image
 * @returns {number[]}
 */
@EXPORT@function predictProba(image) {
  if (image.length !== @N_INPUTS@) {
    throw new RangeError(`an image must have @N_INPUTS@ numbers; got ${image.length}`);
  }
  const isBytes = image instanceof Uint8Array || image instanceof Uint8ClampedArray;
  const x = Float64Array.from(image);
  if (isBytes) for (let i = 0; i < x.length; i++) x[i] /= 255;
  return Array.from(network(x));
}

/* -- the network ---------------------------------------------------------------- */

/** @param {Numbers} x0 @returns {Numbers} */
function network(x0) {
@STEPS@
  const p = new Float64Array(@N_CLASSES@);
  @OUTPUT@(x@RESULT@, p);
  return p;
}

@FUNCTIONS@

/* -- the weights ---------------------------------------------------------------- */

/**
 * The arrays by name. int8 numbers are multiplied by their scale.
 * @param {string} text
 */
function unpack(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  /** @type {Record<string, Weights>} */
  const arrays = {};
  for (const [name, offset, count, scale] of PIECES) {
    if (scale === "") {
      arrays[name] = new Float32Array(bytes.buffer, offset, count);
    } else {
      const factors = arrays[scale];
      const q = new Int8Array(bytes.buffer, offset, count);
      arrays[name] = Float32Array.from(q, (v, i) => v * factors[i % factors.length]);
    }
  }
  return arrays;
}

/**
 * Name, place in bytes, numbers, and what int8 numbers are multiplied by.
 * @type {[string, number, number, string][]}
 */
const PIECES = @PIECES@;

const P = unpack("@WEIGHTS@");

/** What the arrays between two steps lie in. */
const memory = new Float64Array(@MEMORY@);
