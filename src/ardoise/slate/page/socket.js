// @ts-check
/* The one connection to the server: questions with answers, and what it tells by
 * itself. */

import { pack, unpack } from "./packets.js";
import { say } from "./words.js";

/** @typedef {import("./packets.js").Header} Header */
/** @typedef {import("./packets.js").Tensors} Tensors */
/** @typedef {{header: Header, arrays: Tensors}} Answer */
/** @typedef {{resolve: (answer: Answer) => void, reject: (error: Error) => void}}
 * Asker */

/** What the server refuses, in one sentence. */
export class Refused extends Error {}

const LONGEST_WAIT = 8000; // milliseconds between two attempts to connect again

/** @type {WebSocket | null} */
let socket = null;
let lastId = 0;
let failures = 0;
let address = "";
/** @type {(() => void)} */
let opened = () => {};
/** @type {Map<number, Asker>} */
const askers = new Map();
/** @type {(string | ArrayBuffer)[]} Asked before the connection stood. */
let queue = [];
/** @type {Map<string, Set<(header: Header, arrays: Tensors) => void>>} */
const listeners = new Map();

/**
 * Connect, and connect again whenever the connection is lost.
 * @param {string} url @param {() => void} greet Called each time that it stands.
 */
export function connect(url, greet) {
  address = url;
  opened = greet;
  open();
}

function open() {
  const made = new WebSocket(address);
  made.binaryType = "arraybuffer";
  socket = made;
  made.addEventListener("open", () => {
    failures = 0;
    const waiting = queue;
    queue = [];
    opened();
    for (const packet of waiting) made.send(packet);
    tell("connection", { state: "open" }, {});
  });
  made.addEventListener("message", ({ data }) => receive(data));
  made.addEventListener("close", () => {
    const lost = new Refused(say("socket.lost"));
    for (const { reject } of askers.values()) reject(lost);
    askers.clear();
    queue = [];
    tell("connection", { state: "lost" }, {});
    setTimeout(open, Math.min(500 * 2 ** failures, LONGEST_WAIT));
    failures += 1;
  });
}

/** @param {string | ArrayBuffer} data */
function receive(data) {
  const { header, arrays } =
    typeof data === "string" ? { header: JSON.parse(data), arrays: {} } : unpack(data);
  const asker = askers.get(header.id);
  if (asker === undefined) {
    tell(header.type, header, arrays);
    return;
  }
  askers.delete(header.id);
  if (header.type === "error") asker.reject(new Refused(header.sentence));
  else asker.resolve({ header, arrays });
}

/** @param {string} type @param {Header} header @param {Tensors} arrays */
function tell(type, header, arrays) {
  for (const listener of listeners.get(type) ?? []) listener(header, arrays);
}

/**
 * Ask the server; a refusal rejects with its sentence.
 * @param {string} type @param {Header} [fields] @param {Tensors} [arrays]
 * @returns {Promise<Answer>}
 */
export function ask(type, fields = {}, arrays = {}) {
  lastId += 1;
  const header = { ...fields, id: lastId, type };
  const packet =
    Object.keys(arrays).length > 0 ? pack(header, arrays) : JSON.stringify(header);
  const state = socket?.readyState;
  if (state === WebSocket.OPEN) socket?.send(packet);
  else if (state === WebSocket.CONNECTING || socket === null) queue.push(packet);
  else return Promise.reject(new Refused(say("socket.lost")));
  return new Promise((resolve, reject) => askers.set(header.id, { resolve, reject }));
}

/**
 * Hear what the server tells by itself: "learn", "epoch", "watch", "weights", "note",
 * "state"; and "connection" ({state: "open" | "lost"}) from here.
 * @param {string} type @param {(header: Header, arrays: Tensors) => void} listener
 * @returns {() => void} Stops listening.
 */
export function listen(type, listener) {
  const all = listeners.get(type) ?? new Set();
  listeners.set(type, all.add(listener));
  return () => all.delete(listener);
}
