// @ts-check
/* Teach the network a hand: how far it is, and both results before and after. */

import { announce, attempt, button, make } from "./dom.js";
import { ask, listen } from "./socket.js";
import { shared } from "./state.js";
import { onLanguage, percent, say } from "./words.js";

/** @param {() => number} count How many digits there are. */
export function makeTeach(count) {
  const bar = make("progress", { max: 1, hidden: true, label: "hand.teaching" });
  const result = make("div", { class: "hand-result" });
  const teach = button("hand.teach", () => attempt(begin, teach), { class: "primary" });
  const card = make(
    "div",
    { class: "card" },
    make("h3", { text: "hand.teach_title" }),
    make("p", { class: "soft", text: "hand.teach_lead" }),
    make("div", { class: "row" }, teach, bar),
    result,
  );
  /** @type {Record<string, any> | null} */
  let found = null;

  listen("teach", ({ share }) => {
    bar.hidden = false;
    bar.value = share;
  });

  async function begin() {
    bar.hidden = false;
    bar.value = 0;
    try {
      found = (await ask("hand.teach")).header;
      if (!found.refused) shared.set({ version: shared.get().version + 1 });
      show();
      announce(result.textContent ?? "");
    } finally {
      bar.hidden = true;
    }
  }

  function show() {
    teach.setAttribute("aria-disabled", String(count() === 0));
    if (found === null) return;
    const { known_total: total, digits, refused, sentence } = found;
    const { own, known } = /** @type {Record<string, number[]>} */ (found);
    const decimals = total > 2000 ? 2 : 1;
    const rows = [
      measure("hand.on_mine", digits, own, 0),
      measure("hand.on_others", total, known, decimals),
    ];
    const [a, b, c, d] = [
      ...own.map((x) => percent(x)),
      ...known.map((x) => percent(x, decimals)),
    ];
    const said = refused ? sentence : say("hand.taught", { a, b, c, d });
    const seen = make("p", {
      class: "soft small",
      text: "hand.seen",
      hidden: found.set_apart,
    });
    const note = make("p", { class: refused ? "note refusal" : "note" }, said);
    result.replaceChildren(...rows, note, seen);
  }

  /** Two bars, before and after. @param {string} text @param {number} n
   * @param {number[]} shares @param {number} decimals
   */
  function measure(text, n, shares, decimals) {
    const names = ["hand.before", "hand.after"];
    const bars = shares.map((share, i) => {
      const fill = make("span", { class: "fill" });
      fill.style.transform = `scaleX(${share})`;
      return make(
        "li",
        { class: i === 0 ? "" : "first" },
        make("span", { class: "name", text: names[i] }),
        make("span", { class: "track", "aria-hidden": "true" }, fill),
        make("span", { class: "value" }, percent(share, decimals)),
      );
    });
    const title = make("h4", { text, values: { n } });
    return make("div", {}, title, make("ul", { class: "bars hand-bars" }, ...bars));
  }

  onLanguage(show);
  return { card, show };
}
