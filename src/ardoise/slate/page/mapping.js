// @ts-check
/* A map of 1,000 images as a layer sees them: a figure each, near others that it takes
 * for alike. Beside it the image that is looked at, below it the same as a table. */

import { plain } from "./answer.js";
import { makeTable } from "./controls.js";
import { announce, attempt, button, make } from "./dom.js";
import { paintGrey } from "./images.js";
import { groupsOf, partedShare } from "./map.js";
import { makeScatter } from "./scatter.js";
import { ask } from "./socket.js";
import { latest, sendToDraw, shared } from "./state.js";
import { onLanguage, percent, put } from "./words.js";

/** @typedef {import("./scatter.js").Places} Places */

export function makeMap() {
  /** @type {Places | null} */
  let places = null;
  /** @type {number | null} */
  let layerShown = null;
  let spread = 0; // the share of it that the map shows
  /** @type {Uint8Array | null} */
  let image = null;
  const summary = make("p", { class: "soft" });
  const seen = make("canvas", { class: "map-image", "aria-hidden": "true" });
  const told = make("p", { class: "small" });
  const toDraw = button("inside.to_draw", () => image && sendToDraw(image));
  const side = make("div", { class: "figure map-side", hidden: true });
  side.append(seen, told, toDraw);
  const scatter = makeScatter((i) => look(i));
  const groups = makeTable(["map.class", "map.images", "map.own", "map.other"]);
  const card = make(
    "div",
    { class: "card" },
    make("h3", { text: "map.title" }),
    summary,
    make("p", { class: "soft small", text: "map.how" }),
    make("div", { class: "map-body" }, scatter.board, side),
    make("details", {}, make("summary", { text: "map.table" }), groups.element),
  );

  const look = latest((/** @type {number} */ i) => attempt(() => showImage(i)));

  /** @param {number} i */
  async function showImage(i) {
    if (places === null) return;
    const label = () => plain(shared.get().classes[places?.labels[i] ?? 0]);
    const { arrays } = await ask("example", { row: places.rows[i] });
    image = /** @type {Uint8Array} */ (arrays.image.data);
    paintGrey(seen, image);
    put(told, "map.image", { n: i + 1, label });
    side.hidden = false;
  }

  /** The same in words and in a table. */
  function tell() {
    if (places === null) return;
    const { classes } = shared.get();
    const found = groupsOf(places.points, places.labels, classes.length);
    put(summary, layerShown === null ? "map.summary_images" : "map.summary", {
      n: places.labels.length,
      shares: percent(spread),
      parted: percent(partedShare(found)),
    });
    groups.show(
      found.map(({ n, own, other }, k) => [
        plain(classes[k]),
        String(n),
        n > 0 ? percent(own) : "–",
        other < 0 ? "–" : plain(classes[other]),
      ]),
    );
  }

  onLanguage(tell);
  return {
    card,
    /** @param {number | null} layer Null: the images themselves. */
    async show(layer) {
      layerShown = layer;
      put(summary, "map.wait");
      const { header, arrays } = await ask("map", layer === null ? {} : { layer });
      const { points, labels, rows } = arrays;
      const found = { points: points.data, labels: labels.data, rows: rows.data };
      places = /** @type {Places} */ (found);
      spread = header.shares[0] + header.shares[1];
      scatter.show(places);
      tell();
      announce(summary.textContent ?? "");
    },
  };
}
