// @ts-check
/* The start of the page: language, theme, connection, sections, keys. */

import { attempt, element, showProblem } from "./dom.js";
import { start as startHelp } from "./help.js";
import { ask, connect, listen } from "./socket.js";
import { shapeOf, shared, shortcuts } from "./state.js";
import { knows, load, onLanguage, put, say } from "./words.js";

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

/** A choice that outlives the page, where the browser allows it. @param {string} name
 * @param {string} [value] */
function memory(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`ardoise.${name}`, value);
    return localStorage.getItem(`ardoise.${name}`);
  } catch {
    return null;
  }
}

/* Language and theme. */

/** @param {string} lang */
async function speak(lang) {
  await load(lang);
  memory("language", lang);
  for (const choice of element("languages").querySelectorAll("button")) {
    choice.setAttribute("aria-pressed", String(choice.lang === lang));
  }
  nameWindow();
}

function firstLanguage() {
  const wanted = address.get("lang") ?? memory("language") ?? navigator.language;
  return /^fr\b/i.test(wanted) ? "fr" : "en";
}

/** @param {string | null} theme "board", "paper", or null: as the system has it. */
function setTheme(theme) {
  if (theme === "board" || theme === "paper") {
    document.documentElement.dataset.theme = theme;
    memory("theme", theme);
  }
}

function otherTheme() {
  const { theme } = document.documentElement.dataset;
  const dark = theme ? theme === "board" : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(dark ? "paper" : "board");
}

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

async function greet() {
  const { header } = await ask("hello", { lang: document.documentElement.lang });
  const layers = header.layers ?? header.network?.layers ?? [];
  const params = layers.reduce((/** @type {number} */ n, /** @type {any} */ l) => n + l.params, 0);
  const input = header.input ?? header.network?.input ?? [28, 28];
  shared.set({
    server: header,
    classes: (header.classes ?? shared.get().classes).map(String),
    network: { layers, input, params },
    learning: header.learning?.state ?? header.learning ?? "idle",
    version: shared.get().version + 1,
  });
}

function showNetwork() {
  const { network } = shared.get();
  if (network === null) return;
  put(element("network"), "frame.network", { shape: shapeOf(network), n: network.params });
}

function showDevice() {
  const { learning, step } = shared.get();
  const key = `frame.state.${learning}`;
  element("device").dataset.state = learning;
  put(element("device"), knows(key) ? key : "frame.state.idle", { step });
}

function listenToServer() {
  listen("connection", ({ state }) => {
    if (state === "open") showProblem("");
    else showProblem(say("socket.lost"));
    if (state === "lost") shared.set({ learning: "lost" });
  });
  listen("state", ({ learning }) => shared.set({ learning }));
  listen("learn", ({ step }) => shared.set({ step }));
  shared.subscribe(showNetwork, "network");
  shared.subscribe(showDevice, "learning", "step");
}

async function main() {
  setTheme(memory("theme"));
  await speak(firstLanguage());
  startHelp(element("help"));
  listenToServer();
  const secure = location.protocol === "https:" ? "wss" : "ws";
  const token = encodeURIComponent(address.get("token") ?? "");
  connect(`${secure}://${location.host}/ws?token=${token}`, () => attempt(greet));
  onLanguage(() => attempt(greet));
  element("theme").addEventListener("click", otherTheme);
  element("more").addEventListener("click", () => {
    openMore(!element("rail").classList.contains("open"));
  });
  for (const choice of element("languages").querySelectorAll("button")) {
    choice.addEventListener("click", () => attempt(() => speak(choice.lang)));
  }
  element("skip").addEventListener("click", (event) => {
    event.preventDefault();
    element("main").focus();
  });
  addEventListener("hashchange", () => show(true));
  addEventListener("keydown", onKey);
  show(false);
}

main();
