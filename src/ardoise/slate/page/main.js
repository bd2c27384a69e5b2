// @ts-check
/* The start of the page: its connection, and its keys. */

import { attempt, element, showProblem } from "./dom.js";
import { startFrame } from "./frame.js";
import { start as startHelp } from "./help.js";
import { ask, connect, listen } from "./socket.js";
import { NAMES, begin, nameWindow, openMore, show } from "./sections.js";
import { shared, shortcuts } from "./state.js";
import { onLanguage, say } from "./words.js";

const ELSEWHERE = { g: "learn", ".": "learn", ",": "draw" };
/** Where keys are letters, or lead somewhere else. */
const TYPING =
  "input:not([type=range], [type=radio], [type=checkbox]), select, textarea, " +
  "[contenteditable], .takes-keys";
const address = new URLSearchParams(location.search);
/* Keys. */

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.closest(TYPING);
  if (event.key === "Escape") openMore(false);
  if (
    typing ||
    event.ctrlKey ||
    event.altKey ||
    event.metaKey ||
    event.defaultPrevented
  )
    return;
  if (/** @type {HTMLDialogElement} */ (element("dialog")).open) return;
  const number = "1234567".indexOf(event.key);
  if (number >= 0) location.hash = `#${NAMES[number]}`;
  else if (event.key === "?") element("help").click();
  else if (event.key in ELSEWHERE) {
    const home = ELSEWHERE[/** @type {keyof typeof ELSEWHERE} */ (event.key)];
    begin(/** @type {"learn" | "draw"} */ (home)).then(() =>
      shortcuts.get(event.key)?.(),
    );
  } else return;
  event.preventDefault();
}

/* The server. */

/** @param {boolean} isNew Whether another network may draw now. */
async function greet(isNew) {
  const { header } = await ask("hello", { lang: document.documentElement.lang });
  const { layers, input, parameters, classes, learning } = header;
  const { version } = shared.get();
  shared.set({
    ...{ server: header, learning, classes: classes.map(String) },
    network: { layers, input, params: parameters },
    version: isNew ? version + 1 : version,
  });
}

function listenToServer() {
  listen("connection", ({ state }) => {
    if (state === "open") showProblem("");
    else showProblem(say("socket.lost"));
    if (state === "lost") shared.set({ learning: "lost" });
  });
  // A recording is one however far it has come, and greets once.
  const isReplay = () => shared.get().server?.replay === true;
  listen("state", ({ learning }) => {
    if (isReplay()) return;
    const ended = learning === "idle" && shared.get().learning !== "idle";
    shared.set({ learning });
    if (ended) attempt(() => greet(true)); // what was learned draws from now on
  });
  listen("learn", ({ step }) => shared.set({ step }));
  // Its network draws already.
  listen("epoch", () => isReplay() || attempt(() => greet(false)));
}

async function main() {
  await startFrame(address.get("lang"));
  startHelp(element("help"));
  listenToServer();
  const secure = location.protocol === "https:" ? "wss" : "ws";
  const token = encodeURIComponent(address.get("token") ?? "");
  connect(`${secure}://${location.host}/ws?token=${token}`, () =>
    attempt(() => greet(true)),
  );
  onLanguage(() => attempt(() => greet(false)));
  onLanguage(nameWindow);
  element("more").addEventListener("click", () => {
    openMore(!element("rail").classList.contains("open"));
  });
  element("skip").addEventListener("click", (event) => {
    event.preventDefault();
    element("main").focus();
  });
  addEventListener("hashchange", () => show(true));
  addEventListener("keydown", onKey);
  show(false);
}

main();
