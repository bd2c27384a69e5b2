// @ts-check
/* The figures of a map on their board, and the one that is looked at. */

import { plain } from "./answer.js";
import { make } from "./dom.js";
import { frameOf, nearest, onCanvas, towards } from "./map.js";
import { shared } from "./state.js";
import { say } from "./words.js";

// CSS pixels, where the board has its full width.
const [WIDTH, HEIGHT, MARGIN, REACH] = [640, 460, 16, 14];
const SHARP = 2; // pixels of the canvas for one of them

/** @typedef {{points: Float32Array, labels: Int32Array, rows: Int32Array}} Places */

/** Light on the slate; a figure each says the same. @param {number} label */
const colourOf = (label) => `hsl(${(label * 137.5) % 360} 75% 72%)`;

/** @param {(i: number) => void} looked Hears which one is looked at. */
export function makeScatter(looked) {
  /** @type {Places | null} */
  let places = null;
  let frame = frameOf([], WIDTH, HEIGHT, MARGIN);
  let at = -1;
  const canvas = make("canvas", { width: WIDTH * SHARP, height: HEIGHT * SHARP });
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const about = {
    ...{ tabindex: "0", role: "slider" },
    ...{ "aria-valuemin": "1", "aria-valuenow": "1" }, // while it is empty, too
  };
  const board = make(
    "div",
    { class: "map takes-keys", label: "map.title", ...about },
    canvas,
  );

  /** @param {Places} shown @param {number} i @param {string} font */
  function write({ points, labels }, i, font) {
    const [x, y] = onCanvas(frame, points[2 * i], points[2 * i + 1]);
    ink.font = `${font} system-ui, sans-serif`;
    ink.fillText(nameOf(labels[i]).slice(0, 2), x, y);
    return [x, y];
  }

  function draw() {
    ink.setTransform(SHARP, 0, 0, SHARP, 0, 0);
    ink.clearRect(0, 0, WIDTH, HEIGHT);
    if (places === null) return;
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    places.labels.forEach((label, i) => {
      ink.fillStyle = colourOf(label);
      if (places !== null && i !== at) write(places, i, "12px");
    });
    ink.fillStyle = ink.strokeStyle = "#fff";
    const [x, y] = write(places, at, "bold 22px");
    ink.strokeRect(x - 13, y - 14, 26, 27);
  }

  /** @param {number} i */
  const nameOf = (i) => plain(shared.get().classes[i]);

  /** @param {number} i */
  function go(i) {
    if (places === null || i < 0 || i === at) return;
    at = i;
    const words = { n: i + 1, label: nameOf(places.labels[i]) };
    board.setAttribute("aria-valuemax", String(places.labels.length));
    board.setAttribute("aria-valuenow", String(i + 1));
    board.setAttribute("aria-valuetext", say("map.image", words));
    draw();
    looked(i);
  }

  /** @param {MouseEvent} event */
  function goUnder({ clientX, clientY }) {
    if (places === null) return;
    const { left, top, width } = canvas.getBoundingClientRect();
    const scale = WIDTH / width;
    const [x, y] = [(clientX - left) * scale, (clientY - top) * scale];
    go(nearest(frame, places.points, x, y, REACH * scale));
  }

  board.addEventListener("pointermove", goUnder);
  board.addEventListener("click", goUnder);
  board.addEventListener("keydown", (event) => {
    if (places === null) return;
    const next = towards(places.points, at, event.key);
    if (next === null) return;
    event.preventDefault();
    go(next);
  });
  return {
    board,
    /** @param {Places} next */
    show(next) {
      places = next;
      frame = frameOf(next.points, WIDTH, HEIGHT, MARGIN);
      at = -1;
      go(0);
    },
  };
}
