// @ts-check
/* Packets of the WebSocket: uint32 length of the header (little-endian) | header, JSON
 * | arrays, one after another, each padded to 4 bytes. The same as in packets.py. */

/** @typedef {Uint8Array | Int32Array | Float32Array} Numbers */
/** @typedef {{data: Numbers, shape: number[]}} Tensor Numbers in C order. */
/** @typedef {Record<string, Tensor>} Tensors */
/** @typedef {Record<string, any>} Header */

const TYPES = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array };

/** @param {number} n */
const padded = (n) => Math.ceil(n / 4) * 4;

/** @param {number[]} shape */
export const sizeOf = (shape) => shape.reduce((product, side) => product * side, 1);

/** @param {Numbers} data @returns {keyof typeof TYPES} */
function dtypeOf(data) {
  if (data instanceof Uint8Array) return "uint8";
  return data instanceof Int32Array ? "int32" : "float32";
}

/** Numbers with their shape. @param {Numbers} data @param {...number} shape */
export function tensor(data, ...shape) {
  if (sizeOf(shape) !== data.length) {
    throw new Error(`${data.length} numbers do not fill the shape (${shape})`);
  }
  return { data, shape };
}

/**
 * One packet. Spaces after the JSON bring the arrays to a multiple of 4 bytes.
 * @param {Header} header @param {Tensors} [arrays] @returns {ArrayBuffer}
 */
export function pack(header, arrays = {}) {
  const entries = Object.entries(arrays);
  const list = entries.map(([name, { data, shape }]) => {
    return { name, dtype: dtypeOf(data), shape };
  });
  const json = new TextEncoder().encode(JSON.stringify({ ...header, arrays: list }));
  const start = 4 + padded(json.length);
  const bytes = entries.reduce((n, [, { data }]) => n + padded(data.byteLength), start);
  const packet = new Uint8Array(bytes).fill(32, 4, start);
  new DataView(packet.buffer).setUint32(0, start - 4, true);
  packet.set(json, 4);
  let at = start;
  for (const [, { data }] of entries) {
    packet.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += padded(data.byteLength);
  }
  return packet.buffer;
}

/**
 * The header and the arrays of a packet; each array is a copy of its bytes.
 * @param {ArrayBuffer} packet @returns {{header: Header, arrays: Tensors}}
 */
export function unpack(packet) {
  if (packet.byteLength < 4) throw new Error("a packet has at least 4 bytes");
  const start = 4 + new DataView(packet).getUint32(0, true);
  if (start > packet.byteLength) throw new Error("the header ends after its packet");
  const header = JSON.parse(new TextDecoder().decode(packet.slice(4, start)));
  /** @type {Tensors} */
  const arrays = {};
  let at = start;
  for (const { name, dtype, shape } of header.arrays ?? []) {
    const Type = TYPES[/** @type {keyof typeof TYPES} */ (dtype)];
    if (Type === undefined) throw new Error(`unknown dtype ${dtype}`);
    const length = sizeOf(shape) * Type.BYTES_PER_ELEMENT;
    if (at + length > packet.byteLength)
      throw new Error(`${name} ends after its packet`);
    arrays[name] = { data: new Type(packet.slice(at, at + length)), shape };
    at += padded(length);
  }
  delete header.arrays;
  return { header, arrays };
}
