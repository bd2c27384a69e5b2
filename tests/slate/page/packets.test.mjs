import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { pack, sizeOf, tensor, unpack } from "../../../src/ardoise/slate/page/packets.js";

const ARRAYS = {
  pad: tensor(Uint8Array.from([0, 1, 255, 7, 9, 200]), 2, 3),
  probabilities: tensor(Float32Array.from([0.25, -1e-30, 3e38, Infinity]), 4),
  confusion: tensor(Int32Array.from([-5, 2 ** 31 - 1]), 1, 2),
  nothing: tensor(new Float32Array(0), 0, 10),
};

test("what is packed comes out again", () => {
  const fields = { id: 3, type: "draw", word: "où ça ?", values: [1.5, null] };
  const { header, arrays } = unpack(pack(fields, ARRAYS));
  assert.deepEqual(header, fields);
  assert.deepEqual(arrays, ARRAYS);
});

test("arrays lie at multiples of 4 bytes, whatever the header", () => {
  for (let n = 0; n < 9; n++) {
    const packet = pack({ word: "x".repeat(n) }, { pad: ARRAYS.pad });
    assert.equal(packet.byteLength % 4, 0);
    const start = 4 + new DataView(packet).getUint32(0, true);
    assert.equal(start % 4, 0);
    assert.deepEqual([...new Uint8Array(packet, start, 6)], [0, 1, 255, 7, 9, 200]);
  }
});

test("a view into a larger buffer is packed alone", () => {
  const view = Float32Array.from([1, 2, 3, 4]).subarray(1, 3);
  const { arrays } = unpack(pack({}, { x: tensor(view, 2) }));
  assert.deepEqual([...arrays.x.data], [2, 3]);
});

test("the header may have any length", () => {
  const json = new TextEncoder().encode(
    '{"arrays":[{"name":"x","dtype":"float32","shape":[1]}],"z":""}',
  );
  assert.notEqual(json.length % 4, 0);
  const packet = new Uint8Array(4 + json.length + 4);
  new DataView(packet.buffer).setUint32(0, json.length, true);
  packet.set(json, 4);
  packet.set(new Uint8Array(Float32Array.from([1.5]).buffer), 4 + json.length);
  assert.deepEqual([...unpack(packet.buffer).arrays.x.data], [1.5]);
});

test("damaged packets are refused", () => {
  const packet = pack({ id: 1 }, ARRAYS);
  for (let length = 0; length < packet.byteLength; length++) {
    assert.throws(() => unpack(packet.slice(0, length)), `${length} bytes`);
  }
  const bytes = new Uint8Array(packet);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("float32");
  bytes.set(new TextEncoder().encode("float64"), at);
  assert.throws(() => unpack(packet), /float64/);
});

test("a shape must be filled", () => {
  assert.equal(sizeOf([]), 1);
  assert.throws(() => tensor(new Uint8Array(5), 2, 3), /5 numbers/);
});

const python = process.env.ARDOISE_PYTHON;
test("Python reads what the page packs, and the page what Python packs", {
  skip: python === undefined && "ARDOISE_PYTHON names no Python",
}, () => {
  const script = `
import sys
from ardoise.slate.packets import pack, unpack
header, arrays = unpack(sys.stdin.buffer.read())
header.pop("arrays", None)
sys.stdout.buffer.write(pack({**header, "heard": True}, arrays))`;
  const input = new Uint8Array(pack({ id: 3, word: "où" }, { ...ARRAYS }));
  const output = execFileSync(/** @type {string} */ (python), ["-c", script], { input });
  const packet = output.buffer.slice(
    output.byteOffset,
    output.byteOffset + output.byteLength,
  );
  const { header, arrays } = unpack(packet);
  assert.deepEqual(header, { id: 3, word: "où", heard: true });
  assert.deepEqual(arrays, ARRAYS);
});
