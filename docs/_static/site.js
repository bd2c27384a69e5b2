/* Small mends of the theme: what scrolls can be reached by the keyboard, landmarks have
 * names, and what the theme says in English is said in the page's language. */
"use strict";

const LANDMARKS = {
  en: { ".sidebar-drawer": "Site", ".toc-drawer": "On this page" },
  fr: { ".sidebar-drawer": "Site", ".toc-drawer": "Sur cette page" },
};
const FRENCH = {
  "Toggle site navigation sidebar": "Ouvrir ou fermer le plan du site",
  "Toggle table of contents sidebar": "Ouvrir ou fermer le sommaire de la page",
  "Toggle Light / Dark / Auto color theme": "Thème clair, sombre ou automatique",
};

function mendScrolling() {
  for (const box of document.querySelectorAll("pre, .scrolls, .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

// A figure is scrolled rather than made so small that its words cannot be read.
const SMALLEST = 0.42; // of the size at which it was drawn: letters of 8 pixels

function mendFigures() {
  for (const figure of document.querySelectorAll(".cell_output > img")) {
    figure.style.minWidth = `${Math.floor(SMALLEST * figure.naturalWidth)}px`;
    figure.parentElement.classList.add("scrolls");
  }
}

function nameLandmarks() {
  const names = LANDMARKS[document.documentElement.lang] ?? LANDMARKS.en;
  for (const [selector, name] of Object.entries(names)) {
    document.querySelector(selector)?.setAttribute("aria-label", name);
  }
}

function mendWords() {
  if (document.documentElement.lang !== "fr") return;
  for (const node of document.querySelectorAll("[aria-label]")) {
    const label = FRENCH[node.getAttribute("aria-label")];
    if (label) node.setAttribute("aria-label", label);
  }
}

addEventListener("DOMContentLoaded", () => {
  nameLandmarks();
  mendWords();
  mendScrolling();
});
addEventListener("load", () => {
  mendFigures();
  mendScrolling();
});
addEventListener("resize", mendScrolling);
