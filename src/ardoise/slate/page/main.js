// @ts-check
/* The start of the page: connection, sections, keys. */

import { attempt, element, showProblem } from "./dom.js";
import { startFrame } from "./frame.js";
import { start as startHelp } from "./help.js";
import { ask, connect, listen } from "./socket.js";
import { shared, shortcuts } from "./state.js";
import { onLanguage, say } from "./words.js";

/** Sections in the order of the rail: the module of each is loaded when first shown. */
const SECTIONS = {
  draw: () => import("./draw.js"),
  learn: () => import("./learn.js"),
  steps: () => import("./steps.js"),
  mistakes: () => import("./mistakes.js"),
  photo: () => import("./photo.js"),
  hand: () => import("./hand.js"),
  inside: () => import("./inside.js"),
};
/** @typedef {keyof typeof SECTIONS} Name */
const NAMES = /** @type {Name[]} */ (Object.keys(SECTIONS));
const ELSEWHERE = { g: "learn", ".": "learn", ",": "draw" };
const address = new URLSearchParams(location.search);
/** @type {Map<string, Promise<void>>} */
const started = new Map();
/** @type {Name | null} */
let shown = null;

/* Sections. */

/** @param {Name} name */
function begin(name) {
  const section = element(name);
  const known = started.get(name);
  if (known) return known;
  const loading = SECTIONS[name]()
    .then(({ start }) => start(section))
    .catch((error) => {
      console.error(error);
      showProblem(say("frame.broken", { section: say(`${name}.title`) }));
    });
  started.set(name, loading);
  return loading;
}

/** The section that the address names. @returns {Name} */
function wanted() {
  const name = /** @type {Name} */ (location.hash.slice(1).split("?")[0]);
  return NAMES.includes(name) ? name : (shown ?? "draw");
}

/** @param {boolean} byPerson Whether somebody asked for it: then the focus moves there. */
function show(byPerson) {
  const name = wanted();
  openMore(false);
  if (name === shown) return;
  shown = name;
  showProblem("");
  for (const each of NAMES) element(each).hidden = each !== name;
  for (const link of element("sections").querySelectorAll("a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  element("more").classList.toggle("holds", name === "hand" || name === "inside");
  nameWindow();
  begin(name);
  scrollTo(0, 0);
  if (byPerson) element(`${name}-title`).focus({ preventScroll: true });
}

function nameWindow() {
  document.title = `${say(`${shown ?? "draw"}.title`)} – Ardoise`;
}

/** @param {boolean} open */
function openMore(open) {
  element("rail").classList.toggle("open", open);
  element("more").setAttribute("aria-expanded", String(open));
}

/* Keys. */

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.closest("input, select, textarea, [contenteditable], .takes-keys");
  if (event.key === "Escape") openMore(false);
  if (typing || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  if (/** @type {HTMLDialogElement} */ (element("dialog")).open) return;
  const number = "1234567".indexOf(event.key);
  if (number >= 0) location.hash = `#${NAMES[number]}`;
  else if (event.key === "?") element("help").click();
  else if (event.key in ELSEWHERE) {
    const home = ELSEWHERE[/** @type {keyof typeof ELSEWHERE} */ (event.key)];
    begin(/** @type {Name} */ (home)).then(() => shortcuts.get(event.key)?.());
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
  listen("state", ({ learning }) => {
    const ended = learning === "idle" && shared.get().learning !== "idle";
    shared.set({ learning });
    if (ended) attempt(() => greet(true)); // what was learned draws from now on
  });
  listen("learn", ({ step }) => shared.set({ step }));
}

async function main() {
  await startFrame(address.get("lang"));
  startHelp(element("help"));
  listenToServer();
  const secure = location.protocol === "https:" ? "wss" : "ws";
  const token = encodeURIComponent(address.get("token") ?? "");
  connect(`${secure}://${location.host}/ws?token=${token}`, () => attempt(() => greet(true)));
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
