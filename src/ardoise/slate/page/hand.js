// @ts-check
/* My hand: somebody's own digits, written on a guided sheet, and a network that learns
 * them. They stay on this machine. */

import { announce, attempt, button, make } from "./dom.js";
import { imageOf, paintGrey } from "./images.js";
import { tensor } from "./packets.js";
import { ask } from "./socket.js";
import { makeTeach } from "./teach.js";
import { put, say } from "./words.js";
import { makeWriting } from "./writing.js";

/** @typedef {import("./socket.js").Answer} Answer */

const LARGEST = 64_000; // bytes of a file that a message can hold

/** @param {HTMLElement} section */
export function start(section) {
  let count = 0;
  const writing = makeWriting(show);
  const teach = makeTeach(() => count);
  const number = make("p", { class: "soft" });
  const thumbs = make("ul", { class: "thumbs hand-thumbs", label: "hand.mine" });
  const file = make("input", { type: "file", accept: ".npz", hidden: true });
  const save = button("hand.export", () => attempt(exportAll, save));
  file.addEventListener("change", async () => {
    await attempt(importAll);
    file.value = "";
  });
  section.append(
    writing.card,
    make(
      "div",
      { class: "card" },
      make("h3", { text: "hand.mine" }),
      ...[number, thumbs],
      make(
        "div",
        { class: "row" },
        save,
        button("hand.import", () => file.click()),
        file,
      ),
      make("p", { class: "soft small", text: "hand.stays" }),
    ),
    teach.card,
  );

  /** Show all digits. @param {Answer} answer */
  function show({ header, arrays }) {
    const labels = /** @type {string[]} */ (header.labels);
    count = labels.length;
    put(number, count === 0 ? "hand.nothing" : "hand.count", { n: count });
    save.setAttribute("aria-disabled", String(count === 0));
    const pile = /** @type {{data: Uint8Array, shape: number[]}} */ (arrays.images);
    thumbs.replaceChildren(
      ...labels.map((label, i) => {
        const canvas = make("canvas", { "aria-hidden": "true" });
        paintGrey(canvas, imageOf(pile, i));
        const values = { label, n: i + 1 };
        const removal = make(
          "button",
          {
            ...{ type: "button", class: "danger", label: "hand.remove", values },
            ...{
              hint: "hand.remove_hint",
              on: { click: () => attempt(() => remove(i)) },
            },
          },
          "×",
        );
        return make(
          "li",
          {},
          canvas,
          make("div", {}, make("span", {}, label), removal),
        );
      }),
    );
    writing.show(header);
    teach.show();
  }

  /** @param {number} n */
  async function remove(n) {
    const answer = await ask("hand.remove", { n });
    show(answer);
    announce(say("hand.removed", { n: count }));
    const buttons = thumbs.querySelectorAll("button");
    const next = buttons[Math.min(n, buttons.length - 1)] ?? save;
    next.focus();
  }

  async function exportAll() {
    const { header, arrays } = await ask("hand.export");
    const content = new Blob([new Uint8Array(arrays.file.data)]);
    const link = make("a", {
      href: URL.createObjectURL(content),
      download: header.name,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async function importAll() {
    const chosen = file.files?.[0];
    if (!chosen) return;
    if (chosen.size > LARGEST) throw new Error(say("hand.too_large"));
    const content = new Uint8Array(await chosen.arrayBuffer());
    const before = count;
    show(await ask("hand.import", {}, { file: tensor(content, content.length) }));
    announce(say("hand.imported", { n: count - before }));
  }

  // Corrections of Photo and Draw come here too: look again whenever it is shown.
  const look = () =>
    section.hidden || attempt(async () => show(await ask("hand.list")));
  new MutationObserver(look).observe(section, { attributeFilter: ["hidden"] });
  look();
}
