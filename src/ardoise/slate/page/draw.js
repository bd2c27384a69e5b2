// @ts-check
/* Draw: the pad, and what the network makes of it. */

import { changesSentence, makeAnswer } from "./answer.js";
import { makeCell } from "./cell.js";
import { announce, attempt, make } from "./dom.js";
import { paintGrey } from "./images.js";
import { makeLayers } from "./layers.js";
import { tensor } from "./packets.js";
import { makePad } from "./pad.js";
import { makeQuestions } from "./questions.js";
import { ask, listen } from "./socket.js";
import { asked, latest, shared } from "./state.js";
import { makeTools } from "./tools.js";
import { onLanguage, percent, put } from "./words.js";

const QUIET = 400; // milliseconds without a stroke before the answer is said
/** Below this probability the network is not sure. */
const SURE = { min: 0.3, max: 0.99, step: 0.01, value: 0.6 };

const NOTHING = { probabilities: [], empty: true, refused: false, changes: [] };

/** @param {string} kind @param {string} title @param {...Node} content */
function card(kind, title, ...content) {
  return make(
    "div",
    { class: `card ${kind}` },
    make("h3", { text: title }),
    ...content,
  );
}

/** @param {HTMLElement} section */
export function start(section) {
  const board = make("div", { class: "board" });
  const invitation = make("p", { class: "invitation", text: "draw.invitation" });
  invitation.setAttribute("aria-hidden", "true"); // the pad has a name and the keys
  const toolBox = make("div", { class: "tools" });
  const mirror = make("canvas", { class: "mirror", role: "img", label: "draw.mirror" });
  const changes = make("p", { class: "soft small" });
  const sure = make("input", { type: "range", ...SURE });
  const sureSaid = make("span");
  const layersHost = make("div", { class: "layers" });
  const bar = make("div", { class: "row asks", role: "group", label: "draw.asks" });
  const panes = make("div", { class: "panes" });
  const answerCard = card("answer", "draw.answer");
  const seenCard = card("seen", "draw.mirror", mirror, changes);
  seenCard.append(make("label", { class: "field" }, sureSaid, sure));
  const cellCard = make("div", { class: "card closer" });
  const how = make("p", { class: "soft small", text: "layers.how" });
  section.append(
    make(
      "div",
      { class: "draw-top" },
      make("div", { class: "pad-side" }, board, toolBox),
      answerCard,
      seenCard,
    ),
    bar,
    panes,
    make(
      "div",
      { class: "draw-layers" },
      card("layers-card", "layers.title", how, layersHost),
      cellCard,
    ),
  );

  const threshold = () => Number(sure.value);
  const answer = makeAnswer(answerCard);
  const layers = makeLayers(layersHost, (cell, chosen) => closer.show(cell, chosen));
  const closer = makeCell(cellCard, layers.choose);
  layersHost.addEventListener("enter", closer.focus);
  const pad = makePad(board, {
    changed: () => {
      tools.refresh();
      invitation.hidden = !pad.isEmpty();
      send(undefined);
    },
    example: loadExample,
    tool: (erases) => tools.showTool(erases),
  });
  board.append(invitation);
  const tools = makeTools(toolBox, pad, () => loadExample());
  const questions = makeQuestions(bar, panes, { use: pad.load, threshold });
  let timer = 0;

  /** At most one drawing is on its way; of those that follow, the latest. */
  const send = latest(() => attempt(readDrawing));

  async function readDrawing() {
    /** @type {import("./packets.js").Tensors} */
    const drawn = { pad: pad.ink() };
    const picture = pad.picture();
    if (picture !== null) drawn.image = tensor(picture, 28, 28); // needs no preparing
    const { header, arrays } = await ask("draw", {}, drawn);
    const { refused, empty, changes, layers: seen } = header;
    const probabilities = /** @type {Float32Array} */ (arrays.probabilities.data);
    const image = /** @type {Uint8Array} */ (arrays.image.data);
    const reading = { probabilities, refused, empty, changes, layers: seen, arrays };
    shared.set({ reading, image: empty ? null : image });
    paintGrey(mirror, image);
    showAnswer();
    layers.show(seen, arrays);
    clearTimeout(timer);
    timer = setTimeout(rest, QUIET);
  }

  /** After a while without a stroke. */
  function rest() {
    if (section.hidden) return;
    layers.settle();
    announce(answer.sentence());
    questions.refresh();
  }

  function showAnswer() {
    const { reading, classes } = shared.get();
    put(sureSaid, "draw.sure_from", { p: () => percent(threshold()) });
    const { probabilities, empty, refused, changes: made } = reading ?? NOTHING;
    answer.show({ probabilities, empty, refused }, classes, threshold());
    const told = () => changesSentence(made, empty);
    put(changes, "draw.said", { sentence: told });
  }

  /** @param {number} [label] */
  async function loadExample(label) {
    const fields = label === undefined ? {} : { label };
    const answer = await attempt(() => ask("example", fields));
    if (answer) pad.load(/** @type {Uint8Array} */ (answer.arrays.image.data));
  }

  sure.addEventListener("input", showAnswer);
  onLanguage(showAnswer);
  const load = () => {
    const { image } = asked.get();
    if (image !== null) pad.load(image);
  };
  asked.subscribe(load, "image");
  shared.subscribe(() => send(undefined), "version");
  listen("epoch", () => send(undefined)); // what was learned so far draws
  tools.refresh();
  showAnswer();
  send(undefined);
  load();
}
