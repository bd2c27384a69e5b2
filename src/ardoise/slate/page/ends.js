// @ts-check
/* From the network's outputs to the loss and its gradient, in a table. */

import { plain } from "./answer.js";
import { make, written } from "./dom.js";
import { endsOf } from "./stages.js";
import { again, number, percent, signed } from "./words.js";

const HEAD = [
  "ends.class",
  "ends.z",
  "ends.power",
  "ends.p",
  "ends.wanted",
  "ends.slope",
];

/** The table of softmax and loss.
 * @param {(kind: "softmax" | "loss", index: number) => void} open Shows a formula.
 */
export function makeEnds(open) {
  const body = make("tbody");
  const loss = make("button", { type: "button" });
  loss.addEventListener("click", () => open("loss", label));
  const titles = HEAD.map((text) => make("th", { scope: "col", text }));
  const table = make(
    "table",
    { class: "numbers ends" },
    make("thead", {}, make("tr", {}, ...titles)),
    body,
  );
  let label = 0;
  const item = make(
    "li",
    { class: "flow-row flow-ends" },
    make("h3", { text: "ends.title" }),
    make(
      "div",
      { class: "scroll", tabindex: "0", role: "group", label: "ends.title" },
      table,
    ),
    make("p", { class: "row" }, make("span", { text: "ends.loss" }), loss),
  );

  /** @param {import("./stages.js").End} end @param {number} k @param {string} name
   * @param {boolean} isFirst Whether it is what the network reads. */
  function rowOf({ z, power, p, wanted, slope }, k, name, isFirst) {
    const look = { type: "button", class: "small" };
    const share = written("button", () => percent(p, 2), look);
    share.addEventListener("click", () => open("softmax", k));
    const kind = slope < 0 ? "cyan" : "amber";
    return make(
      "tr",
      { class: `${isFirst ? "first" : ""} ${wanted ? "wanted" : ""}` },
      make("th", { scope: "row" }, plain(name)),
      written("td", () => number(z)),
      written("td", () => number(power)),
      make("td", {}, share),
      make("td", {}, String(wanted)),
      written("td", () => signed(slope), { class: kind }),
    );
  }

  return {
    item,
    /** @param {ArrayLike<number>} z @param {number} right The right class.
     * @param {number} value The loss. @param {string[]} classes */
    show(z, right, value, classes) {
      label = right;
      const ends = endsOf(z, right);
      const most = Math.max(...ends.map(({ p }) => p));
      body.replaceChildren(
        ...ends.map((end, k) => rowOf(end, k, classes[k], end.p === most)),
      );
      again(loss, () => {
        loss.textContent = `L = −log ${number(ends[right].p, 4)} = ${number(value, 4)}`;
      });
    },
  };
}
