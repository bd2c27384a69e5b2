// @ts-check
/* A map of 1,000 images as a layer sees them: a figure each, near others that look alike
 * to it. Beside it the image under the pointer; below it the same as a table. */

import { plain } from "./answer.js";
import { announce, attempt, button, make } from "./dom.js";
import { paintGrey } from "./images.js";
import { frameOf, groupsOf, nearest, onCanvas, partedShare, towards } from "./map.js";
import { ask } from "./socket.js";
import { latest, sendToDraw, shared } from "./state.js";
import { onLanguage, percent, put, say } from "./words.js";

const [WIDTH, HEIGHT, MARGIN, REACH] = [640, 460, 16, 14]; // CSS pixels, those of the canvas
const SHARP = 2; // pixels of the canvas a CSS pixel

/** @typedef {{points: Float32Array, labels: Int32Array, rows: Int32Array}} Places */

/** Light on the slate; a figure each says the same. @param {number} label */
const colourOf = (label) => `hsl(${(label * 137.5) % 360} 75% 72%)`;

export function makeMap() {
  /** @type {Places | null} */
  let places = null;
  let frame = frameOf([], WIDTH, HEIGHT, MARGIN);
  let at = -1;
  /** @type {Uint8Array | null} */
  let image = null;

  const canvas = make("canvas", { width: WIDTH * SHARP, height: HEIGHT * SHARP });
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const board = make("div", { class: "map takes-keys", tabindex: "0", role: "slider" }, canvas);
  const seen = make("canvas", { class: "map-image", "aria-hidden": "true" });
  const told = make("p", { class: "small" });
  const toDraw = button("inside.to_draw", () => image && sendToDraw(image), { class: "small" });
  const side = make("div", { class: "figure map-side", hidden: true }, seen, told, toDraw);
  const summary = make("p", { class: "soft" });
  const body = make("tbody");
  const titles = ["map.class", "map.images", "map.own", "map.other"].map((text) =>
    make("th", { scope: "col", text }),
  );
  const table = make("table", { class: "numbers" }, make("thead", {}, make("tr", {}, ...titles)), body);
  const card = make(
    "div",
    { class: "card" },
    make("h3", { text: "map.title" }),
    summary,
    make("p", { class: "soft small", text: "map.how" }),
    make("div", { class: "map-body" }, board, side),
    make("details", {}, make("summary", { text: "map.table" }), make("div", { class: "scroll" }, table)),
  );

  function draw() {
    ink.setTransform(SHARP, 0, 0, SHARP, 0, 0);
    ink.clearRect(0, 0, WIDTH, HEIGHT);
    if (places === null) return;
    const { points, labels } = places;
    const { classes } = shared.get();
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    for (let i = 0; i < labels.length; i++) {
      const [x, y] = onCanvas(frame, points[2 * i], points[2 * i + 1]);
      ink.font = i === at ? "bold 22px system-ui, sans-serif" : "12px system-ui, sans-serif";
      ink.fillStyle = i === at ? "#fff" : colourOf(labels[i]);
      ink.fillText(plain(classes[labels[i]]).slice(0, 2), x, y);
      if (i === at) {
        ink.strokeStyle = "#fff";
        ink.strokeRect(x - 13, y - 14, 26, 27);
      }
    }
  }

  const fetchImage = latest(() => attempt(async () => {
    if (places === null || at < 0) return;
    const { arrays } = await ask("example", { row: places.rows[at] });
    image = /** @type {Uint8Array} */ (arrays.image.data);
    paintGrey(seen, image);
    side.hidden = false;
  }));

  /** @param {number} i */
  function go(i) {
    if (places === null || i < 0 || i === at) return;
    at = i;
    const words = { n: i + 1, label: plain(shared.get().classes[places.labels[i]]) };
    put(told, "map.image", words);
    board.setAttribute("aria-valuenow", String(i + 1));
    board.setAttribute("aria-valuetext", say("map.image", words));
    draw();
    fetchImage(undefined);
  }

  /** @param {MouseEvent} event */
  function under(event) {
    const box = canvas.getBoundingClientRect();
    const scale = WIDTH / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    return places === null ? -1 : nearest(frame, places.points, x, y, REACH * scale);
  }

  board.addEventListener("pointermove", (event) => go(under(event)));
  board.addEventListener("click", (event) => go(under(event)));
  board.addEventListener("keydown", (event) => {
    if (places === null) return;
    const next = towards(places.points, Math.max(at, 0), event.key);
    if (next === null) return;
    event.preventDefault();
    go(next);
  });

  /** The same in words and in a table. @param {number} shares Of the spread. */
  function tell(shares) {
    if (places === null) return;
    const { classes } = shared.get();
    const groups = groupsOf(places.points, places.labels, classes.length);
    const parted = partedShare(groups);
    put(summary, "map.summary", {
      ...{ n: places.labels.length, shares: () => percent(shares) },
      parted: () => percent(parted),
    });
    body.replaceChildren(
      ...groups.map(({ n, own, other }, k) => {
        const cells = [String(n), n > 0 ? percent(own) : "–", other < 0 ? "–" : plain(classes[other])];
        const head = make("th", { scope: "row" }, plain(classes[k]));
        return make("tr", {}, head, ...cells.map((cell) => make("td", {}, cell)));
      }),
    );
    board.setAttribute("aria-label", say("map.title"));
    board.setAttribute("aria-valuemin", "1");
    board.setAttribute("aria-valuemax", String(places.labels.length));
    announce(summary.textContent ?? "");
  }
  let shares = 0;
  onLanguage(() => tell(shares));
  return {
    card,
    /** @param {number} layer */
    async show(layer) {
      put(summary, "map.wait");
      const { header, arrays } = await ask("map", { layer });
      places = /** @type {any} */ ({
        ...{ points: arrays.points.data, labels: arrays.labels.data, rows: arrays.rows.data },
      });
      shares = header.shares[0] + header.shares[1];
      frame = frameOf(arrays.points.data, WIDTH, HEIGHT, MARGIN);
      at = -1;
      side.hidden = true;
      draw();
      tell(shares);
    },
  };
}
