/* The steps of a network, hand-written. Each part is copied into an export that needs
 * it, into a module or a page.
 *
 * x and y are images (rows, columns, channels) or rows of numbers, y may be x where a
 * step works number by number. Inputs that are 0 (most of a drawing, and what a ReLU
 * cuts off) cost nothing. */

/* -- types -- */
/** @typedef {Float64Array} Numbers */
/** @typedef {Float32Array} Weights */

/* -- windows -- */
/**
 * Where the windows of a convolution or a pooling lie.
 * @typedef {{shape: number[], output: number[], kernel: number[], stride: number[],
 *   before: number[]}} Windows
 */

/* -- gathered -- */
/* The inputs of some outputs that are not 0, and where the weights of each begin. */
const values = new Float64Array(@MOST_INPUTS@);
const rows = new Int32Array(@MOST_INPUTS@);

/**
 * Add the first n gathered inputs times their weights to `width` outputs from `place`.
 * Four sums at a time stay in registers: half the time of one input after the other.
 * @param {number} n @param {Numbers} y @param {number} place @param {number} width
 * @param {Weights} W
 */
function accumulate(n, y, place, width, W) {
  let j = 0;
  for (; j + 4 <= width; j += 4) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const value = values[i];
      const row = rows[i] + j;
      a += value * W[row];
      b += value * W[row + 1];
      c += value * W[row + 2];
      d += value * W[row + 3];
    }
    y[place + j] += a;
    y[place + j + 1] += b;
    y[place + j + 2] += c;
    y[place + j + 3] += d;
  }
  for (; j < width; j++) {
    for (let i = 0; i < n; i++) y[place + j] += values[i] * W[rows[i] + j];
  }
}

/* -- dense -- */
/**
 * y = x W + b.
 * @param {Numbers} x @param {Numbers} y @param {Weights} W @param {Weights} b
 */
function dense(x, y, W, b) {
  let n = 0;
  for (let i = 0; i < x.length; i++) {
    if (x[i] === 0) continue;
    values[n] = x[i];
    rows[n++] = i * b.length;
  }
  y.set(b);
  accumulate(n, y, 0, b.length, W);
}

/* -- conv -- */
/**
 * y = W times each window of x, plus b.
 * @param {Numbers} x @param {Numbers} y @param {Weights} W @param {Weights} b
 * @param {Windows & {dilation: number[], groups: number}} windows
 */
function conv(x, y, W, b, windows) {
  const channels = windows.shape[2] / windows.groups; // of a group
  const width = b.length / windows.groups; // filters of a group
  let place = 0;
  for (let i = 0; i < windows.output[0]; i++) {
    for (let j = 0; j < windows.output[1]; j++) {
      y.set(b, place);
      for (let g = 0; g < windows.groups; g++) {
        const n = gather(x, i, j, g * channels, channels, g * width, b.length, windows);
        accumulate(n, y, place, width, W);
        place += width;
      }
    }
  }
}

/**
 * Gather what the window (i, j) sees of some channels; return how many numbers.
 * @param {Numbers} x @param {number} i @param {number} j
 * @param {number} first @param {number} channels from this one, so many
 * @param {number} filter the first that sees them @param {number} filters of all groups
 * @param {Windows & {dilation: number[]}} windows
 */
function gather(x, i, j, first, channels, filter, filters, windows) {
  const { shape, kernel, stride, before, dilation } = windows;
  let n = 0;
  for (let r = 0; r < kernel[0]; r++) {
    const up = i * stride[0] - before[0] + r * dilation[0];
    if (up < 0 || up >= shape[0]) continue;
    for (let s = 0; s < kernel[1]; s++) {
      const at = j * stride[1] - before[1] + s * dilation[1];
      if (at < 0 || at >= shape[1]) continue;
      const pixel = (up * shape[1] + at) * shape[2] + first;
      const tap = (r * kernel[1] + s) * channels;
      for (let k = 0; k < channels; k++) {
        const value = x[pixel + k];
        if (value === 0) continue;
        values[n] = value;
        rows[n++] = (tap + k) * filters + filter;
      }
    }
  }
  return n;
}

/* -- pool -- */
/**
 * Each window of each channel in a few numbers: y = of(the sum, the maximum, how many).
 * @param {Numbers} x @param {Numbers} y @param {Windows} windows
 * @param {(sum: number, most: number, count: number) => number} of
 */
function pool(x, y, windows, of) {
  const [h, w, c] = windows.shape;
  const [rows, columns] = windows.output;
  const { kernel, stride, before } = windows;
  let place = 0;
  for (let i = 0; i < rows; i++) {
    const top = Math.max(i * stride[0] - before[0], 0);
    const bottom = Math.min(i * stride[0] - before[0] + kernel[0], h);
    for (let j = 0; j < columns; j++) {
      const left = Math.max(j * stride[1] - before[1], 0);
      const right = Math.min(j * stride[1] - before[1] + kernel[1], w);
      for (let k = 0; k < c; k++) {
        let sum = 0;
        let most = -Infinity;
        for (let r = top; r < bottom; r++) {
          for (let s = left; s < right; s++) {
            const value = x[(r * w + s) * c + k];
            sum += value;
            if (value > most) most = value;
          }
        }
        y[place++] = of(sum, most, (bottom - top) * (right - left));
      }
    }
  }
}

/* -- max_pool -- */
/**
 * y = the maximum of each window.
 * @param {Numbers} x @param {Numbers} y @param {Windows} windows
 */
function max_pool(x, y, windows) {
  pool(x, y, windows, (sum, most) => most);
}

/* -- average_pool -- */
/**
 * y = the mean of each window, padding not counted.
 * @param {Numbers} x @param {Numbers} y @param {Windows} windows
 */
function average_pool(x, y, windows) {
  pool(x, y, windows, (sum, most, count) => sum / count);
}

/* -- global_average -- */
/**
 * y = the mean of each map.
 * @param {Numbers} x @param {Numbers} y
 */
function global_average(x, y) {
  const pixels = x.length / y.length;
  y.fill(0);
  for (let i = 0; i < x.length; i++) y[i % y.length] += x[i] / pixels;
}

/* -- add -- */
/** @param {Numbers} x @param {Numbers} other @param {Numbers} y */
function add(x, other, y) {
  for (let i = 0; i < y.length; i++) y[i] = x[i] + other[i];
}

/* -- relu -- */
/** @param {Numbers} x @param {Numbers} y */
function relu(x, y) {
  for (let i = 0; i < y.length; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

/* -- leaky_relu -- */
/** @param {Numbers} x @param {Numbers} y @param {{negative_slope: number}} settings */
function leaky_relu(x, y, { negative_slope }) {
  for (let i = 0; i < y.length; i++) y[i] = x[i] > 0 ? x[i] : negative_slope * x[i];
}

/* -- elu -- */
/** @param {Numbers} x @param {Numbers} y @param {{alpha: number}} settings */
function elu(x, y, { alpha }) {
  for (let i = 0; i < y.length; i++) y[i] = x[i] > 0 ? x[i] : alpha * Math.expm1(x[i]);
}

/* -- gelu -- */
/**
 * x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
 * @param {Numbers} x @param {Numbers} y
 */
function gelu(x, y) {
  for (let i = 0; i < y.length; i++) {
    const inner = Math.sqrt(2 / Math.PI) * (x[i] + 0.044715 * x[i] ** 3);
    y[i] = 0.5 * x[i] * (1 + Math.tanh(inner));
  }
}

/* -- tanh -- */
/** @param {Numbers} x @param {Numbers} y */
function tanh(x, y) {
  for (let i = 0; i < y.length; i++) y[i] = Math.tanh(x[i]);
}

/* -- sigmoid -- */
/**
 * 1 / (1 + e^-x), by a formula that cannot overflow.
 * @param {Numbers} x @param {Numbers} y
 */
function sigmoid(x, y) {
  for (let i = 0; i < y.length; i++) y[i] = 0.5 + 0.5 * Math.tanh(0.5 * x[i]);
}

/* -- softplus -- */
/**
 * log(1 + e^x), by a formula that cannot overflow.
 * @param {Numbers} x @param {Numbers} y
 */
function softplus(x, y) {
  for (let i = 0; i < y.length; i++) {
    y[i] = Math.max(x[i], 0) + Math.log1p(Math.exp(-Math.abs(x[i])));
  }
}

/* -- affine -- */
/**
 * y = x times factor plus shift, by channel.
 * @param {Numbers} x @param {Numbers} y @param {Weights} factor @param {Weights} shift
 */
function affine(x, y, factor, shift) {
  const c = factor.length;
  for (let i = 0; i < y.length; i++) y[i] = x[i] * factor[i % c] + shift[i % c];
}

/* -- layer_norm -- */
/**
 * y = x with mean 0 and variance 1 in each pixel, times gamma plus beta.
 * @param {Numbers} x @param {Numbers} y @param {Weights} gamma @param {Weights} beta
 * @param {{epsilon: number}} settings
 */
function layer_norm(x, y, gamma, beta, { epsilon }) {
  const c = gamma.length;
  for (let i = 0; i < x.length; i += c) {
    let mean = 0;
    let variance = 0;
    for (let k = 0; k < c; k++) mean += x[i + k] / c;
    for (let k = 0; k < c; k++) variance += (x[i + k] - mean) ** 2 / c;
    const factor = 1 / Math.sqrt(variance + epsilon);
    for (let k = 0; k < c; k++) y[i + k] = (x[i + k] - mean) * factor * gamma[k] + beta[k];
  }
}

/* -- softmax -- */
/**
 * y = e^x over its sum.
 * @param {Numbers} x @param {Numbers} y
 */
function softmax(x, y) {
  let most = -Infinity;
  let sum = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, x[i]);
  for (let i = 0; i < x.length; i++) sum += y[i] = Math.exp(x[i] - most);
  for (let i = 0; i < x.length; i++) y[i] /= sum;
}
