import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { pack, tensor, unpack } from "../../../src/ardoise/slate/page/packets.js";

mock.timers.enable({ apis: ["setTimeout"] });

/** A WebSocket whose other end is the test. */
class FakeSocket extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 3;
  static made = [];

  constructor(url) {
    super();
    Object.assign(this, { url, readyState: FakeSocket.CONNECTING, sent: [] });
    FakeSocket.made.push(this);
  }

  send(packet) {
    this.sent.push(packet);
  }

  open() {
    this.readyState = FakeSocket.OPEN;
    this.dispatchEvent(new Event("open"));
  }

  close() {
    this.readyState = FakeSocket.CLOSED;
    this.dispatchEvent(new Event("close"));
  }

  tell(data) {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}
globalThis.WebSocket = FakeSocket;
const { Refused, ask, connect, listen } = await import(
  "../../../src/ardoise/slate/page/socket.js"
);
const now = () => FakeSocket.made.at(-1);
const sent = (i) => JSON.parse(now().sent.at(i));

test("a connection: questions, answers, pushes, and another connection", async () => {
  const states = [];
  listen("connection", ({ state }) => states.push(state));
  const early = ask("example"); // before there is any connection
  connect("ws://here/ws", () => {
    ask("hello", { lang: "fr" }).catch(() => {}); // the connection may go before
  });
  assert.equal(now().sent.length, 0);
  now().open();
  assert.deepEqual([sent(0).type, sent(1).type], ["hello", "example"]);
  now().tell(JSON.stringify({ id: sent(1).id, type: "example", label: 7 }));
  assert.equal((await early).header.label, 7);

  // Arrays travel both ways, and answers may come in another order.
  const pad = tensor(Uint8Array.from([1, 2]), 1, 2);
  const [drawn, whys] = [ask("draw", {}, { pad }), ask("why")];
  const { header, arrays } = unpack(now().sent.at(-2));
  assert.deepEqual([header.type, arrays.pad], ["draw", pad]);
  now().tell(JSON.stringify({ id: sent(-1).id, type: "error", sentence: "No." }));
  now().tell(pack({ id: header.id, type: "draw" }, { pad }));
  assert.deepEqual((await drawn).arrays, { pad });
  await assert.rejects(whys, (error) => error instanceof Refused && error.message === "No.");

  // What the server says by itself.
  const heard = [];
  const stop = listen("learn", ({ step }) => heard.push(step));
  now().tell(JSON.stringify({ type: "learn", step: 1 }));
  stop();
  now().tell(JSON.stringify({ type: "learn", step: 2 }));
  now().tell(JSON.stringify({ type: "nobody listens" }));
  assert.deepEqual(heard, [1]);

  // Lost: what waits is refused, and it connects again, ever more patiently.
  const lost = ask("cell");
  now().close();
  await assert.rejects(lost, Refused);
  await assert.rejects(ask("cell"), Refused);
  assert.deepEqual(states, ["open", "lost"]);
  for (const wait of [500, 1000, 2000, 4000, 8000, 8000]) {
    const { length } = FakeSocket.made;
    mock.timers.tick(wait - 1);
    assert.equal(FakeSocket.made.length, length);
    mock.timers.tick(1);
    assert.equal(FakeSocket.made.length, length + 1);
    if (wait === 8000) break;
    now().close();
  }
  now().open();
  assert.deepEqual([sent(0).type, states.at(-1)], ["hello", "open"]);
});
