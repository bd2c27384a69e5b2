"""How long an answer takes, measured in the page."""

import time
from dataclasses import dataclass

import numpy as np

from browser.driving import DIGITS, points_on

# Wraps the page's socket: when was a drawing sent, when was its answer there, when was
# it shown (all listeners done), and since when was the pen where it was drawn?
LISTENER = """
(() => {
  const Plain = WebSocket;
  const drawings = new Map();
  window.drawn = [];
  window.points = [];
  let pen = null;
  addEventListener("pointermove", () => (pen ??= performance.now()), true);
  const headerOf = (packet) => {
    if (typeof packet === "string") return JSON.parse(packet);
    const bytes = new Uint8Array(packet, 4, new DataView(packet).getUint32(0, true));
    return JSON.parse(new TextDecoder().decode(bytes));
  };
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        const now = performance.now();
        const { id, type, points } = headerOf(data);
        if (type === "learn") window.points.push(points);
        const sent = drawings.get(id);
        if (sent === undefined) return;
        setTimeout(() => {
          if (sent.pen !== null)
            drawn.push([now - sent.at, performance.now() - sent.pen]);
        });
      });
    }
    send(packet) {
      super.send(packet);
      const { id, type } = headerOf(packet);
      if (type !== "draw") return;
      drawings.set(id, { at: performance.now(), pen });
      pen = null;
    }
  };
})();
"""
STROKES = [DIGITS[digit] for digit in (3, 8)]
RATE = 60  # points a second


@dataclass(frozen=True)
class Latency:
    """The 95th percentiles of what was measured, in milliseconds.

    Attributes
    ----------
    round_trip : float
        From a drawing's departure to its answer.
    pen : float
        From the first movement of the pen that a drawing holds, maybe while another was
        on its way, until its answer stands on the page.
    answers : int
    """

    round_trip: float
    pen: float
    answers: int

    def __str__(self):
        return (
            f"{self.pen} ms from the pen to the page, {self.round_trip} ms to the "
            f"answer alone (95th percentiles of {self.answers} drawings)"
        )


def measure(page, rounds=1):
    """Draw as a hand does; return how quickly answers came."""
    page.evaluate("drawn.length = 0")
    for strokes in STROKES * rounds:
        for stroke in strokes:
            points = np.array(points_on(page, stroke))
            way = np.linspace(0, len(points) - 1, 60)
            columns = [np.interp(way, range(len(points)), c) for c in points.T]
            page.mouse.move(*points[0])
            page.mouse.down()
            for x, y in zip(*columns, strict=True):
                page.mouse.move(x, y)
                time.sleep(1 / RATE)
            page.mouse.up()
        page.keyboard.press("Delete")
    times = np.array(page.evaluate("drawn"))
    assert len(times) >= 20
    return Latency(*np.percentile(times, 95, axis=0).round(1).tolist(), len(times))
