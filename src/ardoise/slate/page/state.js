// @ts-check
/* What several panels share: the network, the image at hand, what was read on it. */

/** @typedef {{name: string, kind: string, shape: number[], parameters: number}}
 * LayerSummary */
/** @typedef {{layers: LayerSummary[], input: number[], params: number}} Network */
/** @typedef {{layer: number, kind: string, shape: number[], parameters: number}}
 * ShownLayer */
/** @typedef {{probabilities: Float32Array, refused: boolean, empty: boolean,
 *   changes: {code: string, values: Record<string, number>}[], layers: ShownLayer[],
 *   arrays: import("./packets.js").Tensors}} Reading What "draw" answers. */
/**
 * @typedef {object} Shared
 * @property {Record<string, any> | null} server The answer to hello, whole.
 * @property {string[]} classes
 * @property {Network | null} network
 * @property {Uint8Array | null} image 28×28, as it is seen; null: nothing drawn.
 * @property {Reading | null} reading What it reads on the image.
 * @property {string} learning "idle", "running", "paused", "replay".
 * @property {number} step Of the training that runs.
 * @property {number} version Goes up whenever another network draws.
 */

/**
 * A record whose changes are told.
 * @template {object} T @param {T} initial
 */
export function store(initial) {
  let value = initial;
  /** @type {Set<{listener: (value: T) => void, keys: (keyof T)[]}>} */
  const entries = new Set();
  return {
    get: () => value,
    /** @param {Partial<T>} patch */
    set(patch) {
      const keys = /** @type {(keyof T)[]} */ (Object.keys(patch));
      const changed = keys.filter((key) => !Object.is(value[key], patch[key]));
      value = { ...value, ...patch };
      for (const entry of [...entries]) {
        const wanted = entry.keys.length === 0 ? changed.length > 0 : undefined;
        if (wanted ?? entry.keys.some((key) => changed.includes(key))) {
          entry.listener(value);
        }
      }
    },
    /** Be told of changes of these keys (of all, if none is named).
     * @param {(value: T) => void} listener @param {...keyof T} keys
     * @returns {() => void} Stops it. */
    subscribe(listener, ...keys) {
      const entry = { listener, keys };
      entries.add(entry);
      return () => entries.delete(entry);
    },
  };
}

/** @type {Shared} */
const NOTHING = {
  server: null,
  classes: [..."0123456789"],
  network: null,
  image: null,
  reading: null,
  learning: "idle",
  step: 0,
  version: 0,
};

export const shared = store(NOTHING);

/** Calls that Draw's panel answers: an image from another section goes onto its pad. */
export const asked = store({ image: /** @type {Uint8Array | null} */ (null) });

/** Show an image (28×28) in Draw. @param {Uint8Array} image */
export function sendToDraw(image) {
  asked.set({ image: image.slice() });
  location.hash = "#draw";
}

/**
 * At most one at a time, the latest wins: while `work` runs, only the newest of what
 * comes in is kept, and done next.
 * @template T @param {(item: T) => Promise<void>} work @returns {(item: T) => void}
 */
export function latest(work) {
  let busy = false;
  /** @type {{item: T} | null} */
  let next = null;
  /** @param {T} item */
  const begin = async (item) => {
    busy = true;
    try {
      await work(item);
    } finally {
      busy = false;
      const kept = next;
      next = null;
      if (kept !== null) begin(kept.item);
    }
  };
  return (item) => {
    if (busy) next = { item };
    else begin(item);
  };
}

/** What the address says beside its section: #draw?cell=0,17&step=200, so that a place
 * can be shared. @param {string} name @returns {string | null} */
export function recall(name) {
  return new URLSearchParams(location.hash.split("?")[1] ?? "").get(name);
}

/** Say something in the address. @param {string} name @param {string | null} value */
export function remember(name, value) {
  const [section, rest] = location.hash.split("?");
  const values = new URLSearchParams(rest ?? "");
  if (value === null) values.delete(name);
  else values.set(name, value);
  const written = decodeURIComponent(String(values));
  const hash = `${section || "#draw"}${written && "?"}${written}`;
  history.replaceState(history.state, "", hash);
}

/** Keys that work on the whole page, and what they do. @type {Map<string, () =>
 * void>} */
export const shortcuts = new Map();

/** The network's shape: "784–128–10". @param {Network} network */
export function shapeOf(network) {
  const sides = network.layers
    .filter(({ parameters, kind }) => parameters > 0 && !/Norm|Bias/.test(kind))
    .map(({ shape, kind }) => (/Conv/.test(kind) ? `${shape.at(-1)}c` : shape.at(-1)));
  const input = network.input.filter((side, i) => i < 2 || side > 1); // grey: no ×1
  return [input.join("×"), ...sides].join(" – ");
}

/** The `count` most probable classes, the best first. @param {ArrayLike<number>}
 * probabilities @param {number} [count] */
export function best(probabilities, count = 2) {
  return Array.from(probabilities, (_, i) => i)
    .sort((a, b) => probabilities[b] - probabilities[a])
    .slice(0, count);
}
