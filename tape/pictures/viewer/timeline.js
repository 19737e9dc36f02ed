"use strict";

// Below: the bytes that are held after each op, forward and then back, and the cursor in them.

const HEIGHT = 100;
const MOST_COLUMNS = 2000;

function buildTimeline() {
  const most = heldAt(peak) || 1;
  const n = moments.length;
  const columns = Math.min(n, MOST_COLUMNS);
  const starts = Array.from({ length: columns + 1 }, (_, i) => Math.floor((i * n) / columns));
  const shown = starts.slice(1).map((end, i) => moments[fullest(starts[i], end)]);
  let below = shown.map(() => 0);
  const layers = roles.map((role) => {
    const above = below.map((base, i) => base + shown[i][role]);
    const y = (value) => (HEIGHT * (1 - value / most)).toFixed(2);
    const top = above.map((value, i) => `${starts[i]},${y(value)} ${starts[i + 1]},${y(value)}`);
    const bottom = below.map((value, i) => `${starts[i + 1]},${y(value)} ${starts[i]},${y(value)}`).reverse();
    below = above;
    return svg(`polygon.${role}`, { points: [...top, ...bottom].join(" ") });
  });
  const turn = moments.findIndex((moment) => moment.back);
  byId("timeline").append(
    svg(
      "svg",
      { viewBox: `0 0 ${n} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      turn < 0 ? null : svg("rect.way-back", { x: turn, y: 0, width: n - turn, height: HEIGHT }),
      layers,
    ),
    el(peak > 0.8 * n ? "div.peak.at-end" : "div.peak", { style: `left:${(100 * (peak + 0.5)) / n}%` }, el("span", {}, `peak ${bytes(heldAt(peak))}`)),
    el("div.cursor", { style: `width:max(2px, ${100 / n}%)` }),
  );
  for (const [key, value] of [["min", 0], ["max", n - 1]]) byId("timeline").setAttribute(`aria-value${key}`, value);
  const toPointer = (event) => {
    const { left, width } = byId("timeline").getBoundingClientRect();
    moveTo(Math.floor((n * (event.clientX - left)) / width));
  };
  byId("timeline").addEventListener("pointerdown", (event) => {
    byId("timeline").setPointerCapture(event.pointerId);
    toPointer(event);
  });
  byId("timeline").addEventListener("pointermove", (event) => event.buttons && toPointer(event));
}

function drawTimeline() {
  const { op, back } = here();
  byId("timeline").querySelector(".cursor").style.left = `${(100 * state.at) / moments.length}%`;
  const text = `${back ? "back" : "forward"}, op ${op} ${ops[op].name}, ${bytes(heldAt(state.at))} held`;
  byId("timeline").setAttribute("aria-valuenow", state.at);
  byId("timeline").setAttribute("aria-valuetext", text);
  byId("place").textContent = `${state.at + 1} / ${moments.length}`;
  byId("held").replaceChildren(
    ...roles.map((role) =>
      el(`div.${role}`, {}, el("dt", {}, role), el("dd", {}, datum(role, moments[state.at][role], bytes(moments[state.at][role])))),
    ),
  );
}
