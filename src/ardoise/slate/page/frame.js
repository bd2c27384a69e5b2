// @ts-check
/* Around the sections: language, theme, what the header tells. */

import { attempt, element } from "./dom.js";
import { shapeOf, shared } from "./state.js";
import { knows, load, put } from "./words.js";

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
  for (const choice of choices()) {
    choice.setAttribute("aria-pressed", String(choice.lang === lang));
  }
}

const choices = () => element("languages").querySelectorAll("button");

/** @param {string} lang */
async function choose(lang) {
  await speak(lang);
  memory("language", lang);
  const address = new URL(location.href);
  if (address.searchParams.has("lang")) {
    address.searchParams.set("lang", lang); // it stays when the page is reloaded
    history.replaceState(null, "", address);
  }
}

/** @param {string | null} wanted */
function firstLanguage(wanted) {
  const found = wanted ?? memory("language") ?? navigator.language;
  return /^fr\b/i.test(found) ? "fr" : "en";
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
  const dark = theme
    ? theme === "board"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(dark ? "paper" : "board");
}

/* The header. */

function showNetwork() {
  const { network } = shared.get();
  if (network === null) return;
  put(element("network"), "frame.network", {
    shape: shapeOf(network),
    n: network.params,
  });
}

function showDevice() {
  const { learning, step } = shared.get();
  const key = `frame.state.${learning}`;
  element("device").dataset.state = learning;
  put(element("device"), knows(key) ? key : "frame.state.idle", { step });
}

/** Give the switches their work, and speak. @param {string | null} wanted A language,
 * as the address has it. */
export async function startFrame(wanted) {
  setTheme(memory("theme"));
  await speak(firstLanguage(wanted));
  element("theme").addEventListener("click", otherTheme);
  for (const choice of choices()) {
    choice.addEventListener("click", () => attempt(() => choose(choice.lang)));
  }
  shared.subscribe(showNetwork, "network");
  shared.subscribe(showDevice, "learning", "step");
  showDevice();
}
