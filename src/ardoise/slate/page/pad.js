// @ts-check
/* The drawing pad: mouse, pen, touch and keyboard; eraser, undo, clear.
 *
 * Two canvases hold the same marks: one is seen, the other is what the server is
 * sent. */

import { SEEN, SENT, drawMarks, makeLayer } from "./chalk.js";
import { announce, make } from "./dom.js";
import { tensor } from "./packets.js";
import * as strokes from "./strokes.js";
import { put, say } from "./words.js";

/** @typedef {import("./strokes.js").Point} Point */
/** @typedef {import("./strokes.js").Stroke} Stroke */

const QUIET = 400; // milliseconds until the place of the cursor is said

/**
 * @param {HTMLElement} host Takes the pad.
 * @param {{changed: () => void, example: (label: number) => void,
 *   tool: (erases: boolean) => void}} heard What happens is told: another drawing, an
 *   example that is wanted, another tool.
 */
export function makePad(host, heard) {
  const seen = makeLayer(SEEN);
  const sent = makeLayer(SENT);
  const history = strokes.makeHistory();
  const cursor = make("div", { class: "pad-cursor", hidden: true });
  /** @type {Map<number, Stroke>} Strokes that are being drawn, by pointer. */
  const drawing = new Map();
  const pen = { width: 2.4, erases: false };
  /** @type {{at: Point, stroke: Stroke | null, timer: number}} Of the keyboard. */
  const keys = { at: [14, 14], stroke: null, timer: 0 };
  let frame = 0;

  const pad = seen.canvas;
  pad.className = "pad takes-keys";
  pad.tabIndex = 0;
  pad.setAttribute("role", "application");
  pad.setAttribute("aria-describedby", "pad-keys");
  put(pad, "pad.name", {}, "label");
  host.append(pad, cursor);

  function redraw() {
    frame = 0;
    drawMarks(seen, history.marks());
  }

  function changed() {
    if (frame === 0) frame = requestAnimationFrame(redraw);
    heard.changed();
  }

  /** @param {Point} point @returns {Stroke} */
  function begin(point) {
    const stroke = { points: [point], ...pen };
    history.add(stroke);
    changed();
    return stroke;
  }

  const place = (/** @type {PointerEvent} */ event) =>
    strokes.pointOf(event, pad.getBoundingClientRect());

  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    cursor.hidden = true;
    pad.setPointerCapture(event.pointerId);
    drawing.set(event.pointerId, begin(place(event)));
  });
  pad.addEventListener("pointermove", (event) => {
    const stroke = drawing.get(event.pointerId);
    if (stroke === undefined) return;
    const events = event.getCoalescedEvents?.() ?? [];
    stroke.points.push(...(events.length > 0 ? events : [event]).map(place));
    changed();
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    pad.addEventListener(end, (event) => drawing.delete(event.pointerId));
  }

  function showCursor() {
    cursor.hidden = false;
    cursor.style.left = `${(100 * keys.at[0]) / strokes.SIDE}%`;
    cursor.style.top = `${(100 * keys.at[1]) / strokes.SIDE}%`;
  }

  /** @param {Point} by @param {boolean} draws */
  function go(by, draws) {
    if (!draws) keys.stroke = null;
    else keys.stroke ??= begin(strokes.middleOf(keys.at));
    keys.at = strokes.beside(keys.at, by);
    keys.stroke?.points.push(strokes.middleOf(keys.at));
    if (draws) changed();
    clearTimeout(keys.timer);
    if (draws) return;
    const [column, row] = keys.at.map((n) => n + 1);
    keys.timer = setTimeout(() => announce(say("pad.at", { column, row })), QUIET);
  }

  pad.addEventListener("keydown", (event) => {
    const command = strokes.commandOf(event);
    if (command === null) return;
    event.preventDefault();
    if (command.does === "example") heard.example(command.label);
    else if (command.does === "clear") api.clear();
    else if (command.does === "undo") api.undo();
    else if (command.does === "erase") api.erase(!pen.erases);
    else if (command.does === "dot") begin(strokes.middleOf(keys.at));
    else go(command.by, command.does === "draw");
    showCursor();
  });
  pad.addEventListener("keyup", ({ key }) => {
    if (key === "Shift") keys.stroke = null;
  });
  pad.addEventListener("focus", () => pad.matches(":focus-visible") && showCursor());
  pad.addEventListener("blur", () => (cursor.hidden = true));

  /** @param {() => void} change */
  const then = (change) => () => {
    drawing.clear();
    keys.stroke = null;
    change();
    changed();
  };
  const api = {
    element: pad,
    clear: then(history.clear),
    undo: then(history.undo),
    canUndo: history.canUndo,
    isEmpty: () => history.marks().length === 0,
    /** @param {Uint8Array} image 28×28 */
    load: (image) => then(() => history.load(image))(),
    /** @param {boolean} on */
    erase(on) {
      pen.erases = on;
      heard.tool(on);
    },
    /** @param {number} width In pixels of the image. */
    setWidth: (width) => (pen.width = width),
    picture: history.picture,
    /** What is drawn, as the server wants it. */
    ink() {
      drawMarks(sent, history.marks());
      const { data } = sent.ink.getImageData(0, 0, SENT, SENT);
      return tensor(strokes.inkOf(data), SENT, SENT);
    },
  };
  return api;
}
