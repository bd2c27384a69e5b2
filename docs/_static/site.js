/* Small mends of the theme: what scrolls can be reached by the keyboard, and landmarks
 * have names. */
"use strict";

const LANDMARKS = {
  en: { ".sidebar-drawer": "Site", ".toc-drawer": "On this page" },
  fr: { ".sidebar-drawer": "Site", ".toc-drawer": "Sur cette page" },
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

addEventListener("DOMContentLoaded", () => {
  nameLandmarks();
  mendScrolling();
});
addEventListener("load", () => {
  mendFigures();
  mendScrolling();
});
addEventListener("resize", mendScrolling);
