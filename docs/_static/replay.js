// @ts-check
/* The slate's page, told what was recorded: this stands in the place of its server.
 *
 * A recording is a line, then for each packet: milliseconds, bytes, checksum (uint32,
 * little-endian), and the packet (see ardoise.slate.recording). Start plays what was
 * pushed while the network learned; pauses and the end are answered here. */

import { pack, unpack } from "./page/packets.js";

const SHOWN = 15000; // milliseconds that the training is shown in
const LINE = "ardoise slate recording 1\n".length;

/** @typedef {{at: number, header: import("./page/packets.js").Header,
 *   arrays: import("./page/packets.js").Tensors}} Entry */

/** @param {ArrayBuffer} file @returns {Entry[]} */
function entriesOf(file) {
  const view = new DataView(file);
  const entries = [];
  for (let place = LINE; place + 12 <= file.byteLength; ) {
    const size = view.getUint32(place + 4, true);
    const packet = file.slice(place + 12, place + 12 + size);
    entries.push({ at: view.getUint32(place, true), ...unpack(packet) });
    place += 12 + size;
  }
  return entries;
}

const file = await fetch(new URL("recording.bin", import.meta.url));
const entries = entriesOf(await file.arrayBuffer());
const answers = entries.filter(({ header }) => "id" in header);
const pushes = entries.filter(({ header }) => !("id" in header));
const first = pushes[0].at;
const took = pushes[pushes.length - 1].at - first;

/** The recorded answer to a request: the first, or that after the training.
 * @param {string} type @param {boolean} after */
function answerOf(type, after) {
  const found = answers.filter(({ header }) => header.type === type);
  return found[after ? found.length - 1 : 0];
}

/** A WebSocket whose other end is the recording. */
class Recording extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 3;
  readyState = Recording.CONNECTING;
  state = "idle";
  next = 0; // of the pushes
  step = 0; // that was last told
  timer = 0;

  constructor() {
    super();
    setTimeout(() => {
      this.readyState = Recording.OPEN;
      this.dispatchEvent(new Event("open"));
    });
  }

  /** @param {string | ArrayBuffer} packet */
  send(packet) {
    const { header } =
      typeof packet === "string" ? { header: JSON.parse(packet) } : unpack(packet);
    setTimeout(() => this.answer(header));
  }

  /** @param {import("./page/packets.js").Header} header @param {any} [arrays] */
  tell(header, arrays = {}) {
    const data = pack(header, arrays);
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  /** @param {import("./page/packets.js").Header} request */
  answer({ id, type }) {
    const isOver = this.next === pushes.length;
    const found = answerOf(type, isOver || (type === "hello" && this.next > 0));
    if (type in this.orders) {
      this.tell({ ...found?.header, id, type });
      this.orders[type]();
    } else if (found) {
      const header = { ...found.header, id };
      if ("learning" in header) header.learning = this.state;
      const all = answerOf("learn.moments", true).header.steps;
      const seen = (/** @type {number} */ step) => step <= this.step;
      if (type === "learn.moments" && !isOver) header.steps = all.filter(seen);
      this.tell(header, found.arrays);
    } else {
      this.tell({ id, type: "error", sentence: words["replay.silent"] });
    }
  }

  /** @type {Record<string, () => void>} */
  orders = {
    "learn.start": () => {
      this.next = 0;
      this.play();
    },
    "learn.resume": () => {
      this.change("running");
      this.play();
    },
    "learn.pause": () => {
      clearTimeout(this.timer);
      this.change("paused");
    },
    "learn.stop": () => {
      clearTimeout(this.timer);
      while (this.next < pushes.length) this.push();
    },
  };

  /** @param {string} learning */
  change(learning) {
    this.state = learning;
    this.tell({ type: "state", learning, step: this.step });
  }

  push() {
    const { header, arrays } = pushes[this.next];
    if (header.type === "state") this.state = header.learning;
    this.step = header.step ?? this.step;
    this.next += 1;
    this.tell(header, arrays);
  }

  play() {
    this.push();
    if (this.next === pushes.length) return;
    const wait = pushes[this.next].at - pushes[this.next - 1].at;
    this.timer = setTimeout(() => this.play(), (wait * SHOWN) / took);
  }
}

const lang = document.documentElement.lang;
const words = await (await fetch(new URL(`words/${lang}.json`, import.meta.url))).json();
history.replaceState(null, "", `?lang=${lang}#learn`);
// Keys that lead to other sections have nothing to show here.
addEventListener(
  "keydown",
  (event) => /^[1-7,?]$/.test(event.key) && event.stopImmediatePropagation(),
  true,
);
Object.assign(globalThis, { WebSocket: Recording });
await import("./page/main.js");
document.querySelector(".served")?.remove();
const number = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
document.querySelector("#took")?.append(number.format(took / 1000));
