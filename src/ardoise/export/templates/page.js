"use strict";
// @ts-check
/* A slate to draw on, and what a network reads on it. Written by ardoise @VERSION@.
 * Everything happens here: the page's policy forbids it to connect to anything. */

/** @type {readonly string[]} */
const CLASSES = @CLASSES@;
const HEIGHT = @HEIGHT@; // of the picture that the network receives
const WIDTH = @WIDTH@;
const DARK_ON_LIGHT = @DARK_ON_LIGHT@; // as the pictures that it learned from
// How a drawing is prepared; null where it is only brought to the network's size.
/** @type {Settings | null} */
const SETTINGS = @SETTINGS@;
/** @type {Record<string, Record<string, string>>} */
const TEXTS = @TEXTS@;

@CORE@

@PREPARE@

/* -- the page ------------------------------------------------------------------- */

const CELL = Math.max(1, Math.round(560 / Math.max(HEIGHT, WIDTH))); // drawn pixels a pixel
const PEN = (Math.max(HEIGHT, WIDTH) / 28) * 2.3; // its width, in pixels of the picture
const QUIET = 400; // milliseconds without a stroke before the answer is said
const SURE = 0.6; // below, it is not sure

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
const element = (id) => /** @type {T} */ (document.getElementById(id));

const slate = /** @type {HTMLCanvasElement} */ (element("slate"));
const picture = /** @type {HTMLCanvasElement} */ (element("picture"));
slate.width = WIDTH * CELL;
slate.height = HEIGHT * CELL;
const ink = /** @type {CanvasRenderingContext2D} */ (
  slate.getContext("2d", { willReadFrequently: true })
);
const small = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));

/** @typedef {[number, number]} Point In pixels of the picture, from its upper left. */
/** @type {Point[][]} */
let strokes = [];
/** @type {Map<number, Point[]>} Strokes that fingers and pens are drawing. */
const drawing = new Map();
/** @type {{at: Point, stroke: Point[] | null}} The pen of the keyboard. */
const pen = { at: [WIDTH / 2, HEIGHT / 2], stroke: null };
const wanted = new URLSearchParams(location.search).get("lang") ?? navigator.language;
let language = /^fr\b/i.test(wanted) ? "fr" : "en";
let timer = 0;
let frame = 0;

/** A sentence with its values. @param {string} key @param {Record<string, string>} values */
function say(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** @param {number} p */
function percent(p) {
  return new Intl.NumberFormat(language, { style: "percent" }).format(p);
}

/* From strokes to probabilities. */

function drawStrokes() {
  ink.clearRect(0, 0, slate.width, slate.height);
  ink.strokeStyle = ink.fillStyle = "#f4f1e6";
  ink.lineWidth = PEN * CELL;
  ink.lineCap = ink.lineJoin = "round";
  for (const stroke of strokes) {
    ink.beginPath();
    if (stroke.length === 1) {
      ink.arc(stroke[0][0] * CELL, stroke[0][1] * CELL, (PEN * CELL) / 2, 0, 7);
      ink.fill();
    } else {
      for (const [x, y] of stroke) ink.lineTo(x * CELL, y * CELL);
      ink.stroke();
    }
  }
}

/** The drawing as grey levels: 255 where there is chalk. */
function greyLevels() {
  const { data } = ink.getImageData(0, 0, slate.width, slate.height);
  return Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 3]);
}

/** The picture that the network receives. @returns {Uint8Array} */
function received() {
  if (SETTINGS) return prepareDrawing(greyLevels(), slate.height, slate.width, SETTINGS);
  const fitted = fitImage(greyLevels(), slate.height, slate.width, HEIGHT, WIDTH);
  return DARK_ON_LIGHT ? fitted.map((level) => 255 - level) : fitted;
}

function update() {
  frame = 0;
  drawStrokes();
  const image = received();
  show(image, strokes.length > 0 ? predictProba(image) : null);
  element("invitation").hidden = strokes.length > 0;
  for (const id of ["clear", "undo"]) {
    element(id).setAttribute("aria-disabled", String(strokes.length === 0));
  }
}

function changed() {
  if (frame === 0) frame = requestAnimationFrame(update);
  clearTimeout(timer);
  timer = setTimeout(speak, QUIET);
}

/* What is shown. */

/** @param {Uint8Array} image @param {number[] | null} p */
function show(image, p) {
  const pixels = small.createImageData(WIDTH, HEIGHT);
  image.forEach((level, i) => pixels.data.set([level, level, level, 255], 4 * i));
  small.putImageData(pixels, 0, 0);
  const best = p === null ? -1 : p.indexOf(Math.max(...p));
  element("best").textContent = p === null ? "" : CLASSES[best];
  element("best").classList.toggle("long", p !== null && [...CLASSES[best]].length > 2);
  [...element("bars").children].forEach((bar, i) => {
    const share = p === null ? 0 : p[i];
    bar.classList.toggle("first", i === best);
    const [, track, value] = /** @type {HTMLElement[]} */ ([...bar.children]);
    /** @type {HTMLElement} */ (track.firstElementChild).style.transform = `scaleX(${share})`;
    value.textContent = p === null ? "" : percent(share);
  });
}

/** Write the answer where screen readers hear of it. */
function speak() {
  if (strokes.length === 0) {
    element("answer").textContent = say("empty");
    return;
  }
  const p = predictProba(received());
  const order = p.map((_, i) => i).sort((a, b) => p[b] - p[a]);
  const [first, second] = [order[0], order[1] ?? order[0]];
  const key = p[first] < SURE ? "unsure" : p[second] < 0.005 ? "sure" : "read";
  element("answer").textContent = say(key, {
    first: CLASSES[first],
    sure: percent(p[first]),
    second: CLASSES[second],
    perhaps: percent(p[second]),
  });
}

function makeBars() {
  for (const name of CLASSES) {
    const [bar, label, track, fill, value] = ["li", "span", "span", "span", "span"].map(
      (tag) => document.createElement(tag),
    );
    label.className = "name";
    label.textContent = name;
    label.translate = false;
    track.className = "track";
    track.setAttribute("aria-hidden", "true");
    fill.className = "fill";
    track.append(fill);
    value.className = "value";
    bar.append(label, track, value);
    element("bars").append(bar);
  }
}

/** @param {string} wanted */
function speakLanguage(wanted) {
  language = wanted;
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll("[data-text]")) {
    place.textContent = say(/** @type {HTMLElement} */ (place).dataset.text ?? "");
  }
  document.title = document.querySelector("h1")?.textContent + " – ardoise";
  const other = language === "fr" ? "en" : "fr";
  element("language").textContent = other === "fr" ? "Français" : "English";
  element("language").lang = other;
  element("network").textContent = say("network");
  picture.setAttribute("aria-label", say("picture"));
  update();
  speak();
}

/* Mouse, finger and pen. */

/** @param {PointerEvent} event @returns {Point} */
function place(event) {
  const box = slate.getBoundingClientRect();
  return [
    ((event.clientX - box.left) / box.width) * WIDTH,
    ((event.clientY - box.top) / box.height) * HEIGHT,
  ];
}

slate.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  event.preventDefault();
  element("pen").hidden = true;
  slate.setPointerCapture(event.pointerId);
  const stroke = [place(event)];
  drawing.set(event.pointerId, stroke);
  strokes.push(stroke);
  changed();
});

slate.addEventListener("pointermove", (event) => {
  const stroke = drawing.get(event.pointerId);
  if (stroke === undefined) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const each of events.length > 0 ? events : [event]) stroke.push(place(each));
  changed();
});

for (const end of ["pointerup", "pointercancel"]) {
  slate.addEventListener(end, (event) => {
    drawing.delete(/** @type {PointerEvent} */ (event).pointerId);
  });
}

/* Keyboard: arrows move a pen, the space bar puts it down and lifts it. */

/** @type {Record<string, Point>} */
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

slate.addEventListener("keydown", (event) => {
  if (event.altKey || event.metaKey) return;
  if (event.ctrlKey) {
    if (event.key !== "z") return;
    undo();
  } else if (event.key in ARROWS) {
    const [x, y] = ARROWS[event.key];
    movePen(x * (event.shiftKey ? 4 : 1), y * (event.shiftKey ? 4 : 1));
  } else if (event.key === " ") {
    if (!event.repeat) switchPen();
  } else if (event.key === "Delete" || event.key === "Backspace") {
    clear();
  } else {
    return;
  }
  event.preventDefault();
});

slate.addEventListener("focus", () => {
  if (slate.matches(":focus-visible")) showPen();
});
slate.addEventListener("blur", () => {
  element("pen").hidden = true;
  pen.stroke = null;
});

/** @param {number} x @param {number} y */
function movePen(x, y) {
  pen.at = [
    Math.min(Math.max(pen.at[0] + x, 0), WIDTH),
    Math.min(Math.max(pen.at[1] + y, 0), HEIGHT),
  ];
  if (pen.stroke !== null) {
    pen.stroke.push(pen.at);
    changed();
  }
  showPen();
}

function switchPen() {
  if (pen.stroke === null) {
    pen.stroke = [pen.at];
    strokes.push(pen.stroke);
    changed();
  } else {
    pen.stroke = null;
  }
  element("state").textContent = say(pen.stroke === null ? "pen_up" : "pen_down");
  showPen();
}

function showPen() {
  const mark = element("pen");
  mark.hidden = false;
  mark.classList.toggle("down", pen.stroke !== null);
  mark.style.left = `${(100 * pen.at[0]) / WIDTH}%`;
  mark.style.top = `${(100 * pen.at[1]) / HEIGHT}%`;
}

/* Buttons. */

function clear() {
  strokes = [];
  forgetPens();
}

function undo() {
  strokes.pop();
  forgetPens();
}

function forgetPens() {
  drawing.clear();
  pen.stroke = null;
  element("pen").classList.remove("down");
  changed();
}

element("clear").addEventListener("click", clear);
element("undo").addEventListener("click", undo);
element("language").addEventListener("click", () => {
  speakLanguage(language === "fr" ? "en" : "fr");
});

makeBars();
speakLanguage(language);

/* For the proof that this page computes what the network computed, and for the curious. */
Object.assign(globalThis, { ardoise: { CLASSES, predictProba, greyLevels, received } });
